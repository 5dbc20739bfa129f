"""Custom loops: forward, loss, backward and step have the bits of a Trainer's step."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, nn, optim

from examples import evolution_strategies, reinforce
from tests.support.processes import ROOT, output_of
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


def two_heads(p: dict[str, Any], x: Any) -> tuple[Any, Any]:
    """Logits and values of an actor and a critic on one trunk, by NumPy."""
    trunk = np.tanh(x @ p["0.weight"] + p["0.bias"])
    logits = trunk @ p["1.0.0.weight"] + p["1.0.0.bias"]
    hidden = np.tanh(trunk @ p["1.1.0.weight"] + p["1.1.0.bias"])
    return logits, (hidden @ p["1.1.1.weight"] + p["1.1.1.bias"])[:, 0]


def test_two_heads_add_their_gradients_in_the_trunk() -> None:
    """The gradient of an actor's and a critic's loss together, beside differences of the float64 formula."""
    heads = nn.Concatenate(nn.Dense(7, 3), (nn.Dense(7, 5, "tanh"), nn.Dense(5, 1)))
    model = nn.Sequential(nn.Dense(4, 7, "tanh"), heads, dtype=np.float64, rng=0)
    x, actions, wanted = spread(48, np.float64).reshape(12, 4), np.arange(12) % 3, spread(12, np.float64)

    def loss(parameters: dict[str, Any]) -> float:
        logits, values = two_heads(parameters, x)
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -log_probs[np.arange(12), actions].mean() + 0.5 * np.mean((values - wanted) ** 2)

    outputs = model.forward(x, training=True)
    assert np.allclose(outputs, np.column_stack(two_heads(model.parameters(), x)), rtol=1e-13, atol=1e-14)
    _, dlogits = F.cross_entropy(outputs[:, :3], actions, return_grad=True)
    _, dvalues = F.mse_loss(outputs[:, 3], wanted, return_grad=True)
    model.backward(np.column_stack([dlogits, 0.5 * dvalues]))
    for name, gradient in model.gradients().items():
        values = model.parameters()[name]
        for place in np.ndindex(values.shape):
            kept, ends = values[place], []
            for step in (-1e-6, 1e-6):
                values[place] = kept + step
                ends.append(loss(model.parameters()))
            values[place] = kept
            assert abs((ends[1] - ends[0]) / 2e-6 - gradient[place]) < 1e-8, (name, place)


@pytest.mark.parametrize("seed", range(5))
def test_a_policy_learns_to_balance_a_pole(seed: int) -> None:
    lengths = reinforce.train(80, seed=seed)
    assert lengths[0] < 60
    assert np.mean(lengths[-10:]) >= reinforce.SOLVED


def test_a_population_learns_to_balance_a_pole() -> None:
    lengths = evolution_strategies.evolve(80, pairs=16, episodes=2, seed=1)
    assert lengths[0] < 200
    assert lengths[-1] >= evolution_strategies.SOLVED


@pytest.mark.parametrize(
    ("program", "options", "printed"),
    [
        ("reinforce", ("--updates", "10", "--episodes", "4"), "updates   0-  9: poles stand for"),
        ("evolution_strategies", ("--generations", "2", "--pairs", "4"), "generation   2: poles stand for"),
    ],
)
def test_a_program_runs_by_one_command(program: str, options: tuple[str, ...], printed: str) -> None:
    assert printed in output_of([str(ROOT / "examples" / f"{program}.py"), *options])
