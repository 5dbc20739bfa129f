"""`chunks`: large CSV and Parquet files as a sequence of tables."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from operator import index
from typing import Any

import numpy as np

from .._utils.check import check_int
from .._utils.files import Path, Unchanged, path_name
from ._cells import INEXACT, Table, is_whole
from ._csv_chunks import CsvChunks
from ._encoding import encoding_error
from ._hints import point_out_index, words_hint
from ._parquet import columns_of, parquet_file, wanted_of
from ._request import Request, ending_of, request_of


def chunks(
    path: Path,
    *,
    rows: int = 65_536,
    text: Collection[str] = (),
    columns: Collection[str] | None = None,
    ignore: Collection[str] = (),
    delimiter: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    dates: bool = False,
) -> Chunks:
    """Read a large CSV or Parquet file chunk by chunk.

    Parameters
    ----------
    path : str or path
        File whose name ends in ``.csv``, ``.tsv`` or ``.parquet``.
    rows : int
        Rows per chunk of a CSV file. The chunks of a Parquet file are its row groups.
    text, columns, ignore, delimiter, decimal, thousands, dates
        As in `read`.

    Returns
    -------
    sequence of dict
        Its items are tables as `read` returns them; each is read when it is asked for. ``chunks.rows`` is the
        number of all rows, ``chunks.begins[i]`` that of the rows before the chunk i.

    Raises
    ------
    TypeError, ValueError, OSError, ImportError
        As `read`; a ValueError also by reading a chunk, if the size or the modification time of the file has
        changed since it was opened.

    Warns
    -----
    UserWarning
        As `read`.

    Notes
    -----
    The file is read once at first, to find the chunks and the types of the columns: one is text if `read`
    would take it for text. So the joined chunks are the table that `read` returns.

    Examples
    --------
    >>> import os, tempfile
    >>> from simdnn import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pets.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("kind,age\\ncat,3\\ndog,5\\ncat,x\\n")
    ...     parts = table.chunks(path, rows=2)
    ...     len(parts), parts.rows, parts[1]
    (2, 3, {'kind': array(['cat'], dtype=object), 'age': array(['x'], dtype=object)})
    """
    name = path_name(path)
    ending = ending_of(name, READERS)
    request = request_of(name, text, columns, ignore, delimiter, decimal, thousands, dates)
    count = check_int("rows", rows)
    try:
        return Chunks(name, READERS[ending](name, request, count), request)
    except UnicodeDecodeError:
        raise encoding_error(name) from None


class ParquetChunks:
    """The row groups of a Parquet file."""

    def __init__(self, name: str, request: Request, rows: int) -> None:
        self.name, self.header, self.file = name, list[str](), Unchanged(name)
        with self.file.reading(), parquet_file(name) as file:
            self.wanted = wanted_of(name, file, request)
            groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        self.groups = [i for i, count in enumerate(groups) if count]

    def scan(self, request: Request) -> Iterator[Table]:
        """All chunks, one after the other."""
        for place in range(len(self.groups)):
            yield self.read(place, request)

    def read(self, place: int, request: Request) -> Table:
        """One chunk."""
        with self.file.reading(), parquet_file(self.name) as file:
            found = file.read_row_group(self.groups[place], columns=self.wanted, use_threads=False)
        return columns_of(found, self.wanted, request)


#: Reader of each file name extension.
READERS: dict[str, Any] = {".csv": CsvChunks, ".tsv": CsvChunks, ".parquet": ParquetChunks}


class Chunks(Sequence[Table]):
    """Tables that are parts of a file, each read when it is asked for."""

    def __init__(self, name: str, reader: Any, request: Request) -> None:
        kinds, sizes, hints = dict[str, Kind](), list[int](), dict[str, str]()
        for i, part in enumerate(reader.scan(request)):
            sizes.append(len(next(iter(part.values()))) if part else 0)
            for column, values in part.items():
                kinds.setdefault(column, Kind()).add(values)
                if reader.header and values.dtype == object and hints.get(column, " "):
                    rows_of = sum(sizes[:-1]), sum(sizes) - 1
                    hint = "" if column in request.text else words_hint(column, values, request, rows_of)
                    hints[column] = hint and hints.get(column, hint)
            if i == 0 and reader.header:
                point_out_index(name, reader.header, part)
        if not sum(sizes):
            raise ValueError(f"{name}: expected columns with names and at least one row")
        for hint in filter(None, hints.values()):
            warnings.warn(hint, stacklevel=3)
        texts = {column for column, kind in kinds.items() if kind.text}
        self.name, self._reader, self._kinds = name, reader, kinds
        self._request = replace(request, text=tuple(texts.union(request.text)))
        self.begins: list[int] = [0, *np.cumsum(sizes).tolist()][:-1]
        self.rows = sum(sizes)

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, i: Any) -> Any:
        at = index(i)
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError(f"chunks: {i} is out of range for {len(self)} chunks")
        found: Table = self._reader.read(at, self._request)
        return {column: self._kinds[column].cast(values) for column, values in found.items()}


class Kind:
    """The type of a column, of which the chunks are seen one after the other."""

    def __init__(self) -> None:
        self.text, self.exact, self.large = False, True, False
        self.negative, self.unsigned = False, False

    def add(self, values: Any) -> None:
        """Looks at the values of a chunk."""
        if values.dtype == object:
            self.text, self.exact = self.text or any(one is not None for one in values), False
            return
        if values.dtype.kind == "M":
            return
        if values.dtype == np.float64:
            self.exact = self.exact and is_whole(values) and bool((np.abs(values) < INEXACT).all())
        else:
            self.large = True
            self.unsigned = self.unsigned or values.dtype == np.uint64
        self.negative = self.negative or bool((values < 0).any())

    def cast(self, values: Any) -> Any:
        """The values of a chunk as those of the whole column."""
        if values.dtype == object or not self.large:
            return values
        whole = np.uint64 if self.unsigned else np.int64
        exact = self.exact and not (self.negative and self.unsigned)
        return values.astype(whole if exact else np.float64, copy=False)
