"""Samples and their order in the form that native code reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_order(order: ArrayLike) -> NDArray[np.intp]:
    """An order of samples, shape (n,), as an array of indices; raises for other kinds and shapes."""
    indices = np.asarray(order)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(
            f"order: expected integers of shape (n,), got {indices.dtype} of shape {indices.shape}"
        )
    return indices.astype(np.intp, copy=False)
