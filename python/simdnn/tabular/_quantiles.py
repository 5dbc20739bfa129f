"""The head for quantiles: a bag of networks that give the probabilities of the target's bins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import functional as F
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

    Its distribution function is linear in each bin, so that quantiles never cross. `ranks` are the values of
    this function at the targets out of fold, in order: equal steps between 0 and 1 if the spread is right.
    """

    def __init__(self, ensemble: nn.Ensemble, edges: Array, ranks: Array) -> None:
        self.ensemble, self.edges, self.ranks = ensemble, edges, ranks

    def predict(self, inputs: NDArray[np.float32], levels: Array) -> Array:
        """Quantiles [n, levels] for inputs of the networks."""
        reached = reached_at_edges(self.ensemble.predict(inputs))
        found = np.empty((len(inputs), len(levels)))
        rows = np.arange(len(inputs))
        for i, level in enumerate(np.interp(levels, np.linspace(0, 1, len(self.ranks)), self.ranks)):
            place = np.clip((reached <= level).sum(axis=1) - 1, 0, len(self.edges) - 2)
            below, above = reached[rows, place], reached[rows, place + 1]
            fraction = (level - below) / np.maximum(above - below, np.finfo(np.float64).tiny)
            width = self.edges[place + 1] - self.edges[place]
            found[:, i] = self.edges[place] + width * np.clip(fraction, 0, 1)
        return found


def fit_head(bag: Bag, y: Array, progress: Progress) -> QuantileHead:
    """Trains networks on the folds of a bag to tell the bin of each row's y [n]."""
    rows = np.concatenate([fold.held_out for fold in bag.folds])
    edges = edges_of(y[rows])
    bins = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, len(edges) - 2)
    problem = replace(bag.problem, targets=bins, outputs=len(edges) - 1, classes=True)
    recipe = replace(bag.recipe, activation=CLASSES.activation, rate=CLASSES.rate)
    own = replace(bag, recipe=recipe, problem=problem)
    models, *_ = own.train(None, progress)
    logits = own.out_of_fold(models)
    divisor = temperature(logits, bins, problem.weight)
    for model in models:
        divide_outputs(model, divisor)
    weight = None if problem.weight is None else problem.weight[rows]
    ranks = ranks_of(reached_at_edges(logits[rows] / divisor), edges, y[rows], weight)
    return QuantileHead(nn.Ensemble(models), edges, ranks)


def reached_at_edges(logits: Array) -> Array:
    """The distribution functions [n, bins + 1] at the borders of bins, of their logits [n, bins]."""
    reached = np.cumsum(F.softmax(logits.astype(np.float64)), axis=1)
    return np.hstack([np.zeros((len(logits), 1)), reached / reached[:, -1:]])


def ranks_of(reached: Array, edges: Array, y: Array, weight: Array | None) -> Array:
    """Quantiles at equal steps of the distribution functions at the targets (Kuleshov et al. 2018)."""
    if weight is not None:
        reached, y, weight = (one[weight > 0] for one in (reached, y, weight))
    values = np.array([np.interp(one, edges, function) for one, function in zip(y, reached, strict=True)])
    order = np.argsort(values, kind="stable")
    shares = np.ones(len(y)) if weight is None else weight[order]
    middles = (np.cumsum(shares) - shares / 2) / shares.sum()
    steps = np.linspace(0, 1, BINS + 1)
    return np.asarray(np.interp(steps, [0, *middles, 1], [0, *values[order], 1]))


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
