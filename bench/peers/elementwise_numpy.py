"""Elementwise functions as the fastest NumPy expressions we know, each step written into an array at hand.

A function without an expression here is timed by the formula of the tests' oracle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import _core
from simdnn.demo import _numpy_mlp

from tests import oracles

Array = NDArray[Any]


class Functions(NamedTuple):
    """A peer's function: ``forward(x, y, out)`` and ``backward(dy, x, y, out)``; y is scratch memory."""

    forward: Callable[[Any, Any, Any], Any]
    backward: Callable[[Any, Any, Any, Any], Any] | None = None


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_SCALE, GELU_CUBIC = -2 * math.sqrt(2 / math.pi), -2 * math.sqrt(2 / math.pi) * 0.044715


def _prelu(x: Array, y: Array, out: Array) -> None:
    np.multiply(x, 0.25, out=out)
    np.maximum(x, out, out=out)


def _prelu_backward(dy: Array, x: Array, y: Array, out: Array) -> Any:
    np.minimum(x, 0, out=y)
    weight_gradient = np.dot(dy, y)
    np.multiply(x > 0, 1 - 0.25, out=out, dtype=out.dtype)
    np.add(out, 0.25, out=out)
    np.multiply(out, dy, out=out)
    return weight_gradient


def _relu6_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    inside = x > 0
    np.logical_and(inside, x < 6, out=inside)
    np.multiply(dy, inside, out=out)


def _hard_tanh_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.abs(x, out=out)
    np.multiply(dy, out < 1, out=out)


def _hard_sigmoid(x: Array, y: Array, out: Array) -> None:
    np.add(x, 3, out=out)
    np.clip(out, 0, 6, out=out)
    np.multiply(out, 1 / 6, out=out)


def _hard_sigmoid_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.abs(x, out=out)
    np.multiply(dy, out < 3, out=out)
    np.multiply(out, 1 / 6, out=out)


def _hard_swish(x: Array, y: Array, out: Array) -> None:
    _hard_sigmoid(x, y, out)
    np.multiply(out, x, out=out)


def _hard_swish_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.abs(x, out=y)
    np.multiply(x, y < 3, out=y)
    np.add(x, 3, out=out)
    np.clip(out, 0, 6, out=out)
    np.add(out, y, out=out)
    np.multiply(out, 1 / 6, out=out)
    np.multiply(out, dy, out=out)


def _softsign(x: Array, y: Array, out: Array) -> None:
    np.abs(x, out=out)
    np.add(out, 1, out=out)
    np.divide(x, out, out=out)


def _softsign_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.abs(x, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, out, out=out)
    np.divide(dy, out, out=out)


def _selu(x: Array, y: Array, out: Array) -> None:
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    np.multiply(out, SELU_SCALE * SELU_ALPHA, out=out)
    np.maximum(x, 0, out=y)
    np.multiply(y, SELU_SCALE, out=y)
    np.add(out, y, out=out)


def _selu_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.minimum(x, 0, out=out)
    np.exp(out, out=out)
    np.multiply(x > 0, SELU_SCALE - SELU_SCALE * SELU_ALPHA, out=y, dtype=y.dtype)
    np.add(y, SELU_SCALE * SELU_ALPHA, out=y)
    np.multiply(out, y, out=out)
    np.multiply(out, dy, out=out)


def _log1p_exp(x: Array, out: Array) -> None:
    """log(1 + exp(-|x|)), which softplus and log_sigmoid share."""
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)


def _softplus(x: Array, y: Array, out: Array) -> None:
    _log1p_exp(x, out)
    np.maximum(x, 0, out=y)
    np.add(y, out, out=out)


def _softplus_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(dy, out, out=out)


def _log_sigmoid(x: Array, y: Array, out: Array) -> None:
    _log1p_exp(x, out)
    np.minimum(x, 0, out=y)
    np.subtract(y, out, out=out)


def _log_sigmoid_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    np.exp(x, out=out)
    np.add(out, 1, out=out)
    np.divide(dy, out, out=out)


def _mish(x: Array, y: Array, out: Array) -> None:
    np.minimum(x, 20, out=out)
    np.exp(out, out=out)
    np.add(out, 2, out=y)
    np.multiply(y, out, out=y)  # n = e (e + 2): tanh(softplus(x)) = n / (n + 2)
    np.add(y, 2, out=out)
    np.divide(y, out, out=out)
    np.multiply(out, x, out=out)


def _mish_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    """dy (e (e + 2) + 4 x e (e + 1) / d) / d with e = exp(x), d = e (e + 2) + 2."""
    np.minimum(x, 20, out=y)
    np.exp(y, out=y)
    np.add(y, 2, out=out)
    np.multiply(out, y, out=out)
    divisor = np.add(out, 2)
    np.multiply(y, y, out=out)
    np.add(out, y, out=out)
    np.multiply(out, x, out=out)
    np.multiply(out, 4, out=out)
    np.divide(out, divisor, out=out)
    np.subtract(divisor, 2, out=y)
    np.add(out, y, out=out)
    np.divide(out, divisor, out=out)
    np.multiply(out, dy, out=out)


def _gelu_tanh_exponent(x: Array, out: Array) -> None:
    """z with gelu_tanh(x) = x / (1 + exp(z)), which takes one pass less than tanh does."""
    np.multiply(x, x, out=out)
    np.multiply(out, GELU_CUBIC, out=out)
    np.add(out, GELU_SCALE, out=out)
    np.multiply(out, x, out=out)


def _gelu_tanh(x: Array, y: Array, out: Array) -> None:
    _gelu_tanh_exponent(x, out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(x, out, out=out)


def _gelu_tanh_backward(dy: Array, x: Array, y: Array, out: Array) -> None:
    """dy s (1 + (1 - s) x z') with s = 1 / (1 + exp(-z))."""
    _gelu_tanh_exponent(x, out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)
    np.multiply(x, x, out=y)
    np.multiply(y, -3 * GELU_CUBIC, out=y)
    np.subtract(y, GELU_SCALE, out=y)
    np.multiply(y, x, out=y)
    np.multiply(y, np.subtract(1, out), out=y)
    np.add(y, 1, out=y)
    np.multiply(y, out, out=y)
    np.multiply(y, dy, out=out)


def _from_peer(peer: _numpy_mlp.NumpyActivation) -> Functions:
    """Functions of `_numpy_mlp` as `Functions`; backward computes y first if the derivative reads it."""
    value, derivative, reads_output = peer

    def forward(x: Array, y: Array, out: Array) -> None:
        value(x, out)

    def backward(dy: Array, x: Array, y: Array, out: Array) -> None:
        value(x, y)
        derivative(dy, x, y, out)

    return Functions(forward, backward if reads_output else derivative)


#: Quick expressions by the names of the registry, at default parameters.
FUNCTIONS: dict[str, Functions] = {
    **{name: _from_peer(peer) for name, peer in _numpy_mlp.ACTIVATIONS.items()},
    "identity": Functions(lambda x, y, out: np.copyto(out, x), lambda dy, x, y, out: np.copyto(out, dy)),
    "relu": Functions(
        lambda x, y, out: np.maximum(x, 0, out=out),
        lambda dy, x, y, out: np.multiply(dy, x > 0, out=out),
    ),
    "prelu": Functions(_prelu, _prelu_backward),
    "relu6": Functions(lambda x, y, out: np.clip(x, 0, 6, out=out), _relu6_backward),
    "hard_tanh": Functions(lambda x, y, out: np.clip(x, -1, 1, out=out), _hard_tanh_backward),
    "hard_sigmoid": Functions(_hard_sigmoid, _hard_sigmoid_backward),
    "hard_swish": Functions(_hard_swish, _hard_swish_backward),
    "softsign": Functions(_softsign, _softsign_backward),
    "binary_step": Functions(
        lambda x, y, out: np.greater_equal(x, 0, out=out),
        lambda dy, x, y, out: out.fill(0),
    ),
    "selu": Functions(_selu, _selu_backward),
    "celu": _from_peer(_numpy_mlp.ACTIVATIONS["elu"]),  # equal at alpha = 1
    "softplus": Functions(_softplus, _softplus_backward),
    "log_sigmoid": Functions(_log_sigmoid, _log_sigmoid_backward),
    "mish": Functions(_mish, _mish_backward),
    "gelu_tanh": Functions(_gelu_tanh, _gelu_tanh_backward),
    "exp": Functions(lambda x, y, out: np.exp(x, out=out)),
    "expm1": Functions(lambda x, y, out: np.expm1(x, out=out)),
    "log": Functions(lambda x, y, out: np.log(x, out=out)),
    "log1p": Functions(lambda x, y, out: np.log1p(x, out=out)),
}
#: Functions that NumPy does not have: it lacks erf.
WITHOUT = {"gelu"}


def functions_of(name: str) -> Functions | None:
    """The quick expression of a function, else its formula; None if NumPy does not have it."""
    return None if name in WITHOUT else FUNCTIONS.get(name) or from_oracle(name)


def from_oracle(name: str) -> Functions:
    """The formulas of the tests' oracle at default parameters, in the dtype of x."""
    m = oracles.Double
    if name in oracles.ELEMENTARY:
        value = oracles.ELEMENTARY[name].value
        return Functions(lambda x, y, out: np.copyto(out, value(m, x)))
    rows = {row["name"]: tuple(row["parameters"].values()) for row in _core.activations()}
    formula, parameters = ("leaky_relu", (0.25,)) if name == "prelu" else (name, rows[name])
    oracle = oracles.ACTIVATIONS[formula]
    return Functions(
        lambda x, y, out: np.copyto(out, oracle.value(m, x, *parameters)),
        lambda dy, x, y, out: np.multiply(dy, oracle.derivative(m, x, *parameters), out=out),
    )
