"""Folds: rows that a network trains on, and rows that are held out from it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.folds import dealt

Rows = NDArray[np.intp]


class Fold(NamedTuple):
    """Rows to train on, and rows held out."""

    train: Rows
    held_out: Rows


def draw_folds(y: NDArray[Any], rows: Rows, count: int, random: np.random.RandomState) -> list[Fold]:
    """Deals ascending rows to `count` folds; with more folds than rows there is a fold for each row."""
    count = min(count, len(rows))
    fold = dealt(y[rows], count, random)
    return [Fold(rows[fold != i], rows[fold == i]) for i in range(count)]
