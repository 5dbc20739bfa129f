"""Sums of the steps of an epoch, added as native code adds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..training import Trainer
from ..training._epochs import Report


class EpochSums:
    """Loss, weight, correct classes, samples and penalty of the steps of an epoch."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._steps = trainer, 0
        self._sums: NDArray[Any] = np.zeros(5)

    def add(self, count: int) -> None:
        """Adds the last step, on a batch of `count` samples, by which it counts if penalties are sums."""
        loss, weight, correct, samples, penalty = self._trainer._trainer.batch
        if self._trainer.penalty == "sum" and weight != count:
            scale = count / weight if weight else 0.0
            loss, penalty, weight = loss * scale, penalty * scale, weight * scale
        self._sums += loss, weight, correct, samples, penalty
        self._steps += 1

    def report(self, over_ranks: Callable[[NDArray[Any]], None] | None = None) -> Report:
        """The report of the epoch; `over_ranks` adds the sums of other ranks in place."""
        if over_ranks is not None:
            over_ranks(self._sums)
        loss, weight, correct, samples, penalty = self._sums
        with np.errstate(all="ignore"):
            means = np.divide([loss, correct, penalty], [weight, samples, weight])
        return float(means[0]), float(means[1]), int(samples), self._steps, float(means[2])
