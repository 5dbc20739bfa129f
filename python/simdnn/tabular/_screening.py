"""Columns that tell nothing about the target, without which networks of few rows are better."""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import functional as F
from .. import nn
from ..config import get_num_threads
from ..table import Columns
from ._bag import Bag, Problem
from ._budget import seconds_of_epoch
from ._folds import draw_folds
from ._importance import KeptRows, places_of_columns
from ._recipe import Recipe, recipe_of

Array = NDArray[Any]

#: The fewest rows and the most columns that are judged, and the part of a time limit that this may take.
FEWEST_ROWS, MOST_COLUMNS, TIME_PART = 2_000, 200, 0.25
#: The epochs of the networks that judge.
EPOCHS = 8


def screened(
    recipe: Recipe,
    columns: Columns,
    problem: Problem,
    order: Array,
    rows: NDArray[np.intp],
    random: np.random.RandomState,
    seconds: float | None,
) -> Columns:
    """The columns with those left out that tell nothing, by networks of the preset "fast" with more layers.

    `order` [n] are the numbers by which rows are dealt to folds; all columns stay if networks would take too
    much of `seconds`.
    """
    if recipe.screening is None or len(rows) < FEWEST_ROWS or not 1 < len(columns.parts) <= MOST_COLUMNS:
        return columns
    fast = recipe_of("fast", problem.classes, len(rows), len(columns.parts))
    members, epochs = min(fast.members, recipe.members), min(EPOCHS, recipe.epochs)
    first = replace(fast, shapes=Recipe.shapes, members=members, epochs=epochs)
    folds = draw_folds(order, rows, first.members, random)
    seeds = [int(seed) for seed in random.randint(2**31, size=len(folds))]
    bag = Bag(first, columns, problem, folds, seeds)
    if seconds is not None and takes_longer(bag, seconds * TIME_PART):
        return columns
    models = bag.train(None, False)[0]
    places = places_of_columns(columns, columns.names)
    silent = telling_nothing(Mixed(bag, models, random), places, recipe.screening)
    kept = [part for i, part in enumerate(columns.parts) if i not in silent]
    return Columns(kept, [part for part in columns.parts if part not in kept])


def takes_longer(bag: Bag, seconds: float) -> bool:
    """True if networks of a bag and their losses for each column take longer, by the time of an epoch.

    The losses of all rows take about as long as half of an epoch of one network.
    """
    recipe, fold = bag.recipe, bag.folds[0]
    rounds = -(-recipe.members // min(get_num_threads(), recipe.members))
    epochs = rounds * recipe.epochs + len(bag.columns.parts) / 2
    return seconds_of_epoch(recipe, bag.columns, bag.problem, fold) * epochs > seconds


class Mixed:
    """Losses of networks on rows that they have not seen, with values of some inputs in another order."""

    def __init__(self, bag: Bag, models: list[nn.Sequential], random: np.random.RandomState) -> None:
        problem = bag.problem
        kept = KeptRows.of(bag.folds, problem.inputs, problem.targets, problem.weight)
        rows = np.argsort(kept.fold, kind="stable")
        ends = np.searchsorted(kept.fold[rows], np.arange(len(models) + 1))
        #: The rows of each network, one network after another.
        self.inputs, self.targets = kept.inputs[rows], kept.targets[rows]
        self.weight = None if kept.weight is None else kept.weight[rows]
        self.parts = [
            (model, slice(*pair)) for model, pair in zip(models, itertools.pairwise(ends), strict=True)
        ]
        self.classes = problem.classes
        self.order = random.permutation(len(rows))
        self.base = self.losses()

    def losses(self) -> Array:
        """The loss [n] of each row, times its weight."""
        outputs = np.concatenate([model(self.inputs[rows]) for model, rows in self.parts]).astype(np.float64)
        found: Array = (
            F.cross_entropy(outputs, self.targets, reduction="none")
            if self.classes
            else np.square(outputs - self.targets).mean(axis=1)
        )
        return found if self.weight is None else found * self.weight

    def rise(self, places: list[int]) -> float:
        """Standard errors by which the mean loss rises where these inputs are shuffled; exact sums."""
        before = self.inputs[:, places]
        self.inputs[:, places] = before[self.order]
        rises = self.losses() - self.base
        self.inputs[:, places] = before
        mean = math.fsum(rises) / len(rises)
        variance = math.fsum(np.square(rises - mean)) / len(rises)
        return mean / math.sqrt(variance / len(rises)) if variance > 0 else 0.0


def telling_nothing(mixed: Mixed, places: list[list[int]], least: float) -> list[int]:
    """The columns whose joint shuffling does not raise the loss by more than `least` standard errors.

    They are as many as possible in the ascending order of their own rise, so that columns that tell the same
    are not all left out, and many columns that tell a little each stay. At least one column stays.
    """
    rises = [mixed.rise(one) for one in places]
    order = sorted(range(len(places)), key=rises.__getitem__)

    def rise_of(count: int) -> float:
        return mixed.rise([place for column in order[:count] for place in places[column]])

    return order[: bisect.bisect(range(1, len(order)), least, key=rise_of)]
