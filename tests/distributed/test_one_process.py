"""`DataParallel` of one process: a `Trainer`, with micro-batches; its arguments."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import functional as F
from simdnn import nn, optim
from simdnn.distributed import DataParallel

from tests.support.networks import network
from tests.support.registry import same_bits

Array = np.ndarray[Any, Any]


def trainer(dtype: Any = np.float64, **options: Any) -> simdnn.Trainer:
    options = {"optimizer": optim.Adam(lr=0.01), "seed": 5} | options
    return simdnn.Trainer(network([4, 8, 3], dtype=dtype), **options)


def data(count: int = 53) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)), rng.integers(0, 3, count)


@pytest.mark.parametrize("penalty", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_one_process_has_the_bits_of_its_trainer(penalty: Any, weighted: bool) -> None:
    x, y = data()
    weight = np.linspace(0.5, 2, 53) if weighted else None
    one, plain = (trainer(np.float32, clip_norm=0.3, l2=0.1, penalty=penalty) for _ in range(2))
    options: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 10,
        "validation_data": (x, y),
        "sample_weight": weight,
    }
    found, wanted = DataParallel(one).fit(x, y, **options), plain.fit(x, y, **options)
    np.testing.assert_array_equal(one.model.flat_parameters, plain.model.flat_parameters)
    assert (found.val_loss, found.accuracy) == (wanted.val_loss, wanted.accuracy)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-14)
    np.testing.assert_allclose(found.penalty, wanted.penalty, rtol=1e-14)
    assert one.epochs_done == plain.epochs_done == 3
    assert one.grad_hook is None


def test_one_process_follows_parameter_groups_and_schedules() -> None:
    x, y = data()
    groups = [{"params": ["0"], "lr_factor": 0.0}, {"params": ["1.bias"], "lr": 0.1, "weight_decay": 0.0}]
    decay = simdnn.schedules.flat_cos(0.5, 20)
    one, plain = (
        trainer(np.float32, optimizer=optim.AdamW(groups, lr=0.01, weight_decay=decay)) for _ in range(2)
    )
    start = one.model.parameters()["0.weight"].copy()
    many = DataParallel(one)
    for factor in (0.0, 0.5):
        for each in (one, plain):
            each.optimizer.param_groups[0]["lr_factor"] = factor
        many.fit(x, y, epochs=2, batch_size=10)
        plain.fit(x, y, epochs=2, batch_size=10)
        np.testing.assert_array_equal(one.model.flat_parameters, plain.model.flat_parameters)
        assert np.array_equal(one.model.parameters()["0.weight"], start) == (factor == 0)


def assert_equal_steps(loss: Any, x: Array, y: Any, weight: Array | None, options: dict[str, Any]) -> None:
    """Two steps, and an epoch of small batches, are those of the trainer alone."""
    one, plain = (trainer(loss=loss, optimizer=optim.SGD(lr=0.1)) for _ in range(2))
    many = DataParallel(one, **options)
    for _ in range(2):
        assert many.step(x, y, weight) == pytest.approx(plain.step(x, y, weight), rel=1e-12)
    fit: dict[str, Any] = {"epochs": 2, "batch_size": 4, "sample_weight": weight, "shuffle": False}
    found, wanted = many.fit(x, y, **fit), plain.fit(x, y, **fit)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-10)
    assert found.accuracy == wanted.accuracy
    np.testing.assert_allclose(one.model.flat_parameters, plain.model.flat_parameters, rtol=1e-9, atol=1e-12)


WAYS = [{}, {"accumulate": 3}, {"accumulate": 3, "deterministic": True}, {"average_every": 2}]


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_batches_of_classes_without_weight_count_by_their_smoothing(options: dict[str, Any]) -> None:
    x, y = data(24)
    for weight in ([0.0, 1.0, 3.0], [0.0, 0.0, 1.0]):
        loss = partial(F.cross_entropy, weight=weight, label_smoothing=0.1)
        assert_equal_steps(loss, x, np.sort(y), None, options)


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_batches_of_samples_without_weight_have_no_gradient(options: dict[str, Any]) -> None:
    x, y = data(24)
    weight = np.where(np.arange(24) // 4 % 2, np.linspace(0.5, 2, 24), 0)
    assert_equal_steps(partial(F.cross_entropy, label_smoothing=0.1), x, y, weight, options)
    weight[:-1] = 0
    assert_equal_steps(None, x, y, weight, options)


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_steps_without_any_weight_are_refused(options: dict[str, Any]) -> None:
    x, y = data()
    one = trainer()
    many, before = DataParallel(one, **options), one.model.flat_parameters.copy()
    for arguments in ((x[:0], y[:0]), (x[:0], y[:0], np.ones(0)), (x, y, np.zeros(53))):
        with pytest.raises(ValueError, match="step: expected at least one sample of a weight above 0"):
            many.step(*arguments)
        np.testing.assert_array_equal(one.model.flat_parameters, before)
        assert one.optimizer.steps == 0
    with pytest.raises(ValueError, match=r"sample_weight\[0\]: expected a number >= 0, got -1"):
        many.step(x, y, np.full(53, -1.0))
    assert many.step(x, y) == pytest.approx(trainer().step(x, y))


@pytest.mark.parametrize("accumulate", [2, 5, 20])
@pytest.mark.parametrize("deterministic", [False, True])
def test_micro_batches_add_up_to_the_batch(accumulate: int, deterministic: bool) -> None:
    x, y = data()
    weight = np.linspace(0, 2, 53)
    one, plain = trainer(clip_norm=0.1), trainer(clip_norm=0.1)
    many = DataParallel(one, accumulate=accumulate, deterministic=deterministic)
    for _ in range(3):
        assert many.step(x, y, weight) == pytest.approx(plain.step(x, y, weight), rel=1e-12)
    found, wanted = many.fit(x, y, epochs=2, batch_size=9), plain.fit(x, y, epochs=2, batch_size=9)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-10)
    assert (found.accuracy, found.steps) == (wanted.accuracy, wanted.steps)
    np.testing.assert_allclose(one.model.flat_parameters, plain.model.flat_parameters, rtol=1e-8, atol=1e-11)


def test_micro_batches_have_the_random_numbers_of_the_batch() -> None:
    layers = nn.Dense(4, 8, activation="tanh"), nn.Dropout(0.5), nn.Dense(8, 3)
    x, y = data()
    make = [simdnn.Trainer(nn.Sequential(*layers, dtype=np.float64, rng=0), seed=5) for _ in range(2)]
    loss = DataParallel(make[0], accumulate=4).step(x, y)
    assert loss == pytest.approx(make[1].step(x, y), rel=1e-12)
    np.testing.assert_allclose(make[0].model.flat_parameters, make[1].model.flat_parameters, rtol=1e-9)
    make[0].step(x, y)  # the trainer alone is again one process
    assert make[0].evaluate(x, y) == pytest.approx((make[1].step(x, y), make[1].evaluate(x, y))[1], rel=1e-9)


def test_steps_view_the_gradients_once() -> None:
    one, (x, y) = DataParallel(trainer()), data()
    exchange = one._exchange
    views = [exchange.gradient, exchange._message, exchange._tail]
    one.step(x, y)
    for before, after in zip(views, [exchange.gradient, exchange._message, exchange._tail], strict=True):
        assert before is after
    assert not np.shares_memory(copy.deepcopy(one)._exchange.gradient, exchange.gradient)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"deterministic": True}, {"average_every": 2}])
def test_a_copy_goes_on_with_the_same_bits(options: dict[str, Any], duplicate: Any) -> None:
    x, y = data()
    first = DataParallel(trainer(), **options)
    first.fit(x, y, epochs=1, batch_size=10, progress=False)
    made = duplicate(first)
    for one in (made, first):
        one.fit(x, y, epochs=2, batch_size=10, progress=False)
    assert made.trainer is not first.trainer
    assert same_bits(made.trainer.model.flat_parameters, first.trainer.model.flat_parameters)


def test_saved_file_is_the_trainer(tmp_path: Path) -> None:
    x, y = data()
    one, path = trainer(), tmp_path / "trainer.safetensors"
    many = DataParallel(one)
    many.fit(x, y, epochs=1)
    many.save(path, {"name": "one"})
    assert simdnn.load_metadata(path)["name"] == "one"
    assert simdnn.Trainer.load(path).fit(x, y, epochs=1).loss == many.fit(x, y, epochs=1).loss


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"accumulate": 0}, ValueError, "accumulate: expected an integer from 1 to 65536, got 0"),
        ({"average_every": 1.5}, TypeError, "average_every: expected an integer, got float"),
        ({"accumulate": 2, "average_every": 2}, ValueError, "accumulate: expected 1 with average_every"),
        ({"deterministic": "yes"}, TypeError, "deterministic: expected True or False"),
        ({"check_every": 0}, ValueError, "check_every"),
        ({"timeout": 0}, ValueError, "timeout: expected a finite number above 0"),
    ],
    ids=str,
)
def test_arguments_are_checked(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        DataParallel(trainer(), **options)


def test_trainers_that_cannot_be_shared_are_refused() -> None:
    with pytest.raises(ValueError, match="trainer: it has a grad_hook"):
        DataParallel(trainer(grad_hook=print))
    stateful = nn.Sequential(nn.LSTM(4, 5, stateful=True), nn.Dense(5, 2), rng=0)
    with pytest.raises(ValueError, match="trainer: stateful layers carry the states"):
        DataParallel(simdnn.Trainer(stateful))
    with pytest.raises(TypeError, match="trainer: expected a Trainer, got Sequential"):
        DataParallel(network([2, 2]))


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_hooks_set_later_are_refused_and_kept(options: dict[str, Any]) -> None:
    x, y = data()
    one = trainer()
    many, before = DataParallel(one, **options), one.model.flat_parameters.copy()
    seen: list[Any] = []
    one.grad_hook = seen.append
    for call in (lambda: many.step(x, y), lambda: many.fit(x, y, epochs=1)):
        with pytest.raises(ValueError, match="trainer: it has a grad_hook"):
            call()
    np.testing.assert_array_equal(one.model.flat_parameters, before)
    one.step(x, y)
    assert len(seen) == 1
    one.grad_hook = None
    many.step(x, y)


def test_not_finite_gradients_update_nothing() -> None:
    x, y = data()
    one = trainer()
    many, before = DataParallel(one), one.model.flat_parameters.copy()
    with pytest.raises(FloatingPointError, match="step: rank 0: the gradient is not finite"):
        many.step(np.full_like(x, np.inf), y)
    np.testing.assert_array_equal(one.model.flat_parameters, before)
    assert one.optimizer.steps == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (lambda x, y: (x, y[:-1]), r"y: expected 53 rows as in X, got shape \(52,\)"),
        (lambda x, y: (x[:, 0], y), r"X: expected shape \(n, features\), got \(53,\)"),
        (lambda x, y: (x, y, np.ones(3)), r"sample_weight: expected 53 rows as in X, got shape \(3,\)"),
    ],
)
def test_lengths_must_agree(arguments: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        DataParallel(trainer()).step(*arguments(*data()))
