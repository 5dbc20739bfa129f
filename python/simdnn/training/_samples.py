"""Samples and their order in the form that native code reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array


def checked_order(order: ArrayLike) -> NDArray[np.intp]:
    """An order of samples, shape (n,), as an array of indices; raises for other kinds and shapes."""
    indices = as_cpu_array("order", order)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(
            f"order: expected integers of shape (n,), got {indices.dtype} of shape {indices.shape}"
        )
    return indices.astype(np.intp, copy=False)


def checked_parameters(parameters: ArrayLike, size: int) -> NDArray[Any]:
    """All parameters of a model as an array; raises for other kinds of numbers and other shapes."""
    values = as_cpu_array("parameters", parameters)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"parameters: expected real numbers, got dtype {values.dtype}")
    if values.shape != (size,):
        raise ValueError(f"parameters: expected shape ({size},), got {values.shape}")
    return values
