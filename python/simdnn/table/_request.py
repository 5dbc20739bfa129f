"""The columns that are wanted of a file, and the spelling of its cells."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .._utils.check import check_flag
from .._utils.hints import meant
from ._cells import PLAIN, NumberFormat


@dataclass(frozen=True)
class Request:
    """Arguments of `read`; `columns` is None for all columns of a file."""

    text: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    delimiter: str = ","
    form: NumberFormat = PLAIN
    dates: bool = False

    def wanted(self, file: str, names: Sequence[str]) -> list[str]:
        """Wanted names of the file; raises for one that is not there, or twice."""
        there = set(names)
        absent = [name for name in (*(self.columns or ()), *self.text, *self.ignore) if name not in there]
        if absent:
            raise ValueError(f"{file}: {are_missing(absent)}; there are {listed(absent[0], names)}")
        kept = (there if self.columns is None else set(self.columns)).difference(self.ignore)
        found = [name for name in names if name in kept]
        for name, count in Counter(found).items():
            if count > 1:
                raise ValueError(f"{file}: two columns are named {name!r}")
        return found


def ending_of(name: str, known: Collection[str]) -> str:
    """The extension of a file name in small letters; raises unless it is known and the file is there."""
    ending = os.path.splitext(name)[1].lower()
    if ending not in known:
        raise ValueError(f"{name}: expected a file name that ends in {', '.join(known)}")
    with open(name, "rb"):  # raises the system's own error if the file cannot be read
        return ending


def request_of(
    name: str,
    text: Collection[str],
    columns: Collection[str] | None,
    ignore: Collection[str],
    delimiter: str | None,
    decimal: str,
    thousands: str | None,
    dates: bool,
) -> Request:
    """The arguments of `read`, checked."""
    usual = "\t" if name.lower().endswith(".tsv") else ","
    return Request(
        names_of("text", text),
        None if columns is None else names_of("columns", columns),
        names_of("ignore", ignore),
        check_delimiter(usual if delimiter is None else delimiter),
        NumberFormat(decimal, thousands),
        check_flag("dates", dates),
    )


def names_of(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns as a tuple; raises TypeError for a string in the place of a list of them."""
    if isinstance(names, str | bytes):
        raise TypeError(
            f"{argument}: expected a collection of names, got the {type(names).__name__} {names!r}"
        )
    found = tuple(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"{argument}: expected names of columns as strings")
    return found


def check_delimiter(delimiter: str) -> str:
    """The delimiter of a CSV file, if it is one character that neither quotes nor ends a line."""
    if not isinstance(delimiter, str):
        raise TypeError(f"delimiter: expected a character, got {type(delimiter).__name__}")
    if len(delimiter) != 1 or delimiter in '"\r\n' or delimiter.isalnum():
        raise ValueError(f"delimiter: expected a character such as ';', got {delimiter!r}")
    return delimiter


def are_missing(names: Iterable[str]) -> str:
    """The part of an error message that names the columns which are not there."""
    found = [repr(name) for name in dict.fromkeys(names)]
    if len(found) == 1:
        return f"column {found[0]} is missing"
    return f"columns {', '.join(found[:-1])} and {found[-1]} are missing"


def listed(name: str, names: Sequence[str]) -> str:
    """The names of the columns that are there, where `name` is not, with a hint about its spelling."""
    hint = delimiter_hint(names)
    if any(name == one.strip() for one in names):
        hint = "; blanks around a name are part of it"
    return f"{', '.join(names)}{hint or meant(name, names)}"


def delimiter_hint(header: Sequence[str]) -> str:
    """The end of an error message, if the header looks like names between other delimiters."""
    other = next((mark for mark in ";\t|" if len(header) == 1 and mark in header[0]), None)
    return f"; is the delimiter {other!r}? (on the command line --delimiter)" if other else ""
