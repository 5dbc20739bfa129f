"""What the papers say, in float64 NumPy or arbitrary precision: never computed by the code under test.

A registered name needs one row here: in `ACTIVATIONS`, `LOSSES` or `RULES`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath
import numpy as np

Array = np.ndarray[Any, Any]
INF = float("inf")
SILU_ROOT = -1.2784645427610738  # 1 + x sigmoid(-x) = 0


class Precise:
    """The functions of NumPy that the formulas use, for one number of mpmath."""

    exp, expm1, tanh, cosh = mpmath.exp, mpmath.expm1, mpmath.tanh, mpmath.cosh

    @staticmethod
    def where(condition: bool, then: Any, otherwise: Any) -> Any:
        return then if condition else otherwise


class Activation(NamedTuple):
    """f and f' as functions of (NumPy or `Precise`, x, parameters...), and what no formula says.

    Attributes
    ----------
    limits : f(-inf), f(inf), f'(-inf), f'(inf) at the default parameters
    slope_at_zero : f'(+-0) from the parameters
    parameters : other parameters to test
    root : where f' crosses zero, from the parameters; near it a tenth of eps is allowed instead of the bound
    equals : (name, own parameters) of an activation with the same bits, or None
    """

    value: Callable[..., Any]
    derivative: Callable[..., Any]
    limits: tuple[float, float, float, float]
    slope_at_zero: Callable[..., float]
    parameters: tuple[tuple[float, ...], ...] = ()
    root: Callable[..., float] = lambda *parameters: float("nan")
    equals: tuple[str, tuple[float, ...]] | None = None


def sigmoid(m: Any, x: Any) -> Any:
    """Logistic function."""
    return 1 / (1 + m.exp(-x))


def silu_derivative(m: Any, z: Any) -> Any:
    """Derivative of z sigmoid(z)."""
    return sigmoid(m, z) * (1 + z * sigmoid(m, -z))


ACTIVATIONS = {
    "identity": Activation(
        value=lambda m, x: x,
        derivative=lambda m, x: 1 + 0 * x,
        limits=(-INF, INF, 1, 1),
        slope_at_zero=lambda: 1,
    ),
    "relu": Activation(
        value=lambda m, x: m.where(x > 0, x, 0 * abs(x)),
        derivative=lambda m, x: m.where(x > 0, 1 + 0 * x, 0 * abs(x)),
        limits=(0, INF, 0, 1),
        slope_at_zero=lambda: 0,
    ),
    "leaky_relu": Activation(
        value=lambda m, x, slope: m.where(x > 0, x, slope * x),
        derivative=lambda m, x, slope: m.where(x > 0, 1 + 0 * x, slope + 0 * x),
        limits=(-INF, INF, 0.01, 1),
        slope_at_zero=lambda slope: slope,
        parameters=((0.3,), (-0.5,), (1.0,), (2.5,)),
    ),
    "sigmoid": Activation(
        value=sigmoid,
        derivative=lambda m, x: m.exp(-abs(x)) / (1 + m.exp(-abs(x))) ** 2,
        limits=(0, 1, 0, 0),
        slope_at_zero=lambda: 0.25,
    ),
    "tanh": Activation(
        value=lambda m, x: m.tanh(x),
        derivative=lambda m, x: 1 / m.cosh(x) ** 2,
        limits=(-1, 1, 0, 0),
        slope_at_zero=lambda: 1,
    ),
    "elu": Activation(
        value=lambda m, x, alpha: m.where(x < 0, alpha * m.expm1(-abs(x)), x),
        derivative=lambda m, x, alpha: m.where(x > 0, 1 + 0 * x, alpha * m.exp(-abs(x))),
        limits=(-1, INF, 0, 1),
        slope_at_zero=lambda alpha: alpha,
        parameters=((0.5,), (1.7,)),
    ),
    "silu": Activation(
        value=lambda m, x: x * sigmoid(m, x),
        derivative=silu_derivative,
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda: 0.5,
        root=lambda: SILU_ROOT,
    ),
    "swish": Activation(
        value=lambda m, x, beta: x * sigmoid(m, beta * x),
        derivative=lambda m, x, beta: silu_derivative(m, beta * x),
        limits=(-0.0, INF, 0, 1),
        slope_at_zero=lambda beta: 0.5,
        parameters=((0.0,), (0.5,), (1.702,), (-2.0,)),
        root=lambda beta: SILU_ROOT / beta if beta else float("nan"),
        equals=("silu", (1.0,)),
    ),
}


def log_softmax(x: Array) -> Array:
    """x - log sum exp(x) along the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """exp(x) / sum exp(x) along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Loss(NamedTuple):
    """rows(output, target) is a loss for each sample, gradient(output, target) its derivative by output."""

    rows: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]


LOSSES = {
    "cross_entropy": Loss(
        rows=lambda x, y: -np.take_along_axis(log_softmax(x), y[:, None], 1)[:, 0],
        gradient=lambda x, y: softmax(x) - (np.arange(x.shape[1]) == y[:, None]),
    ),
    "mse": Loss(
        rows=lambda x, y: ((x - y) ** 2).mean(axis=1),
        gradient=lambda x, y: 2 * (x - y) / x.shape[1],
    ),
}

State = dict[str, Array]


def sgd(p: Array, g: Array, state: State, t: int, *, lr: float, weight_decay: float) -> Array:
    """Robbins & Monro 1951."""
    return p - lr * (g + weight_decay * p)


def momentum(
    p: Array,
    g: Array,
    state: State,
    t: int,
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    dampening: float,
    nesterov: float,
) -> Array:
    """Polyak 1964 and Sutskever et al. 2013, as PyTorch defines SGD."""
    g = g + weight_decay * p
    b = state["b"] = g if t == 1 else momentum * state["b"] + (1 - dampening) * g
    return p - lr * (g + momentum * b if nesterov else b)


def adam(
    p: Array,
    g: Array,
    state: State,
    t: int,
    *,
    lr: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> Array:
    """Kingma & Ba 2015, algorithm 1, with the L2 penalty of PyTorch's Adam."""
    g = g + weight_decay * p
    m = state["m"] = beta1 * state.get("m", 0 * p) + (1 - beta1) * g
    v = state["v"] = beta2 * state.get("v", 0 * p) + (1 - beta2) * g**2
    return p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


RULES = {"sgd": sgd, "momentum": momentum, "adam": adam}


class Layer(NamedTuple):
    """A dense layer in float64: weight (in, out), bias (out,) or None, activation and its parameters."""

    weight: Array
    bias: Array | None
    activation: str
    parameters: tuple[float, ...] = ()

    def linear(self, x: Array) -> Array:
        """x W + b."""
        return x @ self.weight + (0 if self.bias is None else self.bias)

    def value(self, z: Array) -> Array:
        """f(z)."""
        return ACTIVATIONS[self.activation].value(np, z, *self.parameters)

    def slope(self, z: Array) -> Array:
        """f'(z)."""
        return ACTIVATIONS[self.activation].derivative(np, z, *self.parameters)


def forward(layers: Sequence[Layer], x: Array) -> Array:
    """The output of the network."""
    for layer in layers:
        x = layer.value(layer.linear(x))
    return x


def backward(
    layers: Sequence[Layer], x: Array, gradient_of: Callable[[Array], Array]
) -> tuple[Array, list[Array]]:
    """The gradient with respect to x, and those of each weight and bias in order, from that of the output."""
    inputs, before = [x], []
    for layer in layers:
        before.append(layer.linear(inputs[-1]))
        inputs.append(layer.value(before[-1]))
    gradient = gradient_of(inputs.pop())
    found: list[Array] = []
    for layer, z, given in zip(layers[::-1], before[::-1], inputs[::-1], strict=True):
        dz = gradient * layer.slope(z)
        found[:0] = [given.T @ dz] if layer.bias is None else [given.T @ dz, dz.sum(axis=0)]
        gradient = dz @ layer.weight.T
    return gradient, found
