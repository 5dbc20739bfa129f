"""Dates and spans of time in arrays, lists and columns of any library, which are no numbers."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from .frames import known_frame

#: The types of single dates and spans; those of pandas are subclasses.
TEMPORAL = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


def without_dates(name: str, values: Any) -> Any:
    """Values as of `known_frame`; raises TypeError for dates and spans of time, which NumPy makes numbers."""
    values = known_frame(name, values)
    if has_dates(values):
        raise TypeError(f"{name}: dates are not supported; turn them into numbers")
    return values


def has_dates(values: Any) -> bool:
    """True if a column of a table has a type of dates or spans, or an element of a list is one."""
    if isinstance(values, list | tuple):
        values = as_array(values)
    kind = getattr(values, "dtype", None)
    kind = getattr(kind, "numpy_dtype", kind)  # types of pandas
    if isinstance(kind, np.dtype):
        return kind.kind in "mM" or (kind.kind == "O" and is_any_date(values))
    kinds = kinds_of(values)
    objects = [isinstance(one, np.dtype) and one.kind == "O" for one in kinds]
    return any(map(is_temporal, kinds)) or (any(objects) and is_any_date(values.loc[:, objects]))


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
    return any(issubclass(kind, TEMPORAL) for kind in set(map(type, np.ravel(values).tolist())))


def kinds_of(values: Any) -> list[Any]:
    """The types of the columns of a table, or that of one column."""
    for name in ("dtypes", "dtype", "type"):
        if (kinds := getattr(values, name, None)) is not None:
            return list(kinds) if hasattr(kinds, "__iter__") else [kinds]
    return list(getattr(getattr(values, "schema", None), "types", []))


def is_temporal(kind: Any) -> bool:
    """True for a type of dates or spans of NumPy, pandas, Polars or pyarrow, and for one of categories."""
    kind = getattr(kind, "pyarrow_dtype", kind)  # types of pandas
    if type(kind).__module__.startswith("pyarrow"):
        from pyarrow import types

        return bool(types.is_temporal(kind.value_type if types.is_dictionary(kind) else kind))
    if (
        type(kind).__module__.startswith("pandas")
        and (found := getattr(kind, "categories", None)) is not None
    ):
        return has_dates(found)
    own = getattr(kind, "is_temporal", None)
    return getattr(kind, "kind", "") in ("m", "M") or (callable(own) and bool(own()))
