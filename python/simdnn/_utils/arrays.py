"""Conversion of other libraries' arrays to NumPy, without a copy where memory can be shared."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: DLPack device types in the CPU's memory: CPU, and host memory pinned by CUDA or ROCm.
HOSTS = (1, 3, 11)
#: Names of the other DLPack device types, for error messages.
DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA managed", 14: "oneAPI"}


def as_cpu_array(name: str, value: Any) -> NDArray[Any]:
    """`value` as a NumPy array: an array as it is, a CPU tensor as a view, anything else converted.

    Raises
    ------
    TypeError
        If `value` is masked, sparse, on another device, or requires gradients, or no array can be made of it.
    """
    refuse_unread(name, value)
    if isinstance(value, np.ndarray):
        return value
    kind = type(value).__name__
    if hasattr(value, "__dlpack_device__"):
        check_tensor(name, value, kind)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        reason = f" ({str(error).splitlines()[0]})" if hasattr(value, "__dlpack__") and str(error) else ""
        raise TypeError(f"{name}: expected an array of real numbers, got {kind}{reason}") from None


def narrowed(name: str, array: NDArray[Any]) -> NDArray[np.float32]:
    """A contiguous copy in float32; raises for a finite number that would become infinite."""
    with np.errstate(over="ignore"):
        cast = np.require(array, np.float32, ("C", "A"))
    infinite = np.isinf(cast)
    if infinite.any():
        beyond = array[infinite & np.isfinite(array)]
        if beyond.size:
            first = float(beyond[0])
            raise ValueError(f"{name}: expected numbers that float32 can hold, got {first!r}")
    return cast


def cast_to(dtype: DTypeLike, name: str, array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous array of a model's dtype; raises for a finite number that would become infinite."""
    return narrowed(name, array) if dtype == np.float32 else np.require(array, dtype, ("C", "A"))


def refuse_unread(name: str, value: Any) -> None:
    """Raises TypeError for arrays that NumPy would read wrongly: masked ones and sparse ones."""
    if type(value) is not np.ndarray:
        refuse_masked(name, value)
        refuse_sparse(name, value)


def refuse_sparse(name: str, value: Any) -> None:
    """Raises TypeError for a sparse matrix of SciPy, which NumPy takes for a single object."""
    if is_sparse(value):
        raise TypeError(
            f"{name}: expected an array, got a sparse {type(value).__name__}: make it dense with .toarray();"
            " only Trainer and the estimators of simdnn.sklearn take sparse samples"
        )


def is_sparse(value: Any) -> bool:
    """True for a sparse matrix of SciPy."""
    found = sys.modules.get("scipy.sparse")
    return hasattr(value, "tocsr") and found is not None and bool(found.issparse(value))


def refuse_masked(name: str, value: Any) -> None:
    """Raises TypeError for a masked array, or a list of them: masked elements would be read as any others."""
    if type(value) is np.ndarray or "numpy.ma" not in sys.modules:
        return
    kinds = set(map(type, value)) if isinstance(value, list | tuple) else {type(value)}
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        raise TypeError(
            f"{name}: a masked array, whose mask would be ignored: fill it, as {name}.filled(0) does, or"
            " leave the masked rows out"
        )


def with_kinds(values: Any) -> Any:
    """A list of numbers as their array, and one of several kinds of elements as an array of objects.

    NumPy would turn all elements into one kind: booleans into numbers, numbers into words, and whole numbers
    into floats that do not tell large ones apart.
    """
    if not isinstance(values, list | tuple):
        return values
    try:
        found, objects = np.array(values), np.array(values, dtype=object)
    except (TypeError, ValueError):  # rows of several lengths
        return values
    kinds = {np.dtype(kind).kind for kind in set(map(type, objects.ravel().tolist()))}
    return found if kinds <= {found.dtype.kind} - set("SU") else objects


def refuse_for_rows(name: str, value: Any) -> None:
    """Raises TypeError for what a function over rows would misread: masked arrays, sparse ones, DataFrames.

    pandas calls a ufunc for each block of columns, transposed, so that rows would be columns.
    """
    refuse_unread(name, value)
    if hasattr(value, "iloc") and getattr(value, "ndim", 1) > 1:
        kind = type(value).__name__
        raise TypeError(f"{name}: a {kind}, of which pandas gives its columns alone: give {name}.to_numpy()")


def check_tensor(name: str, value: Any, kind: str) -> None:
    """Raises unless the tensor is on the CPU and does not require gradients."""
    try:
        device = int(value.__dlpack_device__()[0])
    except (ValueError, RuntimeError, BufferError, NotImplementedError):  # NumPy may still convert it
        device = HOSTS[0]
    if device not in HOSTS:
        where = DEVICES.get(device, f"device type {device}")
        raise TypeError(
            f"{name}: a {kind} in the memory of {where}, but simdnn computes on the processor: copy it there,"
            " as tensor.cpu() or jax.device_get(array) do"
        )
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{name}: a {kind} that records gradients, which would end here: give {name}.detach()"
        )
