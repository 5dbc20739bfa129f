"""Warnings about columns that are probably meant otherwise than they are read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._cells import BLANKS, Table
from ._mixed import FORMATS, mixed_hint, options_of
from ._request import Request, delimiter_hint
from ._times import dates_of_words

_DATE = re.compile(
    r"\s*(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})(?![0-9])"
)
#: A cell that has a mark of another spelling of numbers, without blanks around it: several stars that take
#: blanks would try all their parts of a long run of them.
_MARKED = re.compile(rf"[+-]?[0-9]*[.,'{BLANKS}][0-9.,'{BLANKS}]*")


def point_out_delimiter(name: str, header: list[str]) -> None:
    """Warns of a single column whose name looks like several names between other delimiters."""
    if hint := delimiter_hint(header):
        warnings.warn(f"{name}: there is one column, {header[0]!r:.80}{hint}", stacklevel=4)


def point_out_index(name: str, header: list[str], columns: Table) -> None:
    """Warns of columns without a name, which are left out, and of a named one that pandas' index became."""
    nameless = [place for place, column in enumerate(header) if not column.strip()]
    if nameless:
        warnings.warn(
            f"{name}: column {nameless[0] + 1} has no name and is left out; the index that pandas writes is"
            " such a column, unless it is written with index=False",
            stacklevel=4,
        )
    for column in columns:
        if re.fullmatch(r"Unnamed: [0-9]+", column) and counts_rows(columns[column]):
            warnings.warn(
                f"{name}: column {column!r} numbers the rows, as an index that pandas has read as a column"
                " does; leave it out with ignore (on the command line --ignore)",
                stacklevel=4,
            )


def counts_rows(values: NDArray[Any]) -> bool:
    """True for the numbers 0, 1, 2 ... of rows."""
    return values.dtype == np.float64 and bool((values == np.arange(len(values))).all())


def number_hint(cells: Iterable[Any]) -> str | None:
    """The options with which all these words are numbers, or None."""
    words = [cell for cell in cells if cell is not None]
    for form in FORMATS:
        if words and all(form.pattern.fullmatch(word) for word in words):
            return options_of(form)
    return None


def point_out_words(column: str, values: NDArray[Any], request: Request) -> None:
    """Warns if a column of words looks like numbers, some or all in another spelling, or like dates."""
    if found := words_hint(column, values, request):
        warnings.warn(found, stacklevel=4)


def words_hint(
    column: str, values: NDArray[Any], request: Request, rows: tuple[int, int] | None = None
) -> str:
    """The warning about words that look like numbers in another spelling, or like dates; or an empty text.

    `rows` are the first and the last row of a chunk, counted from 0.
    """
    form = request.form
    if found := dates_hint(column, values, request.dates):
        return f"{found} with ignore (--ignore)"
    marked = next((cell for cell in values if cell is not None and not form.pattern.fullmatch(cell)), None)
    if marked is None or not _MARKED.fullmatch(marked.strip()) or (hint := number_hint(values)) is None:
        found = mixed_hint(column, values, form, rows)
        return found and f"{found}, or name the column in text (--categorical) if words are meant"
    return (
        f"column {column}: values such as {marked!r} look like numbers; read them with {hint}, or as text"
        " with text (on the command line --decimal, --thousands and --categorical)"
    )


def dates_hint(column: str, words: NDArray[Any], dates: bool) -> str:
    """The warning about words that look like dates, but are no ISO 8601 if `dates`; or an empty text."""
    if dates and dates_of_words(words) is not None:
        return ""
    first = next((cell for cell in words if cell is not None), "")
    if not _DATE.match(first) or not all(cell is None or _DATE.match(cell) for cell in words):
        return ""
    remedy = "write them as 2020-01-31" if dates else "turn them into numbers"
    return (
        f"column {column}: values such as {first!r} look like dates; each distinct one is treated as a"
        f" category; {remedy}, or leave the column out"
    )
