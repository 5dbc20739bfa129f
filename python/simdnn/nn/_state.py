"""The numbers of a network: named views, their shapes, and steps towards those of another network."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from .._utils.check import check_finite

if TYPE_CHECKING:
    from ._sequential import Sequential


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
            raise ValueError(f"{name}: expected shape {wanted[name]}, got {shape}")


def lerp(target: Sequential, source: Sequential, tau: float) -> None:
    """See `Sequential.lerp_`."""
    share = check_finite("tau", tau, 0.0, 1.0)
    if not hasattr(source, "flat_parameters"):
        raise TypeError(f"source: expected a Sequential, got {type(source).__name__}")
    if source.dtype != target.dtype:
        raise ValueError(f"source: expected dtype {target.dtype}, got {source.dtype}")
    target._model.lerp(source._model, share)
