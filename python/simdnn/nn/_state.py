"""The numbers of a network: named views, their shapes, and steps towards those of another network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_finite

if TYPE_CHECKING:
    from ._sequential import Sequential

State = Mapping[str, NDArray[Any]]  #: parameters and buffers by name
Arrays = Sequence[NDArray[Any]]

#: The end of the error about a matrix whose transpose would fit.
TRANSPOSED = "; PyTorch's weights are transposed: simdnn.from_torch(state, model=model) reads them"


def named_views(
    flat: NDArray[Any], blocks: list[tuple[str, int, tuple[int, ...]]]
) -> dict[str, NDArray[Any]]:
    """The named blocks of a flat array."""
    return {name: flat[offset : offset + prod(shape)].reshape(shape) for name, offset, shape in blocks}


def check_shapes(wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]]) -> None:
    """Raises a KeyError for other names, or a ValueError for other shapes, than `wanted` has."""
    if wanted.keys() != given.keys():
        missing, unknown = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
        raise KeyError(f"state: missing {missing}, unknown {unknown}")
    for name, shape in given.items():
        if shape != wanted[name]:
            hint = TRANSPOSED if len(shape) == 2 and shape[::-1] == wanted[name] else ""
            raise ValueError(f"{name}: expected shape {wanted[name]}, got {shape}{hint}")


def cast_state(state: Mapping[str, Any], dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    """The arrays of a state in a dtype; raises unless they consist of real numbers that it can hold."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state: expected a dictionary from state_dict(), got {type(state).__name__}")
    if wrong := [name for name in state if not isinstance(name, str)]:
        raise TypeError(f"state: expected names, got the key {wrong[0]!r}")
    given = {name: as_cpu_array(name, value) for name, value in state.items()}
    for name, value in given.items():
        if value.dtype.kind in "cmMOSU":
            raise TypeError(f"{name}: expected real numbers, got dtype {value.dtype}")
    return {name: _cast(name, value, dtype) for name, value in given.items()}


def _cast(name: str, value: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of a state in the dtype; raises for numbers that become infinite, or are no variance."""
    with np.errstate(over="ignore"):
        cast = np.asarray(value, dtype=dtype)
    if value.dtype.kind == "f" and value.dtype.itemsize > cast.dtype.itemsize:
        beyond = np.isinf(cast) & np.isfinite(value)
        if beyond.any():
            raise ValueError(f"{name}: {value[beyond].flat[0]:g} is beyond {dtype}")
    if name.endswith("running_var") and (cast < 0).any():
        raise ValueError(f"{name}: expected numbers >= 0, got {cast.min():g}")
    return cast


def write(
    arrays: dict[str, NDArray[Any]], views: Mapping[str, NDArray[Any]], owned: Sequence[NDArray[Any]]
) -> None:
    """Writes arrays to views of the owned memory, which the arrays may be as well."""
    for name, value in arrays.items():
        if any(np.may_share_memory(value, own) for own in owned):
            arrays[name] = value.copy()  # a view of a parameter that is set before it is read
    for name, value in arrays.items():
        views[name][...] = value


def lerp(target: Sequential, source: Sequential, tau: float) -> None:
    """See `Sequential.lerp_`."""
    share = check_finite("tau", tau, 0.0, 1.0)
    if not hasattr(source, "flat_parameters"):
        raise TypeError(f"source: expected a Sequential, got {type(source).__name__}")
    if source.dtype != target.dtype:
        raise ValueError(f"source: expected dtype {target.dtype}, got {source.dtype}")
    target._model.lerp(source._model, share)
