"""The head for quantiles: a bag of networks that give the probabilities of the target's bins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from .._utils.check import check_items, check_real
from .._utils.progress import Progress
from ._bag import Bag, divide_outputs
from ._calibration import temperature
from ._recipe import CLASSES

Array = NDArray[Any]

#: The largest number of bins of the target.
BINS = 32


class QuantileHead:
    """Networks whose probabilities of the bins between `edges` are a distribution of the target.

    Its distribution function is linear in each bin, so that quantiles never cross.
    """

    def __init__(self, ensemble: nn.Ensemble, edges: Array) -> None:
        self.ensemble, self.edges = ensemble, edges

    def predict(self, inputs: NDArray[np.float32], levels: Array) -> Array:
        """Quantiles [n, levels] for inputs of the networks."""
        shares = self.ensemble.predict(inputs).astype(np.float64)
        reached = np.cumsum(shares, axis=1)
        reached = np.hstack([np.zeros((len(inputs), 1)), reached / reached[:, -1:]])
        found = np.empty((len(inputs), len(levels)))
        rows = np.arange(len(inputs))
        for i, level in enumerate(levels):
            place = np.clip((reached <= level).sum(axis=1) - 1, 0, len(self.edges) - 2)
            below, above = reached[rows, place], reached[rows, place + 1]
            fraction = (level - below) / np.maximum(above - below, np.finfo(np.float64).tiny)
            width = self.edges[place + 1] - self.edges[place]
            found[:, i] = self.edges[place] + width * np.clip(fraction, 0, 1)
        return found


def fit_head(bag: Bag, y: Array, progress: Progress) -> QuantileHead:
    """Trains networks on the folds of a bag to tell the bin of each row's y [n]."""
    edges = edges_of(y[np.concatenate([fold.held_out for fold in bag.folds])])
    bins = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, len(edges) - 2)
    problem = replace(bag.problem, targets=bins, outputs=len(edges) - 1, classes=True)
    recipe = replace(bag.recipe, activation=CLASSES.activation, rate=CLASSES.rate)
    own = replace(bag, recipe=recipe, problem=problem)
    models, *_ = own.train(None, progress)
    divisor = temperature(own.out_of_fold(models), bins, problem.weight)
    for model in models:
        divide_outputs(model, divisor)
    return QuantileHead(nn.Ensemble(models, average="probabilities"), edges)


def edges_of(y: Array) -> Array:
    """The borders of at most `BINS` bins with about equally many rows, at least two of them."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, BINS + 1)))
    while len(edges) < 3:
        edges = np.append(edges, np.nextafter(edges[-1], np.inf))
    return edges


def checked_levels(quantiles: Any) -> Array:
    """Levels of quantiles, each between 0 and 1."""
    found = check_items("quantiles", quantiles, "a sequence of numbers")
    levels = np.array([check_real(f"quantiles[{i}]", one) for i, one in enumerate(found)], np.float64)
    if not levels.size or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"quantiles: expected numbers between 0 and 1, got {levels.tolist()!r:.80}")
    return levels
