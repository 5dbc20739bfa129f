"""Tiny gradients are zero in losses, backward passes and updates, where subnormal numbers would be slow."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn, optim
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.support.networks import outputs, targets
from tests.support.processes import raised_flags
from tests.support.registry import (
    ACTIVATIONS,
    FLOATS,
    LEAST_GRADIENT,
    OPTIMIZERS,
    same_bits,
    spread,
    without_tiny,
)

Array = np.ndarray[Any, Any]

SAMPLES, STEPS, INPUTS, WIDTH, CLASSES = 48, 5, 6, 32, 4

every_float = pytest.mark.parametrize("dtype", FLOATS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The flags belong to one thread."""
    simdnn.set_num_threads(1)
    yield
    simdnn.set_num_threads(None)


def behind(layer: nn.Layer, activation: str) -> list[nn.Layer]:
    """A layer of WIDTH outputs, then hidden units with the activation."""
    return [layer, nn.Dense(WIDTH, WIDTH, activation), nn.Dense(WIDTH, WIDTH, activation)]


def normalized(norm: nn.Layer, activation: str) -> list[nn.Layer]:
    return [nn.Dense(INPUTS, WIDTH, activation), norm, nn.Dense(WIDTH, WIDTH, activation)]


#: Hidden layers with an activation; those that begin with a recurrence read sequences.
HIDDEN: dict[str, Callable[[str], list[nn.Layer]]] = {
    "dense": lambda name: behind(nn.Dense(INPUTS, WIDTH, name), name),
    "lstm": lambda name: behind(nn.LSTM(INPUTS, WIDTH, num_layers=2), name),
    "gru": lambda name: behind(nn.GRU(INPUTS, WIDTH, num_layers=2), name),
    "rnn": lambda name: behind(nn.RNN(INPUTS, WIDTH, num_layers=2), name),
    "batch norm": lambda name: normalized(nn.BatchNorm1d(WIDTH), name),
    "layer norm": lambda name: normalized(nn.LayerNorm(WIDTH), name),
    "piecewise": lambda name: [
        nn.PiecewiseLinear(INPUTS, WIDTH, encoded=4, bins=3, activation=name),
        nn.PiecewiseLinear(WIDTH, WIDTH, encoded=20, bins=2, activation=name),
        nn.Dense(WIDTH, WIDTH, name),
    ],
    "dropout": lambda name: normalized(nn.Dropout(0.3), name),
    "residual": lambda name: [
        nn.Residual(nn.Dense(INPUTS, INPUTS, name)),
        nn.Dense(INPUTS, WIDTH, name),
        nn.Residual(nn.Dense(WIDTH, WIDTH, name), nn.Dense(WIDTH, WIDTH)),
    ],
    "concatenate": lambda name: [
        nn.Concatenate(nn.Dense(INPUTS, 20, name), nn.Dense(INPUTS, 12, name)),
        nn.CReLU(),
        nn.Maxout(2 * WIDTH, WIDTH, 2),
    ],
    "linear": lambda name: [nn.Dense(INPUTS, WIDTH, name), *(nn.Dense(WIDTH, WIDTH) for _ in range(12))],
}


def confident(model: nn.Sequential, activation: str, x: Array) -> None:
    """Scales the last layer until the gradients of cross-entropy are near and below the smallest numbers."""
    output = np.sort(model(x), axis=1)
    margin = np.median(output[:, -1] - output[:, -2])
    largest = 90 if model.dtype == np.float32 else 600
    model.parameters()[f"{len(model.layers) - 1}.weight"][...] *= largest / max(margin, 1e-6)


def shift(model: nn.Sequential, activation: str, size: float, every: int) -> None:
    """Shifts every so many hidden units to the side where their activation is smaller."""
    low, high = np.abs([getattr(F, activation)(-50.0), getattr(F, activation)(50.0)])
    for name, value in list(model.parameters().items())[:-2]:
        layer = model.layers[int(name.split(".")[0])]
        if "bias" in name and not isinstance(layer, (nn.BatchNorm1d, nn.LayerNorm, nn.Maxout)):
            value[::every] += size if high < low else -size


def saturated(model: nn.Sequential, activation: str, x: Array) -> None:
    shift(model, activation, 50 if model.dtype == np.float32 else 360, 3)


def dead(model: nn.Sequential, activation: str, x: Array) -> None:
    shift(model, activation, 1000, 1)


#: States of a network's training, as changes of a fresh network: (model, activation, x).
STATES: dict[str, Callable[[nn.Sequential, str, Array], object]] = {
    "fresh": lambda model, activation, x: None,
    "confident": confident,
    "saturated": saturated,
    "dead": dead,
}


def problem(hidden: str, activation: str, state: str, dtype: Any) -> tuple[nn.Sequential, Array, Array]:
    """A network in a state of its training, samples, and classes, which a confident network predicts."""
    model = nn.Sequential(*HIDDEN[hidden](activation), nn.Dense(WIDTH, CLASSES), dtype=dtype, rng=0)
    recurrent = isinstance(model.layers[0], (nn.LSTM, nn.GRU, nn.RNN))
    shape = (SAMPLES, STEPS, INPUTS) if recurrent else (SAMPLES, INPUTS)
    x = spread(int(np.prod(shape)), np.float64, 1.0).reshape(shape).astype(dtype)
    STATES[state](model, activation, x)
    y = model(x).argmax(axis=1)
    return model, x, y if state == "confident" else (y + np.arange(SAMPLES) % 5) % CLASSES


@every_float
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_no_subnormal_numbers_in_backward_and_update(hidden: str, state: str, dtype: Any) -> None:
    raised = {}
    for activation in ACTIVATIONS:
        model, x, y = problem(hidden, activation, state, dtype)
        for optimizer in (optim.SGD(model, lr=1e-12, momentum=0.9), optim.Adam(model, lr=1e-12)):
            for _ in range(3):
                dy = F.cross_entropy(model.forward(x, training=True), y, return_grad=True)[1]
                found = {
                    "backward": raised_flags(lambda: model.backward(dy)),  # noqa: B023
                    "update": raised_flags(optimizer.step),
                }
                raised.update({f"{activation} {part}": flags for part, flags in found.items() if flags})
    assert not raised


@every_float
@pytest.mark.parametrize(("rule", "make", "settings"), OPTIMIZERS)
def test_no_subnormal_numbers_in_updates(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    """Gradients of every magnitude, then none, while the optimizer's state decays."""
    limits = np.finfo(dtype)
    gradient = np.ldexp(dtype(1.37), np.arange(limits.minexp - limits.nmant, 8)).astype(dtype)
    gradient[1::2] *= -1
    p = spread(gradient.size, dtype, 1.0)
    optimizer = make([p], **settings)
    for given in (gradient, gradient, *[np.zeros_like(gradient)] * 400):
        assert raised_flags(lambda: optimizer.step([given])) == ""  # noqa: B023


@every_float
@pytest.mark.parametrize("loss", oracles.LOSSES)
def test_tiny_gradients_of_a_loss_are_zero(loss: str, dtype: Any) -> None:
    least = LEAST_GRADIENT[dtype]
    for bound in (6, 90, 700):
        for width in (2, 10, 65, 200):
            for settings in oracles.LOSSES[loss].variants(width):
                x, y = outputs(loss, 12, width, dtype, bound), targets(loss, 12, width, dtype)
                _, gradient = NAMED[loss](x, y, **settings, return_grad=True)
                counted = gradient[gradient != 0]
                assert (np.abs(counted) >= least).all() or np.isnan(counted).any()


@every_float
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_that_are_not_tiny_keep_their_bits(activation: str, dtype: Any) -> None:
    """The gradient w.r.t. the input is dy f'(x), rounded once, but 0 if a factor or the product is tiny."""
    model = nn.Sequential(nn.Dense(1, 1, activation), dtype=dtype, rng=0)
    model.flat_parameters[:] = [1, 0]
    x = spread(6000, dtype, 60.0)
    dy = np.ldexp(spread(6000, dtype, 1.0)[::-1], -(np.arange(6000) % 90))
    model.forward(x[:, np.newaxis], training=True)
    dx = model.backward(dy[:, np.newaxis])[:, 0]
    slope = getattr(F, f"{activation}_derivative")(x)
    factors = [without_tiny(a.astype(np.float64), dtype) for a in (dy, slope)]
    product = np.multiply(*factors).astype(dtype)
    assert same_bits(dx, without_tiny(product, dtype).astype(dtype) + dtype(0))


@every_float
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_a_confident_network_stands_still(activation: str, dtype: Any) -> None:
    """A loss with tiny gradients alone gives gradients of exactly 0, and plain descent moves nothing."""
    model = nn.Sequential(nn.Dense(3, 8, activation), nn.Dense(8, 4), dtype=dtype, rng=0)
    gap = 30 if dtype == np.float32 else 200
    model.parameters()["1.bias"][...] = [gap, -gap, -gap, -gap]
    before = model.flat_parameters.copy()
    trainer = Trainer(model, optimizer=optim.SGD(lr=1.0), seed=0)
    loss = trainer.step(spread(30, dtype, 1.0).reshape(10, 3), np.zeros(10, int))
    assert 0 < loss < LEAST_GRADIENT[dtype]
    assert not model.flat_gradients.any()
    assert same_bits(model.flat_parameters, before)


@every_float
@pytest.mark.parametrize("loss", oracles.LOSSES)
def test_no_subnormal_numbers_in_gradients_of_losses(loss: str, dtype: Any) -> None:
    """A gradient raises no flag that the value alone does not raise."""
    row = oracles.LOSSES[loss]
    for bound, width in itertools.product((6, 40, 90, 110, 150, 360, 500, 700), (2, 10, 65, 200)):
        for settings in row.variants(width):
            x, y = outputs(loss, 12, width, dtype, bound), targets(loss, 12, width, dtype)
            value, both = (
                set(raised_flags(lambda: NAMED[loss](x, y, **settings, return_grad=grad)).split())  # noqa: B023
                for grad in (False, True)
            )
            assert both <= value, (bound, width, settings)
