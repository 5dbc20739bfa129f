"""Initial values of weights: functions of (shape, rng, dtype), weights being (inputs, outputs).

All draw from a `numpy.random.Generator` in double precision and round once: the same seed gives the same
values. Give them to a layer as they are, by name, or with settings: ``nn.Dense(8, 4, init="he_normal")``,
``nn.Dense(8, 4, init=functools.partial(init.he_normal, mode="fan_out"))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._check import known_name
from ._draw import Rng, draw_truncated, generator_of, real_dtype, sizes_of
from ._lsuv import lsuv

__all__ = [
    "calculate_gain",
    "constant",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "lsuv",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "truncated_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]
#: The standard deviation of a standard normal cut at +-2.
TRUNCATED_STD = 0.87962566103423978


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


def _fan(shape: Sequence[int], mode: Mode) -> float:
    """What the variance is divided by."""
    known_name("mode", mode, ("fan_in", "fan_out", "fan_avg"))
    sizes = sizes_of(shape)
    if len(sizes) != 2:
        raise ValueError(f"shape: expected (inputs, outputs), got {sizes}")
    inputs, outputs = max(sizes[0], 1), max(sizes[1], 1)
    return {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[mode]


def _scaled_uniform(
    shape: Sequence[int], gain: float, mode: Mode, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    bound = gain * math.sqrt(3 / _fan(shape, mode))
    return uniform(shape, low=-bound, high=bound, rng=rng, dtype=dtype)


def _scaled_normal(
    shape: Sequence[int], gain: float, mode: Mode, truncated: bool, rng: Rng, dtype: DTypeLike
) -> NDArray[Any]:
    std = gain / math.sqrt(_fan(shape, mode))
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
    _fan(shape, "fan_in")
    inputs, outputs = sizes_of(shape)
    q, r = np.linalg.qr(generator_of(rng).normal(size=(max(inputs, outputs), min(inputs, outputs))))
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # else the signs of LAPACK would favour some rotations
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
    _fan(shape, "fan_in")
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
    _fan(shape, "fan_in")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity: expected 0 to 1, got {sparsity}")
    generator = generator_of(rng)
    weights = normal(shape, std=std, rng=generator, dtype=np.float64)
    order = generator.permuted(np.indices(weights.shape)[0], axis=0)
    weights[order < math.ceil(sparsity * len(weights))] = 0
    return weights.astype(real_dtype(dtype))


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
    known_name("nonlinearity", nonlinearity, [*gains, *slopes])
    if nonlinearity in gains:
        return gains[nonlinearity]
    slope = slopes[nonlinearity] if param is None else float(param)
    return math.sqrt(2 / (1 + slope**2))


_BY_NAME: dict[str, Callable[..., NDArray[Any]]] = {
    name: globals()[name] for name in __all__ if name not in ("calculate_gain", "lsuv")
}


def from_name(name: str) -> Callable[..., NDArray[Any]]:
    """The initialiser of that name.

    Raises
    ------
    TypeError, ValueError
        If there is none; the known ones are listed.

    Examples
    --------
    >>> from simdnn import init
    >>> init.from_name("zeros") is init.zeros
    True
    """
    return _BY_NAME[known_name("init", name, _BY_NAME)]
