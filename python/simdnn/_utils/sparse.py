"""Sparse matrices of SciPy, which reads and writes at the places in them without a look at their shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import is_sparse


def check_sparse(name: str, value: Any) -> None:
    """Raises ValueError if a sparse matrix of SciPy has places outside its shape; other values pass."""
    if not is_sparse(value):
        return
    if value.format in ("csr", "csc", "bsr"):
        _check_compressed(name, value)
    elif value.format == "coo":
        places = value.coords if hasattr(value, "coords") else (value.row, value.col)
        if any(indices.shape != value.data.shape for indices in places):
            raise ValueError(f"{name}: expected a valid COO matrix, with a place for each entry")
        for axis, (indices, size) in enumerate(zip(places, value.shape, strict=True)):
            _check_indices(f"{name}.coords[{axis}]", indices, size, "place")
    elif value.format == "dia" and len(value.offsets) != len(value.data):
        raise ValueError(f"{name}: expected a valid DIA matrix, with an offset for each row of data")
    elif value.format == "lil":
        for row in value.rows:
            _check_indices(f"{name}.rows", np.asarray(row, np.intp), value.shape[1], "column")


def checked_csr(name: str, value: Any) -> Any:
    """A sparse matrix of SciPy in CSR format, whose places are checked."""
    check_sparse(name, value)
    return value.tocsr()


def _check_compressed(name: str, value: Any) -> None:
    """Raises unless the indices of a CSR, CSC or BSR matrix are those of its shape."""
    shape = [*value.shape] if value.ndim > 1 else [1, *value.shape]
    if value.format == "bsr":
        shape = [size // block for size, block in zip(shape, value.blocksize, strict=True)]
    outer, inner = reversed(shape) if value.format == "csc" else shape
    indptr, indices = np.asarray(value.indptr), np.asarray(value.indices)
    valid = indptr.shape == (outer + 1,) and indices.shape == (len(value.data),)
    if not (valid and indptr[0] == 0 and indptr[-1] <= len(indices) and (np.diff(indptr) >= 0).all()):
        raise ValueError(
            f"{name}: expected a valid {value.format.upper()} matrix, got indptr, indices and data that do"
            " not fit together"
        )
    _check_indices(f"{name}.indices", indices, inner, "row" if value.format == "csc" else "column")


def _check_indices(name: str, indices: NDArray[Any], size: int, kind: str) -> None:
    """Raises unless all indices are from 0 to below `size`."""
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        place = f"{name}[{np.argmax(wrong)}]"
        raise ValueError(f"{place}: expected a {kind} from 0 to {size - 1}, got {indices[wrong][0]}")
