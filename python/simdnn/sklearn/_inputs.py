"""Checks of arguments that scikit-learn would convert without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._utils.arrays import refuse_masked
from .._utils.dates import without_dates
from .._utils.frames import known_frame
from .._utils.sparse import check_sparse


def checked_kinds(name: str, values: Any, dates: bool = False) -> Any:
    """Values as of `known_frame`.

    Raises for masked arrays, sparse ones with wrong places and, unless `dates` may be labels, dates.
    """
    refuse_masked(name, values)
    check_sparse(name, values)
    return known_frame(name, values) if dates else without_dates(name, values)


def check_range(name: str, X: Any, dtype: np.dtype[Any]) -> None:
    """Raises if a number of X, finite in its own dtype, is beyond float32 and `dtype` is that."""
    values = X.data if issparse(X) else X
    if dtype != np.float32 or np.can_cast(values.dtype, np.float32) or values.size == 0:
        return
    most = float(np.finfo(np.float32).max)
    if not (values.max() > most or values.min() < -most):
        return
    first = tuple(np.argwhere(np.abs(X.toarray() if issparse(X) else X) > most)[0])
    place = ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), first, strict=False))
    raise ValueError(
        f"{name}: {place} holds {X[first]:g}, which is beyond float32; scale it, or use dtype=float64"
    )
