"""The reader of CSV files (RFC 4180)."""

from __future__ import annotations

import csv
import io
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from .._utils.numbers import counted
from ._cells import INEXACT, PLAIN, Table, column_of, is_whole
from ._hints import point_out_delimiter, point_out_index, point_out_words
from ._request import Request, delimiter_hint

_FILLED = re.compile(r"\S")


def read_csv(name: str, request: Request) -> Table:
    """Reads a CSV file: a record of column names, then one record per row."""
    with open(name, encoding="utf-8-sig", newline="") as file:
        text = file.read()
    lines = io.StringIO(text, newline="")
    header, wanted, before = read_header(name, lines, request)
    found = parse(Part(name, text, lines.tell(), before), header, wanted, request)
    for column, values in found.items():
        if values.dtype == object and column not in request.text:
            point_out_words(column, values, request)
    point_out_delimiter(name, header)
    point_out_index(name, header, found)
    return found


@dataclass(frozen=True)
class Part:
    """Records of a CSV file: all of `text` from `begin` on, after `lines` of the file."""

    name: str
    text: str
    begin: int = 0
    lines: int = 0


def read_header(name: str, lines: TextIO, request: Request) -> tuple[list[str], list[str], int]:
    """The names of all columns and of the wanted ones, and the number of lines that have been read."""
    records = Records(name, iter(lines.readline, ""), request.delimiter)
    header = next(iter(records), [])
    check_characters(name, "".join(header), 0)
    named = [column for column in header if column.strip()]
    if not named:
        raise ValueError(f"{name}: expected columns with names and at least one row")
    return header, request.wanted(name, named), records.reader.line_num


def parse(part: Part, header: list[str], wanted: list[str], request: Request) -> Table:
    """Reads the wanted columns of some records."""
    check_characters(part.name, part.text, 0 if part.begin else part.lines)
    lines, columns = io.StringIO(part.text, newline=""), None
    if request.form == PLAIN and not request.text:
        lines.seek(part.begin)
        if _FILLED.search(part.text, part.begin):  # NumPy warns if there are no rows
            columns = read_numeric_csv(lines, part.text, header, request.delimiter)
    if columns is None:
        lines.seek(part.begin)
        records = Records(part.name, lines, request.delimiter, part.lines)
        columns = read_cells(records, header, wanted, request)
    return {column: columns[column] for column in wanted}


def check_characters(name: str, text: str, lines_before: int) -> None:
    """Raises for a NUL, which no text holds; pandas keeps it, and Python's `csv` refuses it before 3.11."""
    if (place := text.find("\0")) >= 0:
        line = lines_before + text.count("\n", 0, place) + 1
        raise ValueError(f"{name}: line {line} holds a NUL character: the file is damaged, or in UTF-16")


class LongCells:
    """A context in which the `csv` module, whose limit is the process's, reads cells of any length."""

    def __init__(self) -> None:
        self.lock, self.users, self.limit = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self.lock:
            if self.users == 0:
                self.limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
            self.users += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                csv.field_size_limit(self.limit)


long_cells = LongCells()


class Records:
    """The records of a CSV file that are not blank lines; `line` is the line in which the last one begins."""

    def __init__(self, name: str, lines: Iterable[str], delimiter: str, lines_before: int = 0) -> None:
        self.name, self.lines_before, self.line = name, lines_before, lines_before + 1
        self.reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        try:
            with long_cells:
                for record in self.reader:
                    if record:
                        yield record
                    self.line = self.lines_before + self.reader.line_num + 1
        except csv.Error as error:
            raise ValueError(f"{self.name}: {error} (line {self.line})") from None


def read_cells(records: Records, header: list[str], wanted: list[str], request: Request) -> Table:
    """Reads the wanted columns of the records after the header."""
    rows: list[list[str]] = []
    for record in records:
        if len(record) != len(header):
            raise ValueError(
                f"{records.name}: line {records.line} has {counted(len(record), 'cell')}, but there"
                f" {'is' if len(header) == 1 else 'are'} {counted(len(header), 'column')}"
                f"{delimiter_hint(header)}"
            )
        rows.append(record)
    found, chosen = {}, set(wanted)
    for place, column in enumerate(header):
        if column in chosen:
            cells = [row[place] for row in rows]
            found[column] = column_of(cells, column in request.text, request.form)
    return found


def read_numeric_csv(file: io.StringIO, text: str, header: list[str], delimiter: str) -> Table | None:
    """Reads lines of numbers alone by NumPy, which is much faster; None if `text`, the file's, has others."""
    try:
        values = np.loadtxt(file, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(header):
        return None
    columns = dict(zip(header, values.T.copy(), strict=True))
    if any(is_whole(column) and (np.abs(column) >= INEXACT).any() for column in columns.values()):
        return None
    return None if has_odd_quotes(text, delimiter) or has_leading_zeros(text, delimiter) else columns


def has_odd_quotes(text: str, delimiter: str) -> bool:
    """True if a quotation mark is inside a cell, next to another, or without an end; NumPy drops it."""
    if '"' not in text:
        return False
    other = f'[^"\r\n{re.escape(delimiter)}]'
    return text.count('"') % 2 == 1 or re.search(f'""|{other}"{other}', text) is not None


def has_leading_zeros(text: str, delimiter: str) -> bool:
    """True if a cell may be an integer with leading zeros, which is no number but an id."""
    codes: Any = np.frombuffer(f"\n{text}\n".encode("utf-8", "replace"), np.uint8)
    before, zeros = codes[:-2], codes[1:-1] == ord("0")
    starts = (before < ord("-")) & (before != ord("+"))  # line breaks, blanks, quotation marks and commas
    if ord(delimiter) >= ord("-"):
        starts |= before == ord(delimiter) % 256
    places = np.flatnonzero(starts & zeros)
    return bool(((codes[places + 2] - ord("0")) < 10).any())
