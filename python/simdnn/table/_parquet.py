"""The reader of Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import as_column, column_of_objects
from ._cells import Table
from ._request import Request


def read_parquet(name: str, request: Request) -> Table:
    """Reads the wanted columns of a Parquet file with pyarrow."""
    with parquet_file(name) as file:
        wanted = wanted_of(name, file, request)
        return columns_of(file.read(columns=wanted), wanted, request)


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
        check_kind(column, file.schema_arrow.field(column).type)
    return wanted


def columns_of(found: Any, wanted: list[str], request: Request) -> Table:
    """The wanted columns of a pyarrow table as arrays."""
    return {column: parquet_column(column, found[column], column in request.text) for column in wanted}


def check_kind(name: str, kind: Any) -> None:
    """Raises for the type of a column that is neither numbers nor text."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_temporal(kind):
        raise ValueError(
            f"column {name}: dates are not supported ({kind}); turn them into numbers, or leave the column"
            " out"
        )
    texts = (types.is_string, types.is_large_string, types.is_boolean, types.is_null)
    numbers = (types.is_integer, types.is_floating, types.is_decimal)
    if not (any(one(kind) for one in (*numbers, *texts)) or str(kind) == "string_view"):
        raise ValueError(f"column {name}: expected numbers or text, got {kind}")


def parquet_column(name: str, column: Any, text: bool) -> NDArray[Any]:
    """A column of a pyarrow table as an array; decimals are numbers, dictionaries text."""
    from pyarrow import types

    kind, what = column.type, f"column {name}"
    if not text and (types.is_floating(kind) or (types.is_integer(kind) and column.null_count == 0)):
        return as_column(what, column.to_numpy())
    cells = column.to_pylist()
    if types.is_floating(kind):  # float32 keeps its shortest spelling
        exact = np.dtype(kind.to_pandas_dtype()).type
        cells = [None if cell is None else exact(cell) for cell in cells]
    if types.is_decimal(kind):
        cells = [None if cell is None else whole(cell) for cell in cells]
    return column_of_objects(what, cells, text or types.is_dictionary(kind))


def whole(cell: Decimal) -> Decimal | int:
    """A decimal number, as an integer if it is whole."""
    return int(cell) if cell == cell.to_integral_value() else cell
