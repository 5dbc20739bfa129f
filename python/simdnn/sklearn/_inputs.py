"""Checks of arguments that scikit-learn would convert without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._utils.arrays import refuse_masked
from .._utils.dates import refuse_dates
from .._utils.sparse import check_sparse


def check_kinds(name: str, values: Any, dates: bool = False) -> None:
    """Raises for masked arrays, sparse ones with wrong places and, unless `dates` may be labels, dates."""
    refuse_masked(name, values)
    check_sparse(name, values)
    if not dates:
        refuse_dates(name, values)


def exact_labels(y: Any) -> Any:
    """y; as an array, if it has one of pandas' types of integers or booleans that may be missing."""
    if hasattr(y, "iloc") and np.ndim(y) == 2 and y.shape[1] == 1:
        column = y.iloc[:, 0]
        return y if isinstance(column.dtype, np.dtype) else exact_labels(column)
    dtype = getattr(y, "dtype", None)
    if dtype is None or isinstance(dtype, np.dtype) or not hasattr(y, "to_numpy"):
        return y
    kind = getattr(dtype, "kind", "")
    if kind in ("i", "u", "b", "O") and hasattr(y, "isna") and (missing := np.asarray(y.isna())).any():
        raise ValueError(f"y: row {int(np.argmax(missing)) + 1} is missing; Input contains NaN")
    if kind in ("i", "u", "b"):
        return y.to_numpy(dtype={"i": np.int64, "u": np.uint64, "b": np.bool_}[kind])
    return y


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
