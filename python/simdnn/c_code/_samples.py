"""Samples of a header's test, and their predictions."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import nn
from .._utils.arrays import as_cpu_array, cast_to
from ..nn._layer import Layer

#: The number of random samples, and of their time steps.
SAMPLES, STEPS = 8, 5


def random_samples(model: nn.Sequential | nn.Predictor | nn.Ensemble) -> NDArray[Any]:
    """Random samples; columns that select entries of embeddings have integers."""
    given, rng = model._input, np.random.default_rng(0)
    shape = (SAMPLES, STEPS, given.features) if given.sequence else (SAMPLES, given.features)
    x = rng.standard_normal(shape).astype(model.dtype)
    limits = np.full(given.features, np.inf)
    for layers in chains(model):
        limit(layers, limits)
    for column in np.flatnonzero(np.isfinite(limits)):
        x[..., column] = rng.integers(int(limits[column]), size=shape[:-1])
    return x


def chains(model: nn.Sequential | nn.Predictor | nn.Ensemble) -> list[tuple[Layer, ...]]:
    """The layers of each network of a model."""
    if isinstance(model, nn.Ensemble):
        return [one for member in model for one in chains(member)]
    return [model.layers if isinstance(model, nn.Sequential) else model._arguments["layers"]]


def limit(layers: Any, limits: NDArray[Any]) -> None:
    """Lowers the limit of each column that a layer looks up; such a layer comes first in its chain."""
    if not layers:
        return
    first = layers[0]
    for _, inner in first._children():
        limit(inner, limits)
    if isinstance(first, nn.Embedding):
        if first.num_embeddings is not None:
            limits[:] = np.minimum(limits, first.num_embeddings)
        for column, count, _ in first.columns or ():
            limits[column] = min(limits[column], count)


def checked_samples(model: nn.Sequential | nn.Predictor | nn.Ensemble, samples: ArrayLike) -> NDArray[Any]:
    """The given samples in the model's dtype."""
    given = model._input
    x = as_cpu_array("samples", samples)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"samples: expected real numbers, got dtype {x.dtype}")
    if x.ndim != 2 + given.sequence or x.shape[-1] != given.features or x.size == 0:
        raise ValueError(f"samples: expected shape {given} with at least one sample, got {x.shape}")
    return cast_to(model.dtype, "samples", x)


def predicted(model: nn.Sequential | nn.Predictor | nn.Ensemble, x: NDArray[Any]) -> NDArray[Any]:
    """The predictions of samples by a copy of the model, which begins with its initial states."""
    frozen = copy.copy(model) if isinstance(model, nn.Predictor) else model.freeze()
    frozen.reset_states()
    return frozen.predict(x)
