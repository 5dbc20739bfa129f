"""Arguments of tables, rows and columns that cannot be read: errors by name; dates of every container."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import data, table

DATES = [datetime.datetime(2020, 1, day, 23, 30) for day in (1, 2, 5)]
PARTS = [{"x": [1.0, 2.0, 3.0], "y": [1, 0, 1]}]
FITTED, TARGET = table.Columns.fit({"x": [1.0, 2.0]}), table.Target("y", ("0", "1"))


def fit(values: Any, **options: Any) -> table.Columns:
    return table.Columns.fit({"a": values}, **options)


CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no encoders": (lambda: table.Columns([]), ValueError, "parts: expected at least one encoder, got none"),
    "no rows": (lambda: fit([]), ValueError, "table: expected at least one row"),
    "no rows in parts": (
        lambda: table.Columns.fit([{"a": []}] * 2),
        ValueError,
        "table: expected at least one row",
    ),
    "a row": (lambda: fit([1, 2], rows=[2]), IndexError, "rows: out of range for a table of 2 rows"),
    "a row from the end": (
        lambda: fit([1, 2], rows=[-3]),
        IndexError,
        "rows: out of range for a table of 2 rows",
    ),
    "a huge row": (
        lambda: fit([1, 2], rows=np.array([2**64 - 1], np.uint64)),
        IndexError,
        "rows: out of range for a table of 2 rows",
    ),
    "a short mask": (
        lambda: fit([1, 2, 3], rows=[True, False]),
        IndexError,
        "rows: expected a mask with one element for each row, got 2 for 3 rows",
    ),
    "a long mask": (
        lambda: fit([1, 2], rows=[True] * 3),
        IndexError,
        "rows: expected a mask with one element for each row, got 3 for 2 rows",
    ),
    "a short mask of parts": (
        lambda: table.Columns.fit([{"a": [1.0]}] * 3, rows=[True, False]),
        IndexError,
        "rows: expected a mask with one element for each row, got 2 for 3 rows",
    ),
    "a long mask of parts": (
        lambda: table.Columns.fit([{"a": [1.0]}] * 3, rows=[True] * 4),
        IndexError,
        "rows: expected a mask with one element for each row, got 4 for 3 rows",
    ),
    "descending rows of parts": (
        lambda: table.Columns.fit([{"a": [1.0, 2.0]}] * 2, rows=np.array([2, 0], np.uint8)),
        ValueError,
        "rows: expected ascending indices",
    ),
    "columns": (
        lambda: data.from_tables(PARTS, 5),
        TypeError,
        "columns: expected a table.Columns, got int",
    ),
    "target": (
        lambda: data.from_tables(PARTS, FITTED, 5),
        TypeError,
        "target: expected a table.Target or None, got int",
    ),
    "no columns": (
        lambda: data.from_tables(PARTS, None, TARGET),
        TypeError,
        "columns: expected a table.Columns, got NoneType",
    ),
    "a span of time": (
        lambda: fit([np.timedelta64(1, "D")]),
        ValueError,
        "column a: row 0 (counted from 0): spans of time are not supported (timedelta64)",
    ),
    "a date of NumPy": (
        lambda: fit([np.datetime64("2020-01-01")]),
        ValueError,
        "column a: row 0 (counted from 0): dates are not supported (datetime64)",
    ),
    "a far date of NumPy": (
        lambda: fit([np.datetime64("999999-01-01")], dates=True),
        ValueError,
        "column a: a date is more than 290,000 years from 1970",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_that_does_not_fit_is_named(name: str) -> None:
    call, error, message = CALLS[name]
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        call()


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("name", ["scalar", "table", "record_batch", "type", "MultiIndex", "DataFrame"])
def test_an_object_of_another_library_that_is_no_column_is_named(name: str, dates: bool) -> None:
    made: Any
    if name in ("MultiIndex", "DataFrame"):
        pandas = pytest.importorskip("pandas")
        made = pandas.DataFrame({"a": [1, 2], "b": [3, 4]})
        made = pandas.MultiIndex.from_frame(made) if name == "MultiIndex" else made
    else:
        pyarrow = pytest.importorskip("pyarrow")
        made = (
            pyarrow.int64()
            if name == "type"
            else getattr(pyarrow, name)(5 if name == "scalar" else {"a": [1]})
        )
    with pytest.raises(ValueError, match=r"^column a: expected (one dimension|a list of values), got "):
        fit(made, dates=dates)


def test_a_sparse_matrix_is_told_to_be_made_dense() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for made in (sparse.csr_matrix(np.eye(2)), sparse.coo_array(np.eye(2))):
        for call in (table.Columns.fit, FITTED.transform, lambda one: table.Target.fit(one, "y")):
            with pytest.raises(TypeError, match=r"^table: expected an array, got a sparse .*\.toarray\(\)"):
                call(made)


def test_dates_with_a_zone_are_those_of_utc_in_every_container() -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.DatetimeIndex(DATES, tz="UTC")
    wanted = fit(np.array(DATES, "M8[us]"), dates=True).to_dict()
    for zone in ("Europe/Paris", "America/New_York"):
        there = index.tz_convert(zone)
        for given in (there, there.array, pandas.Series(there), there.to_list()):
            assert fit(given, dates=True).to_dict() == wanted


def test_dates_of_numpy_in_a_list_are_dates() -> None:
    wanted = fit(np.array([*DATES, None], "M8[us]"), dates=True).to_dict()
    for unit in ("us", "ns", "m"):
        cells: list[Any] = [np.datetime64(one, "us").astype(f"M8[{unit}]") for one in DATES]
        for given in ([*cells, None], [*cells, np.datetime64("NaT")], [*cells[:2], DATES[2], None]):
            for made in (given, np.array([*given, 0], object)[:-1]):
                assert fit(made, dates=True).to_dict() == wanted
