"""Initializers without scaling: constants, distributions, and matrices of a given structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_finite, check_float, check_range, check_real
from ._draw import Rng, cast, draw_truncated, fan_of, generator_of, real_dtype, sizes_of


def constant(
    shape: Sequence[int], *, value: float = 0.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Constant values, for biases.

    As weights, they would give all units of a layer the same output and the same gradient in every step, so
    that the units would stay equal (Goodfellow, Bengio & Courville 2016, "Deep learning", section 8.4).

    Parameters
    ----------
    shape : sequence of int
    value : float, default 0.0
    rng
        Ignored: the signature is that of all initializers.
    dtype : dtype, default float32
        A real floating-point dtype.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If `shape` does not hold integers >= 0, or `dtype` is not a real floating-point dtype.

    Examples
    --------
    >>> from simdnn import init
    >>> init.constant((2,), value=0.1)
    array([0.1, 0.1], dtype=float32)
    """
    return np.full(sizes_of(shape), cast("value", check_real("value", value), dtype)[()], real_dtype(dtype))


def zeros(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Zeros, for biases. As weights of a hidden layer they would stop all learning, with gradients of zero.

    Parameters
    ----------
    shape, rng, dtype
        As for `constant`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return constant(shape, value=0.0, dtype=dtype)


def ones(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Ones, for scale factors.

    Parameters
    ----------
    shape, rng, dtype
        As for `constant`.

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
    """Uniform distribution in [low, high).

    Parameters
    ----------
    shape : sequence of int
    low, high : float, default 0.0 and 1.0
        Finite limits, low <= high.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or range.

    Examples
    --------
    >>> from simdnn import init
    >>> w = init.uniform((3, 2), low=-0.5, high=0.5, rng=0)
    >>> w.shape, bool(abs(w).max() <= 0.5)
    ((3, 2), True)
    """
    low, high = check_range("low, high", low, high)
    if not math.isfinite(high - low):
        if max(high, -low) > float(np.finfo(real_dtype(dtype)).max):
            raise ValueError(
                f"low, high: expected weights within {np.dtype(dtype)}'s range, got {low}, {high}"
            )
        raise ValueError(f"low, high: expected a finite difference, got {low} and {high}")
    return cast("low, high", generator_of(rng).uniform(low, high, sizes_of(shape)), dtype)


def normal(
    shape: Sequence[int],
    *,
    mean: float = 0.0,
    std: float = 1.0,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Normal distribution.

    With the default standard deviation of 1, activations grow from layer to layer: `xavier_normal` and
    `he_normal` prevent this.

    Parameters
    ----------
    shape : sequence of int
    mean : float, default 0.0
    std : float, default 1.0
        Standard deviation, finite and >= 0.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or range.

    Examples
    --------
    >>> from simdnn import init
    >>> init.normal((3, 2), std=0.01, rng=0).shape
    (3, 2)
    """
    mean, std = check_real("mean", mean), check_finite("std", std)
    return cast("mean, std", generator_of(rng).normal(mean, std, sizes_of(shape)), dtype)


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
    """Normal distribution truncated to [low, high]: numbers outside are drawn again.

    Parameters
    ----------
    shape : sequence of int
    mean : float, default 0.0
    std : float, default 1.0
        Standard deviation before the truncation, finite and >= 0.
    low, high : float, default -2.0 and 2.0
        Limits of the values, in absolute terms (not in standard deviations); low < high.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or range.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.truncated_normal((100,), rng=0)).max() <= 2)
    True

    Source: PyTorch's ``trunc_normal_``; Keras' ``TruncatedNormal`` truncates at ``mean - 2 * std`` and
    ``mean + 2 * std``.
    """
    mean, std = check_real("mean", mean), check_finite("std", std)
    low, high = check_float("low", low), check_float("high", high)
    if not low < high:
        raise ValueError(f"low, high: expected low < high, got {low} and {high}")
    if std == 0:
        return constant(shape, value=min(max(mean, low), high), dtype=dtype)
    count = math.prod(sizes_of(shape))
    drawn = draw_truncated(generator_of(rng), (low - mean) / std, (high - mean) / std, count)
    return cast("mean, std, low, high", np.clip(mean + std * drawn, low, high).reshape(shape), dtype)


def orthogonal(
    shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    With gain 1, linear layers keep the length of vectors. LAPACK's QR decomposition of a normal matrix makes
    it, so that the last bits may differ between machines.

    Parameters
    ----------
    shape : (inputs, outputs)
    gain : float, default 1.0
        Factor of the weights: see `calculate_gain`.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a pair of integers, or `dtype` is not a real floating-point dtype.

    Examples
    --------
    >>> from simdnn import init
    >>> w = init.orthogonal((5, 3), rng=0, dtype="float64")
    >>> bool(abs(w.T @ w - np.eye(3)).max() < 1e-12)
    True

    Source: Saxe, McClelland & Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", arXiv:1312.6120, section 3.
    """
    fan_of(shape, "fan_in")
    inputs, outputs = sizes_of(shape)
    q, r = np.linalg.qr(generator_of(rng).normal(size=(max(inputs, outputs), min(inputs, outputs))))
    q *= np.where(
        np.diagonal(r) < 0, -1.0, 1.0
    )  # makes the distribution uniform over rotations, independent of the signs that LAPACK chooses
    return cast("gain", check_real("gain", gain) * (q if inputs >= outputs else q.T), dtype)


def identity(
    shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Identity matrix times `gain`, so that the layer initially returns its input.

    Parameters
    ----------
    shape : (inputs, outputs)
        A matrix that is not square has zeros in its other rows or columns.
    gain : float, default 1.0
        The diagonal.
    rng
        Ignored: the signature is that of all initializers.
    dtype : dtype, default float32

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a pair of integers, or `dtype` is not a real floating-point dtype.

    Examples
    --------
    >>> from simdnn import init
    >>> init.identity((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)

    Source: Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of rectified linear
    units", arXiv:1504.00941, section 3.
    """
    fan_of(shape, "fan_in")
    inputs, outputs = sizes_of(shape)
    return cast("gain", check_real("gain", gain) * np.eye(inputs, outputs), dtype)


def sparse(
    shape: Sequence[int],
    *,
    sparsity: float = 0.1,
    std: float = 0.01,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Normal distribution with a fraction of the incoming weights of each unit set to zero.

    Parameters
    ----------
    shape : (inputs, outputs)
    sparsity : float, default 0.1
        Fraction of zeros in each column, from 0 to 1; their number is rounded up.
    std : float, default 0.01
        Standard deviation of the other weights.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or range.

    Examples
    --------
    >>> from simdnn import init
    >>> (init.sparse((10, 3), sparsity=0.75, rng=0) == 0).sum(axis=0)
    array([8, 8, 8])

    Source: Martens 2010, "Deep learning via Hessian-free optimization", section 5;
    PyTorch's ``sparse_``.
    """
    fan_of(shape, "fan_in")
    sparsity = check_finite("sparsity", sparsity, 0.0, 1.0)
    generator = generator_of(rng)
    weights = normal(shape, std=std, rng=generator, dtype=np.float64)
    order = generator.permuted(np.indices(weights.shape)[0], axis=0)
    weights[order < math.ceil(sparsity * len(weights))] = 0
    return cast("std", weights, dtype)
