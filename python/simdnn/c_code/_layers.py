"""Emitters of layers: the C statements that compute each class of layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .. import nn
from ..nn._layer import Layer, Shape
from ._program import Program, Value

#: (program, layer, x, shape of x) -> y. An emitter gives the memory of x back.
Emitter = Callable[[Program, Any, Value, Shape], Value]
Given = TypeVar("Given", bound=Emitter)

#: Emitter of each class of layer, added by `emits`.
EMITTERS: dict[type[Layer], Emitter] = {}


def emits(*kinds: type[Layer]) -> Callable[[Given], Given]:
    """A decorator that registers the emitter of these classes."""

    def register(emitter: Given) -> Given:
        EMITTERS.update(dict.fromkeys(kinds, emitter))
        return emitter

    return register


def emitter_of(layer: Layer, place: str) -> Emitter:
    """The emitter of a layer's class or of its nearest base; raises if there is none."""
    for base in type(layer).__mro__:
        if base in EMITTERS:
            return EMITTERS[base]
    raise TypeError(f"{place}: {type(layer).__name__} has no counterpart in C yet")


def idle(layer: Layer) -> bool:
    """True for a layer that is the identity in evaluation."""
    if isinstance(layer, nn.Dropout | nn.AlphaDropout):
        return True
    return isinstance(layer, nn.Activation) and layer.fixed and layer._registered()[0] == "identity"


def chain(p: Program, layers: Sequence[Layer], x: Value, given: Shape, name: str = "layers") -> Value:
    """Emits layers in sequence; batch normalization was folded into a linear layer before it."""
    linear, outer = False, p.place
    for i, layer in enumerate(layers):
        if idle(layer) or (linear and isinstance(layer, nn.BatchNorm1d)):
            continue
        p.place = f"{outer}.{name}[{i}]".removeprefix(".")
        linear = isinstance(layer, nn.Dense | nn.PiecewiseLinear) and idle(layer._activation)
        behind = next((one for one in layers[i + 1 :] if not idle(one)), None)
        p.shifted = linear and isinstance(behind, nn.BatchNorm1d)
        x = emitter_of(layer, p.place)(p, layer, x, given)
        given = layer._output(given)
    p.place, p.shifted = outer, False
    return x


def affine(p: Program, layer: Any, x: Value, given: Shape) -> Value:
    """Emits x weight + bias, which a normalization may have given to the layer."""
    inputs, outputs = layer.in_features, layer.out_features * getattr(layer, "pieces", 1)
    y = p.replace(x, outputs)
    weight = p.constant(p.source.parameters(inputs, outputs))
    if layer.bias or p.shifted:
        shift = p.constant(p.source.parameters(outputs))
        p.call(given.sequence, "dense", x, inputs, weight, shift, outputs, y)
    else:
        p.call(given.sequence, "linear", x, inputs, weight, outputs, y)
    return y


@emits(nn.Activation)
def activation(p: Program, layer: nn.Activation, x: Value, given: Shape) -> Value:
    """Emits an activation of the registry."""
    function, parameters = layer._registered()
    return x if function == "identity" else p.apply(given.sequence, function, x, parameters)


@emits(nn.Dense)
def dense(p: Program, layer: nn.Dense, x: Value, given: Shape) -> Value:
    """Emits a product and its activation."""
    y = affine(p, layer, x, given)
    return activation(p, layer._activation, y, given)


@emits(nn.PiecewiseLinear)
def piecewise_linear(p: Program, layer: nn.PiecewiseLinear, x: Value, given: Shape) -> Value:
    """Emits the product of the codes of positions, and of the other inputs, and the activation."""
    encoded, outputs = layer._positions(), layer.out_features
    plain = layer.in_features - encoded
    codes = p.constant(p.source.parameters(encoded * layer.bins, outputs))
    weight = p.constant(p.source.parameters(plain, outputs)) if plain else ""
    y = p.replace(x, outputs)
    if layer.bias or p.shifted:
        p.call(given.sequence, "copy", p.constant(p.source.parameters(outputs)), outputs, y)
    else:
        p.call(given.sequence, "clear", outputs, y)
    p.call(given.sequence, "add_codes", x, encoded, layer.bins, codes, outputs, y)
    if plain:
        p.call(given.sequence, "add_product", f"{x.address} + {encoded}", plain, weight, outputs, y)
    return activation(p, layer._activation, y, given)


@emits(nn.Maxout)
def maxout(p: Program, layer: nn.Maxout, x: Value, given: Shape) -> Value:
    """Emits a product, and the largest of each group of its outputs."""
    parts = affine(p, layer, x, given)
    y = p.replace(parts, layer.out_features)
    p.call(given.sequence, "maxout", parts, layer.out_features, layer.pieces, y)
    return y


@emits(nn.Residual)
def residual(p: Program, layer: nn.Residual, x: Value, given: Shape) -> Value:
    """Emits layers(x) + x, or + shortcut(x)."""
    held = Value(x.address, x.size)
    inner = chain(p, layer.layers, held, given)
    straight = held if layer.shortcut is None else dense(p, layer.shortcut, held, given)
    y = p.own(inner)
    p.call(given.sequence, "add", inner, straight, y.size, y)
    p.release(straight, x)
    return y


@emits(nn.Concatenate)
def concatenate(p: Program, layer: nn.Concatenate, x: Value, given: Shape) -> Value:
    """Emits branches that all read x, and copies of their outputs."""
    held, after = Value(x.address, x.size), layer._output(given)
    branches = (inner for _, inner in layer._children())
    parts = [chain(p, inner, held, given, f"branches[{i}]") for i, inner in enumerate(branches)]
    y, at = p.take(after.features), 0
    for part in parts:
        p.call(after.sequence, "copy", part, part.size, f"{y.address} + {at}")
        at += part.size
    p.release(*parts, x)
    return y


@emits(nn.BatchNorm1d)
def batch_norm(p: Program, layer: nn.BatchNorm1d, x: Value, given: Shape) -> Value:
    """Emits (x - mean) scale + bias, with the factors that the kernels compute."""
    n = given.features
    weight, bias = (p.source.parameters(n).astype(float) for _ in range(2)) if layer.affine else (1.0, 0.0)
    mean, variance = p.source.buffers(n), p.source.buffers(n).astype(float)
    p.source.buffers(1)
    factors = (mean, weight * (1 / np.sqrt(variance + layer.eps)), bias + np.zeros(n))
    y = p.own(x)
    p.call(given.sequence, "batch_norm", x, n, *(p.constant(one.astype(p.dtype)) for one in factors), y)
    return y


@emits(nn.LayerNorm)
def layer_norm(p: Program, layer: nn.LayerNorm, x: Value, given: Shape) -> Value:
    """Emits the normalization of a row, and its weight and bias."""
    y = p.own(x)
    p.call(given.sequence, "normalize", x, x.size, repr(layer.eps), y)
    if layer.affine:
        factors = (p.constant(p.source.parameters(x.size)) for _ in range(2))
        p.call(given.sequence, "scale", y, x.size, *factors, y)
    return y


def trained(p: Program, function: str, count: int, x: Value, given: Shape) -> Value:
    """Emits an activation with a parameter that was trained, one for all features or one for each."""
    numbers = p.source.parameters(count)
    if count == 1:
        return p.apply(given.sequence, function, x, numbers)
    name = p.loop(function, ", parameter[i]", f", const {p.real} *parameter")
    y = p.own(x)
    p.add(given.sequence, f"{name}({x.address}, {x.size}, {p.constant(numbers)}, {y.address});")
    return y


@emits(nn.PReLU)
def prelu(p: Program, layer: nn.PReLU, x: Value, given: Shape) -> Value:
    """Emits leaky_relu with the learned slopes."""
    return trained(p, "leaky_relu", layer.num_parameters, x, given)


@emits(nn.Swish)
def swish(p: Program, layer: nn.Swish, x: Value, given: Shape) -> Value:
    """Emits x * sigmoid(beta * x) with the fixed or learned beta."""
    if layer.trainable:
        return trained(p, "swish", layer.num_parameters, x, given)
    return activation(p, layer, x, given)


@emits(nn.RReLU)
def rrelu(p: Program, layer: nn.RReLU, x: Value, given: Shape) -> Value:
    """Emits leaky_relu with the mean slope, which evaluation uses."""
    return p.apply(given.sequence, "leaky_relu", x, [(layer.lower + layer.upper) / 2])


@emits(nn.CReLU)
def crelu(p: Program, layer: nn.CReLU, x: Value, given: Shape) -> Value:
    """Emits the concatenation of relu(x) and relu(-x)."""
    y = p.replace(x, 2 * x.size)
    p.call(given.sequence, "crelu", x, x.size, y)
    return y


@emits(nn.Softmax)
def softmax(p: Program, layer: nn.Softmax, x: Value, given: Shape) -> Value:
    """Emits the softmax of a row."""
    y = p.own(x)
    p.call(given.sequence, "softmax", x, x.size, y)
    return y


@emits(nn.Embedding)
def embedding(p: Program, layer: nn.Embedding, x: Value, given: Shape) -> Value:
    """Emits copies of the columns that are passed on, and of the vectors that others look up in tables."""
    native, at = layer._native(given), 0
    tables = [(one, p.constant(p.source.parameters(one["count"], one["width"]))) for one in native["tables"]]
    y = p.take(layer._output(given).features)
    for at, column in enumerate(native["passed"]):
        p.call(given.sequence, "copy", f"{x.address} + {column}", 1, f"{y.address} + {at}")
    at = len(native["passed"])
    for one in native["lookups"]:
        table, name = tables[one["table"]]
        p.functions.add("simdnn_look_up")
        value, to = f"({x.address})[{one['column']}]", f"{y.address} + {at}"
        p.add(
            given.sequence,
            f"if (!simdnn_look_up({value}, {table['count']}, {table['width']}, {name}, {to})) return -1;",
        )
        at += table["width"]
    p.release(x)
    return y
