"""Permutation importance: the score that an estimator loses where the values of a column are shuffled."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from ..table import Columns
from ._folds import Fold

Array = NDArray[Any]

#: Bytes of inputs with a permuted column that are predicted in one native call.
BYTES = 2**26
#: Rows of a fit that an estimator keeps for the importance out of fold, at most.
KEPT_ROWS = 5_000


@dataclass(frozen=True)
class KeptRows:
    """Rows of a fit, and the fold that holds each of them out; `samples` are what trees read."""

    rows: NDArray[np.intp]
    fold: NDArray[np.intp]
    inputs: Array
    targets: Array
    weight: Array | None
    samples: Array | None = None

    @classmethod
    def of(cls, folds: list[Fold], inputs: Array, targets: Array, weight: Array | None) -> KeptRows:
        """At most `KEPT_ROWS` of the rows that are in folds."""
        fold = np.full(len(inputs), -1)
        for i, one in enumerate(folds):
            fold[one.held_out] = i
        order = np.random.RandomState(0).permutation(np.flatnonzero(fold >= 0))
        rows = np.sort(order[:KEPT_ROWS])
        return cls(rows, fold[rows], inputs[rows], targets[rows], None if weight is None else weight[rows])

    def weighted(self, weight: Array | None) -> KeptRows:
        """These rows with other weights, which are given for all rows of the fit."""
        return replace(self, weight=None if weight is None else weight[self.rows])


def places_of_columns(columns: Columns, names: list[str]) -> list[list[int]]:
    """The inputs of the column of each name: its position, and the others; none if it is left out."""
    positions = ranges_of(columns, names, lambda part: len(part.positions))
    others = ranges_of(columns, names, lambda part: len(part.features), columns.encoded)
    return [[*first, *second] for first, second in zip(positions, others, strict=True)]


def ranges_of(
    columns: Columns, names: list[str], width: Callable[[Any], int], begin: int = 0
) -> list[list[int]]:
    """The places of the column of each name, if each takes as many as its width; none if it is left out."""
    ends = itertools.accumulate(map(width, columns.parts), initial=begin)
    pairs = zip(columns.names, itertools.pairwise(ends), strict=True)
    found = {name: list(range(*pair)) for name, pair in pairs}
    return [found.get(name, []) for name in names]


def permutation_importance(
    parts: list[tuple[Array, list[list[int]]]],
    score: Callable[[list[Array]], list[float]],
    repeats: int,
    random: np.random.RandomState,
) -> Bunch:
    """Falls of the score for each column; `parts` has arrays [n, inputs] and the inputs of each column.

    Many permuted copies of the rows, one after another, are predicted at once: `score` gets the arrays of all
    and returns the score of each copy.
    """
    rows, count = len(parts[0][0]), len(parts[0][1])
    orders = [random.permutation(rows) for _ in range(repeats)]
    jobs = [(column, order) for column in range(count) for order in orders]
    base = score([array for array, _ in parts])[0]
    each = max(1, BYTES // sum(array.nbytes for array, _ in parts))
    scores: list[float] = []
    for begin in range(0, len(jobs), each):
        chosen = jobs[begin : begin + each]
        scores += score([permuted(array, places, chosen) for array, places in parts])
    falls = base - np.array(scores).reshape(count, repeats)
    return Bunch(importances_mean=falls.mean(axis=1), importances_std=falls.std(axis=1), importances=falls)


def permuted(array: Array, places: list[list[int]], jobs: list[tuple[int, Array]]) -> Array:
    """Copies of the rows, one after another, each with the values of one column in another order."""
    found = np.tile(array, (len(jobs), 1))
    for i, (column, order) in enumerate(jobs):
        copy = found[i * len(array) : (i + 1) * len(array)]
        copy[:, places[column]] = array[order][:, places[column]]
    return found
