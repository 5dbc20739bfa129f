"""Columns in memory, as arrays, lists or a DataFrame's columns, to the columns of a table."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array, refuse_unread
from .._utils.frames import known_frame
from .._utils.missing import is_missing
from .._utils.rows import row_name
from ._categories import coded
from ._cells import INEXACT, as_text, column_of, exact_integers, objects
from ._times import as_dates, dates_of_words, is_arrow

#: Types of the cells of a numeric column, and of all cells.
NUMBERS = (int, float, np.integer, np.floating, Decimal)
KNOWN = (*NUMBERS, str, bytes, bool, np.bool_)
#: Points and spans of time; NumPy's spans are integers, too.
TIMES = (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)
#: Times that a table does not hold, by patterns of the names of their types, with a way to numbers or dates.
REFUSED_TIMES = (
    ("timedelta|duration|month", "spans of time", "turn them into numbers, such as .dt.days"),
    ("period", "periods", "turn them into dates, such as .dt.to_timestamp()"),
    (r"time(32|64)?\b", "times of day", "turn them into numbers, such as hours"),
    ("", "dates", "turn them into numbers"),
)


def check_lengths(columns: dict[str, NDArray[Any]]) -> None:
    """Raises unless all columns have equally many rows."""
    if len({len(values) for values in columns.values()}) > 1:
        sizes = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise ValueError(f"the columns differ in length: {sizes:.200}")


def as_column(
    what: str, values: Any, text: bool = False, dates: bool = False, words: bool = False
) -> NDArray[Any]:
    """A column from an array, a list, or the column of a DataFrame; `what` begins error messages.

    Numbers become float64, or stay whole where float64 would not tell them apart; text and booleans become
    strings, and so do numbers if `text` is true. If `dates` is true, dates and words of ISO 8601 become
    points in time, or with `words` dates alone; otherwise dates are refused.
    """
    values = known_frame(what, values)
    if not dates:
        return plain_column(what, values, text)
    refuse_unread(what, values)
    refuse_levels(what, values)
    found = as_dates(what, values)
    if found is None:
        found = plain_column(what, values, text)
        points = dates_of_words(found) if found.dtype == object and not words else None
        return found if points is None else points
    check_one_dimension(what, values, found)
    return found


def check_one_dimension(what: str, values: Any, array: NDArray[Any]) -> None:
    """Raises unless the array of the values of a column has one dimension."""
    if array.ndim == 0:
        raise ValueError(
            f"{what}: expected a list of values, got {values!r:.80}; one row is a list of one value"
        )
    if array.ndim != 1:
        raise ValueError(f"{what}: expected one dimension, got shape {array.shape}")


def plain_column(what: str, values: Any, text: bool = False) -> NDArray[Any]:
    """A column of numbers or of words."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1 and not text:
        return values.astype(np.float64, copy=False)
    refuse_unread(what, values)
    refuse_levels(what, values)
    if is_arrow(values):
        return arrow_column(what, values, text)
    if found := coded(values):
        return found.of(plain_column(f"{what}, categories", found.categories, text=True), None)
    array, categorical = plain_array(what, values)
    check_one_dimension(what, values, array)
    kind = array.dtype.kind
    if kind == "O":
        return column_of_objects(what, array.tolist(), text or categorical)
    if kind in "iuf":
        return words_of_numbers(what, array) if text else numbers(array)
    if kind in "bUS":
        check_characters(what, array)
        return column_of(texts(what, array.tolist()), text=True)
    raise ValueError(f"{what}: {refusal(array.dtype)}")


def refuse_levels(what: str, values: Any) -> None:
    """Raises for an index of several levels of pandas."""
    if type(values).__name__ == "MultiIndex":
        raise ValueError(f"{what}: expected one dimension, got a MultiIndex of {values.nlevels} levels")


def check_characters(what: str, array: NDArray[Any]) -> None:
    """Raises if an array of text holds numbers that Python has no characters for, as a damaged file may."""
    if array.dtype.kind == "U" and array.nbytes:
        codes = np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
        largest = int(np.ascontiguousarray(array).view(codes).max())
        if largest > sys.maxunicode:
            raise ValueError(f"{what}: expected characters of Unicode, got the number {largest:#x}")


def refusal(kind: Any) -> str:
    """The message for a type that a table cannot hold."""
    if getattr(kind, "kind", "") in ("m", "M"):
        return refused_times(str(kind), f" ({kind})")
    return f"expected numbers or text, got dtype {kind}"


def refused_times(kind: str, shown: str) -> str:
    """The message for times of a type, by its name, which a table cannot hold; `shown` tells the type."""
    found = next(row for row in REFUSED_TIMES if re.match(row[0], kind, re.IGNORECASE))
    return f"{found[1]} are not supported{shown}; {found[2]}, or leave the column out"


def plain_array(what: str, values: Any) -> tuple[NDArray[Any], bool]:
    """A NumPy array of the values, and True if their type is that of categories."""
    if isinstance(getattr(values, "dtype", None), np.dtype):
        return as_cpu_array(what, values), False
    if (found := numbers_of_frame(values)) is not None:
        return found, False
    for listed in ("tolist", "to_list"):  # pandas' extension types, polars
        if hasattr(values, listed) and not hasattr(values, "__dlpack__"):
            return objects(getattr(values, listed)()), str(getattr(values, "dtype", "")).startswith("cat")
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return objects(values), False
    return as_cpu_array(what, values), False


def is_categorical(values: Any) -> bool:
    """True for a column of a DataFrame whose type says that its words are categories."""
    if is_arrow(values):
        from pyarrow import types

        return bool(types.is_dictionary(values.type))
    return str(getattr(values, "dtype", "")).lower().startswith(("cat", "enum"))


def numbers_of_frame(values: Any) -> NDArray[Any] | None:
    """The numbers of a column of Polars, or of a type of pandas with its own missing value; else None.

    NaN stands for missing; None if float64 does not tell whole numbers of a column with missing ones apart.
    """
    kind: Any = getattr(values, "dtype", None)
    if type(values).__module__.startswith("polars"):
        if not (kind.is_integer() or kind.is_float()) or str(kind).endswith("128"):
            return None
        found, whole = values.to_numpy(), kind.is_integer()
    elif hasattr(kind, "numpy_dtype") and kind.kind in "iuf":
        whole = kind.kind != "f"
        to = np.dtype(np.float64) if whole and values.isna().any() else kind.numpy_dtype
        found = values.to_numpy(to, **({} if to.kind in "iu" else {"na_value": np.nan}))
    else:
        return None
    exact = not whole or found.dtype.kind in "iu" or not (abs(found) >= INEXACT).any()
    return np.asarray(found) if exact else None


def numbers(array: NDArray[Any]) -> NDArray[Any]:
    """An array of real numbers as float64, or as int64 or uint64 if float64 does not hold them."""
    if array.dtype.kind in "iu" and ((array >= INEXACT) | (array <= -INEXACT)).any():
        return array.astype(np.int64 if array.dtype.kind == "i" else np.uint64)
    with np.errstate(over="ignore"):  # infinity is refused later, with its row
        return array.astype(np.float64)


def words_of_numbers(what: str, array: NDArray[Any]) -> NDArray[Any]:
    """The words of numbers, None for NaN; raises for floats that may stand for several whole numbers."""
    if array.dtype.kind == "f":
        check_exact(what, array)
    distinct, places = np.unique(array, return_inverse=True)
    words = [None if one != one else as_text(one) for one in distinct]
    return objects(words)[places.reshape(-1)]


def check_exact(what: str, values: NDArray[Any]) -> None:
    """Raises if a float is so large that it may stand for several whole numbers."""
    limit = min(INEXACT, 2.0 ** (np.finfo(values.dtype).nmant + 1))
    large = np.isfinite(values) & (np.abs(values) >= limit)
    if large.any():
        row = int(np.argmax(large))
        raise ValueError(
            f"{what}: {row_name(row)}: {values.dtype} does not tell whole numbers as large as"
            f" {as_text(values[row])} apart; store such categories as integers or text"
        )


def column_of_objects(what: str, cells: list[Any], text: bool) -> NDArray[Any]:
    """A column of Python objects: numbers if all are numbers or missing and `text` is false, else words."""
    if {type(cell) for cell in cells} <= {str} and cells:
        return column_of(cells, text=True)
    known = [None if is_missing(cell) else cell for cell in cells]
    for row, cell in enumerate(known):
        if cell is not None and (isinstance(cell, TIMES) or not isinstance(cell, KNOWN)):
            kind = type(cell).__name__
            times = isinstance(cell, TIMES) or hasattr(cell, "isoformat") or kind == "Period"
            reason = f"expected a number or text, got {kind}"
            reason = refused_times(kind, f" ({kind})") if times else reason
            raise ValueError(f"{what}: {row_name(row)}: {reason}")
    if not text and all(
        cell is None or (isinstance(cell, NUMBERS) and not isinstance(cell, bool)) for cell in known
    ):
        return numbers_of_objects(what, known)
    floats = np.array([cell if isinstance(cell, float | np.floating) else 0.0 for cell in known])
    check_exact(what, floats)
    return column_of(texts(what, known), text=True)


def texts(what: str, cells: list[Any]) -> list[str | None]:
    """The text of each cell, None for a missing one."""
    try:
        return [None if cell is None else as_text(cell) for cell in cells]
    except UnicodeDecodeError as error:
        raise ValueError(f"{what}: expected text in UTF-8, got {error.object!r:.80}") from None


def numbers_of_objects(what: str, cells: list[Any]) -> NDArray[Any]:
    """Python's numbers as an array: float64 with NaN for None, or exact whole numbers from 2**53 on."""
    try:
        values = np.array([np.nan if cell is None else float(cell) for cell in cells], np.float64)
    except OverflowError:
        raise ValueError(f"{what}: a number is beyond float64") from None
    if None not in cells and (np.abs(values) >= INEXACT).any() and are_integers(cells):
        exact = exact_integers(cells)
        return values if exact is None else exact
    return values


def are_integers(cells: Collection[Any]) -> bool:
    """True if all cells are exact whole numbers; a float is none."""
    return all(
        isinstance(cell, int | np.integer) or (isinstance(cell, Decimal) and cell == cell.to_integral_value())
        for cell in cells
    )


def check_kind(what: str, kind: Any) -> None:
    """Raises for the type of a column that is neither numbers nor text."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_temporal(kind):
        raise ValueError(f"{what}: {refused_times(str(kind), f' ({kind})')}")
    texts = (types.is_string, types.is_large_string, types.is_boolean, types.is_null)
    numbers = (types.is_integer, types.is_floating, types.is_decimal)
    if not (any(one(kind) for one in (*numbers, *texts)) or str(kind) == "string_view"):
        raise ValueError(f"{what}: expected numbers or text, got {kind}")


def arrow_column(what: str, column: Any, text: bool) -> NDArray[Any]:
    """A column of a pyarrow table as an array; decimals are numbers, dictionaries text."""
    from pyarrow import types

    kind = column.type
    check_kind(what, kind)
    if not text and (types.is_floating(kind) or (types.is_integer(kind) and column.null_count == 0)):
        return plain_column(what, column.to_numpy(zero_copy_only=False))
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
