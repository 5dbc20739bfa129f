"""Constants, plain distributions, and weights of a given structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._draw import Rng, draw_truncated, fan_of, generator_of, real_dtype, sizes_of


def constant(
    shape: Sequence[int], *, value: float = 0.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """The same value everywhere: for biases. As weights it keeps all units of a layer equal for ever.

    Every unit then computes the same, gets the same gradient and stays the same (chapter 4.1 of the notes).

    Examples
    --------
    >>> from simdnn import init
    >>> init.constant((2,), value=0.1)
    array([0.1, 0.1], dtype=float32)
    """
    return np.full(sizes_of(shape), value, real_dtype(dtype))


def zeros(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """All zeros: for biases. As weights of a hidden layer it stops all learning (zero gradients).

    Examples
    --------
    >>> from simdnn import init
    >>> init.zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return constant(shape, value=0.0, dtype=dtype)


def ones(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """All ones: for factors.

    Examples
    --------
    >>> from simdnn import init
    >>> init.ones((2,))
    array([1., 1.], dtype=float32)
    """
    return constant(shape, value=1.0, dtype=dtype)


def uniform(
    shape: Sequence[int],
    *,
    low: float = 0.0,
    high: float = 1.0,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Uniform in [low, high).

    Examples
    --------
    >>> from simdnn import init
    >>> w = init.uniform((3, 2), low=-0.5, high=0.5, rng=0)
    >>> w.shape, bool(abs(w).max() <= 0.5)
    ((3, 2), True)
    """
    if not -math.inf < low <= high < math.inf:
        raise ValueError(f"low, high: expected finite and low <= high, got {low} and {high}")
    return generator_of(rng).uniform(low, high, sizes_of(shape)).astype(real_dtype(dtype))


def normal(
    shape: Sequence[int],
    *,
    mean: float = 0.0,
    std: float = 1.0,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Normal. With the default deviation of 1 a deep network explodes: see `xavier_normal`, `he_normal`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.normal((3, 2), std=0.01, rng=0).shape
    (3, 2)
    """
    _check_std(std)
    return generator_of(rng).normal(mean, std, sizes_of(shape)).astype(real_dtype(dtype))


def truncated_normal(
    shape: Sequence[int],
    *,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Normal, drawn again where it is not in [low, high], which are values, not deviations.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.truncated_normal((100,), rng=0)).max() <= 2)
    True

    Source: PyTorch's ``trunc_normal_``; Keras' ``TruncatedNormal`` cuts at ``mean - 2 * std`` and
    ``mean + 2 * std``.
    """
    _check_std(std)
    if not low < high:
        raise ValueError(f"low, high: expected low < high, got {low} and {high}")
    if std == 0:
        return constant(shape, value=min(max(mean, low), high), dtype=dtype)
    count = math.prod(sizes_of(shape))
    drawn = draw_truncated(generator_of(rng), (low - mean) / std, (high - mean) / std, count)
    return np.clip(mean + std * drawn, low, high).reshape(shape).astype(real_dtype(dtype))


def _check_std(std: float) -> None:
    if not 0 <= std < math.inf:
        raise ValueError(f"std: expected finite and >= 0, got {std}")


def orthogonal(
    shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Orthonormal rows or columns, whichever are fewer, times `gain`: lengths are kept through all layers.

    LAPACK decomposes a normal matrix, so that the last bits may differ between machines.

    Examples
    --------
    >>> from simdnn import init
    >>> w = init.orthogonal((5, 3), rng=0, dtype="float64")
    >>> bool(abs(w.T @ w - np.eye(3)).max() < 1e-12)
    True

    Source: Saxe, McClelland & Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", section 3.
    """
    fan_of(shape, "fan_in")
    inputs, outputs = sizes_of(shape)
    q, r = np.linalg.qr(generator_of(rng).normal(size=(max(inputs, outputs), min(inputs, outputs))))
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # else the signs of LAPACK would favor some rotations
    return np.ascontiguousarray(gain * (q if inputs >= outputs else q.T), real_dtype(dtype))


def identity(
    shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """`gain` on the diagonal, zero elsewhere: the layer begins by passing its input on.

    Examples
    --------
    >>> from simdnn import init
    >>> init.identity((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)

    Source: Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear
    units", section 3.
    """
    fan_of(shape, "fan_in")
    inputs, outputs = sizes_of(shape)
    return (gain * np.eye(inputs, outputs)).astype(real_dtype(dtype))


def sparse(
    shape: Sequence[int],
    *,
    sparsity: float = 0.1,
    std: float = 0.01,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Normal, but for a share of zeros among the incoming weights of each unit.

    Parameters
    ----------
    shape : (inputs, outputs)
    sparsity : float
        From 0 to 1; rounded up to whole weights.
    std : float
    rng, dtype
        As `xavier_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> (init.sparse((10, 3), sparsity=0.75, rng=0) == 0).sum(axis=0)
    array([8, 8, 8])

    Source: Martens 2010, "Deep learning via Hessian-free optimization", section 5.
    """
    fan_of(shape, "fan_in")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity: expected 0 to 1, got {sparsity}")
    generator = generator_of(rng)
    weights = normal(shape, std=std, rng=generator, dtype=np.float64)
    order = generator.permuted(np.indices(weights.shape)[0], axis=0)
    weights[order < math.ceil(sparsity * len(weights))] = 0
    return weights.astype(real_dtype(dtype))
