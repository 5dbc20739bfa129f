"""Weights whose variance follows from the size of the layer: Xavier, He, LeCun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.check import check_name
from ._basic import normal, truncated_normal, uniform
from ._draw import Mode, Rng, fan_of

#: The standard deviation of a standard normal cut at +-2.
TRUNCATED_STD = 0.87962566103423978


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor of the weights' deviation that makes up for an activation.

    Parameters
    ----------
    nonlinearity : str
        "identity" or "linear" 1, "sigmoid" 1, "tanh" 5/3, "relu" sqrt(2), "leaky_relu" and "prelu"
        sqrt(2 / (1 + slope**2)), "selu" 3/4.
    param : float or None
        The negative slope; None is 0.01, for prelu 0.25.

    Raises
    ------
    TypeError, ValueError
        If `nonlinearity` is not one of them.

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
    slope = slopes[nonlinearity] if param is None else float(param)
    return math.sqrt(2 / (1 + slope**2))


def _scaled_uniform(
    shape: Sequence[int], gain: float, mode: Mode, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    bound = gain * math.sqrt(3 / fan_of(shape, mode))
    return uniform(shape, low=-bound, high=bound, rng=rng, dtype=dtype)


def _scaled_normal(
    shape: Sequence[int], gain: float, mode: Mode, truncated: bool, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    std = gain / math.sqrt(fan_of(shape, mode))
    if not truncated:
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
    """Uniform in +-gain * sqrt(6 / (inputs + outputs)), for activations that are linear near zero.

    Activations keep their variance forward, and gradients theirs backward (chapter 4.2 of the notes).

    Parameters
    ----------
    shape : (inputs, outputs)
    gain : float
        Factor for the activation: see `calculate_gain`.
    mode : "fan_avg", "fan_in" or "fan_out"
        Whether the variance is ``gain**2`` over the mean of inputs and outputs, or over one of them.
    rng : numpy.random.Generator, int or None
        The source of randomness, or its seed.
    dtype : dtype

    Returns
    -------
    array of that shape

    Raises
    ------
    TypeError, ValueError
        If `shape` has not two numbers, or `mode` is not known.

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
    """Normal of variance ``2 * gain**2 / (inputs + outputs)``; else as `xavier_uniform`.

    ``truncated=True`` cuts it at two deviations, and widens it so that the variance stays: Keras'
    ``GlorotNormal``. PyTorch's is not truncated.

    Examples
    --------
    >>> from simdnn import init
    >>> init.xavier_normal((4, 2), rng=0).shape
    (4, 2)
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
    """Uniform in +-gain * sqrt(3 / inputs), for the rectifier family: +-sqrt(6 / inputs) for relu.

    Half of a rectifier's inputs are lost; twice the variance makes up for them (chapter 4.3 of the notes).

    Parameters
    ----------
    shape : (inputs, outputs)
    mode : "fan_in", "fan_out" or "fan_avg"
        Keeps the variance forward, backward, or between the two.
    nonlinearity, param
        Of the activation: see `calculate_gain`.
    rng, dtype
        As `xavier_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> bool(abs(init.he_uniform((6, 2), rng=0)).max() <= 1)
    True

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", section 2.2.
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
    """Normal of variance ``gain**2 / inputs``; truncated as `xavier_normal`, else as `he_uniform`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.he_normal((6, 2), rng=0).shape
    (6, 2)
    """
    return _scaled_normal(shape, calculate_gain(nonlinearity, param), mode, truncated, rng, dtype)


def lecun_uniform(
    shape: Sequence[int],
    *,
    mode: Mode = "fan_in",
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Uniform in +-sqrt(3 / inputs): variance 1 / inputs, as selu wants it.

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
    """Normal of variance 1 / inputs; truncated as `xavier_normal`.

    Examples
    --------
    >>> from simdnn import init
    >>> init.lecun_normal((3, 2), rng=0).shape
    (3, 2)

    Source: LeCun et al. 1998, section 4.6; Klambauer et al. 2017, for selu.
    """
    return _scaled_normal(shape, 1.0, mode, truncated, rng, dtype)
