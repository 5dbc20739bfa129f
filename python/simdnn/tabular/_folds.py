"""Folds: rows that a network trains on, and rows that are held out from it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


class Fold(NamedTuple):
    """Rows to train on, and rows held out."""

    train: Rows
    held_out: Rows


def draw_folds(y: NDArray[Any], rows: Rows, count: int, random: np.random.RandomState) -> list[Fold]:
    """Deals rows to `count` folds so that each has its share of the classes, or of small and large numbers.

    Rows that follow each other in the order of y go to different folds, in a random order. With more folds
    than rows there is a fold for each row.
    """
    count = min(count, len(rows))
    shuffled = rows[random.permutation(len(rows))]
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    places = np.concatenate([random.permutation(count) for _ in range(-(-len(rows) // count))])
    fold = places[: len(rows)]
    return [Fold(np.sort(order[fold != i]), np.sort(order[fold == i])) for i in range(count)]
