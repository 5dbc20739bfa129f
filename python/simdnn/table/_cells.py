"""Cells: the text of numbers and of missing values, and the words of categories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Columns by name: float64 with NaN for missing, int64 or uint64 for whole numbers that float64 does not
#: hold, or object arrays of strings with None for missing.
Table = dict[str, NDArray[Any]]

#: Text that means a missing value, blanks around it aside: the words of pandas' reader, NaT and ?.
MISSING = (
    *("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None", "<NA>", "NaT", "?"),
    *("#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
_MISSING = frozenset(MISSING)

#: The magnitude from which on float64 does not tell whole numbers apart.
INEXACT = 2**53

#: A blank, and those at which no line breaks, as in "1 234".
BLANKS = " \u00a0\u202f"

_LEADING_ZERO = re.compile(r"\n0[0-9]+\n")
_WHOLE = re.compile(r"\s*(-?(?:0|[1-9][0-9]*))(?:\.0*)?\s*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")


@dataclass(frozen=True)
class NumberFormat:
    """The spelling of numbers in a file: the decimal mark, and the mark between groups of three digits.

    A blank as the latter stands for the ones that keep a line together too.
    """

    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self) -> None:
        for name in ("decimal", "thousands"):
            mark = getattr(self, name)
            if mark is None and name == "thousands":
                continue
            if not isinstance(mark, str):
                raise TypeError(f"{name}: expected a character, got {type(mark).__name__}")
            if len(mark) != 1 or mark.isalnum() or mark in "+-_":
                raise ValueError(f"{name}: expected a character such as ',', got {mark!r}")
        if self.decimal == self.thousands:
            raise ValueError(f"thousands: {self.thousands!r} is the decimal mark")

    @property
    def marks(self) -> str:
        """The characters that may stand between groups of digits."""
        return BLANKS if self.thousands in tuple(BLANKS) else self.thousands or ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a number in this spelling; groups of digits are complete or absent."""
        point = re.escape(self.decimal)
        groups = f"[0-9]{{1,3}}(?:[{re.escape(self.marks)}][0-9]{{3}})+|" if self.thousands else ""
        number = rf"(?:{groups}[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+"
        return re.compile(rf"\s*[+-]?(?:(?:{number})(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))\s*")

    def plain(self, cell: str) -> str:
        """The number in the spelling of Python; raises ValueError for anything else."""
        if not self.pattern.fullmatch(cell):
            raise ValueError(f"{cell!r} is not a number")
        cell = cell.strip()
        for mark in self.marks:
            cell = cell.replace(mark, "")
        return cell.replace(self.decimal, ".")


#: The spelling with a decimal point and without groups.
PLAIN = NumberFormat()


def column_of(cells: Sequence[str | None], text: bool, form: NumberFormat = PLAIN) -> NDArray[Any]:
    """A column of these cells: numbers if all are numbers or missing and `text` is false, else strings."""
    if not text and (numbers := numbers_of(cells, form)) is not None:
        return numbers
    known = [None if cell is None or cell.strip() in _MISSING else cell for cell in cells]
    if not text and None in known and (numbers := numbers_of(known, form)) is not None:
        return numbers
    return objects(known)


def objects(cells: Sequence[Any]) -> NDArray[Any]:
    """An object array of these cells; the last one keeps NumPy from making an array of arrays."""
    return np.array([*cells, None], dtype=object)[:-1]


def numbers_of(cells: Sequence[str | None], form: NumberFormat = PLAIN) -> NDArray[Any] | None:
    """The numbers of these cells, NaN for None; None if one is anything else, or an id with leading zeros."""
    try:
        cells = [None if cell is None else cell.strip() for cell in cells]
        if form != PLAIN:
            cells = [None if cell is None else form.plain(cell) for cell in cells]
        values = np.array([np.nan if cell is None else float(cell) for cell in cells])
    except ValueError:
        return None
    known = [cell for cell in cells if cell is not None]
    text = "\n".join(["", *known, ""])
    if "_" in text or not text.isascii():
        return None  # Python's float takes underscores and the digits of every script
    if "\n0" in text and _LEADING_ZERO.search(text):
        return None
    if len(known) < len(cells) or not is_whole(values) or not (np.abs(values) >= INEXACT).any():
        return values
    exact = exact_integers(known)
    return values if exact is None else exact


def is_whole(values: NDArray[Any]) -> bool:
    """True if all these numbers are whole or missing; a look at the first ones saves time."""
    return all(bool(((np.floor(part) == part) | np.isnan(part)).all()) for part in (values[:32], values))


def exact_integers(cells: Sequence[Any]) -> NDArray[Any] | None:
    """An array of int64 or uint64 of these cells; None if they are not all integers of 64 bits."""
    try:
        numbers = [exact_integer(cell) for cell in cells]
        return np.array(numbers, np.int64 if min(numbers) < 0 else np.uint64).astype(
            np.int64 if max(numbers) < 2**63 else np.uint64
        )
    except (ValueError, OverflowError):
        return None


def exact_integer(cell: Any) -> int:
    """The integer of a cell, such as 3 of "3.0"; raises ValueError if another number may be meant."""
    try:
        return int(cell)
    except ValueError:
        number = float(cell)
        if abs(number) >= INEXACT or number != int(number):
            raise
        return int(number)


def as_text(cell: Any) -> str:
    """A cell as text; numbers have no exponent, and whole numbers no decimal point."""
    if isinstance(cell, bytes):
        return cell.decode()
    if isinstance(cell, float | np.floating):
        return np.format_float_positional(cell, trim="-")
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def canonical(word: str) -> str:
    """The spelling of a category: "1" for "1.0" and " 1", any other word as it is, such as "007"."""
    found = _WHOLE.fullmatch(word)
    if found is None:
        return word
    return "0" if found[1] == "-0" else found[1]


def is_padded(word: str) -> bool:
    """True for an integer with leading zeros."""
    return len(word) > 1 and word[0] == "0" and word.isdecimal()


def similar(word: str) -> str:
    """A key that spellings of one category share: blanks, zeros that end a fraction, the case of True."""
    short = canonical(word.strip())
    if _DECIMAL.fullmatch(short):
        return canonical(short.rstrip("0"))
    return short.lower() if short.lower() in ("true", "false") else short
