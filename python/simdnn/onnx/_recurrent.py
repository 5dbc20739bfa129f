"""Exporter of recurrent layers: one ONNX node per layer of the stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..nn._layer import Shape
from ._graph import Graph
from ._layers import State, exports

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
