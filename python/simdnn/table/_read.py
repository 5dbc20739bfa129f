"""Readers of tables: CSV, Parquet and npz files to columns."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import Path
from .._utils.zip_files import check_zip_end
from ._cells import Table, as_text, column_of
from ._csv import read_csv


def read(path: Path, *, text: Collection[str] = (), delimiter: str | None = None) -> Table:
    """Read the columns of a CSV, Parquet or npz file.

    Parameters
    ----------
    path : str or path
        A file whose extension names its format: ``.csv``, ``.tsv``, ``.parquet`` or ``.npz``. The first line
        of a CSV file holds the names of the columns. A two-dimensional array ``X`` in an npz file becomes the
        columns ``"X.0"``, ``"X.1"``, ...
    text : collection of str
        Names of columns to read as text even if they look like numbers, such as postal codes.
    delimiter : str, optional
        Character between the cells of a CSV file; by default a comma, and a tab in ``.tsv`` files.

    Returns
    -------
    dict
        Arrays of shape (rows,) by name of the column. Numeric columns are float64, with NaN for missing.
        Text columns have dtype object and hold str, with None for missing. A column of a CSV file is numeric
        if all its cells are numbers or missing; empty cells, NA, N/A, NaN, null, None and ? are missing.

    Raises
    ------
    ValueError
        If there are no rows or no columns, two columns have the same name, a line of a CSV file has more
        cells than there are columns, arrays differ in length, or the format or a dtype is not supported.
    OSError
        If the file cannot be read.
    ImportError
        If pyarrow is needed, for Parquet, and missing: it comes with the extra ``[table]``.

    Examples
    --------
    >>> import os, tempfile
    >>> from simdnn import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pets.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("kind,age\\ncat,3\\ndog,\\n")
    ...     table.read(path)
    {'kind': array(['cat', 'dog'], dtype=object), 'age': array([ 3., nan])}
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1].lower()
    if ending not in READERS:
        raise ValueError(f"{name}: expected a file name that ends in {', '.join(READERS)}")
    with open(name, "rb"):  # raises the system's own error if the file cannot be read
        pass
    try:
        columns = READERS[ending](name, frozenset(text), delimiter or ("\t" if ending == ".tsv" else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name}: {error}") from None
    if not columns or len(next(iter(columns.values()))) == 0:
        raise ValueError(f"{name}: expected columns with names and at least one row")
    return columns


def read_parquet(name: str, text: Collection[str], delimiter: str) -> Table:
    """Reads a Parquet file with pyarrow."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'simdnn[table]'") from None
    try:
        found = pyarrow.parquet.read_table(name)
        return {
            column: parquet_column(column, found[column], column in text)
            for column in found.column_names
            if not re.fullmatch(r"__index_level_\d+__", column)  # the index of a pandas DataFrame
        }
    except pyarrow.ArrowException as error:
        raise ValueError(f"{name}: {str(error).splitlines()[0]}") from None


def parquet_column(name: str, column: Any, text: bool) -> NDArray[Any]:
    """A column of a pyarrow table as an array."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_temporal(kind):
        raise ValueError(f"column {name}: dates are not supported; turn them into numbers")
    cells = column.to_pylist()
    if (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)) and not text:
        return np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    if pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind):
        raise ValueError(f"column {name}: expected numbers or text, got {kind}")
    return column_of([None if cell is None or cell != cell else as_text(cell) for cell in cells], text=True)


def read_npz(name: str, text: Collection[str], delimiter: str) -> Table:
    """Reads the arrays of an npz file; pickled objects are refused."""
    try:
        with open(name, "rb") as content, np.load(content, allow_pickle=False) as file:
            check_zip_end(content, len(file.files))
            arrays = {key: file[key] for key in file.files}
    except (ValueError, EOFError, KeyError, OSError) as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # zipfile and zlib have exceptions of their own
        raise ValueError(f"{name}: {error}") from None
    columns: Table = {}
    for key, array in arrays.items():
        if array.ndim not in (1, 2):
            raise ValueError(f"{name}: {key}: expected one or two dimensions, got shape {array.shape}")
        parts = {key: array} if array.ndim == 1 else {f"{key}.{i}": part for i, part in enumerate(array.T)}
        columns |= {part: array_column(part, values, part in text) for part, values in parts.items()}
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{key} {len(column)}" for key, column in columns.items())
        raise ValueError(f"{name}: the arrays differ in length: {sizes:.200}")
    return columns


def array_column(name: str, values: NDArray[Any], text: bool) -> NDArray[Any]:
    """A column from an array of numbers, booleans or strings."""
    if values.dtype.kind in "iuf" and not text:
        return values.astype(np.float64)
    if values.dtype.kind not in "iufbUS":
        raise ValueError(f"column {name}: expected numbers or text, got dtype {values.dtype}")
    cells = [cell.decode() if isinstance(cell, bytes) else cell for cell in values.tolist()]
    return column_of([None if cell != cell or cell == "" else as_text(cell) for cell in cells], text=True)


#: Reader of each file name extension: (path, text columns, delimiter) -> table.
READERS: dict[str, Callable[[str, Collection[str], str], Table]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
}
