"""Tables of other libraries: their columns by name, themselves unread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import refuse_sparse, refuse_unread
from .._utils.frames import known_frame


def is_table(value: Any) -> bool:
    """True for one table; an iterable of tables is none."""
    protocols = ("items", "column_names", "get_columns", "__arrow_c_stream__", "__dataframe__")
    return isinstance(value, np.ndarray | str) or any(hasattr(value, name) for name in protocols)


def checked_columns(table: Any) -> dict[str, Any]:
    """The columns of a table by name, themselves unread."""
    found: dict[str, Any] = {}
    for name, values in named(table):
        if not isinstance(name, str):
            raise TypeError(f"table: expected strings as names of columns, got {name!r}")
        if name in found:
            raise ValueError(f"table: two columns are named {name!r}")
        found[name] = values
    return found


def named(table: Any) -> Iterable[tuple[Any, Any]]:
    """Pairs of a name and a column: of a dictionary, an array, or a DataFrame of any library."""
    table = known_frame("table", table)
    if hasattr(table, "items"):  # dictionaries and pandas
        pairs: Iterable[tuple[Any, Any]] = table.items()
        return pairs
    if isinstance(table, np.ndarray):
        return columns_of_array(table)
    if hasattr(table, "column_names"):  # pyarrow
        return [(name, table.column(place)) for place, name in enumerate(table.column_names)]
    if hasattr(table, "get_columns"):  # polars
        return [(column.name, column) for column in table.get_columns()]
    refuse_sparse("table", table)
    raise TypeError(
        "table: expected a dictionary of columns, a DataFrame or an array [rows, columns], got"
        f" {type(table).__name__}"
    )


def columns_of_array(array: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    """The columns x0, x1 ... of an array [rows, columns], or the fields of a structured one."""
    refuse_unread("table", array)
    if array.dtype.names:
        return [(name, array[name]) for name in array.dtype.names]
    if array.ndim != 2:
        raise ValueError(f"table: expected an array [rows, columns], got shape {array.shape}")
    return [(f"x{place}", np.ascontiguousarray(column)) for place, column in enumerate(array.T)]
