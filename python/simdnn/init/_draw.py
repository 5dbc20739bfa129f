"""Helpers of initializers: generators, checked shapes and dtypes, and the truncated normal distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_dtype, check_generator, check_int, check_name

Rng: TypeAlias = "np.random.Generator | int | None"  # a string, because numpy.random is slow to import
Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]

#: Probability of the interval below which rejection sampling draws from a uniform distribution.
MIN_NORMAL_PROBABILITY = 0.2
#: Distance of an interval from the mean, in standard deviations, from which on only its nearest end counts.
FAR = 100.0


def generator_of(rng: Rng) -> np.random.Generator:
    """`rng` if it is a generator, or a new generator from a seed or None."""
    return check_generator("rng", rng)


def sizes_of(shape: Sequence[int]) -> tuple[int, ...]:
    """`shape` as a tuple of integers >= 0."""
    try:
        sizes = tuple(shape)
    except TypeError:
        raise TypeError(f"shape: expected a sequence of numbers, got {type(shape).__name__}") from None
    return tuple(check_int("shape", size, 0) for size in sizes)


def fan_of(shape: Sequence[int], mode: Mode) -> float:
    """The divisor of the variance of weights: the number of inputs or outputs, or the mean of both."""
    check_name("mode", mode, ("fan_in", "fan_out", "fan_avg"))
    sizes = sizes_of(shape)
    if len(sizes) != 2:
        raise ValueError(f"shape: expected (inputs, outputs), got {sizes}")
    inputs, outputs = max(sizes[0], 1), max(sizes[1], 1)
    return {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[mode]


def real_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """`dtype` as a NumPy dtype, if it is a real floating-point dtype."""
    found = check_dtype("dtype", dtype)
    if found.kind != "f":
        raise TypeError(f"dtype: expected a real floating-point type, got {found}")
    return found


def cast(names: str, values: Any, dtype: DTypeLike) -> NDArray[Any]:
    """Weights in the dtype; raises for those beyond it, which the arguments `names` have made."""
    to = real_dtype(dtype)
    with np.errstate(over="ignore"):
        found = np.asarray(values, to, order="C")
    if not np.isfinite(found).all():
        raise ValueError(f"{names}: expected weights within {to}'s range, got {np.abs(values).max():g}")
    return found


def draw_truncated(
    generator: np.random.Generator, low: float, high: float, count: int
) -> NDArray[np.float64]:
    """Standard normal numbers in [low, high], shape (count,), by rejection sampling."""
    likely = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2 > MIN_NORMAL_PROBABILITY
    nearest = min(max(0.0, low), high)
    if math.isinf(nearest):
        return np.full(count, nearest)
    far = abs(nearest) > FAR
    # The density is negligible further than 9 from its maximum, which also bounds an infinite interval.
    width = 40 / abs(nearest) if far else 9.0  # far away, the density falls by exp(-|nearest| * distance)
    first, last = max(low, nearest - width), min(high, nearest + width)
    found = np.empty(count)
    missing = np.arange(count)
    while missing.size:
        if likely:
            drawn = generator.normal(size=missing.size)
            kept = (drawn >= low) & (drawn <= high)
        else:
            drawn = generator.uniform(first, last, missing.size)
            exponent = (nearest - drawn) * (nearest / 2 + drawn / 2) if far else (nearest**2 - drawn**2) / 2
            kept = generator.uniform(size=missing.size) < np.exp(exponent)
        found[missing[kept]] = drawn[kept]
        missing = missing[~kept]
    return found
