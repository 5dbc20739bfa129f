"""Activations with random parameters: rrelu."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_flag, check_generator, check_name, check_range
from .._utils.domains import check_held, computed_dtype

__all__ = ["rrelu", "rrelu_backward", "rrelu_derivative"]


def rrelu(
    x: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    rng: np.random.Generator | int | None = None,
    distribution: Literal["uniform", "normal"] = "uniform",
    *,
    return_slope: bool = False,
) -> Any:
    """Randomized leaky rectified linear unit: in training each element has a random negative slope.

    f(x) = x if x > 0 else slope * x. In evaluation the slope is the mean (lower + upper) / 2.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        float16, float32 and float64 keep their dtype; integers become floating point as in `numpy.exp`.
    lower, upper : float, default 1/8 and 1/3
        Range of the slopes. (Xu et al. divide by a number drawn from U(3, 8): a slope between 1/8 and 1/3.)
    training : bool, default False
        Draw random slopes.
    rng : numpy.random.Generator, int or None
        Source of the random slopes, or its seed; None is a random seed.
    distribution : {"uniform", "normal"}, default "uniform"
        Uniform in [lower, upper) as in the paper and in PyTorch, or normal with the same mean and the same
        standard deviation, (upper - lower) / sqrt(12).
    return_slope : bool, default False
        Also return the slopes, which `rrelu_backward` needs.

    Returns
    -------
    y : array, shape of `x`
    slope : array, shape of `x`, or float without `training`
        Only with `return_slope`.

    Raises
    ------
    TypeError
        If `x` is not made of real numbers.
    ValueError
        If a limit is not finite, lower > upper, or `distribution` is not known.

    Examples
    --------
    >>> import numpy as np, simdnn.functional as F
    >>> F.rrelu([-24.0, 0.0, 2.0])
    array([-5.5,  0. ,  2. ])
    >>> y, slope = F.rrelu(np.full(1000, -1.0), training=True, rng=0, return_slope=True)
    >>> bool(((1 / 8 <= slope) & (slope < 1 / 3)).all()), bool((y == -slope).all())
    (True, True)

    Source: Xu, Wang, Chen & Li 2015, arXiv:1505.00853, section 2.4.
    """
    check_name("distribution", distribution, ("uniform", "normal"))
    training, return_slope = check_flag("training", training), check_flag("return_slope", return_slope)
    slope = _random_slope(x, lower, upper, rng, distribution) if training else _mean_slope(x, lower, upper)
    y = _core.leaky_relu(x, slope)
    return (y, slope) if return_slope else y


def _mean_slope(x: Any, lower: float, upper: float) -> float:
    """Slope of evaluation; raises ValueError if the range is empty, or beyond the dtype of the result."""
    lower, upper = check_range("lower, upper", lower, upper)
    for name, value in (("lower", lower), ("upper", upper)):
        check_held(name, value, computed_dtype((x, value)), False)
    return (lower + upper) / 2


def _random_slope(x: Any, lower: float, upper: float, rng: Any, distribution: str) -> NDArray[Any]:
    """Random slopes, shape of `x`, in the dtype of the result."""
    mean = _mean_slope(x, lower, upper)
    generator = check_generator("rng", rng)
    dtype = np.exp.resolve_dtypes((np.asarray(x).dtype, None))[1]
    drawn: Any = np.float64 if dtype == np.float64 else np.float32
    if distribution == "normal":
        slope = mean + generator.standard_normal(np.shape(x), drawn) * drawn((upper - lower) / 12**0.5)
    else:
        slope = lower + generator.random(np.shape(x), drawn) * drawn(upper - lower)
    return np.asarray(slope).astype(dtype, copy=False)


def rrelu_derivative(
    x: ArrayLike, slope: ArrayLike | None = None, lower: float = 1 / 8, upper: float = 1 / 3
) -> Any:
    """Derivative of `rrelu`: f'(x) = 1 if x > 0 else slope, so f'(0) = slope.

    Parameters
    ----------
    x : array_like of real numbers, any shape
    slope : array_like or None
        The slopes that ``rrelu(..., return_slope=True)`` returned; None is the mean (lower + upper) / 2.
    lower, upper : float, default 1/8 and 1/3
        Range of the slopes.

    Returns
    -------
    array, shape of `x`

    Raises
    ------
    ValueError
        If lower > upper, or a bound is beyond the dtype of `x`.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.rrelu_derivative([-1.0, 0.0, 2.0], lower=0.25, upper=0.75)
    array([0.5, 0.5, 1. ])

    Source: Xu, Wang, Chen & Li 2015, arXiv:1505.00853, section 2.4.
    """
    mean = _mean_slope(x, lower, upper)
    return _core.leaky_relu_derivative(x, mean if slope is None else slope)


def rrelu_backward(
    dy: ArrayLike, x: ArrayLike, slope: ArrayLike | None = None, lower: float = 1 / 8, upper: float = 1 / 3
) -> Any:
    """Gradient w.r.t. x through `rrelu`: dx = dy f'(x) with the slopes of the forward pass.

    Parameters
    ----------
    dy : array_like
        Gradient w.r.t. ``rrelu(x)``; it broadcasts with `x`.
    x : array_like of real numbers, any shape
    slope : array_like or None
        The slopes that ``rrelu(..., return_slope=True)`` returned; None is the mean (lower + upper) / 2.
    lower, upper : float, default 1/8 and 1/3
        Range of the slopes.

    Returns
    -------
    array of the broadcast shape

    Raises
    ------
    ValueError
        If lower > upper, or a bound is beyond the dtype of `x`.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> y, slope = F.rrelu([-1.0, 2.0], training=True, rng=0, return_slope=True)
    >>> dx = F.rrelu_backward([1.0, 1.0], [-1.0, 2.0], slope)
    >>> bool(dx[0] == slope[0]), float(dx[1])
    (True, 1.0)

    Source: Xu, Wang, Chen & Li 2015, arXiv:1505.00853, section 2.4.
    """
    mean = _mean_slope(x, lower, upper)
    return _core.leaky_relu_backward(dy, x, mean if slope is None else slope)
