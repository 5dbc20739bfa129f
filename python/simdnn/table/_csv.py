"""The reader of CSV files."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

from ._cells import MISSING, Table, column_of


def read_csv(name: str, text: Collection[str], delimiter: str) -> Table:
    """Reads a CSV file: a line of column names, then one line per row."""
    with open(name, encoding="utf-8-sig", newline="") as file:
        lines = io.StringIO(file.read(), newline="")
    header = next(csv.reader([lines.readline()], delimiter=delimiter), [])
    if repeated := [column for i, column in enumerate(header) if column in header[:i]]:
        raise ValueError(f"{name}: two columns are named {repeated[0]!r}")
    begin = lines.tell()
    if not text and (columns := read_numeric_csv(lines, header, delimiter)) is not None:
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


def read_numeric_csv(file: Any, header: list[str], delimiter: str) -> Table | None:
    """Reads lines that hold only numbers by NumPy, which is much faster; None if there is anything else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # NumPy warns if there are no rows
            values = np.loadtxt(file, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except (ValueError, UserWarning):
        return None
    return dict(zip(header, values.T.copy(), strict=True)) if values.shape[1] == len(header) else None
