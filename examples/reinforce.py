"""``python examples/reinforce.py``: a policy learns to balance a pole, with a custom loss.

The training loop is written by hand: ``forward(training=True)``, the gradient of the loss, ``backward``, and
the optimizer's ``step()``.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np
import simdnn.functional as F
from numpy.typing import NDArray
from simdnn import nn, optim, schedules

Array = NDArray[Any]
#: Largest number of steps in an episode, and their mean at which the task counts as solved.
LIMIT, SOLVED = 200, 195


class CartPoles:
    """Independent poles on carts: the equations of Barto, Sutton & Anderson 1983, in Euler steps of 20 ms."""

    gravity, cart, pole, half_length, force, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.state = rng.uniform(-0.05, 0.05, (count, 4))

    def step(self, right: Array) -> Array:
        """Pushes each cart to the right or left; returns True for poles that still stand."""
        _, v, angle, spin = self.state.T
        push = np.where(right, self.force, -self.force)
        total, moment = self.cart + self.pole, self.pole * self.half_length
        sine, cosine = np.sin(angle), np.cos(angle)
        shared = (push + moment * spin**2 * sine) / total
        turn = (self.gravity * sine - cosine * shared) / (
            self.half_length * (4 / 3 - self.pole * cosine**2 / total)
        )
        drive = shared - moment * turn * cosine / total
        self.state = self.state + self.tau * np.stack([v, drive, spin, turn], axis=1)
        upright: NDArray[Any] = np.abs(self.state[:, 2]) < np.deg2rad(12)
        return upright & (np.abs(self.state[:, 0]) < 2.4)


class Episodes(NamedTuple):
    """Observations and actions of all episodes as rows, and the number of steps that each pole stood."""

    states: Array
    actions: Array
    returns: Array
    lengths: Array


def play(policy: nn.Sequential, count: int, rng: np.random.Generator) -> Episodes:
    """Plays `count` episodes at once; returns are sums of future rewards, one per step."""
    poles, alive = CartPoles(count, rng), np.ones(count, bool)
    states, actions, standing = [], [], []
    for _ in range(LIMIT):
        seen = poles.state.astype(np.float32)
        right = rng.random(count) < F.softmax(policy(seen))[:, 1]
        states.append(seen)
        actions.append(right.astype(np.int64))
        standing.append(alive)
        alive = alive & poles.step(right)
        if not alive.any():
            break
    mask = np.array(standing)
    discounted = np.zeros(count)
    returns = np.zeros(mask.shape)
    for t in reversed(range(len(mask))):
        discounted = mask[t] + 0.99 * discounted * mask[t]
        returns[t] = discounted
    return Episodes(np.array(states)[mask], np.array(actions)[mask], returns[mask], mask.sum(axis=0))


def update(policy: nn.Sequential, optimizer: optim.Optimizer, episodes: Episodes) -> None:
    """One step of REINFORCE (Williams 1992): the gradient of log p(action), times the advantage."""
    advantage = episodes.returns - episodes.returns.mean()
    advantage /= advantage.std() + 1e-8
    probabilities = F.softmax(policy.forward(episodes.states, training=True))
    probabilities[np.arange(len(probabilities)), episodes.actions] -= 1
    policy.backward(probabilities * advantage[:, np.newaxis] / len(advantage), input_gradient=False)
    optimizer.step()


def train(updates: int, episodes: int = 16, seed: int = 0) -> list[float]:
    """Trains a policy by ever smaller steps; returns the mean length of the episodes before each update."""
    rng = np.random.default_rng(seed)
    policy = nn.Sequential(nn.Dense(4, 32, "tanh"), nn.Dense(32, 32, "tanh"), nn.Dense(32, 2), rng=seed)
    optimizer = optim.Adam(policy, lr=schedules.linear(1e-2, 0.0, updates), clip_norm=1.0)
    lengths = []
    for _ in range(updates):
        played = play(policy, episodes, rng)
        update(policy, optimizer, played)
        lengths.append(float(played.lengths.mean()))
    return lengths


def main() -> None:
    """Trains a policy and prints how long the poles stand."""
    parser = argparse.ArgumentParser(prog="python examples/reinforce.py", description=__doc__)
    parser.add_argument("--updates", type=int, default=80, help="updates (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=16, help="episodes per update (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of weights and episodes (default: %(default)s)"
    )
    options = parser.parse_args()
    start = time.perf_counter()
    lengths = train(options.updates, options.episodes, options.seed)
    for i in range(0, len(lengths), 10):
        print(
            f"updates {i:3}-{i + 9:3}: poles stand for {np.mean(lengths[i : i + 10]):5.1f} of {LIMIT} steps"
        )
    solved = "solved" if np.mean(lengths[-10:]) >= SOLVED else "not solved"
    print(f"{solved} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
