"""Batch and layer normalization: statistics, accuracy, folding and sequences."""

from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, nn, optim

from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)


def numbers(rows: int, columns: int, dtype: Any = np.float64, bound: float = 2.0) -> Array:
    return spread(rows * columns, dtype, bound).reshape(rows, columns)


@every_float
@pytest.mark.parametrize("rows", [2, 3, 64, 300])
def test_a_batch_is_normalized_by_itself(rows: int, dtype: Any) -> None:
    x = numbers(rows, 35, dtype)
    model = nn.Sequential(nn.BatchNorm1d(35), dtype=dtype)
    wide = x.astype(np.float64)
    wanted = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + 1e-5)
    tolerance = 2e-6 if dtype == np.float32 else 1e-13
    assert np.allclose(model.forward(x, training=True), wanted, rtol=tolerance, atol=tolerance)


def test_a_large_mean_costs_no_digits() -> None:
    """float32 loses digits of x - mean only where x itself has lost them."""
    x = (numbers(128, 5) + 3000).astype(np.float32)
    wide = x.astype(np.float64)
    deviation = np.sqrt(wide.var(axis=0) + 1e-5)
    wanted = (wide - wide.mean(axis=0)) / deviation
    y = nn.Sequential(nn.BatchNorm1d(5)).forward(x, training=True)
    rows = nn.Sequential(nn.LayerNorm(128))(x.T)
    for found in (y, rows.T):
        assert np.abs(found - wanted).max() < 4 * np.finfo(np.float32).eps


@every_float
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics(momentum: float | None, dtype: Any) -> None:
    model = nn.Sequential(nn.BatchNorm1d(6, momentum=momentum), dtype=dtype)
    mean, variance = np.zeros(6), np.ones(6)
    for step in range(1, 5):
        x = numbers(10 * step, 6, dtype, step)
        model.forward(x, training=True)
        share = 1 / step if momentum is None else momentum
        mean = (1 - share) * mean + share * x.astype(np.float64).mean(axis=0)
        variance = (1 - share) * variance + share * x.astype(np.float64).var(axis=0, ddof=1)
    found = model.buffers()
    tolerance = 1e-6 if dtype == np.float32 else 1e-13
    assert np.allclose(found["0.running_mean"], mean, rtol=tolerance, atol=tolerance)
    assert np.allclose(found["0.running_var"], variance, rtol=tolerance, atol=tolerance)
    assert found["0.num_batches_tracked"] == 4


@every_float
def test_one_row_is_normalized_by_running_statistics(dtype: Any) -> None:
    model = nn.Sequential(nn.BatchNorm1d(6), dtype=dtype)
    model.forward(numbers(50, 6, dtype), training=True)
    state, x = model.state_dict(), numbers(1, 6, dtype)
    y = model.forward(x, training=True)
    assert same_bits(y, model(x))
    dx = model.backward(np.ones_like(y))
    assert np.allclose(dx, 1 / np.sqrt(state["0.running_var"] + 1e-5), rtol=1e-6)
    assert all(same_bits(state[name], value) for name, value in model.state_dict().items())


def test_a_trainer_keeps_statistics_of_steps_that_count() -> None:
    x, y = numbers(40, 4), np.arange(40) % 3
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dense(4, 3), dtype=np.float64, rng=0)
    trainer = Trainer(model, optimizer=optim.Adam(skip_nonfinite=True))
    trainer.step(x, y)
    assert np.allclose(model.buffers()["0.running_mean"], 0.1 * x.mean(axis=0), atol=1e-15)
    before = model.state_dict()
    x[3, 2] = np.nan
    trainer.step(x, y)
    assert all(same_bits(before[name], value) for name, value in model.state_dict().items())
    trainer.evaluate(x[10:], y[10:])
    assert all(same_bits(before[name], value) for name, value in model.state_dict().items())


@every_float
def test_a_batch_of_many_chunks_is_one(dtype: Any) -> None:
    """A batch of 1,000 rows has one mean and variance, in a step as in forward and backward."""
    layers = [nn.Dense(6, 8), nn.BatchNorm1d(), nn.Tanh(), nn.Dense(8, 3)]
    model, other = (nn.Sequential(*layers, dtype=dtype, rng=0) for _ in range(2))
    x, y = numbers(1000, 6, dtype), np.arange(1000) % 3
    Trainer(model, optimizer=optim.SGD(lr=0.0)).step(x, y)
    logits = other.forward(x, training=True)
    other.backward(simdnn.functional.cross_entropy(logits, y, return_grad=True)[1])
    assert same_bits(model.flat_gradients, other.flat_gradients)
    assert all(
        same_bits(a, b) for a, b in zip(model.buffers().values(), other.buffers().values(), strict=True)
    )


def test_layer_norm_gradients_do_not_depend_on_chunks() -> None:
    layers = [nn.Dense(6, 8), nn.LayerNorm(), nn.PReLU(8), nn.Swish(trainable=True), nn.Dense(8, 3)]
    model, other = (nn.Sequential(*layers, dtype=np.float32, rng=0) for _ in range(2))
    x, y = numbers(1000, 6, np.float32), np.arange(1000) % 3
    Trainer(model, optimizer=optim.SGD(lr=0.0)).step(x, y)
    logits = other.forward(x, training=True)
    other.backward(simdnn.functional.cross_entropy(logits, y, return_grad=True)[1])
    assert same_bits(model.flat_gradients, other.flat_gradients)


def trained(*layers: nn.Layer, dtype: Any) -> nn.Sequential:
    """A network with trained weights and running statistics."""
    model = nn.Sequential(*layers, dtype=dtype, rng=0)
    x, y = numbers(200, 6, dtype, 3.0) + dtype(0.5), np.arange(200) % 3
    Trainer(model, optimizer="adam", seed=0).fit(x, y, epochs=5, progress=False)
    return model


FOLDED = {
    "behind dense": [nn.Dense(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dense(9, 3)],
    "without bias": [nn.Dense(6, 9, bias=False), nn.BatchNorm1d(9, affine=False), nn.Dense(9, 3)],
    "behind dropout": [nn.Dense(6, 9), nn.Dropout(0.2), nn.BatchNorm1d(9), nn.Tanh(), nn.Dense(9, 3)],
    "twice": [nn.Dense(6, 9), nn.BatchNorm1d(), nn.BatchNorm1d(), nn.Dense(9, 3)],
    "in a residual": [
        nn.Residual(nn.Dense(6, 9), nn.BatchNorm1d(), nn.ReLU(), nn.Dense(9, 6), nn.BatchNorm1d()),
        nn.Residual(nn.Dense(6, 4), nn.BatchNorm1d(), shortcut=nn.Dense(6, 4)),
        nn.Dense(4, 3),
    ],
    "in branches": [
        nn.Concatenate((nn.Dense(6, 5), nn.BatchNorm1d()), (), (nn.Dropout(0.5), nn.Dense(6, 2))),
        nn.Dense(13, 3),
    ],
    "first": [nn.BatchNorm1d(6), nn.Dense(6, 3)],
    "behind an activation": [nn.Dense(6, 9, "tanh"), nn.BatchNorm1d(), nn.AlphaDropout(0.1), nn.Dense(9, 3)],
    "behind a residual": [nn.Residual(nn.Dense(6, 6)), nn.BatchNorm1d(), nn.Dense(6, 3)],
}


@every_float
@pytest.mark.parametrize("layers", FOLDED.values(), ids=list(FOLDED))
def test_a_frozen_network_agrees_to_rounding(layers: list[nn.Layer], dtype: Any) -> None:
    model, x = trained(*layers, dtype=dtype), numbers(100, 6, dtype)
    predictor, wanted = model.freeze(), model(x)
    tolerance = 30 * np.finfo(dtype).eps
    assert np.allclose(predictor.predict(x), wanted, rtol=tolerance, atol=tolerance)
    model.flat_parameters[:] = 0
    assert np.allclose(predictor.predict(x[7]), wanted[7], rtol=tolerance, atol=tolerance)


def test_folding_is_done_in_double() -> None:
    """The folded layer has the bits of one whose weight is scaled in float64 and rounded once."""
    model = trained(nn.Dense(6, 9), nn.BatchNorm1d(9), nn.Dense(9, 3), dtype=np.float32)
    state = {name: value.astype(np.float64) for name, value in model.state_dict().items()}
    scale = state["1.weight"] / np.sqrt(state["1.running_var"] + 1e-5)
    folded = nn.Sequential(nn.Dense(6, 9), nn.Dense(9, 3), dtype=np.float32, rng=0)
    folded.load_state_dict(
        {
            "0.weight": state["0.weight"] * scale,
            "0.bias": state["0.bias"] * scale + (state["1.bias"] - state["1.running_mean"] * scale),
            "1.weight": state["2.weight"],
            "1.bias": state["2.bias"],
        }
    )
    x = numbers(50, 6, np.float32)
    assert same_bits(model.freeze().predict(x), folded(x))


def test_time_steps_are_rows() -> None:
    """Each time step of a sequence is normalized as a row."""
    x = numbers(60, 3).reshape(12, 5, 3)
    alone = nn.Sequential(nn.LSTM(3, 4), dtype=np.float64, rng=0)
    for layer in (nn.BatchNorm1d(3), nn.LayerNorm(3), nn.PReLU(3), nn.RReLU()):
        model = nn.Sequential(layer, nn.LSTM(3, 4), dtype=np.float64, rng=0)
        for name, value in alone.parameters().items():
            model.parameters()[name.replace("0.", "1.", 1)][...] = value
        rows = nn.Sequential(layer, dtype=np.float64, in_features=3, rng=0)
        model._model.seed = rows._model.seed
        inner = rows.forward(x.reshape(60, 3), training=True).reshape(x.shape)
        y = model.forward(x, training=True)
        assert same_bits(y, alone.forward(inner, training=True))
        dx = model.backward(np.ones_like(y))
        between = alone.backward(np.ones_like(y))
        assert same_bits(dx, rows.backward(between.reshape(60, 3)).reshape(x.shape))
        for name, value in rows.buffers().items():
            assert same_bits(model.buffers()[name], value)
