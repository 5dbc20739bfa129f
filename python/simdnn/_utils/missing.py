"""Missing values: None, NaN, NaT, and pandas' NA; targets without them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import with_kinds
from .dates import as_array
from .frames import is_column, is_frame, known_frame

#: Types without a missing value.
COMPLETE = (str, bytes, int, np.integer, np.bool_)


def is_missing(cell: Any) -> bool:
    """True for None, NaN, NumPy's NaT, and pandas' NA and NaT."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, Decimal):
        return cell.is_nan()
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return bool(np.isnat(cell))
    return isinstance(cell, float | np.floating) and bool(cell != cell)


def plain_target(y: Any) -> Any:
    """y as scikit-learn reads it exactly: columns of other libraries as arrays, all else as it is.

    Raises
    ------
    ValueError
        If a value is missing; it tells the first index, and counts the rows.
    """
    y = known_frame("y", y)
    if hasattr(y, "isna"):  # pandas
        refuse_rows(np.asarray(y.isna()))
        if np.ndim(y) == 2:
            if all(isinstance(one, np.dtype) for one in y.dtypes):
                return y
            return np.column_stack([np.asarray(plain_target(y.iloc[:, i])) for i in range(y.shape[1])])
        kind = "" if isinstance(y.dtype, np.dtype) else getattr(y.dtype, "kind", "")
        types: dict[str, Any] = {"i": np.int64, "u": np.uint64, "b": np.bool_}
        return y.to_numpy(dtype=types[kind]) if kind in types else y
    if is_frame(y) or is_column(y):  # Polars and pyarrow
        y = np.asarray(y)
    if isinstance(y, list | tuple):
        if all(issubclass(kind, str) for kind in set(map(type, y))):
            return y
        given, cells = y, with_kinds(y)
        cells = cells if isinstance(cells, np.ndarray) else as_array(cells)
        y = cells if cells is not None and cells.ndim == 1 and cells.dtype.kind in "biuf" else given
    else:
        cells = y
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "O":
        refuse_rows(missing_cells(cells))
    elif isinstance(cells, np.ndarray) and cells.dtype.kind in "fmM":
        refuse_rows(np.isnan(cells))
    return y


def missing_cells(cells: NDArray[Any]) -> NDArray[np.bool_]:
    """The mask of the missing values of an array of objects."""
    values = cells.ravel().tolist()
    if all(issubclass(kind, COMPLETE) for kind in set(map(type, values))):
        return np.zeros(cells.shape, bool)
    return np.array(list(map(is_missing, values)), bool).reshape(cells.shape)


def refuse_rows(missing: Any) -> None:
    """Raises for the first row of a mask [n, ...] of missing values; they are counted from 0."""
    rows = missing.any(axis=tuple(range(1, missing.ndim)))
    if count := int(rows.sum()):
        have = "has" if count == 1 else "have"
        counted = f"{count:,} of {len(rows):,} rows {have} no target"
        raise ValueError(f"y[{int(np.argmax(rows))}] is missing; {counted}; Input y contains NaN")
