"""Mean and standard deviation of numbers that come in parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A power of two that keeps squares of tiny numbers above zero, and those of float32's largest ones finite.
UNIT = 2.0**370
#: Numbers whose mean and variance are computed at once.
SEGMENT = 4096


class Moments:
    """Mean and standard deviation of all numbers that were added; they do not depend on the parts.

    The numbers are taken in segments of 4096, in their order. The mean and the variance of a segment are
    those of NumPy; they join those of the segments before it by equation 2.1 of Chan, Golub & LeVeque 1983,
    "Algorithms for computing the sample variance: analysis and recommendations". Both are kept in units of
    2^-370, so that variances of tiny numbers do not vanish.
    """

    def __init__(self) -> None:
        self.count, self.mean, self.variance = 0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf
        self.rest: NDArray[np.float64] = np.empty(0)

    def add(self, values: NDArray[np.float64]) -> None:
        """Adds numbers; NaN stands for a missing one, which does not count."""
        known = values[~np.isnan(values)]
        if known.size == 0:
            return
        self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))
        known = np.concatenate([self.rest, known]) if self.rest.size else known
        whole = known.size // SEGMENT * SEGMENT
        for begin in range(0, whole, SEGMENT):
            self.join(known[begin : begin + SEGMENT])
        self.rest = known[whole:].copy()

    def join(self, segment: NDArray[np.float64]) -> None:
        """Joins the moments of a segment with those of the segments before it."""
        size, segment = segment.size, segment * UNIT
        mean, variance = float(segment.mean()), float(segment.var())
        total = self.count + size
        if self.count == 0:
            self.mean, self.variance = mean, variance
        else:
            step, share = mean - self.mean, size / total
            within = self.variance + (variance - self.variance) * share
            self.variance = within + step * step * share * (self.count / total)
            self.mean += step * share
        self.count = total

    def scaling(self) -> tuple[float, float]:
        """Mean and standard deviation; the scale is 1 if the deviation is that of rounding.

        The bound of the deviation is that of scikit-learn's StandardScaler, from Chan, Golub & LeVeque 1983,
        equation 1.7. The numbers are complete: none are added later.
        """
        if self.rest.size:
            self.join(self.rest)
            self.rest = self.rest[:0]
        if self.count == 0:
            return 0.0, 1.0
        if self.low == self.high:
            return self.low, 1.0
        mean, scale = self.mean, float(np.sqrt(self.variance))
        step = self.count * float(np.finfo(np.float64).eps)
        varies = scale**2 > step * scale**2 + (step * mean) ** 2
        return mean / UNIT, scale / UNIT if varies else 1.0
