"""Exporter and importer of recurrent layers: one ONNX node per layer of the stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..nn._layer import Shape
from ._graph import Graph
from ._layers import State, exports
from ._node import Node
from ._reader import Found, Reader

#: Order of the gates in ONNX, as indices into the order of simdnn and PyTorch.
ORDERS = {"RNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}


def reordered(name: str, value: NDArray[Any]) -> NDArray[Any]:
    """A weight [inputs, gates * hidden] in ONNX's layout [1, gates * hidden, inputs]; a bias likewise."""
    parts = np.split(value, len(ORDERS[name]), axis=-1)
    return np.concatenate([parts[i] for i in ORDERS[name]], axis=-1).T[np.newaxis]


@exports(nn.RNN, nn.LSTM, nn.GRU)
def recurrent(g: Graph, layer: nn.LSTM, x: str, state: State, given: Shape) -> str:
    """Exports a stack of recurrent layers [n, time, features]; a stateful one starts at its initial state."""
    name, hidden = type(layer).__name__, layer.hidden_features
    if layer.mask_value is not None:
        raise TypeError(f"{name}: mask_value has no counterpart in ONNX")
    x = g.add("Transpose", x, perm=[1, 0, 2])
    options = {"linear_before_reset": 1} if name == "GRU" else {}
    for i in range(layer.num_layers):
        own = {key.rsplit("_", 1)[0]: value for key, value in state.items() if key.endswith(f"_l{i}")}
        zeros = np.zeros(own["weight_ih"].shape[1])
        bias = [reordered(name, own.get(key, zeros)) for key in ("bias_ih", "bias_hh")]
        weights = [reordered(name, own[key]) for key in ("weight_ih", "weight_hh")]
        inputs = [g.parameter(value) for value in (*weights, np.concatenate(bias, axis=1))]
        if layer.initial_state == "learned":
            samples = g.add("Shape", x, start=1, end=2)
            size = [g.constant([1], np.int64), samples, g.constant([hidden], np.int64)]
            shape = g.add("Concat", *size, axis=0)
            first = [own[key].reshape(1, 1, hidden) for key in layer._states()]
            inputs += ["", *(g.add("Expand", g.parameter(value), shape) for value in first)]
        x = g.add(name, x, *inputs, hidden_size=hidden, **options)
        x = g.add("Squeeze", x, g.constant([1], np.int64))
    if layer.return_sequences:
        return g.add("Transpose", x, perm=[1, 0, 2])
    return g.add("Gather", x, g.constant(-1, np.int64), axis=0)


def restored(name: str, value: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `reordered`."""
    parts = np.split(np.moveaxis(value[0], 0, -1), len(ORDERS[name]), axis=-1)
    return np.concatenate([parts[ORDERS[name].index(i)] for i in range(len(parts))], axis=-1)


def import_recurrent(reader: Reader, node: Node) -> list[Found]:
    """Imports a stack of recurrent layers as `recurrent` exports it."""
    if not reader.sequence or node.get("perm", None) != [1, 0, 2]:
        raise ValueError(
            f"{node}: expected the axes (n, time, features) of a recurrent layer in the order 1, 0, 2"
        )
    stack: list[Node] = []
    state: dict[str, NDArray[Any]] = {}
    while steps := [one for one in reader.readers(reader.value) if one.op in ORDERS]:
        if len(steps) != 1 or (stack and steps[0].op != stack[0].op):
            raise ValueError(f"{steps[0]}: expected recurrent layers of one class, one after the other")
        squeeze = reader.only_reader(steps[0].output, "Squeeze")
        if not squeeze or axes_of(reader, squeeze) != [1]:
            raise ValueError(f"{steps[0]}: expected a Squeeze of the directions behind it")
        state |= {f"{key}_l{len(stack)}": value for key, value in step_state(reader, steps[0]).items()}
        stack.append(steps[0])
        reader.value = squeeze.output
    ends = reader.readers(reader.value)
    if not stack or len(ends) != 1 or reader.value == reader.last:
        raise ValueError(f"{reader.value}: expected a recurrent layer, and one node that reads it")
    every = ends[0].op == "Transpose" and ends[0].get("perm", None) == [1, 0, 2]
    last = (
        ends[0].op == "Gather" and not ends[0].get("axis", 0) and reader.integers(ends[0].inputs[1]) == [-1]
    )
    if not every and not last:
        raise ValueError(f"{ends[0]}: expected the last time step, or the axes in the order 1, 0, 2")
    hidden = state["weight_hh_l0"].shape[0]
    reader.value, reader.features, reader.sequence = ends[0].output, hidden, every
    settings = {
        "layer": stack[0].op,
        "in_features": state["weight_ih_l0"].shape[0],
        "hidden_features": hidden,
        "num_layers": len(stack),
        "return_sequences": every,
        "initial_state": "learned" if "h0_l0" in state else "zeros",
    }
    return [(settings, state)]


def axes_of(reader: Reader, node: Node) -> list[int] | None:
    """Axes of a Squeeze, which are an input since opset 13 and an attribute before."""
    axes: list[int] | None = (
        reader.integers(node.inputs[1]) if len(node.inputs) > 1 else node.get("axes", None)
    )
    return axes


def step_state(reader: Reader, node: Node) -> dict[str, NDArray[Any]]:
    """The parameters of one recurrent node, in the names and layouts of a layer."""
    node.expect(direction=b"forward", layout=0, input_forget=0)
    if "clip" in node.attributes or "activations" in node.attributes or node.inputs[4:5] not in ([], [""]):
        raise ValueError(f"{node}: expected no clip, the default activations, and sequences of one length")
    if node.op == "GRU" and not node.get("linear_before_reset", 0):
        raise ValueError(f"{node}: expected linear_before_reset=1, as in PyTorch")
    weights = {"weight_ih": reader.constant(node, 1), "weight_hh": reader.constant(node, 2)}
    hidden = weights["weight_hh"].shape[-1]
    wanted = (1, len(ORDERS[node.op]) * hidden)
    bias = (
        reader.constant(node, 3)
        if node.inputs[3:4] not in ([], [""])
        else np.zeros((1, 2 * wanted[1]), np.float32)
    )
    if (
        any(value.ndim != 3 or value.shape[:2] != wanted for value in weights.values())
        or bias.size != 2 * wanted[1]
    ):
        raise ValueError(f"{node}: expected weights for {hidden} hidden features in one direction")
    halves = np.split(bias, 2, axis=1)
    found = weights | {"bias_ih": halves[0], "bias_hh": halves[1]}
    return {key: restored(node.op, value) for key, value in found.items()} | initial_state(
        reader, node, hidden
    )


def initial_state(reader: Reader, node: Node, hidden: int) -> dict[str, NDArray[Any]]:
    """The learned initial state of a recurrent node, which is repeated for each sample; none for zeros."""
    makers = {one.output: one for one in reader.nodes}
    found = {}
    for key, name in zip(("h0", "c0"), node.inputs[5:7], strict=False):
        if not name:
            continue
        expand = makers.get(name)
        shape = makers.get(expand.inputs[1]) if expand and expand.op == "Expand" else None
        ends = [reader.integers(one) for one in shape.inputs] if shape and shape.op == "Concat" else []
        if not expand or len(ends) != 3 or ends[::2] != [[1], [hidden]]:
            raise ValueError(f"{node}: expected an initial state that is a constant for every sample")
        value = reader.constant(expand, 0)
        if value.shape != (1, 1, hidden):
            raise ValueError(f"{expand}: expected shape (1, 1, {hidden}), got {value.shape}")
        found[key] = value.reshape(hidden)
    if found and len(found) != 1 + (node.op == "LSTM"):
        raise ValueError(f"{node}: expected an initial value for each of its states")
    return found
