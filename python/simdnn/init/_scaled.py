"""Initializers whose variance depends on the size of the layer: Xavier, He, LeCun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_finite, check_flag, check_name, check_real
from ._basic import normal, truncated_normal, uniform
from ._draw import Mode, Rng, fan_of, real_dtype

#: The standard deviation of a standard normal distribution truncated to [-2, 2].
TRUNCATED_STD = 0.87962566103423978


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Factor of the weights' standard deviation that compensates for an activation.

    Parameters
    ----------
    nonlinearity : str
        The gain is 1 for "identity", "linear" and "sigmoid", 5/3 for "tanh", sqrt(2) for "relu", 3/4 for
        "selu", and sqrt(2 / (1 + slope**2)) for "leaky_relu" and "prelu".
    param : float or None
        The negative slope; None is 0.01 for "leaky_relu" and 0.25 for "prelu".

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `nonlinearity` is not one of these names.

    Examples
    --------
    >>> from simdnn import init
    >>> init.calculate_gain("leaky_relu", 1.0)
    1.0

    Source: PyTorch's ``torch.nn.init.calculate_gain``; He et al. 2015, eq. 15.
    """
    gains = {
        "linear": 1.0,
        "identity": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "selu": 0.75,
    }
    slopes = {"leaky_relu": 0.01, "prelu": 0.25}
    check_name("nonlinearity", nonlinearity, [*gains, *slopes])
    if nonlinearity in gains:
        return gains[nonlinearity]
    slope = slopes[nonlinearity] if param is None else check_real("param", param)
    return math.sqrt(2 / (1 + slope**2))


def check_gain(gain: float, most: float, dtype: DTypeLike) -> None:
    """Raises if weights as large as `most` are beyond the dtype."""
    if most > float(np.finfo(real_dtype(dtype)).max):
        raise ValueError(f"gain: expected weights within {np.dtype(dtype)}'s range, got a gain of {gain:g}")


def _scaled_uniform(
    shape: Sequence[int], gain: float, mode: Mode, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    """Uniform distribution around 0 with variance ``gain**2 / fan``."""
    bound = check_finite("gain", gain) * math.sqrt(3 / fan_of(shape, mode))
    check_gain(gain, 2 * bound, dtype)
    return uniform(shape, low=-bound, high=bound, rng=rng, dtype=dtype)


def _scaled_normal(
    shape: Sequence[int], gain: float, mode: Mode, truncated: bool, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    """Normal distribution around 0 with variance ``gain**2 / fan``, optionally truncated."""
    std = check_finite("gain", gain) / math.sqrt(fan_of(shape, mode))
    check_gain(gain, 16 * std, dtype)
    if not check_flag("truncated", truncated):
        return normal(shape, std=std, rng=rng, dtype=dtype)
    std /= TRUNCATED_STD
    return truncated_normal(shape, std=std, low=-2 * std, high=2 * std, rng=rng, dtype=dtype)


def xavier_uniform(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    mode: Mode = "fan_avg",
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Xavier (Glorot) uniform: uniform in +-gain * sqrt(6 / (inputs + outputs)).

    It suits activations that are linear near zero: the variance of activations is nearly constant in the
    forward pass, and that of gradients in the backward pass.

    Parameters
    ----------
    shape : (inputs, outputs)
    gain : float, default 1.0
        Factor for the activation: see `calculate_gain`.
    mode : {"fan_avg", "fan_in", "fan_out"}, default "fan_avg"
        The divisor of the variance ``gain**2 / fan``: the mean of inputs and outputs, or one of them.
    rng : numpy.random.Generator, int or None
        The source of randomness, or its seed; None is a random seed.
    dtype : dtype, default float32
        A real floating-point dtype.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a pair of integers, `mode` is not known, or `dtype` is not a real floating-point
        dtype.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.xavier_uniform((4, 2), rng=0)).max() <= 1)
    True

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", eq. 16.
    """
    return _scaled_uniform(shape, gain, mode, rng, dtype)


def xavier_normal(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    mode: Mode = "fan_avg",
    truncated: bool = False,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Xavier (Glorot) normal: normal distribution of variance ``2 * gain**2 / (inputs + outputs)``.

    Parameters
    ----------
    shape, gain, mode, rng, dtype
        As for `xavier_uniform`.
    truncated : bool, default False
        Truncate at two standard deviations of a wider distribution, so that the variance does not change.
        True gives Keras' ``GlorotNormal``, False PyTorch's ``xavier_normal_``.

    Examples
    --------
    >>> from simdnn import init
    >>> init.xavier_normal((4, 2), rng=0).shape
    (4, 2)

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", eq. 12.
    """
    return _scaled_normal(shape, gain, mode, truncated, rng, dtype)


def he_uniform(
    shape: Sequence[int],
    *,
    mode: Mode = "fan_in",
    nonlinearity: str = "relu",
    param: float | None = None,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """He (Kaiming) uniform: uniform in +-gain * sqrt(3 / inputs), which is +-sqrt(6 / inputs) for relu.

    It suits the rectifier family: a rectifier sets half of its inputs to zero, and weights of twice the
    variance compensate for this.

    Parameters
    ----------
    shape : (inputs, outputs)
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        Keeps the variance constant in the forward pass, in the backward pass, or in between.
    nonlinearity : str, default "relu"
    param : float or None
        The activation and its negative slope, from which `calculate_gain` computes the gain.
    rng, dtype
        As for `xavier_uniform`.

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        As for `xavier_uniform`, and if `nonlinearity` is not known.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.he_uniform((6, 2), rng=0)).max() <= 1)
    True

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", arXiv:1502.01852, section 2.2.
    """
    return _scaled_uniform(shape, calculate_gain(nonlinearity, param), mode, rng, dtype)


def he_normal(
    shape: Sequence[int],
    *,
    mode: Mode = "fan_in",
    nonlinearity: str = "relu",
    param: float | None = None,
    truncated: bool = False,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """He (Kaiming) normal: normal distribution of variance ``gain**2 / inputs``.

    Parameters
    ----------
    shape, mode, nonlinearity, param, rng, dtype
        As for `he_uniform`.
    truncated : bool, default False
        As for `xavier_normal`; True gives Keras' ``HeNormal``.

    Examples
    --------
    >>> from simdnn import init
    >>> init.he_normal((6, 2), rng=0).shape
    (6, 2)

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", arXiv:1502.01852, section 2.2.
    """
    return _scaled_normal(shape, calculate_gain(nonlinearity, param), mode, truncated, rng, dtype)


def lecun_uniform(
    shape: Sequence[int],
    *,
    mode: Mode = "fan_in",
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """LeCun uniform: uniform in +-sqrt(3 / inputs), of variance 1 / inputs.

    Parameters
    ----------
    shape, mode, rng, dtype
        As for `xavier_uniform`, with ``mode="fan_in"`` by default.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.lecun_uniform((3, 2), rng=0)).max() <= 1)
    True

    Source: LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.6.
    """
    return _scaled_uniform(shape, 1.0, mode, rng, dtype)


def lecun_normal(
    shape: Sequence[int],
    *,
    mode: Mode = "fan_in",
    truncated: bool = False,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """LeCun normal: normal distribution of variance 1 / inputs, for selu.

    Parameters
    ----------
    shape, mode, rng, dtype
        As for `xavier_uniform`, with ``mode="fan_in"`` by default.
    truncated : bool, default False
        As for `xavier_normal`; True gives Keras' ``LecunNormal``.

    Examples
    --------
    >>> from simdnn import init
    >>> init.lecun_normal((3, 2), rng=0).shape
    (3, 2)

    Source: LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.6; Klambauer et al. 2017,
    arXiv:1706.02515, for selu.
    """
    return _scaled_normal(shape, 1.0, mode, truncated, rng, dtype)
