"""How each class of layers is written in ONNX's operators."""

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
#: (graph, layer, x, its parameters and buffers, the shape of x) -> y
Exporter = Callable[[Graph, Any, str, State, Shape], str]
Given = TypeVar("Given", bound=Exporter)

EXPORTERS: dict[type[Layer], Exporter] = {}


def exports(*kinds: type[Layer]) -> Callable[[Given], Given]:
    """Registers the exporter of these classes."""

    def register(exporter: Given) -> Given:
        EXPORTERS.update(dict.fromkeys(kinds, exporter))
        return exporter

    return register


def exporter_of(kind: type[Layer]) -> Exporter | None:
    """The exporter of a class, its own or that of a base."""
    return next((EXPORTERS[base] for base in kind.__mro__ if base in EXPORTERS), None)


def within(state: State, prefix: str) -> State:
    """The entries behind a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def chain(g: Graph, layers: Sequence[Layer], x: str, state: State, given: Shape) -> str:
    """Layers in sequence."""
    for i, layer in enumerate(layers):
        x = one(g, layer, x, within(state, f"{i}."), given)
        given = layer._output(given)
    return x


def one(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """One layer."""
    exporter = exporter_of(type(layer))
    if exporter is None:
        raise TypeError(f"{type(layer).__name__} has no counterpart in ONNX yet")
    return exporter(g, layer, x, state, given)


@exports(nn.Activation)
def activation(g: Graph, layer: nn.Activation, x: str, state: State, given: Shape) -> str:
    function, parameters = layer._registered()
    return ACTIVATIONS[function](g, x, *parameters)


@exports(nn.Dense)
def dense(g: Graph, layer: nn.Dense, x: str, state: State, given: Shape) -> str:
    weight = g.parameter(state["weight"])
    bias = [g.parameter(state["bias"])] if layer.bias else []
    if not given.sequence:
        y = g.add("Gemm", x, weight, *bias)
    else:
        y = g.add("MatMul", x, weight)
        y = g.add("Add", y, *bias) if bias else y
    return y if layer.activation is None else activation(g, layer._activation, y, {}, given)


@exports(nn.Dropout, nn.AlphaDropout)
def dropped(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Nothing happens in evaluation."""
    return x


@exports(nn.Residual)
def residual(g: Graph, layer: nn.Residual, x: str, state: State, given: Shape) -> str:
    straight = x if layer.shortcut is None else one(g, layer.shortcut, x, within(state, "shortcut."), given)
    return g.add("Add", chain(g, layer.layers, x, state, given), straight)


@exports(nn.Concatenate)
def concatenate(g: Graph, layer: nn.Concatenate, x: str, state: State, given: Shape) -> str:
    parts = [chain(g, inner, x, within(state, prefix), given) for prefix, inner in layer._children()]
    return g.add("Concat", *parts, axis=-1)


@exports(nn.BatchNorm1d)
def batch_norm(g: Graph, layer: nn.BatchNorm1d, x: str, state: State, given: Shape) -> str:
    """Of sequences, whose features ONNX would want second, a product and a sum."""
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
    weight = state.get("weight", np.ones(given.features))
    bias = state.get("bias", np.zeros(given.features))
    return g.add("LayerNormalization", x, g.parameter(weight), g.parameter(bias), axis=-1, epsilon=layer.eps)


@exports(nn.PReLU)
def prelu(g: Graph, layer: nn.PReLU, x: str, state: State, given: Shape) -> str:
    return ACTIVATIONS["prelu"](g, x, state["weight"])


@exports(nn.Swish)
def swish(g: Graph, layer: nn.Swish, x: str, state: State, given: Shape) -> str:
    return ACTIVATIONS["swish"](g, x, state.get("beta", layer.beta))


@exports(nn.RReLU)
def rrelu(g: Graph, layer: nn.RReLU, x: str, state: State, given: Shape) -> str:
    """The mean slope."""
    return ACTIVATIONS["leaky_relu"](g, x, (layer.lower + layer.upper) / 2)


@exports(nn.CReLU)
def crelu(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    return g.add("Concat", g.add("Relu", x), g.add("Relu", g.add("Neg", x)), axis=-1)


@exports(nn.Softmax)
def softmax(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    return g.add("Softmax", x, axis=-1)


def reshape(g: Graph, x: str, given: Shape, *sizes: int) -> str:
    """The features in other axes; samples and time steps stay."""
    kept = [0, 0] if given.sequence else [0]
    return g.add("Reshape", x, g.constant([*kept, *sizes], dtype=np.int64))


@exports(nn.Maxout)
def maxout(g: Graph, layer: nn.Maxout, x: str, state: State, given: Shape) -> str:
    y = g.add("MatMul", x, g.parameter(state["weight"]))
    y = g.add("Add", y, g.parameter(state["bias"])) if layer.bias else y
    return g.reduce("ReduceMax", reshape(g, y, given, layer.out_features, layer.pieces), -1)


@exports(nn.Embedding)
def embedding(g: Graph, layer: nn.Embedding, x: str, state: State, given: Shape) -> str:
    """Rows of tables, behind the columns that pass."""

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
