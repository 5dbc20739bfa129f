"""Functions of rows on Dask's arrays and data frames, computed block by block when the result is needed."""

from __future__ import annotations

import copy
import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

Method = TypeVar("Method", bound=Callable[..., Any])


def is_lazy(x: Any) -> bool:
    """True for an array, a data frame or a series of Dask."""
    return hasattr(x, "__dask_graph__") and (hasattr(x, "to_dask_array") or hasattr(x, "map_blocks"))


def computed(x: Any) -> Any:
    """The values of an array, a data frame or a series of Dask; anything else as it is."""
    return x.compute() if is_lazy(x) else x


def blockwise(function: Callable[[Any], Any], x: Any, estimator: Any = None) -> Any:
    """The lazy Dask array of ``function(block)`` over the blocks of rows of x.

    The function takes an array [rows, ...] and returns one with as many rows; a call with one row of zeros
    tells the other axes and the dtype of its result. Blocks without rows are not given to it. A method of an
    `estimator` takes the blocks of a data frame as they are, with the names and types of the columns. Its row
    is that of ``estimator._blank_row``, if there is such a method, and the first one of x where it cannot
    predict that; else nothing of x is computed.
    """
    frame = x if estimator is not None and x.ndim == 2 and hasattr(x, "columns") else None
    if hasattr(x, "to_dask_array"):
        x = x.to_dask_array()
    if any(math.isnan(size) for size in x.shape[1:]):
        raise ValueError(f"x: expected known sizes of all axes but the first, got shape {x.shape}")
    rows = x.rechunk(dict.fromkeys(range(1, x.ndim), -1)) if frame is None else frame
    blank = getattr(estimator, "_blank_row", np.zeros)((1, *x.shape[1:]), x.dtype)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "column .*: all values are")
            example = np.asarray(function(blank if frame is None else frame_of(blank, frame)))
    except Exception:
        first = None if estimator is None else first_row(rows)
        if first is None:
            raise
        example = np.asarray(function(first))
    by_block = functools.partial(of_block, function, example[:0])
    if frame is not None:
        return frame.map_partitions(by_block, meta=example[:0])
    return rows.map_blocks(
        by_block,
        dtype=example.dtype,
        chunks=(rows.chunks[0], *((size,) for size in example.shape[1:])),
        drop_axis=list(range(1, x.ndim)),
        new_axis=list(range(1, example.ndim)),
        meta=example[:0],
    )


def first_row(x: Any) -> Any:
    """The first row [1, ...] of an array or a data frame of Dask, or None."""
    for block in (x.partitions[i].compute() for i in range(x.npartitions)):
        if len(block):
            return block[:1]
    return None


def frame_of(block: Any, frame: Any) -> Any:
    """An array as a data frame of pandas, which those of Dask are made of, with the names of its columns."""
    import pandas

    return pandas.DataFrame(block, columns=list(frame.columns))


def of_block(function: Callable[[Any], Any], empty: Any, block: Any) -> Any:
    """The function of a block, or `empty` if it has no rows, as after a selection."""
    return function(block) if len(block) else empty


def lazy_rows(method: Method) -> Method:
    """Decorator of a method of rows: given what Dask holds, its result is lazy, and of `self` as it was."""

    @functools.wraps(method)
    def of_rows(self: Any, X: Any, *options: Any, **named: Any) -> Any:
        if not is_lazy(X):
            return method(self, X, *options, **named)
        same = copy.deepcopy(self)
        return blockwise(lambda rows: method(same, rows, *options, **named), X, same)

    return cast(Method, of_rows)
