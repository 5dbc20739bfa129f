"""Tables of other libraries from columns in lists."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


class Interchange:
    """A table that has the interchange protocol alone."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def __dataframe__(self, **options: Any) -> Any:
        return self.frame.__dataframe__(**options)


class Capsule:
    """A table that has Arrow's PyCapsule protocol alone."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.frame.__arrow_c_stream__(requested_schema)


def pandas(columns: dict[str, list[Any]], dtype: Any = None) -> Any:
    return pytest.importorskip("pandas").DataFrame(columns, dtype=dtype)


def pandas_nullable(columns: dict[str, list[Any]]) -> Any:
    return pandas(columns, object).convert_dtypes()


def pandas_arrow(columns: dict[str, list[Any]]) -> Any:
    pytest.importorskip("pyarrow")
    return pandas(columns, object).convert_dtypes(dtype_backend="pyarrow")


def polars(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns)


def arrow(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("pyarrow").table(columns)


def arrow_in_chunks(columns: dict[str, list[Any]]) -> Any:
    parts = [arrow({name: cells[a:b] for name, cells in columns.items()}) for a, b in ((0, 2), (2, None))]
    return pytest.importorskip("pyarrow").concat_tables(parts, promote_options="permissive")


def arrow_batch(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("pyarrow").record_batch(columns)


KINDS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pandas,
    "nullable pandas": pandas_nullable,
    "pandas of arrow": pandas_arrow,
    "polars": polars,
    "arrow": arrow,
    "arrow in chunks": arrow_in_chunks,
    "an arrow batch": arrow_batch,
    "interchange of arrow": lambda columns: Interchange(arrow(columns)),
    "interchange of chunks": lambda columns: Interchange(arrow_in_chunks(columns)),
    "capsule of arrow": lambda columns: Capsule(arrow_in_chunks(columns)),
    "capsule of polars": lambda columns: Capsule(polars(columns)),
}

#: The kinds that have columns by name alone in libraries which the tests need not have.
OTHERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "dask": lambda columns: pytest.importorskip(
        "dask.dataframe", reason="dask.dataframe needs pandas and pyarrow"
    ).from_pandas(pandas(columns), npartitions=2),
    "narwhals": lambda columns: pytest.importorskip("narwhals").from_native(pandas(columns)),
}


def series(values: list[Any], **options: Any) -> Any:
    return pytest.importorskip("pandas").Series(values, **options)


def arrow_series(values: list[Any]) -> Any:
    kind = pytest.importorskip("pandas").ArrowDtype(pytest.importorskip("pyarrow").array(values).type)
    return series(values, dtype=kind)


#: Columns from lists, alone or as the only one of a table.
COLUMNS: dict[str, Callable[[list[Any]], Any]] = {
    "list": lambda values: values,
    "pandas": series,
    "nullable pandas": lambda values: series(values, dtype=object).convert_dtypes(),
    "pandas of arrow": arrow_series,
    "pandas categories": lambda values: series(values, dtype="category"),
    "pandas array": lambda values: series(values, dtype=object).convert_dtypes().array,
    "polars": lambda values: pytest.importorskip("polars").Series(values),
    "arrow": lambda values: pytest.importorskip("pyarrow").array(values),
    "arrow in chunks": lambda values: pytest.importorskip("pyarrow").chunked_array([values[:2], values[2:]]),
    "arrow dictionary": lambda values: pytest.importorskip("pyarrow").array(values).dictionary_encode(),
    "a pandas table": lambda values: pandas_nullable({"y": values}),
    "an arrow table": lambda values: arrow({"y": values}),
    "dask": lambda values: OTHERS["dask"]({"y": values})["y"],
    "narwhals": lambda values: pytest.importorskip("narwhals").from_native(series(values), series_only=True),
}


#: Points and spans of time, which are no numbers.
TIMES: dict[str, list[Any]] = {
    "datetimes": [datetime.datetime(2020, 1, 1) + datetime.timedelta(i) for i in range(20)],
    "dates": [datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(20)],
    "spans": [datetime.timedelta(i) for i in range(20)],
}

#: Types that the interchange protocol has not.
NO_INTERCHANGE = (datetime.date, datetime.timedelta)


def column_of_times(kind: str, values: list[Any]) -> Any:
    """The column of that kind, or the table of one column; skips what does not keep values of this type."""
    if type(values[0]) is datetime.date and kind == "dask":
        pytest.skip("Dask makes words of Python's dates")
    if type(values[0]) in NO_INTERCHANGE and kind.startswith("interchange"):
        pytest.skip("the interchange protocol has no such type")
    return COLUMNS[kind](values) if kind in COLUMNS else (KINDS | OTHERS)[kind]({"y": values})


def check_times_are_refused(make: Callable[[], Any], X: Any, kind: str, values: list[Any]) -> None:
    """Regressors refuse a y and weights of times of any kind, wherever these are given."""
    times, y, weight = column_of_times(kind, values), np.arange(20.0), np.ones(20)
    model = make().fit(X, y)
    calls: dict[str, list[Callable[[], Any]]] = {
        "y": [lambda: make().fit(X, times), lambda: model.score(X, times)],
        "eval_set: y": [lambda: make().fit(X, y, eval_set=(X, times))],
        "sample_weight": [lambda: make().fit(X, y, times), lambda: model.score(X, y, times)],
        "eval_set: sample_weight": [lambda: make().fit(X, y, weight, eval_set=(X, y, times))],
    }
    if hasattr(model, "permutation_importance"):
        calls["y"].append(lambda: model.permutation_importance(X, times))
    for name, each in calls.items():
        for call in each:
            with pytest.raises(TypeError, match=f"^{name}: dates are not supported; turn them into numbers"):
                call()


def check_targets(make: Callable[[], Any], X: Any, values: list[Any], kind: str, **options: Any) -> None:
    """Estimators read a y of `COLUMNS[kind]`, of two values in turn, as an array; a missing one is named.

    `options` are keywords of the fit to the y of that kind.
    """
    assert len(X) % 2 == 0
    cells, of = values * (len(X) // 2), COLUMNS[kind]
    model = make().fit(X, np.array(cells))
    other = make().fit(X, of(cells), **options)
    np.testing.assert_array_equal(other.predict(X).ravel(), model.predict(X))
    assert other.score(X, of(cells)) == model.score(X, np.array(cells))
    some = of([*cells[:2], None, *cells[3:]])
    message = rf"y\[2\] is missing; 1 of {len(X)} rows has no target; Input y contains NaN"
    calls = [lambda: make().fit(X, some), lambda: model.score(X, some)]
    if hasattr(model, "permutation_importance"):
        calls.append(lambda: model.permutation_importance(X, some))
    for call in calls:
        with pytest.raises(ValueError, match=f"^{message}"):
            call()
    with pytest.raises(ValueError, match=f"^eval_set: {message}"):
        make().fit(X, cells, eval_set=(X, some))
