"""Points in time: dates of every library, and words of ISO 8601."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.missing import is_missing
from .._utils.rows import row_name
from ._categories import coded

#: Limit of years from 1970, which microseconds of 64 bits can count.
MOST_YEARS = 290_000
#: A date of ISO 8601, which may have a time and the mark of UTC.
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?Z?)?")


def dates_from(what: str, values: NDArray[Any]) -> NDArray[Any]:
    """A column as points in time; raises a ValueError for one of other values."""
    if values.dtype.kind == "M":
        return values
    if values.dtype != object:
        if not np.isnan(values.astype(np.float64)).all():
            raise ValueError(f"{what}: expected dates, got numbers")
        return np.full(len(values), "NaT", "M8[us]")
    for row, word in enumerate(values.tolist()):
        if word is not None and dates_of_words(values[row : row + 1]) is None:
            raise ValueError(f"{what}: {row_name(row)}: {word!r} is not a date such as 2020-01-31")
    return np.full(len(values), "NaT", "M8[us]")


def dates_of_words(words: NDArray[Any]) -> NDArray[Any] | None:
    """Points in time of words of ISO 8601, NaT for None; None if a word is anything else, or all are None."""
    cells = words.tolist()
    if not any(cells) or not all(word is None or ISO.fullmatch(word) for word in cells):
        return None
    try:
        return np.array([word.removesuffix("Z") if word else "NaT" for word in cells], "M8[us]")
    except ValueError:  # a month or a day that is not there
        return None


def as_dates(what: str, values: Any) -> NDArray[Any] | None:
    """Points in time, UTC in microseconds, of a column of dates of any library; None for any other column."""
    kind = getattr(values, "dtype", None)
    if found := coded(values):
        points = as_dates(what, found.categories)
        return None if points is None else found.of(points, "NaT")
    if hasattr(kind, "pyarrow_dtype"):  # pandas
        values = values.array.__arrow_array__()
    if is_arrow(values):
        from pyarrow import types

        if types.is_dictionary(values.type) and is_date(values.type.value_type):
            values = values.cast(values.type.value_type)
        return dates_of_arrow(what, values) if is_date(values.type) else None
    if getattr(kind, "tz", None) is not None:  # pandas
        values = getattr(values, "dt", values).tz_convert(None)
    if getattr(kind, "kind", "") == "M" or str(kind).startswith(("datetime64", "Date")):
        return microseconds(what, np.asarray(values))
    if isinstance(values, list | tuple) or (isinstance(kind, np.dtype) and kind.kind == "O"):
        return dates_of_objects(what, list(values))
    return None


def is_arrow(values: Any) -> bool:
    """True for a column of pyarrow; its scalars, types and tables are none."""
    return (
        type(values).__module__.startswith("pyarrow") and hasattr(values, "type") and hasattr(values, "take")
    )


def is_date(kind: Any) -> bool:
    """True for pyarrow's types of dates."""
    from pyarrow import types

    return bool(types.is_date(kind) or types.is_timestamp(kind))


def microseconds(what: str, dates: NDArray[Any]) -> NDArray[Any]:
    """Points in time of any unit in microseconds; raises a ValueError for one that they cannot count."""
    try:
        years = dates.astype("M8[Y]").astype(np.int64)
    except OverflowError:  # attoseconds
        raise ValueError(f"{what}: expected dates in a unit such as seconds, got {dates.dtype}") from None
    if (abs(years[~np.isnat(dates)]) > MOST_YEARS).any():
        raise ValueError(f"{what}: a date is more than {MOST_YEARS:,} years from 1970")
    return dates.astype("M8[us]")


def dates_of_arrow(what: str, array: Any) -> NDArray[Any]:
    """Points in time, UTC in microseconds, of dates of pyarrow."""
    return microseconds(what, np.asarray(array.to_numpy(zero_copy_only=False)))


def dates_of_objects(what: str, cells: list[Any]) -> NDArray[Any] | None:
    """Points in time of dates of Python or NumPy; None if there are no dates, or anything else."""
    kinds = {type(cell) for cell in cells if not is_missing(cell)}
    if not kinds or not all(issubclass(kind, datetime.date | np.datetime64) for kind in kinds):
        return None
    try:
        plain = [None if is_missing(cell) else without_zone(what, cell) for cell in cells]
    except OverflowError:
        raise ValueError(f"{what}: a date in UTC is not in the years 1 to 9999") from None
    return np.array(plain, "M8[us]")


def without_zone(what: str, at: Any) -> Any:
    """A date in UTC, if it has a time zone; one of NumPy in microseconds."""
    if isinstance(at, np.datetime64):
        return microseconds(what, np.array([at]))[0]
    if isinstance(at, datetime.datetime) and at.tzinfo is not None:
        return at.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return at
