"""Layers that normalize to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_finite, check_flag, check_int, check_positive_single
from ._layer import Layer, Shape

__all__ = ["BatchNorm1d", "LayerNorm"]


class BatchNorm1d(Layer):
    """Batch normalization: y = (x - mean) / sqrt(variance + eps) * weight + bias, feature by feature.

    In training, mean and (biased) variance are those of the batch. In inference they are running statistics,
    which `Sequential.freeze` folds into the Dense layer before.

    Parameters
    ----------
    num_features : int or None
        The number of features; None accepts any.
    eps : float
        A constant above 0 that is added to the variance.
    momentum : float or None
        The weight of a new batch in the running statistics, as in PyTorch:
        running = (1 - momentum) * running + momentum * batch. None is the mean of all batches so far.
    affine : bool
        True adds the parameters ``"weight"`` and ``"bias"``, initialized to one and zero.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, `eps` not above 0 in float32, or `momentum` not in [0, 1].

    Notes
    -----
    The buffers ``running_mean``, ``running_var`` (unbiased, with n - 1) and ``num_batches_tracked`` are
    updated by ``forward(x, training=True)`` and by each step of a `Trainer` that is not skipped. A batch of
    one row has no variance: it is normalized by the running statistics, as constants, and does not change
    them (PyTorch raises). The time steps of sequences count as rows. A batch is never split, and a following
    activation is applied in the same pass.

    Source: Ioffe & Szegedy 2015, "Batch normalization", arXiv:1502.03167.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(8, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dense(64, 4), rng=0)
    >>> list(model.buffers())
    ['1.running_mean', '1.running_var', '1.num_batches_tracked']
    """

    _kind = "batch_norm"
    _kept = frozenset({"in_features"})

    def __init__(
        self,
        num_features: int | None = None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
    ) -> None:
        self.num_features = None if num_features is None else check_int("num_features", num_features)
        self.in_features = self.num_features
        self.eps = check_positive_single("eps", eps)
        self.momentum = None if momentum is None else check_finite("momentum", momentum, 0.0, 1.0)
        self.affine = check_flag("affine", affine)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        running = {
            "running_mean": np.zeros(given.features, dtype),
            "running_var": np.ones(given.features, dtype),
            "num_batches_tracked": np.zeros((), dtype),
        }
        return _affine(self.affine, given, dtype) | running


class LayerNorm(Layer):
    """Layer normalization: y = (x - mean) / sqrt(variance + eps) * weight + bias, row by row.

    Mean and (biased) variance are taken over the features of a row, in training and inference; each time step
    of a sequence is a row.

    Parameters
    ----------
    num_features : int or None
        The number of features; None accepts any.
    eps : float
        A constant above 0 that is added to the variance.
    affine : bool
        True adds the parameters ``"weight"`` and ``"bias"``, initialized to one and zero.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or `eps` is not above 0 in float32.

    Source: Ba, Kiros & Hinton 2016, "Layer normalization", arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.LayerNorm(3), dtype=np.float64)
    >>> model([[1.0, 2.0, 3.0]]).round(3)
    array([[-1.225,  0.   ,  1.225]])
    """

    _kind = "layer_norm"
    _kept = frozenset({"in_features"})

    def __init__(self, num_features: int | None = None, eps: float = 1e-5, affine: bool = True) -> None:
        self.num_features = None if num_features is None else check_int("num_features", num_features)
        self.in_features = self.num_features
        self.eps = check_positive_single("eps", eps)
        self.affine = check_flag("affine", affine)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return _affine(self.affine, given, dtype)


def _affine(affine: bool, given: Shape, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
    """The initial weight of ones and bias of zeros, or nothing."""
    if not affine:
        return {}
    return {"weight": np.ones(given.features, dtype), "bias": np.zeros(given.features, dtype)}
