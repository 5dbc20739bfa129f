"""Cells and columns: text, numbers and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Columns by name: float64 with NaN for missing, or object arrays of strings with None for missing.
Table = dict[str, NDArray[Any]]

#: Cells of a CSV file that mean a missing value.
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


def column_of(cells: Sequence[str | None], text: bool) -> NDArray[Any]:
    """A column of these cells: float64 if all are numbers and `text` is false, else of strings."""
    if not text:
        try:
            return np.array([np.nan if cell is None else float(cell) for cell in cells])
        except ValueError:
            pass
    return np.array([*cells, None], dtype=object)[
        :-1
    ]  # the last cell keeps NumPy from making an array of arrays


def is_number(cell: Any) -> bool:
    """True for a cell that a numeric column may hold: missing, or the text of a number."""
    try:
        return cell is None or float(cell) is not None
    except ValueError:
        return False


def as_text(cell: Any) -> str:
    """A cell as text; whole numbers are written without a decimal point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if isinstance(cell, str) else str(cell)
