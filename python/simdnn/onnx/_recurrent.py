"""Recurrent layers as ONNX's operators, a node a level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..nn._layer import Shape
from ._graph import Graph
from ._layers import State, exports

#: ONNX's order of gates, by their places in ours.
ORDERS = {"RNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}


def ordered(name: str, value: NDArray[Any]) -> NDArray[Any]:
    """(inputs, gates * hidden) as ONNX has it: (1, gates * hidden, inputs), or a bias alike."""
    parts = np.split(value, len(ORDERS[name]), axis=-1)
    return np.concatenate([parts[i] for i in ORDERS[name]], axis=-1).T[np.newaxis]


@exports(nn.RNN, nn.LSTM, nn.GRU)
def recurrent(g: Graph, layer: nn.LSTM, x: str, state: State, given: Shape) -> str:
    """Time steps come first there; a stateful layer begins anew."""
    name, hidden = type(layer).__name__, layer.hidden_features
    if layer.mask_value is not None:
        raise TypeError(f"{name}: mask_value has no counterpart in ONNX")
    x = g.add("Transpose", x, perm=[1, 0, 2])
    options = {"linear_before_reset": 1} if name == "GRU" else {}
    for level in range(layer.num_layers):
        own = {key.rsplit("_", 1)[0]: value for key, value in state.items() if key.endswith(f"_l{level}")}
        zeros = np.zeros(own["weight_ih"].shape[1])
        bias = [ordered(name, own.get(key, zeros)) for key in ("bias_ih", "bias_hh")]
        weights = [ordered(name, own[key]) for key in ("weight_ih", "weight_hh")]
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
