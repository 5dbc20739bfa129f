"""Tables that come in parts: rows of the whole table, and errors that name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import MOST
from .._utils.rows import later_rows
from ._frames import is_table


def parts_of(table: Any, without: str = "table: expected at least one part") -> Iterator[Any]:
    """The parts of a table that comes as an iterable of them, or the table itself.

    `without` is the message of the error if there are none.
    """
    if is_table(table) or not isinstance(table, Iterable):
        yield table
        return
    empty = True
    for part in table:
        empty = False
        yield part
    if empty:
        raise ValueError(without)


@contextmanager
def rows_from(begin: int) -> Iterator[None]:
    """Lets errors about a row of a part name the row of the table; `begin` rows come before the part."""
    try:
        yield
    except ValueError as error:
        raise ValueError(later_rows(str(error), begin)) from None


def kind_of(values: NDArray[Any]) -> str:
    """The kind of a part's values."""
    return {"O": "text", "M": "dates"}.get(values.dtype.kind, "numbers")


def one_kind(what: str, before: str, values: NDArray[Any]) -> str:
    """The kind of a part's values; raises unless it is that of the parts before, which is empty at first."""
    kind = kind_of(values)
    if before not in ("", kind):
        raise ValueError(
            f"{what}: {before} in the parts before, but {kind} in this one: read the column as text in all"
            " of them"
        )
    return kind


def read_once(name: str) -> str:
    """The message for a column that has to be read again, of parts that cannot be."""
    return (
        f"column {name}: dates in some parts, but text in others: give parts that can be read twice, such as"
        " a list of them or `table.chunks`, if the dates are words, or read the column as text in all of them"
    )


class RowChoice:
    """Rows of a table, chosen by their indices or by a mask; None chooses all."""

    def __init__(self, rows: ArrayLike | None, in_parts: bool) -> None:
        self.rows = None if rows is None else checked_rows(rows)
        self.begin, self.in_parts = 0, in_parts
        if self.rows is None or not in_parts or self.rows.dtype == bool:
            return
        if (np.diff(self.rows) < 0).any() or self.rows[0] < 0:
            raise ValueError("rows: expected ascending indices >= 0 for a table in parts")

    def of_next(self, count: int) -> Any:
        """The index of the chosen rows in the next part, which has `count` rows."""
        begin, self.begin = self.begin, self.begin + count
        if self.rows is None:
            return slice(None)
        if self.rows.dtype == bool:
            mask = self.rows[begin : self.begin]
            return mask if mask.size == count else slice(0)  # check_end raises
        if not self.in_parts:
            if (self.rows < -count).any() or (self.rows >= count).any():
                raise IndexError(f"rows: out of range for a table of {count} rows")
            return self.rows
        first, last = np.searchsorted(self.rows, [begin, self.begin])
        return self.rows[first:last] - begin

    def check_end(self) -> None:
        """Raises unless there were rows, and all chosen ones were in a part."""
        if not self.begin:
            raise ValueError("table: expected at least one row")
        if self.rows is None:
            return
        if self.rows.dtype == bool and self.rows.size != self.begin:
            raise IndexError(
                f"rows: expected a mask with one element for each row, got {self.rows.size} for {self.begin}"
                " rows"
            )
        if self.rows.dtype != bool and self.in_parts and self.rows[-1] >= self.begin:
            raise IndexError(f"rows: out of range for a table of {self.begin} rows")


def checked_rows(rows: ArrayLike) -> NDArray[Any]:
    """Rows as an array of indices, or a mask."""
    found = as_cpu_array("rows", rows)
    if found.ndim != 1 or found.dtype.kind not in "iub":
        raise TypeError(f"rows: expected a list of integers, got dtype {found.dtype}, shape {found.shape}")
    if not (found.any() if found.dtype == bool else found.size):
        raise ValueError("rows: expected at least one row, got none")
    if found.dtype == bool:
        return found
    return (np.minimum(found, MOST) if found.dtype == np.uint64 else found).astype(np.int64)
