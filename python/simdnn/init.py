"""Initial values of weights: functions of (shape, rng, dtype), weights being (inputs, outputs)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "zeros"]

Rng: TypeAlias = "np.random.Generator | int | None"  # a name alone: numpy.random is slow to import


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    if len(shape) != 2:
        raise ValueError(f"shape: expected (inputs, outputs), got {tuple(shape)}")
    return max(shape[0], 1), max(shape[1], 1)


def _uniform(shape: Sequence[int], bound: float, rng: Rng, dtype: DTypeLike) -> NDArray[Any]:
    return np.random.default_rng(rng).uniform(-bound, bound, shape).astype(dtype)


def _normal(shape: Sequence[int], deviation: float, rng: Rng, dtype: DTypeLike) -> NDArray[Any]:
    return np.random.default_rng(rng).normal(0.0, deviation, shape).astype(dtype)


def zeros(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """All zeros: for biases. As weights of a hidden layer it stops all learning (zero gradients).

    Examples
    --------
    >>> from simdnn import init
    >>> init.zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype)


def xavier_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Uniform in +-sqrt(6 / (inputs + outputs)), for activations that are linear near zero.

    Parameters
    ----------
    shape : (inputs, outputs)
    rng : numpy.random.Generator, int or None
        The source of randomness, or its seed.
    dtype : dtype

    Returns
    -------
    array of that shape

    Raises
    ------
    ValueError
        If `shape` has not two numbers.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.xavier_uniform((4, 2), rng=0)).max() <= 1)
    True

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", eq. 16.
    """
    inputs, outputs = _fans(shape)
    return _uniform(shape, math.sqrt(6 / (inputs + outputs)), rng, dtype)


def xavier_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Normal of variance 2 / (inputs + outputs), not truncated; else as `xavier_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.xavier_normal((4, 2), rng=0).shape
    (4, 2)
    """
    inputs, outputs = _fans(shape)
    return _normal(shape, math.sqrt(2 / (inputs + outputs)), rng, dtype)


def he_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Uniform in +-sqrt(6 / inputs), for the rectifier family; arguments as `xavier_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.he_uniform((6, 2), rng=0)).max() <= 1)
    True

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", section 2.2.
    """
    return _uniform(shape, math.sqrt(6 / _fans(shape)[0]), rng, dtype)


def he_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Normal of variance 2 / inputs, not truncated; else as `he_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.he_normal((6, 2), rng=0).shape
    (6, 2)
    """
    return _normal(shape, math.sqrt(2 / _fans(shape)[0]), rng, dtype)
