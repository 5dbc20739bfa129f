"""Rows of tables in messages: they count from 0, as `iloc` of pandas does, and those of files from 1."""

from __future__ import annotations

import re

_ROWS = re.compile(r"(rows? )([0-9]+)( to )?([0-9]*)( \(counted from) 0\)")


def row_name(row: int) -> str:
    """A row in a message, by its index."""
    return f"row {row} (counted from 0)"


def rows_name(first: int, last: int) -> str:
    """Rows in a message, by the indices of the first and the last one."""
    return f"rows {first} to {last} (counted from 0)"


def later_rows(text: str, by: int) -> str:
    """A message about rows of a part of a table, for the table: `by` rows come before the part."""
    return _shifted(text, by, 0)


def rows_from_one(text: str) -> str:
    """A message about rows for the reader of a file, who counts them from 1."""
    return _shifted(text, 1, 1)


def _shifted(text: str, by: int, origin: int) -> str:
    """A message whose rows have other numbers, and an end that tells the number of the first row."""

    def numbers(found: re.Match[str]) -> str:
        first, to, last = int(found[2]) + by, found[3] or "", int(found[4]) + by if found[4] else ""
        return f"{found[1]}{first}{to}{last}{found[5]} {origin})"

    return _ROWS.sub(numbers, text)
