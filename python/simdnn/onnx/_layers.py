"""How each class of layers is written in ONNX's operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

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
    row = layer._registered()
    return ACTIVATIONS[row["activation"]](g, x, *row["parameters"])


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


@exports(nn.Dropout)
def dropped(g: Graph, layer: Layer, x: str, state: State, given: Shape) -> str:
    """Nothing happens in evaluation."""
    return x


@exports(nn.Residual)
def residual(g: Graph, layer: nn.Residual, x: str, state: State, given: Shape) -> str:
    straight = x if layer.shortcut is None else one(g, layer.shortcut, x, within(state, "shortcut."), given)
    return g.add("Add", chain(g, layer.layers, x, state, given), straight)
