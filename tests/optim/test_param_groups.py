"""Groups of parameters: rates, weight decay and freezing of their own, alone and bound by a trainer."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, fit_many, nn, optim, schedules

from tests.oracles import rules
from tests.support.networks import network, samples
from tests.support.registry import OPTIMIZERS, hypers_of, label, same_bits, spread

Array = np.ndarray[Any, Any]

every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)
SIZES = (40, 3, 17, 70)
#: Settings of a group of one array each, and the learning rate and weight decay that they mean.
OWN: list[dict[str, float]] = [
    {},
    {"lr": 0.02, "weight_decay": 0.0},
    {"lr_factor": 0.25, "weight_decay_factor": 3.0},
    {"lr_factor": 0.0},
]


def gradients(t: int, sizes: tuple[int, ...] = SIZES) -> list[Array]:
    return [spread(size + t, np.float64)[t:] for size in sizes]


def arrays() -> list[Array]:
    return [spread(size, np.float64) for size in SIZES]


def grouped(make: Any, params: list[Array], **settings: Any) -> optim.Optimizer:
    """An optimizer with a group for each array."""
    groups = [{"params": [p]} | own for p, own in zip(params, OWN, strict=True)]
    return make(groups, **settings)


@every_optimizer
def test_each_group_follows_the_rule_with_its_own_numbers(
    rule: str, make: Any, settings: dict[str, Any]
) -> None:
    params = arrays()
    start = [p.copy() for p in params]
    optimizer = grouped(make, params, **settings)
    common = hypers_of(optimizer, settings)
    lr, decay = common["lr"], common["weight_decay"]
    hypers = [
        common,
        common | {"lr": 0.02, "weight_decay": 0.0},
        common | {"lr": 0.25 * lr, "weight_decay": 3 * decay},
    ]
    for t in range(1, 51):
        optimizer.step(gradients(t))
    for i, own in enumerate(hypers):
        state, wanted = rules.State(), start[i]
        for t in range(1, 51):
            wanted = rules.apply(rule, wanted, gradients(t)[i], state, t, **own)
        assert np.allclose(params[i], wanted, rtol=1e-12, atol=1e-12)
    assert same_bits(params[3], start[3])
    assert all(not slot[-SIZES[3] :].any() for slot in optimizer._native.slots()) or rule == "adagrad"


@every_optimizer
def test_groups_without_settings_change_no_bit(rule: str, make: Any, settings: dict[str, Any]) -> None:
    plain, split = arrays(), arrays()
    one = make(plain, **settings, clip_norm=0.5, l1=1e-3)
    two = make([{"params": split[:1]}, {"params": split[1:]}], **settings, clip_norm=0.5, l1=1e-3)
    for t in range(1, 8):
        for optimizer in (one, two):
            optimizer.step(gradients(t))
    assert all(map(same_bits, plain, split))


@every_optimizer
def test_a_thawed_group_begins_where_it_was_frozen(rule: str, make: Any, settings: dict[str, Any]) -> None:
    params = arrays()
    optimizer = make([{"params": params[:2]}, {"params": params[2:]}], **settings)
    start = params[2].copy()
    for t in range(1, 13):
        frozen = t <= 2 or 5 <= t <= 8
        optimizer.param_groups[1]["lr_factor"] = 0.0 if frozen else 1.0
        optimizer.step(gradients(t))
    hypers = hypers_of(optimizer, settings)
    for i, steps in ((0, range(1, 13)), (2, (3, 4, 9, 10, 11, 12))):
        state, wanted = rules.State(), arrays()[i]
        for count, t in enumerate(steps, start=1):
            wanted = rules.apply(rule, wanted, gradients(t)[i], state, count, **hypers)
        assert np.allclose(params[i], wanted, rtol=1e-12, atol=1e-12)
    assert optimizer.steps == 12
    assert not same_bits(params[2], start)


def test_factors_follow_a_schedule_and_numbers_stay() -> None:
    a, b, c = (np.zeros(1) for _ in range(3))
    schedule = schedules.exponential(1.0, 0.5)
    groups = [{"params": a}, {"params": b, "lr_factor": 0.5}, {"params": c, "lr": 0.25}]
    optimizer = optim.SGD(groups, lr=schedule)
    for t in range(4):
        before = a[0], b[0], c[0]
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == [schedule(t), 0.5 * schedule(t), 0.25]
        optimizer.step([[1.0]] * 3)
        assert [before[0] - a[0], before[1] - b[0], before[2] - c[0]] == rates


def test_frozen_gradients_do_not_count_for_the_norm_nor_for_the_check_of_finite_numbers() -> None:
    a, b = np.zeros(2), np.zeros(2)
    groups = [{"params": a}, {"params": b, "lr_factor": 0}]
    optimizer = optim.SGD(groups, lr=1.0, clip_norm=1.0, skip_nonfinite=True)
    optimizer.step([[3.0, 4.0], [np.inf, np.nan]])
    assert optimizer.grad_norm == 5.0
    assert optimizer.skipped == 0
    assert np.allclose(a, [-0.6, -0.8], atol=1e-6)
    assert not b.any()


def test_max_norm_and_groups_go_together() -> None:
    a, b, c = (np.full((4, 3), value) for value in (5.0, 5.0, 5.0))
    groups = [{"params": a}, {"params": b, "lr": 0.5}, {"params": c, "lr_factor": 0.0}]
    optim.SGD(groups, lr=0.1, max_norm=2.0).step([np.ones((4, 3))] * 3)
    assert np.allclose(np.linalg.norm(a, axis=0), 2.0)
    assert np.allclose(np.linalg.norm(b, axis=0), 2.0)
    assert (c == 5).all()


def trained(trainer: Trainer, steps: int = 6) -> Trainer:
    x, y = samples("mse", 20, 4, 2, trainer.model.dtype)
    for _ in range(steps):
        trainer.step(x, y)
    return trainer


@every_optimizer
@pytest.mark.parametrize(
    "options", [{}, {"l1": 1e-3, "l2": 1e-2, "penalize_bias": False}, {"clip_norm": 0.1}]
)
def test_named_groups_have_the_bits_of_groups_of_arrays(
    rule: str, make: Any, settings: dict[str, Any], options: dict[str, Any]
) -> None:
    bound, free = network([4, 9, 7, 2], dtype=np.float32), network([4, 9, 7, 2], dtype=np.float32)
    settings = settings | options
    named = [
        {"params": ["0.bias", "1"], "lr_factor": 0.1},
        {"params": "2.weight", "lr": 0.05, "weight_decay": 0.25},
    ]
    trainer = Trainer(bound, loss="mse", optimizer=make(named, **settings))
    views = free.parameters()
    names = [["0.bias", "1.weight", "1.bias"], ["2.weight"], ["0.weight", "2.bias"]]
    own = [{"lr_factor": 0.1}, {"lr": 0.05, "weight_decay": 0.25}, {}]
    alone = make(
        [{"params": [views[name] for name in group]} | more for group, more in zip(names, own, strict=True)],
        **settings,
    )
    assert [group["params"] for group in trainer.optimizer.param_groups] == names
    for _ in range(6):
        trained(trainer, 1)
        found = bound.gradients()
        alone.step([found[name] for group in names for name in group])
        for name, value in bound.parameters().items():
            assert same_bits(value, views[name])


def frozen_start(seed: int = 0, **settings: Any) -> Trainer:
    """A trainer whose first layer is frozen and whose last one has a rate of its own."""
    model = nn.Sequential(nn.Dense(4, 5, activation="tanh"), nn.Dense(5, 3), nn.Dense(3, 2), rng=seed)
    groups = [{"params": ["0"], "lr_factor": 0.0}, {"params": ["2"], "lr": 0.1, "weight_decay_factor": 0.5}]
    adam = optim.AdamW(groups, **({"lr": 0.01} | settings))
    return Trainer(model, "mse", adam, seed=seed)


def thawed(trainer: Trainer) -> Trainer:
    trainer.optimizer.param_groups[0]["lr_factor"] = 1.0
    return trainer


def same(a: Trainer, b: Trainer) -> bool:
    slots = zip(a._trainer.slots(), b._trainer.slots(), strict=True)
    return same_bits(a.model.flat_parameters, b.model.flat_parameters) and all(same_bits(*p) for p in slots)


def test_a_copy_of_a_bound_optimizer_serves_another_model_with_these_names() -> None:
    optimizer = copy.copy(trained(frozen_start()).optimizer)
    assert [group["params"][0] for group in optimizer.param_groups] == ["0.weight", "2.weight"]
    Trainer(network([4, 5, 3, 2, 2], dtype=np.float32), "mse", optimizer)
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2, 4]


def test_the_penalty_of_frozen_parameters_does_not_count() -> None:
    model = network([4, 5, 2])
    optimizer = optim.SGD([{"params": "0", "lr_factor": 0.0}], lr=0.1)
    trainer = Trainer(model, "mse", optimizer, l2=0.5, penalty="sum", seed=0)
    x, y = samples("mse", 20, 4, 2)
    free = [value for name, value in model.parameters().items() if name.startswith("1.")]
    squares = sum(float((value**2).sum()) for value in free)
    assert trainer.fit(x, y, epochs=1, batch_size=20).penalty[0] == pytest.approx(0.25 * squares / 20)


def test_copies_pickles_and_files_go_on_bit_for_bit(tmp_path: Path) -> None:
    trainer = trained(thawed(trained(frozen_start(weight_decay=schedules.flat_cos(0.1, 20)))))
    trainer.optimizer.param_groups[2]["lr_factor"] = 0.0
    trained(trainer)
    trainer.save(tmp_path / "trainer.safetensors")
    others = [
        copy.deepcopy(trainer),
        pickle.loads(pickle.dumps(trainer)),
        Trainer.load(tmp_path / "trainer.safetensors"),
    ]
    states = [other.optimizer.state_dict() for other in (trainer, *others)]
    assert repr(states[0]) == repr(states[1]) == repr(states[2]) == repr(states[3])
    trainer.optimizer.param_groups[2]["lr_factor"] = 0.5
    trained(trainer)
    for other in others:
        assert other.optimizer.param_groups[0]["lr_factor"] == 1.0
        other.optimizer.param_groups[2]["lr_factor"] = 0.5
        assert same(trained(other), trainer)


@pytest.mark.parametrize("settings", [{}, {"lr": schedules.cosine(0.02, 30)}])
def test_a_state_goes_on_bit_for_bit(settings: dict[str, Any]) -> None:
    trainer = trained(frozen_start(**settings))
    trainer.optimizer.param_groups[1]["lr"] = 0.3
    other = frozen_start(**settings)
    other.model.load_state_dict(trainer.model.state_dict())
    other.optimizer.load_state_dict(trainer.optimizer.state_dict())
    assert other.optimizer.steps == trainer.optimizer.steps
    assert same(trained(thawed(other)), trained(thawed(trainer)))


def test_fit_many_gives_the_bits_of_fit() -> None:
    x, y = samples("mse", 30, 4, 2, np.float32)
    trainers = [frozen_start(seed) for seed in range(3)] + [thawed(trained(frozen_start(3)))]
    alone = copy.deepcopy(trainers)
    fit_many(trainers, x, y, epochs=3, batch_size=7)
    for one, many in zip(alone, trainers, strict=True):
        one.fit(x, y, epochs=3, batch_size=7)
        assert same(one, many)


def test_one_optimizer_updates_several_models_under_one_norm() -> None:
    actor, critic = (nn.Sequential(nn.Dense(3, 2), rng=seed, dtype=np.float64) for seed in (0, 1))
    x, dy = spread(12, np.float64).reshape(4, 3), spread(8, np.float64).reshape(4, 2)
    for model in (actor, critic):
        model.forward(x, training=True)
        model.backward(dy)
    flat = np.concatenate([actor.flat_gradients, critic.flat_gradients])
    before = actor.flat_parameters.copy(), critic.flat_parameters.copy()
    for params in ([actor, critic], [{"params": actor}, {"params": critic, "lr_factor": 0.5}]):
        actor.flat_parameters[:], critic.flat_parameters[:] = before
        optimizer = optim.SGD(params, lr=1.0, clip_norm=0.25)
        optimizer.step()
        assert optimizer.grad_norm == pytest.approx(np.linalg.norm(flat), rel=1e-14)
        scale = 0.25 / (np.linalg.norm(flat) + 1e-6)
        factor = 0.5 if isinstance(params[0], dict) else 1.0
        assert np.allclose(before[0] - actor.flat_parameters, scale * actor.flat_gradients, atol=1e-15)
        assert np.allclose(
            before[1] - critic.flat_parameters, factor * scale * critic.flat_gradients, atol=1e-15
        )


def test_one_group_is_the_optimizer() -> None:
    p = np.zeros(1)
    optimizer = optim.SGD([p], lr=0.5)
    (group,) = optimizer.param_groups
    group["lr"] = 0.25
    group["weight_decay"] = 0.125
    assert (optimizer.lr, optimizer.weight_decay, group["lr"]) == (0.25, 0.125, 0.25)
    assert group["params"] == [p]
    with pytest.raises(ValueError, match="lr_factor: the optimizer has one group: set its lr"):
        group["lr_factor"] = 0.5
    with pytest.raises(KeyError, match="params"):
        group["params"] = []


def test_the_repr_makes_the_groups() -> None:
    optimizer = trained(frozen_start()).optimizer
    again = eval(repr(optimizer), vars(optim))
    assert repr(again) == repr(optimizer)
    assert "'lr_factor': 0.0" in repr(optimizer)


A = np.zeros(3)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            [{"params": A}, A],
            TypeError,
            r"params\[1\]: expected a dictionary, as the others are, got nd",
        ),
        ([{"params": A, "betas": (0, 0)}], ValueError, r"params\[0\]: 'betas' cannot differ between groups"),
        ([{"lr": 0.1}], KeyError, r"params\[0\]: expected the key 'params'"),
        ({"a": A}, TypeError, "params: expected a list of arrays, got dict; pass the model itself"),
        ([{"params": []}], ValueError, r"params\[0\]\['params'\]: expected at least one parameter"),
        (
            [{"params": {"a": A}}],
            TypeError,
            r"params\[0\]\['params'\]: expected names, arrays or a model",
        ),
        (
            [{"params": A, "lr": -1}],
            ValueError,
            r"params\[0\]\['lr'\]: expected a finite number >= 0, got -",
        ),
        ([{"params": A, "lr": np.nan}], ValueError, r"params\[0\]\['lr'\]: .* got nan"),
        (
            [{"params": A, "weight_decay": "1"}],
            TypeError,
            r"params\[0\]\['weight_decay'\]: expected a num",
        ),
        (
            [{"params": A, "lr": schedules.constant(1.0)}],
            TypeError,
            r"\['lr'\]: expected a number, got Sch",
        ),
        ([{"params": A, "lr_factor": np.inf}], ValueError, r"params\[0\]\['lr_factor'\]: .* got inf"),
        ([{"params": A, "lr": 1, "lr_factor": 1}], ValueError, r"expected lr or lr_factor, got both"),
        ([{"params": A}, {"params": A}], ValueError, r"params\[1\]: shares memory"),
        ([{"params": A}, {"params": "0.bias"}], TypeError, "names in all groups, for a Trainer, or arrays"),
    ],
)
def test_wrong_groups_are_refused(params: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        optim.Adam(params)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            [{"params": ["0.bais"]}],
            r"params\[0\]: the model has no '0.bais'; it has 0.weight, 0.bias, 1",
        ),
        ([{"params": ["0"]}, {"params": ["0.bias"]}], r"params\[1\]: '0.bias' is in params\[0\] already"),
        ([{"params": ["0.bias", "0.bias"]}], r"params\[0\]: '0.bias' is in params\[0\] already"),
    ],
)
def test_names_that_do_not_fit_leave_the_optimizer_free(groups: Any, message: str) -> None:
    optimizer = optim.Adam(groups)
    with pytest.raises(ValueError, match=message):
        Trainer(network([2, 3, 2]), optimizer=optimizer, clip_norm=1.0)
    assert optimizer.clip_norm is None
    assert not optimizer._bound


def test_a_state_with_other_groups_changes_nothing() -> None:
    trainer = trained(frozen_start())
    state = trainer.optimizer.state_dict()
    first, second, third = state["param_groups"]
    for groups, message in (
        ([first, second], "expected 3 groups, got 2"),
        ([first, second, third | {"betas": (0.5, 0.5)}], r"param_groups\[2\]: betas is \(0.5, 0.5\), not"),
        ([first, second | {"lr": -1.0}, third], r"param_groups\[1\]\['lr'\]: expected a finite number"),
        ([first, second, third | {"params": [0]}], "expected 2 different keys"),
        ([first, second | {"params": first["params"]}, third], "expected 6 different keys"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.optimizer.load_state_dict(state | {"param_groups": groups})
        assert repr(trainer.optimizer.state_dict()) == repr(state)


def test_a_scheduled_weight_decay_is_that_of_each_step() -> None:
    schedule = schedules.flat_cos(0.5, 10)
    p = np.ones(1)
    optimizer = optim.SGD([p], lr=0.5, weight_decay=schedule)
    assert optimizer.get_params()["weight_decay"] is schedule
    for t in range(15):
        before = p[0]
        assert optimizer.current_weight_decay == schedule(t)
        optimizer.step([[0.0]])
        assert p[0] == pytest.approx(before * (1 - 0.5 * schedule(t)), rel=1e-15)
    optimizer.weight_decay = 0.25
    assert optimizer.weight_decay == 0.25
    with pytest.raises(TypeError, match="weight_decay: expected a number"):
        optimizer.weight_decay = lambda step: 0.5  # type: ignore[assignment]


def test_fit_many_follows_a_scheduled_weight_decay_in_lanes_and_outside() -> None:
    x, y = samples("mse", 30, 4, 2, np.float32)

    def trainers() -> list[Trainer]:
        return [
            Trainer(
                network([4, 5, 2], dtype=np.float32),
                "mse",
                optim.AdamW(lr=0.01, weight_decay=schedules.flat_cos(0.5 + 0.1 * i, 12)),
                seed=i,
            )
            for i in range(6)
        ]

    alone, many = trainers(), trainers()
    fit_many(many, x, y, epochs=4, batch_size=8)
    for one, other in zip(alone, many, strict=True):
        one.fit(x, y, epochs=4, batch_size=8)
        assert same(one, other)
