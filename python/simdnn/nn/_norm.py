"""Layers that bring what flows through them to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_float, check_int
from ._layer import Layer, Shape


def _positive(name: str, value: Any) -> float:
    """`value` as a finite float above zero."""
    x = check_float(name, value)
    if not 0 < x < np.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {x}")
    return x


class BatchNorm1d(Layer):
    """Batch normalization: y = (x - mean) / sqrt(variance + eps) * weight + bias, feature by feature.

    While it trains, mean and variance (the biased one) are those of the batch; in evaluation they are the
    running ones, and a model's `freeze` folds them into the Dense layer before.

    Parameters
    ----------
    num_features : int or None
        None takes as many as come.
    eps : float
    momentum : float or None
        The share of a new batch in the running statistics, as in PyTorch:
        running = (1 - momentum) * running + momentum * batch. None is the mean of all batches so far.
    affine : bool
        Whether there are `weight` and `bias` to learn, which begin at one and zero.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, `eps` is not above 0, or `momentum` not in [0, 1].

    Notes
    -----
    Its buffers, ``running_mean``, ``running_var`` (with n - 1, unbiased) and ``num_batches_tracked``, change
    with `forward` for training and with each step of a `Trainer` that is not skipped. A batch of one row has
    no variance: it is normalized by the running statistics, as constants, and does not change them (PyTorch
    raises). The rows of a sequence are its time steps. A batch passes as a whole, and an activation behind
    the layer is applied in the same pass.

    Source: Ioffe & Szegedy 2015, "Batch normalization", arXiv:1502.03167.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dense(64, 4), rng=0)
    >>> list(model.buffers())
    ['1.running_mean', '1.running_var', '1.num_batches_tracked']
    """

    def __init__(
        self,
        num_features: int | None = None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
    ) -> None:
        self.num_features = None if num_features is None else check_int("num_features", num_features)
        self.in_features = self.num_features
        self.eps = _positive("eps", eps)
        self.momentum = None if momentum is None else check_float("momentum", momentum)
        if self.momentum is not None and not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum: expected a number in [0, 1] or None, got {self.momentum}")
        self.affine = bool(affine)

    def _native(self, given: Shape) -> dict[str, Any]:
        settings = {"eps": self.eps, "momentum": self.momentum, "affine": self.affine}
        return {"kind": "batch_norm", **settings}

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        running = {
            "running_mean": np.zeros(given.features, dtype),
            "running_var": np.ones(given.features, dtype),
            "num_batches_tracked": np.zeros((), dtype),
        }
        return _affine(self.affine, given, dtype) | running


class LayerNorm(Layer):
    """Layer normalization: y = (x - mean) / sqrt(variance + eps) * weight + bias, row by row.

    Mean and variance (the biased one) are those of a row's features, in training and evaluation alike; of a
    sequence, each time step is a row.

    Parameters
    ----------
    num_features : int or None
        None takes as many as come.
    eps : float
    affine : bool
        Whether there are `weight` and `bias` to learn, which begin at one and zero.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or `eps` is not above 0.

    Source: Ba, Kiros & Hinton 2016, "Layer normalization", arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.LayerNorm(3), dtype=np.float64)
    >>> model([[1.0, 2.0, 3.0]]).round(3)
    array([[-1.225,  0.   ,  1.225]])
    """

    def __init__(self, num_features: int | None = None, eps: float = 1e-5, affine: bool = True) -> None:
        self.num_features = None if num_features is None else check_int("num_features", num_features)
        self.in_features = self.num_features
        self.eps = _positive("eps", eps)
        self.affine = bool(affine)

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "layer_norm", "eps": self.eps, "affine": self.affine}

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return _affine(self.affine, given, dtype)


def _affine(affine: bool, given: Shape, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
    """A weight of ones and a bias of zeros, if there are any."""
    if not affine:
        return {}
    return {"weight": np.ones(given.features, dtype), "bias": np.zeros(given.features, dtype)}
