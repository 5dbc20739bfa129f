"""Exporters of activations: the ONNX operators that compute each one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._graph import Graph

#: (graph, name of x, *parameters) -> name of y
Exporter = Callable[..., str]


def operator(name: str, *attributes: str, **fixed: float) -> Exporter:
    """An exporter to one operator; `attributes` take the parameters in order, `fixed` ones are constant."""

    def export(g: Graph, x: str, *parameters: float) -> str:
        return g.add(name, x, **dict(zip(attributes, parameters, strict=True)), **fixed)

    return export


def clip(g: Graph, x: str, low: float, high: float) -> str:
    """min(max(x, low), high)."""
    return g.add("Clip", x, g.constant(low), g.constant(high))


def binary_step(g: Graph, x: str) -> str:
    """1 where x >= 0, else 0."""
    return g.cast(g.add("GreaterOrEqual", x, g.constant(0)), g.dtype)


def celu(g: Graph, x: str, alpha: float) -> str:
    """max(x, 0) + alpha * elu(min(x, 0) / alpha), because the operator Celu supports only float32."""
    zero = g.constant(0)
    below = g.add("Div", g.add("Min", x, zero), g.constant(alpha))
    return g.add("Add", g.add("Max", x, zero), g.add("Mul", g.constant(alpha), g.add("Elu", below)))


def log_sigmoid(g: Graph, x: str) -> str:
    """-softplus(-x)."""
    return g.add("Neg", g.add("Softplus", g.add("Neg", x)))


def silu(g: Graph, x: str) -> str:
    """x * sigmoid(x)."""
    return g.add("Mul", x, g.add("Sigmoid", x))


def swish(g: Graph, x: str, beta: Any) -> str:
    """x * sigmoid(beta * x) for `beta` a number or an array [features]."""
    return g.add("Mul", x, g.add("Sigmoid", g.add("Mul", x, g.constant(beta))))


def mish(g: Graph, x: str) -> str:
    """x * tanh(softplus(x)); a single operator from opset 18 on."""
    if g.opset >= 18:
        return g.add("Mish", x)
    return g.add("Mul", x, g.add("Tanh", g.add("Softplus", x)))


def gelu(g: Graph, x: str) -> str:
    """x / 2 * (1 + erf(x / sqrt(2))); a single operator from opset 20 on."""
    if g.opset >= 20:
        return g.add("Gelu", x, approximate="none")
    half = g.add("Mul", x, g.constant(0.5))
    erf = g.add("Erf", g.add("Mul", x, g.constant(math.sqrt(0.5))))
    return g.add("Mul", half, g.add("Add", erf, g.constant(1)))


def gelu_tanh(g: Graph, x: str) -> str:
    """x / 2 * (1 + tanh(z)) = x * sigmoid(2 z); a single operator from opset 20 on."""
    if g.opset >= 20:
        return g.add("Gelu", x, approximate="tanh")
    cube = g.add("Mul", g.add("Mul", x, x), g.add("Mul", x, g.constant(0.044715)))
    inner = g.add("Mul", g.add("Add", x, cube), g.constant(2 * math.sqrt(2 / math.pi)))
    return g.add("Mul", x, g.add("Sigmoid", inner))


def prelu(g: Graph, x: str, slope: Any) -> str:
    """max(x, 0) + slope * min(x, 0) for `slope` a number or an array [features]."""
    return g.add("PRelu", x, g.constant(np.atleast_1d(slope)))


#: Exporter of each registered activation, and of prelu and swish, whose parameters may be learned.
ACTIVATIONS: dict[str, Exporter] = {
    "identity": operator("Identity"),
    "relu": operator("Relu"),
    "leaky_relu": operator("LeakyRelu", "alpha"),
    "relu6": lambda g, x: clip(g, x, 0, 6),
    "hard_tanh": clip,
    "hard_sigmoid": operator("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_swish": operator("HardSwish"),
    "softsign": operator("Softsign"),
    "binary_step": binary_step,
    "sigmoid": operator("Sigmoid"),
    "tanh": operator("Tanh"),
    "elu": operator("Elu", "alpha"),
    "selu": operator("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "celu": celu,
    "softplus": operator("Softplus"),
    "log_sigmoid": log_sigmoid,
    "silu": silu,
    "swish": swish,
    "mish": mish,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "prelu": prelu,
}
