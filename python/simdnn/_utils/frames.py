"""Data frames of other libraries, as those whose columns and names all know."""

from __future__ import annotations

from typing import Any

from .lazy import computed


def known_frame(name: str, X: Any) -> Any:
    """A data frame of any library as one of pandas, Polars or pyarrow, of which scikit-learn reads the names.

    What Dask holds is computed; anything else than a data frame is returned as it is.
    """
    X = computed(X)
    if hasattr(X, "to_native"):  # narwhals
        return known_frame(name, X.to_native())
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):  # Polars
        raise TypeError(f"{name}: expected a table in memory, got {type(X).__name__}: give {name}.collect()")
    if any(hasattr(X, one) for one in ("iloc", "get_column", "to_batches")) or is_column(X):
        return X
    if hasattr(X, "column_names") and hasattr(X, "column"):
        import pyarrow

        return pyarrow.Table.from_batches([X])
    return as_arrow(name, X) if hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__") else X


def is_frame(X: Any) -> bool:
    """True for a table of pandas, Polars or pyarrow."""
    return hasattr(X, "column_names") or (hasattr(X, "columns") and hasattr(X, "dtypes"))


def is_column(X: Any) -> bool:
    """True for a column of Polars or pyarrow."""
    return hasattr(X, "to_numpy") and not hasattr(X, "columns")


def as_arrow(name: str, table: Any) -> Any:
    """The table of pyarrow that Arrow's PyCapsule interface or the interchange protocol gives."""
    try:
        import pyarrow.interchange
    except ImportError:
        raise ImportError(
            f"a table of the type {type(table).__name__} needs pyarrow: pip install 'simdnn[table]'"
        ) from None
    if hasattr(table, "__arrow_c_stream__"):
        try:
            return pyarrow.table(table)
        except ValueError:  # a column alone
            raise TypeError(f"{name}: expected columns by name, got {type(table).__name__}") from None
    return pyarrow.interchange.from_dataframe(table)
