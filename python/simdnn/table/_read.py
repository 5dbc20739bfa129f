"""Files to columns."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import Path

#: Columns by name: float64, a missing number being NaN, or words, a missing one being None.
Table = dict[str, NDArray[Any]]

#: What stands for nothing in a CSV file.
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


def read(path: Path, *, text: Collection[str] = (), delimiter: str | None = None) -> Table:
    """The columns of a CSV, Parquet or npz file.

    Parameters
    ----------
    path : str or path
        The ending says what it is: ``.csv``, ``.tsv``, ``.parquet`` or ``.npz``. A CSV file begins with the
        names of its columns. An array of two axes in an npz file makes columns ``"X.0"``, ``"X.1"``, ...
    text : names
        Columns that are words even if they look like numbers, such as postal codes.
    delimiter : str, optional
        Of a CSV file; by default a comma, in ``.tsv`` files a tab.

    Returns
    -------
    dict
        By name float64 arrays, in which NaN is missing, and arrays of words, in which None is. In CSV files,
        a column of numbers alone is one of numbers, and empty cells, NA, N/A, NaN, null, None and ? are
        missing.

    Raises
    ------
    ValueError
        If there are no rows or columns, two have one name, lines differ in length, or the ending is another.
    OSError
        If it cannot be read.
    ImportError
        For Parquet, if pyarrow is missing: it comes with the extra ``[table]``.

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
        raise ValueError(f"{name}: expected a file that ends in {', '.join(READERS)}")
    with open(name, "rb"):  # the operating system's words for what cannot be read
        pass
    try:
        columns = READERS[ending](name, frozenset(text), delimiter or ("\t" if ending == ".tsv" else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name}: {error}") from None
    if not columns or len(next(iter(columns.values()))) == 0:
        raise ValueError(f"{name}: expected columns with names and at least one row")
    return columns


def read_csv(name: str, text: Collection[str], delimiter: str) -> Table:
    """A line of names, and lines of cells."""
    with open(name, encoding="utf-8-sig", newline="") as file:
        lines = io.StringIO(file.read(), newline="")
    header = next(csv.reader([lines.readline()], delimiter=delimiter), [])
    if repeated := [word for i, word in enumerate(header) if word in header[:i]]:
        raise ValueError(f"{name}: two columns are called {repeated[0]!r}")
    begin = lines.tell()
    if not text and (columns := numbers_alone(lines, header, delimiter)) is not None:
        return columns
    lines.seek(begin)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    long = next((i for i, row in enumerate(rows) if len(row) > len(header)), None)
    if long is not None:
        raise ValueError(
            f"{name}: row {long + 1} has {len(rows[long])} cells, but there are {len(header)} columns"
        )
    cells = [[None if cell in MISSING else cell for cell in row] + [None] * len(header) for row in rows]
    return {column: column_of([row[i] for row in cells], column in text) for i, column in enumerate(header)}


def numbers_alone(file: Any, header: list[str], delimiter: str) -> Table | None:
    """The same by NumPy's reader, which is much faster but knows numbers alone; None where it fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of no rows
            values = np.loadtxt(file, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except (ValueError, UserWarning):
        return None
    return dict(zip(header, values.T.copy(), strict=True)) if values.shape[1] == len(header) else None


def column_of(cells: Sequence[str | None], text: bool) -> NDArray[Any]:
    """Numbers, if all cells are and nobody wants words."""
    if not text:
        try:
            return np.array([np.nan if cell is None else float(cell) for cell in cells])
        except ValueError:
            pass
    return np.array([*cells, None], dtype=object)[:-1]  # never an array of arrays


def word(cell: Any) -> str:
    """A cell as a word: whole numbers without a point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if isinstance(cell, str) else str(cell)


def read_parquet(name: str, text: Collection[str], delimiter: str) -> Table:
    """By pyarrow."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'simdnn[table]'") from None
    try:
        found = pyarrow.parquet.read_table(name)
        return {
            column: parquet_column(column, found[column], column in text)
            for column in found.column_names
            if not re.fullmatch(r"__index_level_\d+__", column)  # of pandas
        }
    except pyarrow.ArrowException as error:
        raise ValueError(f"{name}: {str(error).splitlines()[0]}") from None


def parquet_column(name: str, column: Any, text: bool) -> NDArray[Any]:
    """A column of pyarrow."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_temporal(kind):
        raise ValueError(f"column {name}: dates are not supported; turn them into numbers")
    cells = column.to_pylist()
    if (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)) and not text:
        return np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    if pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind):
        raise ValueError(f"column {name}: expected numbers or words, got {kind}")
    return column_of([None if cell is None or cell != cell else word(cell) for cell in cells], text=True)


def read_npz(name: str, text: Collection[str], delimiter: str) -> Table:
    """Without pickles."""
    try:
        with open(name, "rb") as content, np.load(content, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, EOFError, KeyError, OSError) as error:
        raise ValueError(f"{name}: {error}") from None
    except Exception as error:  # zipfile's and zlib's own
        raise ValueError(f"{name}: {error}") from None
    columns: Table = {}
    for key, array in arrays.items():
        if array.ndim not in (1, 2):
            raise ValueError(f"{name}: {key}: expected one or two axes, got shape {array.shape}")
        parts = {key: array} if array.ndim == 1 else {f"{key}.{i}": part for i, part in enumerate(array.T)}
        columns |= {part: array_column(part, values, part in text) for part, values in parts.items()}
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{key} {len(column)}" for key, column in columns.items())
        raise ValueError(f"{name}: the arrays differ in length: {sizes:.200}")
    return columns


def array_column(name: str, values: NDArray[Any], text: bool) -> NDArray[Any]:
    """A column of an array of numbers or words."""
    if values.dtype.kind in "iuf" and not text:
        return values.astype(np.float64)
    if values.dtype.kind not in "iufbUS":
        raise ValueError(f"column {name}: expected numbers or words, got dtype {values.dtype}")
    cells = [cell.decode() if isinstance(cell, bytes) else cell for cell in values.tolist()]
    return column_of([None if cell != cell or cell == "" else word(cell) for cell in cells], text=True)


READERS: dict[str, Callable[[str, Collection[str], str], Table]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
}
