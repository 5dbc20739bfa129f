"""Choices by predictions out of fold: the temperature of probabilities, the share of networks and trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import functional as F

Array = NDArray[Any]

#: Steps of a temperature and of a share: such fractions are exact, and hide a machine's last bits.
TEMPERATURE_STEPS, SHARE_STEPS = 64, 32
#: The smallest and the largest temperature.
COLDEST, HOTTEST = 0.25, 4.0
#: The smallest probability of a row's class that counts in a log loss.
LEAST = 1e-7


def temperature(logits: Array, labels: Array, weight: Array | None) -> float:
    """The temperature T at which softmax(logits / T) has the lowest log loss (Guo et al. 2017)."""
    exact = logits.astype(np.float64)

    def loss(step: int) -> float:
        each = F.cross_entropy(exact / (step / TEMPERATURE_STEPS), labels, reduction="none")
        return float(np.average(each, weights=weight))

    lowest, highest = (round(one * TEMPERATURE_STEPS) for one in (COLDEST, HOTTEST))
    return lowest_step(loss, lowest, highest) / TEMPERATURE_STEPS


def share(networks: Array, trees: Array, loss: Callable[[Array], float]) -> float:
    """The share of the networks in the mean w networks + (1 - w) trees with the lowest loss."""
    return (
        lowest_step(lambda step: loss(blended(step / SHARE_STEPS, networks, trees)), 0, SHARE_STEPS)
        / SHARE_STEPS
    )


def blended(share: float, networks: Array, trees: Array) -> Array:
    """The mean of predictions with the weights `share` and 1 - `share`."""
    return share * networks + (1 - share) * trees


def log_loss(probabilities: Array, labels: Array, weight: Array | None) -> float:
    """The mean of -log of the probability of each row's class."""
    right = np.maximum(probabilities[np.arange(len(labels)), labels], LEAST)
    return float(-np.average(np.log(right), weights=weight))


def squared_error(values: Array, y: Array, weight: Array | None) -> float:
    """The mean squared error over rows and outputs."""
    return float(np.average(np.mean((values - y) ** 2, axis=1), weights=weight))


def lowest_step(loss: Callable[[int], float], low: int, high: int) -> int:
    """The integer of [low, high] with the lowest value of a convex function."""
    known: dict[int, float] = {}

    def at(step: int) -> float:
        if step not in known:
            known[step] = loss(step)
        return known[step]

    while low < high:
        middle = (low + high) // 2
        if at(middle) <= at(middle + 1):
            high = middle
        else:
            low = middle + 1
    return low
