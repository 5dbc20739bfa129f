"""The reader of Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from ._arrays import arrow_column, check_kind
from ._cells import Table
from ._hints import point_out_words
from ._request import Request
from ._times import dates_of_arrow, is_date


def read_parquet(name: str, request: Request) -> Table:
    """Reads the wanted columns of a Parquet file with pyarrow."""
    with parquet_file(name) as file:
        wanted = wanted_of(name, file, request)
        columns = file.read(columns=wanted)
        found = columns_of(columns, wanted, request)
    for column, values in found.items():
        if values.dtype == object and column not in request.text and "dict" not in str(columns[column].type):
            point_out_words(column, values, request)
    return found


@contextmanager
def parquet_file(name: str) -> Iterator[Any]:
    """An open Parquet file; errors of pyarrow become a ValueError with its name."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'simdnn[table]'") from None
    try:
        with pyarrow.parquet.ParquetFile(name) as file:
            yield file
    except pyarrow.ArrowException as error:
        raise ValueError(f"{name}: {str(error).splitlines()[0]}") from None


def wanted_of(name: str, file: Any, request: Request) -> list[str]:
    """Names of the wanted columns of an open file; raises for one whose type a table cannot hold."""
    wanted = [
        column
        for column in request.wanted(name, file.schema_arrow.names)
        if not re.fullmatch(r"__index_level_\d+__", column)  # the index of a pandas DataFrame
    ]
    for column in wanted:
        kind = file.schema_arrow.field(column).type
        if not (request.dates and is_date(kind)):
            check_kind(f"column {column}", kind)
    return wanted


def columns_of(found: Any, wanted: list[str], request: Request) -> Table:
    """The wanted columns of a pyarrow table as arrays."""
    return {name: column_of(name, found[name], request) for name in wanted}


def column_of(name: str, column: Any, request: Request) -> NDArray[Any]:
    """A column of a pyarrow table as an array."""
    if request.dates and is_date(column.type):
        return dates_of_arrow(f"column {name}", column)
    return arrow_column(f"column {name}", column, name in request.text)
