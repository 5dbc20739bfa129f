"""Blocks of samples: their arrays, the form that all blocks of a source share, and their rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import as_cpu_array, is_sparse
from .sparse import checked_csr

#: The arrays of a block: X, y, and the sample weights or None. A y may be a pair of arrays.
Arrays = tuple[Any, Any, Any]
NAMES = ("X", "y", "sample_weight")


def as_block(given: Any) -> Arrays:
    """The arrays of a block that is given as (X, y) or (X, y, sample_weight); raises for anything else."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        what = f"{len(given)} items" if isinstance(given, tuple | list) else type(given).__name__
        raise TypeError(f"expected a block (X, y) or (X, y, sample_weight), got {what}")
    X, y, *weight = given
    samples = checked_csr("X", X) if is_sparse(X) else as_cpu_array("X", X)
    return samples, as_targets(y), as_cpu_array("sample_weight", weight[0]) if weight else None


def as_targets(y: Any) -> Any:
    """Targets as an array, or a pair of logits and classes as two."""
    if isinstance(y, tuple) and len(y) == 2 and np.ndim(y[0]) > 1:
        return tuple(as_cpu_array("y", one) for one in y)
    return as_cpu_array("y", y)


def check_form(arrays: Arrays, first: list[str] | None, name: str) -> list[str]:
    """The forms of the arrays of a block; raises unless they are `first`, those of the block `name`[0]."""
    forms = [form_of(one) for one in arrays]
    for argument, wanted, found in zip(NAMES, first or forms, forms, strict=True):
        if found != wanted:
            raise ValueError(f"{argument}: expected {wanted} as in {name}[0], got {found}")
    return forms


def form_of(array: Any) -> str:
    """The type and the shape of an array without the number of its rows, or of each of a pair."""
    if array is None:
        return "None"
    if isinstance(array, tuple):
        return ", ".join(form_of(one) for one in array)
    sizes = ", ".join(["n", *map(str, array.shape[1:])])
    return f"{array.dtype} of shape ({sizes}{',' if array.ndim == 1 else ''})"


def length_of(arrays: Arrays) -> int:
    """Number of samples of a block; raises unless its arrays are as long as each other."""
    parts = [one for array in arrays[1:] for one in (array if isinstance(array, tuple) else [array])]
    sizes = {one.shape[0] if one.ndim else 0 for one in (arrays[0], *parts) if one is not None}
    if len(sizes) != 1:
        shapes = ", ".join(
            f"{name} {one.shape}" for name, one in zip(NAMES, arrays, strict=True) if hasattr(one, "shape")
        )
        raise ValueError(f"expected arrays of one length, got {shapes}")
    return int(sizes.pop())


def rows_of(array: Any, rows: Any) -> Any:
    """A copy of some rows of an array, or of each of a pair of arrays; `rows` is a slice or indices."""
    if array is None:
        return None
    if isinstance(array, tuple):
        return tuple(rows_of(one, rows) for one in array)
    return array[rows].copy() if isinstance(rows, slice) else array[rows]


def joined(arrays: list[Any]) -> Any:
    """One array of the rows of several, or a pair of them."""
    if arrays[0] is None or len(arrays) == 1:
        return arrays[0]
    if isinstance(arrays[0], tuple):
        return tuple(joined(list(one)) for one in zip(*arrays, strict=True))
    if is_sparse(arrays[0]):
        import scipy.sparse

        return scipy.sparse.vstack(arrays, format="csr")
    return np.concatenate(arrays)


def located(error: BaseException, place: str) -> BaseException:
    """An exception like `error`, of its class or the nearest that takes a message, that names the place."""
    if not isinstance(error, Exception):
        return error
    if isinstance(error, OSError) and error.strerror is not None:
        return OSError(error.errno, f"{place}: {error.strerror}", error.filename)
    for kind in type(error).__mro__:
        try:
            found = kind(f"{place}: {error}" if str(error) else f"{place}: {type(error).__name__}")
        except Exception:  # a class with other arguments
            continue
        if isinstance(found, Exception):
            return found
    return error
