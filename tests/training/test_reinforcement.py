"""The programs of reinforcement learning: equal seeds have equal bits, and returns rise. They need [rl]."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F

from tests.support.processes import ROOT, output_of

EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="examples/ is not next to tests/: nothing to run"
)

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """A program as a module, which finds the parts that the programs share."""
    pytest.importorskip("gymnasium", reason="needs the extra [rl]: gymnasium")
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


@pytest.mark.parametrize(("program", "steps"), [("ppo", 4096), ("dqn", 1200), ("sac", 260)])
def test_equal_seeds_have_equal_bits(load: Load, program: str, steps: int) -> None:
    train = load(program).train
    first, second, other = train(steps, 0), train(steps, 0), train(steps, 1)
    assert first == second
    assert first.returns != other.returns
    assert first.steps == steps


def test_ppo_learns_to_balance_a_pole(load: Load) -> None:
    found = load("ppo").train(16_384, 0)
    assert np.mean(found.returns[:50]) < 40
    assert np.mean(found.returns[-20:]) > 120


def test_dqn_learns_to_balance_a_pole(load: Load) -> None:
    found = load("dqn").train(12_000, 0)
    assert np.mean(found.returns[:50]) < 40
    assert np.mean(found.returns[-20:]) > 80


def test_sac_learns_to_swing_up_a_pendulum(load: Load) -> None:
    """Without learning an episode returns about -1,250."""
    assert load("sac").train(5000, 2).score > -500


def test_a_limit_of_time_is_no_end(load: Load) -> None:
    """CartPole's episodes are cut off after 500 steps, as those of a pendulum after 200."""
    player = load("_rl").Player("Pendulum-v1", 0)
    ends = [player.step(np.zeros(1, np.float32))[2:] for _ in range(400)]
    assert [t for t, end in enumerate(ends) if end == (False, True)] == [199, 399]
    assert not any(ended for ended, _ in ends)
    assert len(player.returns) == 2


def in_float64(load: Load, outputs: Any, noise: Any, states: Any, agent: Any) -> float:
    """The loss of SAC's policy in float64: mean of alpha log p(a) - min Q(a), by the density of tanh(u)."""
    mean, log_std = outputs[:, :2], np.clip(outputs[:, 2:], load("sac").LOW, load("sac").HIGH)
    u = mean + np.exp(log_std) * noise
    normal = -(noise**2) / 2 - log_std - np.log(2 * np.pi) / 2
    log_probs = (normal + 2 * np.log(np.cosh(u))).sum(axis=1)  # 1 - tanh(u)^2 = 1 / cosh(u)^2
    x = np.hstack([states, np.tanh(u)])
    values = []
    for critic in agent.critics:
        named, hidden = {k: v.astype(float) for k, v in critic.parameters().items()}, x
        for i in range(3):
            hidden = hidden @ named[f"{i}.weight"] + named[f"{i}.bias"]
            hidden = np.maximum(hidden, 0) if i < 2 else hidden
        values.append(hidden[:, 0])
    return float(np.mean(np.exp(agent.log_alpha[0]) * log_probs - np.minimum(*values)))


def test_the_gradient_of_sac_is_that_of_its_loss(load: Load) -> None:
    """The gradient w.r.t. the outputs of the policy, beside differences of the float64 formula."""
    sac = load("sac")
    agent, rng = sac.Agent(3, 2, 0), np.random.default_rng(1)
    states = rng.standard_normal((8, 3), np.float32)
    outputs = rng.uniform(-1, 1, (8, 4)).astype(np.float32)
    outputs[0, 2], outputs[1, 3] = 3.0, -21.0  # beyond the bounds of the standard deviation
    agent.log_alpha[:] = -0.5
    agent.rng = np.random.default_rng(2)
    drawn = agent.draw(outputs)
    noise = np.random.default_rng(2).standard_normal((8, 2), np.float32).astype(float)
    found = agent.policy_slope(drawn, states, F.exp(agent.log_alpha))
    for i, j in np.ndindex(outputs.shape):
        moved, step = outputs.astype(float)[np.newaxis].repeat(2, axis=0), 1e-6
        moved[:, i, j] += -step, step
        low, high = (in_float64(load, one, noise, states.astype(float), agent) for one in moved)
        assert abs((high - low) / (2 * step) - found[i, j]) < 1e-5


@pytest.mark.parametrize(("program", "steps"), [("ppo", 2048), ("dqn", 1000), ("sac", 240)])
def test_a_program_runs_and_draws_the_returns(load: Load, tmp_path: Path, program: str, steps: int) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra [test]: matplotlib")
    assert load(program).__doc__.startswith(f"``python examples/{program}.py``")
    path = tmp_path / "returns.png"
    printed = output_of([str(EXAMPLES / f"{program}.py"), "--steps", str(steps), "--plot", str(path)])
    assert "seed 0: score" in printed
    assert path.stat().st_size > 5000
