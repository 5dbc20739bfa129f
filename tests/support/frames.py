"""Tables of other libraries from columns in lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
