"""Gradients of whole networks equal numerical derivatives and those of a float64 oracle."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, nn, optim

from tests import oracles
from tests.support.networks import network, network_for, oracle_gradients, oracle_of, samples
from tests.support.registry import (
    ACTIVATIONS,
    FLOATS,
    KINDS,
    float_patterns,
    same_bits,
    special_values,
    spread,
    without_tiny,
)

Array = np.ndarray[Any, Any]

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_loss = pytest.mark.parametrize("loss", oracles.LOSSES)
every_pair = pytest.mark.parametrize(
    ("activation", "loss"),
    [(activation, loss) for activation in ACTIVATIONS for loss in KINDS]
    + [("tanh", loss) for loss in oracles.LOSSES if loss not in KINDS],
)


def step_without_moving(
    model: nn.Sequential, loss: str, x: Array, y: Array, weight: Array | None = None
) -> float:
    """A step with a learning rate of zero, which leaves gradients in the model and parameters unchanged."""
    return Trainer(model, loss=loss, optimizer=optim.SGD(lr=0.0)).step(x, y, weight)


@pytest.mark.parametrize("count", [1, 3, 300])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("hidden", [[], [9], [16, 33], [7, 17, 5]], ids=str)
@every_pair
def test_gradients_match_oracle(
    activation: str, loss: str, hidden: list[int], bias: bool, count: int
) -> None:
    model = network_for(loss, [6, *hidden, 4], activation, bias=bias)
    x, y = samples(loss, count, 6, 4)
    value = step_without_moving(model, loss, x, y)
    wanted, gradients = oracle_gradients(model, loss, x, y)
    assert value == pytest.approx(wanted, rel=1e-13)
    assert np.allclose(model.flat_gradients, gradients, rtol=1e-11, atol=1e-14)


@every_pair
def test_gradients_match_central_differences(activation: str, loss: str) -> None:
    model = network([5, 12, 8, 3], activation, last=oracles.LOSSES[loss].last or activation)
    x, y = samples(loss, 20, 5, 3)
    step_without_moving(model, loss, x, y)
    gradients = model.flat_gradients.copy()
    trainer = Trainer(model, loss=loss)
    flat, h = model.flat_parameters, 1e-6
    for place in range(0, flat.size, 5):
        kept, ends = flat[place], []
        for sign in (1, -1):
            flat[place] = kept + sign * h
            ends.append(trainer.evaluate(x, y)[0])
        flat[place] = kept
        assert abs((ends[0] - ends[1]) / (2 * h) - gradients[place]) < 1e-8


@pytest.mark.parametrize("dtype", FLOATS)
@every_activation
def test_a_layer_has_the_bits_of_the_functions(activation: str, dtype: Any) -> None:
    """Forward and backward of a layer have the bits of the function and its derivative, but no tiny ones."""
    model = nn.Sequential(nn.Dense(1, 1, activation=activation), dtype=dtype, rng=0)
    model.flat_parameters[:] = [1, 0]
    x = np.concatenate([special_values(dtype), float_patterns(400_009).astype(dtype)])
    with np.errstate(over="ignore"):
        x = x[np.isfinite(x)] + dtype(0)  # a sum that starts at the bias 0 is never -0
    output = model.forward(x[:, np.newaxis], training=True)[:, 0]
    gradient = model.backward(np.ones((x.size, 1), dtype))[:, 0]
    assert same_bits(output, getattr(F, activation)(x))
    slope = getattr(F, f"{activation}_derivative")(x) + dtype(0)
    assert same_bits(gradient, without_tiny(slope, dtype).astype(dtype))


@every_pair
def test_float32_gradients_are_near_the_float64_ones(activation: str, loss: str) -> None:
    model = network_for(loss, [10, 32, 17, 6], activation, dtype=np.float32)
    x, y = samples(loss, 70, 10, 6, np.float32)
    value = step_without_moving(model, loss, x, y)
    wanted, gradients = oracle_gradients(model, loss, x, y)
    assert value == pytest.approx(wanted, rel=1e-5)
    assert np.abs(model.flat_gradients - gradients).max() <= 3e-6 * max(1, np.abs(gradients).max())


@pytest.mark.parametrize("count", [1, 3, 300])
@pytest.mark.parametrize("bias", [True, False])
@every_activation
def test_backward_matches_oracle(activation: str, bias: bool, count: int) -> None:
    model = network([6, 19, 8, 4], activation, bias=bias, last=activation)
    x, _ = samples("mse", count, 6, 4)
    dy = spread(count * 4, np.float64).reshape(count, 4)
    layers = oracle_of(model)
    assert np.allclose(model.forward(x, training=True), oracles.forward(layers, x), rtol=1e-12, atol=1e-14)
    dx = model.backward(dy)
    wanted, gradients = oracles.backward(layers, x, lambda _: dy)
    assert dx.shape == x.shape
    assert np.allclose(dx, wanted, rtol=1e-11, atol=1e-13)
    flat = np.concatenate([gradient.ravel() for gradient in gradients])
    assert np.allclose(model.flat_gradients, flat, rtol=1e-11, atol=1e-12)


@every_activation
def test_backward_uses_the_input_as_it_was(activation: str) -> None:
    model = network([3, 8, 2], activation)
    x, _ = samples("mse", 5, 3, 2)
    dy = np.ones((5, 2))
    model.forward(x, training=True)
    wanted = model.backward(dy), model.flat_gradients.copy()
    model.forward(x, training=True)
    x[:] = 7
    model(np.ones((2, 3)))
    assert np.array_equal(model.backward(dy), wanted[0])
    assert np.array_equal(model.flat_gradients, wanted[1])


@every_loss
def test_sample_weight_is_repetition(loss: str) -> None:
    model = network_for(loss, [4, 9, 3])
    x, y = samples(loss, 30, 4, 3)
    weight = np.arange(30) % 4
    value = step_without_moving(model, loss, x, y, weight)
    weighted = model.flat_gradients.copy()
    repeated = step_without_moving(model, loss, np.repeat(x, weight, axis=0), np.repeat(y, weight, axis=0))
    assert value == pytest.approx(repeated, rel=1e-13)
    assert np.allclose(weighted, model.flat_gradients, rtol=1e-11, atol=1e-14)


@every_loss
def test_sample_weight_matches_oracle(loss: str) -> None:
    model = network_for(loss, [4, 9, 3], "sigmoid")
    x, y = samples(loss, 290, 4, 3)
    weight = np.abs(spread(290, np.float64)) * 3
    value = step_without_moving(model, loss, x, y, weight)
    wanted, gradients = oracle_gradients(model, loss, x, y, weight)
    assert value == pytest.approx(wanted, rel=1e-13)
    assert np.allclose(model.flat_gradients, gradients, rtol=1e-11, atol=1e-14)
    scaled = step_without_moving(model, loss, x, y, weight * 1000)
    assert scaled == pytest.approx(wanted, rel=1e-13)


@every_loss
def test_evaluate_is_the_loss_of_the_oracle(loss: str) -> None:
    model = network_for(loss, [4, 9, 3])
    x, y = samples(loss, 600, 4, 3)
    value, accuracy = Trainer(model, loss=loss).evaluate(x, y)
    output = oracles.forward(oracle_of(model), x)
    assert value == pytest.approx(oracles.LOSSES[loss].rows(output, y).mean(), rel=1e-13)
    if oracles.LOSSES[loss].classifies:
        assert accuracy == np.mean(output.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1)))
    else:
        assert np.isnan(accuracy)
