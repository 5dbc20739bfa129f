"""Dates and spans of time in arrays, lists and columns of any library, which are no numbers."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from .lazy import is_lazy

#: The types of single dates and spans; those of pandas are subclasses.
TEMPORAL = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


def refuse_dates(name: str, values: Any) -> None:
    """Raises TypeError for dates and spans of time, which NumPy would turn into numbers of some unit."""
    if has_dates(values):
        raise TypeError(f"{name}: dates are not supported; turn them into numbers")


def has_dates(values: Any) -> bool:
    """True if a column of a table has a type of dates or spans, or an element of a list is one."""
    if isinstance(values, list | tuple):
        values = as_array(values)
    kind = getattr(values, "dtype", None)
    if isinstance(kind, np.dtype):
        return kind.kind in "mM" or (kind.kind == "O" and is_any_date(values))
    return any(map(is_temporal, kinds_of(values)))


def as_array(values: Any) -> Any:
    """A list as an array: of objects, if its elements have no common type; None if they differ in length."""
    for dtype in (None, object):
        try:
            return np.array(values, dtype)
        except (TypeError, ValueError):
            continue
    return None


def is_any_date(values: Any) -> bool:
    """True if an element of an array of objects is a date or a span of time."""
    if is_lazy(values):
        return False
    return any(issubclass(kind, TEMPORAL) for kind in set(map(type, np.ravel(values).tolist())))


def kinds_of(values: Any) -> list[Any]:
    """The types of the columns of a table, or that of one column."""
    for name in ("dtypes", "dtype", "type"):
        if (kinds := getattr(values, name, None)) is not None:
            return list(kinds) if hasattr(kinds, "__iter__") else [kinds]
    return list(getattr(getattr(values, "schema", None), "types", []))


def is_temporal(kind: Any) -> bool:
    """True for a type of dates or spans of NumPy, pandas, Polars or pyarrow."""
    if type(kind).__module__.startswith("pyarrow"):
        from pyarrow import types

        return bool(types.is_temporal(kind))
    own = getattr(kind, "is_temporal", None)
    return getattr(kind, "kind", "") in ("m", "M") or (callable(own) and bool(own()))
