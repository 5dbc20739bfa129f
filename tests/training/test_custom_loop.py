"""Custom loops: forward, loss, backward and step have the bits of a Trainer's step."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, nn, optim

from examples import evolution_strategies, reinforce
from tests.support.registry import FLOATS, OPTIMIZERS, same_bits, spread


def model_of(dtype: Any) -> nn.Sequential:
    layers = [nn.Dense(5, 9, "tanh"), nn.Dropout(0.2), nn.Residual(nn.Dense(9, 9, "relu")), nn.Dense(9, 3)]
    return nn.Sequential(*layers, dtype=dtype, rng=0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_loop_of_calls_has_the_bits_of_a_trainer(dtype: Any) -> None:
    x, y = spread(40 * 5, dtype, 1.5).reshape(40, 5), np.arange(40) % 3
    native, alone = model_of(dtype), model_of(dtype)
    trainer = Trainer(native, optimizer=optim.Adam(lr=1e-2), clip_norm=1.0, seed=alone._seed)
    optimizer = optim.Adam(alone, lr=1e-2, clip_norm=1.0)
    for _ in range(5):
        loss = trainer.step(x, y)
        value, dy = F.cross_entropy(alone.forward(x, training=True), y, return_grad=True)
        alone.backward(dy)
        optimizer.step()
        assert abs(value - loss) <= 1e-6 * abs(loss)
        assert np.allclose(alone.flat_parameters, native.flat_parameters, rtol=0, atol=1e-5)
    assert same_bits(alone.forward(x), alone(x))


@pytest.mark.parametrize(("rule", "make", "settings"), OPTIMIZERS)
def test_an_optimizer_takes_a_model(rule: str, make: Any, settings: dict[str, Any]) -> None:
    """A model stands for the list of its parameters and gradients."""
    x, dy = spread(40 * 5, np.float64, 1.5).reshape(40, 5), spread(40 * 3, np.float64).reshape(40, 3)
    found = []
    for whole in (True, False):
        model = model_of(np.float64)
        optimizer = make(model if whole else list(model.parameters().values()), **settings)
        for _ in range(3):
            model.forward(x, training=True)
            model.backward(dy)
            optimizer.step(*([] if whole else [list(model.gradients().values())]))
        found.append(model.flat_parameters.copy())
        assert optimizer.steps == 3
    assert same_bits(*found)


def test_without_a_model_gradients_must_be_given() -> None:
    array = np.ones(3)
    with pytest.raises(ValueError, match="step: no gradients"):
        optim.SGD([array], lr=0.1).step()
    assert same_bits(array, np.ones(3))


def test_a_policy_learns_to_balance_a_pole() -> None:
    lengths = reinforce.train(60, seed=2)
    assert np.mean(lengths[:5]) < 60
    assert np.mean(lengths[-10:]) > 150


def test_a_population_learns_to_balance_a_pole() -> None:
    lengths = evolution_strategies.evolve(80, pairs=16, episodes=2, seed=1)
    assert lengths[0] < 200
    assert lengths[-1] >= evolution_strategies.SOLVED
