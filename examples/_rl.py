"""The shared parts of the programs of reinforcement learning: an environment, a memory, a command, a plot."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray
from simdnn import nn

Array = NDArray[Any]


class Result(NamedTuple):
    """Returns of all episodes, the score that decides if a task is solved, and the number of steps."""

    returns: list[float]
    score: float
    steps: int


class Player:
    """An environment that starts each episode by itself, and the returns of the episodes."""

    def __init__(self, name: str, seed: int) -> None:
        self.environment: Any = gymnasium.make(name, disable_env_checker=True)
        self.state: Array = np.array(self.environment.reset(seed=seed)[0], np.float32)
        self.returns, self.total = list[float](), 0.0

    def step(self, action: Any) -> tuple[Array, float, bool, bool]:
        """The state after an action, its reward, and two flags: the episode ended, a limit of time cut it."""
        found, reward, ended, cut, _ = self.environment.step(action)
        after = self.state = np.array(found, np.float32)
        self.total += float(reward)
        if ended or cut:
            self.returns.append(self.total)
            self.total, self.state = 0.0, np.array(self.environment.reset()[0], np.float32)
        return after, float(reward), ended, cut

    def recent(self) -> float:
        """Mean return of the last hundred episodes."""
        return float(np.mean(self.returns[-100:])) if self.returns else float("nan")


def network(inputs: int, outputs: int, rng: np.random.Generator) -> nn.Sequential:
    """Two hidden layers of 64 with the weights and biases that PyTorch draws.

    Biases other than 0 matter where states are a few numbers near 0: the units then begin to be active in
    different places.
    """
    layers = nn.Dense(inputs, 64, "relu"), nn.Dense(64, 64, "relu"), nn.Dense(64, outputs)
    model = nn.Sequential(*layers, rng=rng)
    for i, layer in enumerate(layers):
        for name in (f"{i}.weight", f"{i}.bias"):
            values, bound = model.parameters()[name], layer.in_features**-0.5
            values[...] = rng.uniform(-bound, bound, values.shape)
    return model


class Steps(NamedTuple):
    """Steps as rows; `discounts` are the factors of the values after them: 0 where an episode ended.

    An episode that was cut off by a limit of time has not ended.
    """

    states: Array
    actions: Array
    rewards: Array
    after: Array
    discounts: Array


class Memory:
    """All steps of a training, from which batches are drawn."""

    def __init__(self, size: int, state: Array, action: Array) -> None:
        states, numbers = (np.zeros((2, size, *state.shape), np.float32), np.zeros((2, size), np.float32))
        actions = np.zeros((size, *action.shape), action.dtype)
        self.steps, self.count = Steps(states[0], actions, numbers[0], states[1], numbers[1]), 0

    def add(self, *step: Any) -> None:
        """Keeps one step: the values of the fields of `Steps`."""
        for column, value in zip(self.steps, step, strict=True):
            column[self.count] = value
        self.count += 1

    def draw(self, size: int, rng: np.random.Generator) -> Steps:
        """A batch of steps, drawn with replacement."""
        rows = rng.integers(self.count, size=size)
        return Steps(*(column[rows] for column in self.steps))


def evaluate(name: str, act: Callable[[Array], Any], episodes: int, seed: int) -> float:
    """Mean return of a policy over episodes of its own environment."""
    player = Player(name, seed)
    while len(player.returns) < episodes:
        player.step(act(player.state))
    return float(np.mean(player.returns))


def plot(path: Path, returns: list[float]) -> None:
    """Draws the return of each episode and their running mean into a file."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    mean = [float(np.mean(returns[max(0, i - 99) : i + 1])) for i in range(len(returns))]
    axes.plot(returns, ".", color="0.7", markersize=3, label="one episode")
    axes.plot(mean, color="C0", label="mean of the last 100")
    axes.set(title="Return of each episode", xlabel="episode")
    axes.legend(frameon=False)
    plt.savefig(path, dpi=150)
    plt.close()


def command(
    program: str, doc: str | None, train: Callable[..., Result], name: str, steps: int, solved: float
) -> None:
    """Reads the options of a program, trains an agent per seed, and prints and draws the returns."""
    parser = argparse.ArgumentParser(prog=f"python examples/{program}.py", description=doc)
    add = parser.add_argument
    add("--steps", type=int, default=steps, help="largest number of steps (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of weights, actions and episodes (default: %(default)s)")
    add("--seeds", type=int, default=1, help="number of trainings, of seeds in a row (default: %(default)s)")
    add("--environment", default=name, help="name of gymnasium's environment (default: %(default)s)")
    add("--solved", type=float, default=solved, help="score that ends a training (default: %(default)s)")
    add("--plot", type=Path, help="file to draw the returns of the last training into")
    options, good = parser.parse_args(), 0
    for seed in range(options.seed, options.seed + options.seeds):
        start = time.perf_counter()
        found = train(options.steps, seed, options.environment, options.solved, verbose=options.seeds == 1)
        speed = found.steps / (time.perf_counter() - start)
        good += found.score >= options.solved
        print(
            f"seed {seed}: score {found.score:.1f} after {found.steps:,} steps, {speed:,.0f} steps/s",
            flush=True,
        )
    if options.seeds > 1:
        print(f"{good} of {options.seeds} seeds reach {options.solved:g}")
    if options.plot is not None:
        plot(options.plot, found.returns)
        print(f"drew {options.plot}")
