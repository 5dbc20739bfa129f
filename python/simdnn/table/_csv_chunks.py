"""Chunks of a CSV file: places in the file at which a record begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple, TextIO

from .._utils.files import Unchanged
from ._cells import Table
from ._csv import Part, Records, parse, read_header
from ._hints import point_out_delimiter
from ._request import Request


class Place(NamedTuple):
    """The place of a chunk: its position in the file, and the number of lines before it."""

    position: Any
    lines: int


class CsvChunks:
    """The rows of a CSV file, in chunks of a number of them."""

    def __init__(self, name: str, request: Request, rows: int) -> None:
        self.name, self.rows, self.file = name, rows, Unchanged(name)
        self.places: list[Place] = []
        with self.open() as file:
            self.header, self.wanted, lines = read_header(name, file, request)
            self.first = Place(file.tell(), lines)

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """The open file; raises ValueError if it has changed before it is closed."""
        with self.file.reading(), open(self.name, encoding="utf-8-sig", newline="") as file:
            yield file

    def scan(self, request: Request) -> Iterator[Table]:
        """All chunks, one after the other; finds their places."""
        place = self.first
        with self.open() as file:
            file.seek(place.position)
            while True:
                lines, count = self.take(file, request.delimiter, place)
                if count == 0:
                    return
                found = self.parse(lines, place, request)
                if not self.places:
                    point_out_delimiter(self.name, self.header)
                self.places.append(place)
                yield found
                place = Place(file.tell(), place.lines + len(lines))

    def read(self, at: int, request: Request) -> Table:
        """One chunk whose place has been found."""
        place = self.places[at]
        with self.open() as file:
            file.seek(place.position)
            lines = self.take(file, request.delimiter, place)[0]
        return self.parse(lines, place, request)

    def parse(self, lines: list[str], place: Place, request: Request) -> Table:
        part = Part(self.name, "".join(lines), 0, place.lines)
        return parse(part, self.header, self.wanted, request)

    def take(self, file: Any, delimiter: str, place: Place) -> tuple[list[str], int]:
        """The lines of the next records, and their number: one each until there is a quotation mark."""
        lines, count = list[str](), 0
        while count < self.rows and (line := file.readline()):
            lines.append(line)
            if '"' in line:
                return self.take_quoted(lines, file, delimiter, place)
            count += line.strip("\r\n") != ""
        return lines, count

    def take_quoted(self, begun: list[str], file: Any, delimiter: str, place: Place) -> tuple[list[str], int]:
        """Like `take`, with records that may go over several lines, of which some have been read."""
        lines, count = list[str](), 0

        def seen() -> Iterator[str]:
            for line in chain(begun, iter(file.readline, "")):
                lines.append(line)
                yield line

        for _ in Records(self.name, seen(), delimiter, place.lines):
            count += 1
            if count == self.rows:
                break
        return lines, count
