"""Data of a trainer: given orders, sparse matrices, summed penalties, the full-batch objective."""

from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, optim

from tests.support.networks import network, samples
from tests.support.registry import FLOATS, same_bits

X, Y = samples("cross_entropy", 60, 6, 5, np.float32)

every_float = pytest.mark.parametrize("dtype", FLOATS)


def trainer_of(dtype: Any = np.float32, **options: Any) -> Trainer:
    return Trainer(network([6, 8, 5], dtype=dtype), optimizer=optim.SGD(lr=0.1), seed=0, **options)


def test_an_order_is_that_of_the_samples() -> None:
    random, given, asked = np.random.default_rng(0), trainer_of(), []
    orders = [random.permutation(60), random.integers(0, 60, 60), np.arange(60)]

    def order(epoch: int) -> Any:
        asked.append(epoch)
        return orders[epoch]

    given.fit(X, Y, epochs=3, batch_size=7, order=order)
    assert asked == [0, 1, 2]
    by_hand = trainer_of()
    for places in orders:
        by_hand.fit(X[places], Y[places], epochs=1, batch_size=7, shuffle=False)
    assert same_bits(given.model.flat_parameters, by_hand.model.flat_parameters)


@pytest.mark.parametrize(
    ("places", "error"),
    [
        (np.arange(59), ValueError),
        (np.arange(60) + 1, ValueError),
        (np.arange(60) - 1, ValueError),
        (np.arange(60.0), TypeError),
        (np.arange(60).reshape(6, 10), TypeError),
    ],
)
def test_an_order_of_something_else_is_refused(places: Any, error: type[Exception]) -> None:
    trainer = trainer_of()
    before = trainer.model.flat_parameters.copy()
    with pytest.raises(error, match="order: expected "):
        trainer.fit(X, Y, epochs=1, order=lambda epoch: places)
    assert same_bits(trainer.model.flat_parameters, before)


@pytest.mark.parametrize("order", [[3, 1], "random", 0, False, np.arange(60)])
def test_an_order_that_is_no_function_is_refused(order: Any) -> None:
    trainer = trainer_of()
    before = trainer.model.flat_parameters.copy()
    message = f"order: expected a function or None, got {type(order).__name__}"
    with pytest.raises(TypeError, match=message):
        trainer.fit(X, Y, epochs=1, order=order)
    assert same_bits(trainer.model.flat_parameters, before)
    assert trainer.epochs_done == 0


@every_float
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
def test_a_sparse_matrix_trains_as_the_dense_one(kind: str, dtype: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    holes = np.where(X > 0, X, 0).astype(dtype)
    dense, other = trainer_of(dtype), trainer_of(dtype)
    matrix = getattr(sparse, kind)(holes)
    first = dense.fit(holes, Y, epochs=2, validation_data=(holes, Y))
    second = other.fit(matrix, Y, epochs=2, validation_data=(matrix, Y))
    assert (first.loss, first.val_loss) == (second.loss, second.val_loss)
    assert same_bits(dense.model.flat_parameters, other.model.flat_parameters)
    assert dense.evaluate(holes, Y) == other.evaluate(matrix, Y)


def test_a_penalty_may_be_set_later() -> None:
    later, summed = trainer_of(l2=0.6), trainer_of(l2=0.6, penalty="sum")
    assert later.penalty == "mean"
    later.penalty = "sum"
    assert later.penalty == "sum"
    assert later.fit(X, Y, epochs=2).penalty == summed.fit(X, Y, epochs=2).penalty
    assert same_bits(later.model.flat_parameters, summed.model.flat_parameters)
    bad: Any = "max"
    with pytest.raises(ValueError, match="penalty: 'max' is not known; known: mean, sum"):
        later.penalty = bad
    assert later.penalty == "sum"


def test_a_summed_penalty_is_divided_by_the_samples_of_the_batch() -> None:
    summed, mean = trainer_of(l2=0.6, penalty="sum"), trainer_of(l2=0.01)
    first = summed.fit(X, Y, epochs=1, batch_size=None)
    second = mean.fit(X, Y, epochs=1, batch_size=None)
    assert np.allclose(summed.model.flat_parameters, mean.model.flat_parameters, rtol=1e-6)
    squares = float((network([6, 8, 5]).flat_parameters ** 2).sum())
    assert first.penalty == pytest.approx([0.3 * squares / 60], rel=1e-6)
    assert first.loss == second.loss
    assert second.penalty == []
    with pytest.raises(ValueError, match="penalty: 'total' is not known; known: mean, sum"):
        trainer_of(penalty="total")


@every_float
def test_the_objective_is_the_mean_loss_and_its_gradient(dtype: Any) -> None:
    weight = np.linspace(0.5, 1.5, 60)
    trainer, stepped = trainer_of(dtype), trainer_of(dtype)
    start = trainer.model.flat_parameters.copy()
    objective = trainer.objective(X, Y, weight)
    loss, gradient = objective(start)
    assert same_bits(trainer.model.flat_parameters, start)
    assert gradient.dtype == dtype
    assert loss == pytest.approx(stepped.step(X, Y, weight), rel=1e-12)
    assert same_bits(gradient, stepped.model.flat_gradients)
    objective(np.zeros_like(start))
    assert gradient.any()
    assert not trainer.model.flat_parameters.any()
    with pytest.raises(ValueError, match="y: "):
        trainer.objective(X, Y[:-1])


def test_a_saved_trainer_keeps_its_penalty(tmp_path: Any) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    trainer_of(penalty="sum").save(tmp_path / "trainer.safetensors")
    assert Trainer.load(tmp_path / "trainer.safetensors").penalty == "sum"
