"""Scores of numbers of any size: squares of tiny numbers would be 0, and those of huge ones infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def unit_of(numbers: Array) -> Array:
    """The power of two above the largest magnitude of each column of numbers [n, ...]; 1 for zeros."""
    return np.asarray(np.exp2(np.frexp(np.abs(numbers).max(axis=0))[1]))


def r_squared(y: Array, predictions: Array, weight: Array | None = None) -> float:
    """scikit-learn's R^2 of predictions [n, ...] of numbers, in units of their spread.

    Rows of weight 0 have the numbers of the first other row, so that huge ones do not count.
    """
    from sklearn.metrics import r2_score

    if weight is not None:
        rows = np.where(weight > 0, np.arange(len(weight)), np.argmax(weight > 0))
        y, predictions = y[rows], predictions[rows]
    unit = unit_of(y - y[:1])
    return float(r2_score(y / unit, predictions / unit, sample_weight=weight))


def root_mean_square(errors: Array) -> float:
    """The root of the mean square of errors [n]."""
    unit = unit_of(errors)
    return float(np.sqrt(np.mean((errors / unit) ** 2)) * unit)
