"""`lsuv`: layer-sequential unit-variance initialization from a batch of data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import init, nn
from .._utils.arrays import as_cpu_array
from .._utils.check import check_int, check_nonnegative
from ..init._draw import Rng, generator_of
from ..nn import Sequential


def lsuv(
    model: Sequential, X: ArrayLike, *, rng: Rng = None, tolerance: float = 0.01, iterations: int = 10
) -> list[float]:
    """Initialize dense layers with orthogonal weights, scaled layer by layer to outputs of variance 1.

    The variance is that of the layer's output before its activation, over all samples and units. Biases are
    set to zero.

    Parameters
    ----------
    model : nn.Sequential
        Dense layers, whose parameters are replaced.
    X : array, shape (n, in_features)
        A batch of training data, n >= 2; some hundred samples are enough.
    rng : numpy.random.Generator, int or None
        Random generator, or its seed; None draws a seed.
    tolerance : float
        Largest difference of a variance from 1, >= 0.
    iterations : int
        Largest number of times that a layer is scaled, >= 0.

    Returns
    -------
    list of float
        The variance of each layer's output before its activation.

    Raises
    ------
    TypeError, ValueError
        If `X` has a wrong dtype or shape or fewer than two samples, or a layer is not a Dense.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn, pretrain
    >>> model = nn.Sequential(nn.Dense(8, 64, activation="tanh"), nn.Dense(64, 2), rng=0)
    >>> x = 5 * np.random.default_rng(1).normal(size=(200, 8))
    >>> [round(v, 2) for v in pretrain.lsuv(model, x, rng=0)]
    [1.0, 1.0]

    Source: Mishkin & Matas 2016, "All you need is a good init", algorithm 1.
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    tolerance, iterations = check_nonnegative("tolerance", tolerance), check_int("iterations", iterations, 0)
    x = as_cpu_array("X", X)
    model.forward(x[:1] if x.ndim else x)  # raises for a wrong dtype or shape
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"X: expected at least two samples in rows, got shape {x.shape}")
    generator = generator_of(rng)
    parameters, variances = model.parameters(), []
    for i, layer in enumerate(model.layers):
        if not isinstance(layer, nn.Dense):
            raise TypeError(f"model: expected Dense layers alone, got layers[{i}] = {layer!r}")
        weight = init.orthogonal((layer.in_features, layer.out_features), rng=generator, dtype=np.float64)
        plain = nn.Dense(layer.in_features, layer.out_features, bias=False)
        linear, alone = (
            Sequential(one, dtype=model.dtype, precision=model.precision) for one in (plain, layer)
        )
        for name, values in alone.parameters().items():
            values[...] = 0 if name.endswith("bias") else values
        variance = _scale(linear, weight, x, tolerance, iterations)
        variances.append(variance)
        alone.parameters()["0.weight"][...] = weight
        for name, values in alone.parameters().items():
            parameters[f"{i}.{name.removeprefix('0.')}"][...] = values
        x = alone(x)
    return variances


def _scale(linear: Sequential, weight: np.ndarray, x: np.ndarray, tolerance: float, iterations: int) -> float:
    """Scales the weight in place until the outputs' variance is near 1, and returns that variance."""
    for _ in range(iterations + 1):
        linear.parameters()["0.weight"][...] = weight
        variance = float(np.var(linear(x), dtype=np.float64))
        if not variance > 0 or abs(variance - 1) <= tolerance:
            break
        weight /= np.sqrt(variance)
    return variance
