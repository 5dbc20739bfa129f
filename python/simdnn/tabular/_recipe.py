"""The recipe: sizes, rates and epochs of the networks of a table, by preset and number of rows."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import init, nn, optim
from ..training import Trainer

#: The presets.
PRESETS = ("fast", "default", "best")


@dataclass(frozen=True)
class Recipe:
    """Settings of the networks of an estimator.

    The rate of Adam is `rate` / sqrt(width of the first hidden layer), times the schedule.
    """

    members: int = 5
    hidden: tuple[int, ...] = (96, 96, 96)
    activation: str = "selu"
    rate: float = 0.04
    beta2: float = 0.95
    batch: int = 32
    epochs: int = 32
    bins: int = 16
    smoothing: float = 0.0
    trees: bool = False


def coslog4(rate: float, steps: int) -> Any:
    """The schedule of four cosines, each twice as long as the one before (Holzmueller et al. 2024)."""
    return lambda step: rate * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(step / steps, 1)))) / 2


def recipe_of(preset: str, classes: bool, rows: int) -> Recipe:
    """The recipe of a preset."""
    found = Recipe() if classes else Recipe(activation="mish", rate=0.07)
    if preset == "fast":
        return replace(found, members=3, epochs=12, batch=64)
    return replace(found, members=10, trees=True) if preset == "best" else found


def make_network(recipe: Recipe, inputs: int, outputs: int, seed: int) -> nn.Sequential:
    """A network with normal weights of variance 1 / inputs, normal biases, and a last layer of zeros."""
    sizes = (inputs, *recipe.hidden)
    layers = [
        nn.Dense(before, after, activation=recipe.activation) for before, after in itertools.pairwise(sizes)
    ]
    model = nn.Sequential(*layers, nn.Dense(sizes[-1], outputs), rng=seed)
    rng = np.random.default_rng(seed)
    parameters = model.parameters()
    last = [name for name in parameters][-2:]
    for name, value in parameters.items():
        if name in last:
            value[...] = 0
        else:
            std = 1.0 if name.endswith("bias") else value.shape[0] ** -0.5
            value[...] = init.normal(value.shape, std=std, rng=rng)
    return model


def make_trainer(recipe: Recipe, model: nn.Sequential, classes: bool, rows: int, seed: int) -> Trainer:
    """The trainer of a network on this number of rows."""
    steps = recipe.epochs * -(-rows // recipe.batch)
    rate = recipe.rate / recipe.hidden[0] ** 0.5
    optimizer = optim.Adam(lr=coslog4(rate, steps), betas=(0.9, recipe.beta2))
    return Trainer(model, loss="cross_entropy" if classes else "mse", optimizer=optimizer, seed=seed)
