"""Quantiles of numbers that come in parts: exact for many rows, of a sample for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The largest number of values of a column that are kept; quantiles of more are those of a sample.
MOST_KEPT = 2**17
#: Values that are looked at together.
SEGMENT = 2**16


class Sample:
    """Known numbers of a column: all of them up to 131,072, else a sample of about half as many or more.

    The n-th known number is in the sample if a hash of n is below a limit, which is halved whenever the
    sample grows too large. So the sample does not depend on the parts. The smallest and the largest number
    are those of the whole column.
    """

    def __init__(self) -> None:
        self.count, self.bits = 0, 0
        self.low, self.high = np.inf, -np.inf
        self.values: list[NDArray[np.float64]] = []
        self.hashes: list[NDArray[np.uint64]] = []

    def add(self, values: NDArray[np.float64]) -> None:
        """Adds numbers; NaN stands for a missing one, which does not count."""
        known = values[~np.isnan(values)]
        if known.size == 0:
            return
        self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))
        for begin in range(0, known.size, SEGMENT):
            self.keep(known[begin : begin + SEGMENT])

    def keep(self, values: NDArray[np.float64]) -> None:
        """Adds those of the values that are in the sample."""
        begin, self.count = self.count, self.count + values.size
        self.values.append(values)
        if self.bits:
            self.hashes.append(hashes_of(begin, values.size))
            self.thin(-1)
        while sum(part.size for part in self.values) > MOST_KEPT:
            if not self.bits:
                begins = np.cumsum([0, *(part.size for part in self.values)]).tolist()
                self.hashes = [
                    hashes_of(at, part.size) for at, part in zip(begins, self.values, strict=False)
                ]
            self.bits += 1
            for place in range(len(self.values)):
                self.thin(place)

    def thin(self, place: int) -> None:
        """Drops the values of a part that are no longer in the sample."""
        chosen = self.hashes[place] >> np.uint64(64 - self.bits) == 0
        self.values[place], self.hashes[place] = self.values[place][chosen], self.hashes[place][chosen]

    def sorted(self) -> NDArray[np.float64]:
        """The values of the sample in ascending order."""
        return np.sort(np.concatenate(self.values)) if self.values else np.empty(0)


def hashes_of(begin: int, count: int) -> NDArray[np.uint64]:
    """Hashes of the integers from `begin` on, by SplitMix64 (Steele, Lea & Flood 2014)."""
    z = np.arange(begin + 1, begin + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return hashes


def quantiles(size: int, parts: int, at: Callable[[Any], NDArray[np.float64]]) -> NDArray[np.float64]:
    """The quantiles that divide sorted numbers into equal parts, interpolated; `at` reads numbers."""
    places = np.arange(parts + 1) * ((size - 1) / parts)
    below = np.minimum(places.astype(np.intp), size - 1)
    above = np.minimum(below + 1, size - 1)
    low = at(below)
    found = low + (at(above) - low) * (places - below)
    found[-1] = at([size - 1])[0]
    return found


def is_constant(low: float, high: float) -> bool:
    """True if all numbers between these two are equal but for rounding."""
    return high - low <= 8 * float(np.finfo(np.float64).eps) * max(abs(low), abs(high))


def robust_scaling(sample: Sample, ordered: NDArray[np.float64]) -> tuple[float, float]:
    """The median of a column, and its interquartile range, or half of the whole range, or 1."""
    if ordered.size == 0:
        return 0.0, 1.0
    quarter, median, three_quarters = quantiles(ordered.size, 4, ordered.__getitem__)[1:4].tolist()
    if is_constant(sample.low, sample.high):
        return median, 1.0
    constant = is_constant(quarter, three_quarters)
    return median, (sample.high - sample.low) / 2 if constant else three_quarters - quarter


def edges_of(sample: Sample, ordered: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    """The borders of at most `bins` bins between quantiles of the distinct numbers of a column.

    A column of n distinct numbers has at most n - 1 bins; one that is constant has none.
    """
    if ordered.size == 0 or is_constant(sample.low, sample.high):
        return ()
    if sample.bits:
        ordered = np.concatenate([[sample.low], ordered, [sample.high]])
    lasts = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = quantiles(lasts.size, min(bins, lasts.size - 1), lambda places: ordered[lasts[places]])
    return tuple(np.unique(found).tolist())
