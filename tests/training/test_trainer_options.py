"""Options of optimizers in a Trainer equal those of an optimizer on its parameters alone."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, optim, schedules

from tests.support.networks import network, samples
from tests.support.registry import FLOATS, OPTIMIZERS, label, same_bits

Array = np.ndarray[Any, Any]

every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)
OPTIONS: list[dict[str, Any]] = [
    {"clip_norm": 0.05},
    {"clip_value": 0.01},
    {"l1": 0.1, "l2": 0.2},
    {"clip_norm": 0.05, "clip_value": 0.01, "l1": 0.1, "l2": 0.2},
]


def trained(
    make: Any, epochs: int = 3, dtype: Any = np.float32, steps: int = 0, **options: Any
) -> simdnn.nn.Sequential:
    """A network after a few epochs, or after a few steps on all samples."""
    model = network([6, 20, 9, 3], dtype=dtype)
    x, y = samples("mse", 50, 6, 3, dtype)
    trainer = Trainer(model, loss="mse", optimizer=make(), seed=0, **options)
    if steps:
        trainer.fit(x, y, epochs=steps, batch_size=None)
    else:
        trainer.fit(x, y, epochs=epochs, batch_size=16)
    return model


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_options_of_the_trainer_are_those_of_the_optimizer(options: dict[str, Any], dtype: Any) -> None:
    by_trainer = trained(lambda: optim.Adam(lr=0.01), dtype=dtype, **options)
    by_optimizer = trained(lambda: optim.Adam(lr=0.01, **options), dtype=dtype)
    plain = trained(lambda: optim.Adam(lr=0.01), dtype=dtype)
    assert same_bits(by_trainer.flat_parameters, by_optimizer.flat_parameters)
    assert not same_bits(by_trainer.flat_parameters, plain.flat_parameters)


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_options_are_the_same_alone_and_bound(options: dict[str, Any]) -> None:
    bound, free = network([4, 9, 2], dtype=np.float32), network([4, 9, 2], dtype=np.float32)
    x, y = samples("mse", 20, 4, 2, np.float32)
    trainer = Trainer(bound, loss="mse", optimizer=optim.Adam(), **options)
    optimizer = optim.Adam(list(free.parameters().values()), **options)
    for _ in range(10):
        trainer.step(x, y)
        optimizer.step(list(bound.gradients().values()))
        assert same_bits(bound.flat_parameters, free.flat_parameters)
    if "clip_norm" in options:
        assert trainer.optimizer.grad_norm == optimizer.grad_norm


def test_max_norm_holds_weights_and_leaves_biases() -> None:
    model = trained(lambda: optim.SGD(lr=0.5, max_norm=0.4), epochs=20)
    for name, value in model.parameters().items():
        if name.endswith("weight"):
            assert np.linalg.norm(value, axis=0).max() <= 0.4 * (1 + 1e-6)
    assert np.linalg.norm(model.parameters()["0.bias"]) > 0.4


@pytest.mark.parametrize("dtype", FLOATS)
def test_penalties_may_leave_biases_alone(dtype: Any) -> None:
    """In a step of SGD, penalties change the weights and the loss alone changes the biases."""
    options: dict[str, Any] = {"lr": 0.05, "l1": 0.02, "l2": 0.1}
    plain = trained(lambda: optim.SGD(lr=0.05), steps=1, dtype=dtype).parameters()
    all_of_them = trained(lambda: optim.SGD(**options), steps=1, dtype=dtype).parameters()
    weights = trained(lambda: optim.SGD(**options, penalize_bias=False), steps=1, dtype=dtype).parameters()
    for name, value in weights.items():
        other = plain if name.endswith("bias") else all_of_them
        assert same_bits(value, other[name])
        assert not same_bits(plain[name], all_of_them[name])


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_weights_of_samples_are_as_many_of_them(loss: str) -> None:
    x, y = samples(loss, 40, 6, 3)
    counts = np.arange(40) % 4
    weighted, repeated = network([6, 9, 3]), network([6, 9, 3])
    histories = [
        Trainer(model, loss=loss).fit(*data, epochs=20, batch_size=None, shuffle=False, **options)
        for model, data, options in (
            (weighted, (x, y), {"sample_weight": counts, "validation_data": (x, y, counts)}),
            (repeated, (np.repeat(x, counts, axis=0), np.repeat(y, counts, axis=0)), {}),
        )
    ]
    assert np.allclose(weighted.flat_parameters, repeated.flat_parameters, rtol=1e-9, atol=1e-12)
    assert np.allclose(histories[0].loss, histories[1].loss, rtol=1e-9)
    assert np.allclose(histories[0].val_loss[:-1], histories[0].loss[1:], rtol=1e-9)


def test_a_batch_without_weight_changes_nothing() -> None:
    empty_first, alone = network([6, 9, 3]), network([6, 9, 3])
    x, y = samples("mse", 32, 6, 3)
    trainer = Trainer(empty_first, loss="mse", optimizer=optim.SGD(lr=0.1))
    weight = np.r_[np.zeros(16), np.ones(16)]
    history = trainer.fit(x, y, epochs=1, batch_size=16, shuffle=False, sample_weight=weight)
    loss = Trainer(alone, loss="mse", optimizer=optim.SGD(lr=0.1)).step(x[16:], y[16:])
    assert same_bits(empty_first.flat_parameters, alone.flat_parameters)
    assert history.loss == [loss]


@every_optimizer
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_an_optimizer_has_its_settings_and_no_parameters(
    rule: str, make: Any, settings: dict[str, Any], duplicate: Any
) -> None:
    options = {"l1": 0.01, "clip_norm": 0.5, "penalize_bias": False}
    schedule = schedules.exponential(0.1, 0.9)
    original = make(**settings | {"lr": schedule}, **options)
    first = trained(lambda: original)
    second = trained(lambda: duplicate(original))
    assert same_bits(first.flat_parameters, second.flat_parameters)
    assert repr(duplicate(original)) == repr(original)


def test_l2_shrinks_and_l1_makes_zeros_likelier() -> None:
    plain = trained(lambda: optim.SGD(lr=0.05), epochs=60).flat_parameters
    ridge = trained(lambda: optim.SGD(lr=0.05), epochs=60, l2=0.1).flat_parameters
    lasso = trained(lambda: optim.SGD(lr=0.01), epochs=200, l1=0.02).flat_parameters
    assert np.linalg.norm(ridge) < 0.8 * np.linalg.norm(plain)
    assert (np.abs(lasso) < 1e-3).mean() > 3 * (np.abs(plain) < 1e-3).mean() + 0.1


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.warm_up(4, schedules.cosine(0.1, 8)),
        schedules.one_cycle(0.1, 12),
        schedules.step(0.1, 5),
        lambda step: 0.1 / (1 + step),
    ],
    ids=["warm_up", "one_cycle", "step", "function"],
)
def test_an_epoch_follows_a_schedule(schedule: Any) -> None:
    """An epoch has the bits of steps whose lr is set one by one."""
    whole, single = network([6, 9, 3]), network([6, 9, 3])
    x, y = samples("mse", 50, 6, 3)
    trainer = Trainer(whole, loss="mse", optimizer=optim.SGD(lr=schedule, momentum=0.9))
    trainer.fit(x, y, epochs=3, batch_size=16, shuffle=False)
    follower = Trainer(single, loss="mse", optimizer=optim.SGD(momentum=0.9))
    for step in range(12):
        part = slice(step % 4 * 16, step % 4 * 16 + 16)
        follower.optimizer.lr = float(schedule(step))
        follower.step(x[part], y[part])
    assert trainer.optimizer.steps == 12
    assert same_bits(whole.flat_parameters, single.flat_parameters)


def test_single_steps_follow_a_schedule_too() -> None:
    asked = []

    def rate(step: int) -> float:
        asked.append(step)
        return 0.1

    model = network([6, 9, 3])
    x, y = samples("mse", 50, 6, 3)
    trainer = Trainer(model, loss="mse", optimizer=optim.SGD(lr=rate))
    for _ in range(3):
        trainer.step(x, y)
    assert asked == [0, 1, 2]


def test_a_plateau_is_seen_after_each_epoch() -> None:
    model = network([6, 9, 3])
    x, y = samples("mse", 50, 6, 3)
    schedule = schedules.reduce_on_plateau(1e-12, factor=0.5, patience=1, eps=0.0)
    trainer = Trainer(model, loss="mse", optimizer=optim.SGD(lr=schedule))
    trainer.fit(x, y, epochs=5, validation_data=(x, y))
    assert schedule.lr == 0.25e-12
    assert schedule.best == pytest.approx(trainer.evaluate(x, y)[0])


@pytest.mark.parametrize("dtype", FLOATS)
@every_optimizer
def test_state_of_a_trainer_goes_on_with_the_same_bits(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    first, second = network([6, 9, 3], dtype=dtype), network([6, 9, 3], dtype=dtype)
    x, y = samples("mse", 50, 6, 3, dtype)
    trainers = [Trainer(model, loss="mse", optimizer=make(**settings)) for model in (first, second)]
    for _ in range(5):
        trainers[0].step(x, y)
    state = trainers[0].optimizer.state_dict()
    for entry, view in zip(state["state"].values(), first.parameters().values(), strict=False):
        assert all(value.shape in ((), view.shape) for value in entry.values())
    second.flat_parameters[:] = first.flat_parameters
    trainers[1].optimizer.load_state_dict(state)
    for trainer in trainers:
        for _ in range(5):
            trainer.step(x, y)
    assert same_bits(first.flat_parameters, second.flat_parameters)


def test_state_moves_between_a_trainer_and_arrays() -> None:
    model = network([6, 9, 3], dtype=np.float32)
    x, y = samples("mse", 50, 6, 3, np.float32)
    trainer = Trainer(model, loss="mse", optimizer=optim.NAdam(lr=0.01))
    for _ in range(5):
        trainer.step(x, y)
    arrays = [value.copy() for value in model.parameters().values()]
    alone = optim.NAdam(arrays)
    alone.load_state_dict(trainer.optimizer.state_dict())
    trainer.step(x, y)
    alone.step(list(model.gradients().values()))
    assert same_bits(np.concatenate([a.ravel() for a in arrays]), model.flat_parameters)


def test_a_refused_step_of_a_trainer_changes_nothing() -> None:
    model = network([6, 9, 3])
    x, y = samples("mse", 50, 6, 3)
    trainer = Trainer(model, loss="mse", optimizer=optim.Adam(skip_nonfinite=True))
    before = model.flat_parameters.copy()
    x[3, 2] = np.nan
    assert np.isnan(trainer.step(x, y))
    trainer.fit(x, y, epochs=2, batch_size=len(x))
    assert trainer.optimizer.skipped == 3
    assert trainer.optimizer.steps == 0
    assert same_bits(model.flat_parameters, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_norm": -1}, "clip_norm: .*-1"),
        ({"clip_value": float("nan")}, "clip_value: .*nan"),
        ({"l1": -0.5}, "l1: .*-0.5"),
        ({"l2": float("inf")}, "l2: .*inf"),
        ({"clip_norm": 2.0}, "clip_norm: the optimizer has 1, the Trainer 2"),
    ],
)
def test_bad_options_are_refused_and_leave_the_optimizer_alone(options: dict[str, Any], message: str) -> None:
    optimizer = optim.Adam(clip_norm=1.0)
    with pytest.raises(ValueError, match=message):
        Trainer(network([4, 3]), optimizer=optimizer, **{"clip_value": 3.0, **options})
    assert (optimizer.clip_norm, optimizer.clip_value, optimizer.l1) == (1.0, None, 0.0)
    Trainer(network([4, 3]), optimizer=optimizer)
