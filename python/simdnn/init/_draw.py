"""Random numbers for initial weights: checked shapes and dtypes, and the truncated normal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_int, check_name

Rng: TypeAlias = "np.random.Generator | int | None"  # a name alone: numpy.random is slow to import
Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]

#: Below this probability of a normal number to lie within the bounds, uniform numbers are refused instead.
RARE = 0.2


def generator_of(rng: Rng) -> np.random.Generator:
    """The generator, or one from a seed."""
    return np.random.default_rng(rng)


def sizes_of(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape as numbers."""
    try:
        sizes = tuple(shape)
    except TypeError:
        raise TypeError(f"shape: expected a sequence of numbers, got {type(shape).__name__}") from None
    return tuple(check_int("shape", size, 0) for size in sizes)


def fan_of(shape: Sequence[int], mode: Mode) -> float:
    """What the variance is divided by."""
    check_name("mode", mode, ("fan_in", "fan_out", "fan_avg"))
    sizes = sizes_of(shape)
    if len(sizes) != 2:
        raise ValueError(f"shape: expected (inputs, outputs), got {sizes}")
    inputs, outputs = max(sizes[0], 1), max(sizes[1], 1)
    return {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[mode]


def real_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype, if it is one of real numbers."""
    found = np.dtype(dtype)
    if found.kind != "f":
        raise TypeError(f"dtype: expected a real floating-point type, got {found}")
    return found


def draw_truncated(
    generator: np.random.Generator, low: float, high: float, count: int
) -> NDArray[np.float64]:
    """Standard normal numbers within [low, high], by rejection."""
    likely = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2 > RARE
    nearest = min(max(0.0, low), high)
    # Beyond this the density has fallen to nothing: it also bounds an infinite interval.
    first, last = max(low, nearest - 9), min(high, nearest + 9)
    found = np.empty(count)
    missing = np.arange(count)
    while missing.size:
        if likely:
            drawn = generator.normal(size=missing.size)
            kept = (drawn >= low) & (drawn <= high)
        else:
            drawn = generator.uniform(first, last, missing.size)
            kept = generator.uniform(size=missing.size) < np.exp((nearest**2 - drawn**2) / 2)
        found[missing[kept]] = drawn[kept]
        missing = missing[~kept]
    return found
