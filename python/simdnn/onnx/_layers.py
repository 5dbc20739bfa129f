"""Exporters of layers: the ONNX operators that compute each class of layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..nn._layer import Layer, Shape
from ._activations import ACTIVATIONS
from ._graph import Graph

State = Mapping[str, NDArray[Any]]
#: (graph, layer, name of x, parameters and buffers of the layer, shape of x) -> name of y
Exporter = Callable[[Graph, Any, str, State, Shape], str]
Given = TypeVar("Given", bound=Exporter)

#: Exporter of each class of layer, added by `exports`.
EXPORTERS: dict[type[Layer], Exporter] = {}


def exports(*kinds: type[Layer]) -> Callable[[Given], Given]:
    """A decorator that registers the exporter of these classes."""

    def register(exporter: Given) -> Given:
        EXPORTERS.update(dict.fromkeys(kinds, exporter))
        return exporter

    return register


def exporter_of(kind: type[Layer]) -> Exporter | None:
    """The exporter of a class or of its nearest base; None if there is none."""
    return next((EXPORTERS[base] for base in kind.__mro__ if base in EXPORTERS), None)


def within(state: State, prefix: str) -> State:
    """The entries whose names begin with a prefix, which is removed."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def chain(g: Graph, layers: Sequence[Layer], x: str, state: State, given: Shape) -> str:
    """Exports layers in sequence."""
    for i, layer in enumerate(layers):
        x = one(g, layer, x, within(state, f"{i}."), given)
        given = layer._output(given)
    return x


def one(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Exports one layer by the exporter of its class."""
    exporter = exporter_of(type(layer))
    if exporter is None:
        raise TypeError(f"{type(layer).__name__} has no counterpart in ONNX yet")
    return exporter(g, layer, x, state, given)


@exports(nn.Activation)
def activation(g: Graph, layer: nn.Activation, x: str, state: State, given: Shape) -> str:
    """Exports an activation of the registry."""
    function, parameters = layer._registered()
    return ACTIVATIONS[function](g, x, *parameters)


@exports(nn.Dense)
def dense(g: Graph, layer: nn.Dense, x: str, state: State, given: Shape) -> str:
    """Exports a Dense as Gemm, or for sequences as MatMul and Add, and its activation."""
    return linear(g, layer, x, state, given)


def linear(g: Graph, layer: nn.Dense | nn.PiecewiseLinear, x: str, state: State, given: Shape) -> str:
    """Exports f(x weight + bias) for the inputs x of the weight."""
    weight = g.parameter(state["weight"])
    bias = [g.parameter(state["bias"])] if layer.bias else []
    if not given.sequence:
        y = g.add("Gemm", x, weight, *bias)
    else:
        y = g.add("MatMul", x, weight)
        y = g.add("Add", y, *bias) if bias else y
    return y if layer.activation is None else activation(g, layer._activation, y, {}, given)


@exports(nn.PiecewiseLinear)
def piecewise_linear(g: Graph, layer: nn.PiecewiseLinear, x: str, state: State, given: Shape) -> str:
    """Exports the codes clip(t - b, 0, 1) of positions t, and a linear layer of them and the other inputs."""

    def columns(first: int, beyond: int) -> str:
        return g.add("Slice", x, *(g.constant([at], dtype=np.int64) for at in (first, beyond, -1)))

    encoded, others = layer._positions(), layer.in_features - layer._positions()
    positions = columns(0, encoded) if others else x
    each = g.add("Unsqueeze", positions, g.constant([-1], dtype=np.int64))
    distances = g.add("Sub", each, g.parameter(np.arange(layer.bins)))
    codes = reshape(g, g.add("Clip", distances, g.constant(0), g.constant(1)), given, encoded * layer.bins)
    if others:
        codes = g.add("Concat", codes, columns(encoded, layer.in_features), axis=-1)
    return linear(g, layer, codes, state, given)


@exports(nn.Dropout, nn.AlphaDropout)
def dropout(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Exports dropout as no operator, because it is the identity in evaluation."""
    return x


@exports(nn.Residual)
def residual(g: Graph, layer: nn.Residual, x: str, state: State, given: Shape) -> str:
    """Exports layers(x) + x, or + shortcut(x)."""
    straight = x if layer.shortcut is None else one(g, layer.shortcut, x, within(state, "shortcut."), given)
    return g.add("Add", chain(g, layer.layers, x, state, given), straight)


@exports(nn.Concatenate)
def concatenate(g: Graph, layer: nn.Concatenate, x: str, state: State, given: Shape) -> str:
    """Exports branches that all read x, and the concatenation of their outputs."""
    parts = [chain(g, inner, x, within(state, prefix), given) for prefix, inner in layer._children()]
    return g.add("Concat", *parts, axis=-1)


@exports(nn.BatchNorm1d)
def batch_norm(g: Graph, layer: nn.BatchNorm1d, x: str, state: State, given: Shape) -> str:
    """Exports BatchNormalization; for sequences a Mul and an Add, as ONNX expects features on axis 1."""
    ones, zeros = np.ones(given.features), np.zeros(given.features)
    wide = {"weight": ones, "bias": zeros} | {name: value.astype(np.float64) for name, value in state.items()}
    if given.sequence:
        scale = wide["weight"] / np.sqrt(wide["running_var"] + layer.eps)
        offset = wide["bias"] - wide["running_mean"] * scale
        return g.add("Add", g.add("Mul", x, g.parameter(scale)), g.parameter(offset))
    numbers = [g.parameter(wide[name]) for name in ("weight", "bias", "running_mean", "running_var")]
    momentum = 0.9 if layer.momentum is None else 1 - layer.momentum
    return g.add("BatchNormalization", x, *numbers, epsilon=layer.eps, momentum=momentum)


@exports(nn.LayerNorm)
def layer_norm(g: Graph, layer: nn.LayerNorm, x: str, state: State, given: Shape) -> str:
    """Exports LayerNormalization over the features."""
    weight = state.get("weight", np.ones(given.features))
    bias = state.get("bias", np.zeros(given.features))
    return g.add("LayerNormalization", x, g.parameter(weight), g.parameter(bias), axis=-1, epsilon=layer.eps)


@exports(nn.PReLU)
def prelu(g: Graph, layer: nn.PReLU, x: str, state: State, given: Shape) -> str:
    """Exports PRelu with the learned slopes."""
    return ACTIVATIONS["prelu"](g, x, state["weight"])


@exports(nn.Swish)
def swish(g: Graph, layer: nn.Swish, x: str, state: State, given: Shape) -> str:
    """Exports x * sigmoid(beta * x) with the fixed or learned beta."""
    return ACTIVATIONS["swish"](g, x, state.get("beta", layer.beta))


@exports(nn.RReLU)
def rrelu(g: Graph, layer: nn.RReLU, x: str, state: State, given: Shape) -> str:
    """Exports LeakyRelu with the mean slope, which evaluation uses."""
    return ACTIVATIONS["leaky_relu"](g, x, (layer.lower + layer.upper) / 2)


@exports(nn.CReLU)
def crelu(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Exports the concatenation of relu(x) and relu(-x)."""
    return g.add("Concat", g.add("Relu", x), g.add("Relu", g.add("Neg", x)), axis=-1)


@exports(nn.Softmax)
def softmax(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Exports Softmax over the features."""
    return g.add("Softmax", x, axis=-1)


def reshape(g: Graph, x: str, given: Shape, *sizes: int) -> str:
    """Adds a reshape of the features to `sizes`; the axes of samples and time steps stay."""
    kept = [0, 0] if given.sequence else [0]
    return g.add("Reshape", x, g.constant([*kept, *sizes], dtype=np.int64))


@exports(nn.Maxout)
def maxout(g: Graph, layer: nn.Maxout, x: str, state: State, given: Shape) -> str:
    """Exports the maximum over the pieces of a linear layer."""
    y = g.add("MatMul", x, g.parameter(state["weight"]))
    y = g.add("Add", y, g.parameter(state["bias"])) if layer.bias else y
    return g.reduce("ReduceMax", reshape(g, y, given, layer.out_features, layer.pieces), -1)


@exports(nn.Embedding)
def embedding(g: Graph, layer: nn.Embedding, x: str, state: State, given: Shape) -> str:
    """Exports the columns that are passed on, followed by the vectors that others look up in tables."""

    def column(at: Any) -> str:
        return g.add("Gather", x, g.constant(at, dtype=np.int64), axis=-1)

    def look_up(table: NDArray[Any], codes: str) -> str:
        return g.add("Gather", g.parameter(table), g.cast(codes, np.int64), axis=0)

    if layer.columns is None:
        vectors = look_up(state["weight"], x)
        return reshape(g, vectors, given, given.features * state["weight"].shape[1])
    passed = layer._native(given)["passed"]
    parts = [column(passed)] if passed else []
    parts += [look_up(state[f"{at}.weight"], column(at)) for at, _, _ in layer.columns]
    return g.add("Concat", *parts, axis=-1)
