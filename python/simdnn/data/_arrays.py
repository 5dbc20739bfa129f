"""`from_arrays`: blocks of rows of arrays in memory, in files and of Dask."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._utils.arrays import as_cpu_array, is_sparse, refuse_masked
from .._utils.blocks import NAMES
from .._utils.check import check_int
from .._utils.lazy import is_lazy
from .._utils.sparse import checked_csr
from ._dask import DaskBlocks
from ._npy import NpyRows
from ._sequence import BlockSequence, Samples

#: Bytes of X in a block of the default length.
BLOCK_BYTES = 2**24


def from_arrays(X: Any, y: Any, sample_weight: Any = None, *, rows: int | None = None) -> BlockSequence:
    """Blocks of the rows of arrays, each of which is read when it is needed.

    Parameters
    ----------
    X, y : array, path or Dask collection
        Samples and targets, as `Trainer.fit` takes them: arrays, ``np.memmap``, paths of ``.npy`` files,
        anything else with a shape whose rows can be sliced, such as datasets of h5py and zarr. Or all of them
        arrays, data frames or series of Dask.
    sample_weight : array, path, Dask collection or None
        Weights of the samples.
    rows : int, optional
        Rows per block; by default those in 16 MiB of X. Those of Dask come block by block, as they are.

    Returns
    -------
    sequence of blocks
        Its items are ``(X, y)`` or ``(X, y, sample_weight)``, in the order of the rows.

    Raises
    ------
    TypeError
        If an argument is no array, or some are of Dask and others are not.
    ValueError
        If the arrays differ in length or have no rows, `rows` is not positive, or a file is damaged, holds
        Python objects or columns one after the other (Fortran order). Also by reading a block, if an array
        has become shorter or a file holds an array of a different type or shape.
    OSError
        If a file cannot be read.

    Notes
    -----
    An ``.npy`` file is read without mapping it into memory, so that it may be larger than the address space
    that a process is allowed. Its blocks, and those of a ``np.memmap``, are copies.

    Examples
    --------
    >>> import os, tempfile, numpy as np, simdnn
    >>> from simdnn import data, nn
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 2), rng=0), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     X, y = os.path.join(folder, "X.npy"), os.path.join(folder, "y.npy")
    ...     np.save(X, np.ones((1000, 4), np.float32))
    ...     np.save(y, np.arange(1000) % 2)
    ...     blocks = data.from_arrays(X, y, rows=256)
    ...     history = trainer.fit(blocks, epochs=2, batch_size=100)
    >>> len(blocks), history.steps
    (4, 20)
    """
    given = [one for one in (X, y, sample_weight) if one is not None]
    lazy = [is_lazy(one) for one in given]
    if any(lazy):
        if not all(lazy):
            raise TypeError("X, y, sample_weight: expected all of them from Dask, or none")
        if rows is not None:
            raise TypeError("rows: Dask's collections come in their own blocks; see rechunk and repartition")
        return DaskBlocks(given)
    return ArrayBlocks([sliceable(*one) for one in zip(NAMES, given, strict=False)], rows)


class ArrayBlocks(BlockSequence):
    """Blocks of arrays that can be sliced."""

    def __init__(self, arrays: list[Any], rows: int | None) -> None:
        sizes = [one.shape[0] for one in arrays]
        if len(set(sizes)) > 1:
            raise ValueError(f"X, y, sample_weight: expected arrays of one length, got {sizes}")
        if sizes[0] == 0:
            raise ValueError("X: expected at least one sample")
        self.arrays, self.samples = arrays, int(sizes[0])
        size = int(np.prod(arrays[0].shape[1:], dtype=np.int64)) * np.dtype(arrays[0].dtype).itemsize
        self.rows = max(1, BLOCK_BYTES // max(size, 1)) if rows is None else check_int("rows", rows)

    def __len__(self) -> int:
        return -(-self.samples // self.rows)

    def read(self, i: int) -> Samples:
        begin, end = i * self.rows, min((i + 1) * self.rows, self.samples)
        return tuple(slice_of(*one, begin, end) for one in zip(NAMES, self.arrays, strict=False))


def sliceable(name: str, value: Any) -> Any:
    """An array, or an object of which rows can be read like those of an array."""
    if isinstance(value, str | os.PathLike):
        return NpyRows(name, value)
    if is_sparse(value):
        return checked_csr(name, value)
    refuse_masked(name, value)
    shaped = hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "iloc")
    array = value if shaped and hasattr(value, "__getitem__") else as_cpu_array(name, value)
    if len(array.shape) == 0:
        raise TypeError(f"{name}: expected an array of samples, got {type(value).__name__}")
    return array


def slice_of(name: str, array: Any, begin: int, end: int) -> Any:
    """Rows of an array; those of a file as a copy, so that they are read now."""
    part = array[begin:end]
    if part.shape[0] != end - begin:
        raise ValueError(
            f"{name}: expected the rows {begin} to {end - 1}, got {part.shape[0]} of them: the array has"
            " become shorter"
        )
    return np.array(part) if isinstance(part, np.memmap) else part
