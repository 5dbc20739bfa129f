"""``python examples/evolution_strategies.py``: policies that balance a pole evolve, without a gradient.

Evolution strategies (Salimans, Ho, Chen, Sidor & Sutskever 2017): a population of noisy copies of a policy
plays, and the policy moves towards the copies whose poles stood longest. `simdnn.predict_many` computes the
actions of the whole population at each time step.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import simdnn
from numpy.typing import NDArray
from simdnn import nn, optim

Array = NDArray[Any]
#: Largest number of steps in an episode, and the mean number of steps at which the task is solved.
LIMIT, SOLVED = 500, 475


def step(state: Array, right: Array) -> Array:
    """Carts with poles 20 ms later: the equations of Barto, Sutton & Anderson 1983; `state` [..., 4]."""
    _, speed, angle, spin = np.moveaxis(state, -1, 0)
    cart, pole, half_length, force = 1.0, 0.1, 0.5, 10.0
    sine, cosine, total = np.sin(angle), np.cos(angle), cart + pole
    push = (np.where(right, force, -force) + pole * half_length * spin**2 * sine) / total
    turn = (9.8 * sine - cosine * push) / (half_length * (4 / 3 - pole * cosine**2 / total))
    drive = push - pole * half_length * turn * cosine / total
    return state + 0.02 * np.stack([speed, drive, spin, turn], axis=-1)


def play(policies: list[nn.Sequential], episodes: int, rng: np.random.Generator) -> Array:
    """Steps that each pole stands, [policies, episodes]; all policies play the same episodes."""
    start = rng.uniform(-0.05, 0.05, (episodes, 4))
    state = np.broadcast_to(start, (len(policies), episodes, 4))
    steps, standing = np.zeros(state.shape[:2], int), np.ones(state.shape[:2], bool)
    for _ in range(LIMIT):
        outputs = np.array(simdnn.predict_many(policies, list(state.astype(np.float32))))
        state = step(state, outputs[..., 0] > 0)
        standing = standing & (np.abs(state[..., 0]) < 2.4) & (np.abs(state[..., 2]) < np.deg2rad(12))
        steps += standing
        if not standing.any():
            break
    return steps


def ranks(scores: Array) -> Array:
    """Scores as numbers from -1/2 to 1/2 in their order, so that no single one dominates."""
    order = np.empty(scores.size)
    order[np.argsort(scores, kind="stable")] = np.linspace(-0.5, 0.5, scores.size)
    return order


def evolve(generations: int, pairs: int = 32, episodes: int = 4, seed: int = 0) -> list[float]:
    """Evolves a policy until it solves the task; returns its mean number of steps after each generation."""
    rng, noise = np.random.default_rng(seed), 0.3
    policy = nn.Sequential(nn.Dense(4, 16, "tanh"), nn.Dense(16, 1), rng=seed)
    population = [nn.Sequential(*policy.layers, rng=seed) for _ in range(2 * pairs)]
    optimizer = optim.Adam(policy, lr=0.1)
    found: list[float] = []
    while len(found) < generations and (not found or found[-1] < SOLVED):
        half = rng.standard_normal((pairs, policy.flat_parameters.size))
        directions = np.concatenate([half, -half])  # antithetic pairs lower the variance
        for member, direction in zip(population, directions, strict=True):
            member.flat_parameters[:] = policy.flat_parameters + noise * direction
        scores = play(population, episodes, rng).mean(axis=1)
        policy.flat_gradients[:] = -ranks(scores) @ directions / (len(population) * noise)
        optimizer.step()
        found.append(float(play([policy], 100, rng).mean()))
    return found


def main() -> None:
    """Evolves a policy and prints how long its poles stand."""
    parser = argparse.ArgumentParser(prog="python examples/evolution_strategies.py", description=__doc__)
    add = parser.add_argument
    add("--generations", type=int, default=100, help="largest number of generations (default: %(default)s)")
    add("--pairs", type=int, default=32, help="half the size of the population (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed of weights, noise and episodes (default: %(default)s)")
    options = parser.parse_args()
    start = time.perf_counter()
    lengths = evolve(options.generations, options.pairs, seed=options.seed)
    for generation, length in enumerate(lengths, 1):
        print(f"generation {generation:3}: poles stand for {length:5.1f} of {LIMIT} steps")
    print(f"{'solved' if lengths[-1] >= SOLVED else 'not solved'} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
