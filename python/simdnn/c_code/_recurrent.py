"""Emitter of recurrent layers: products of the gates and the cell, one time step after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..nn._layer import Shape
from ._layers import emits
from ._program import Program, Value

#: The number of gates in a weight, and in a row of gates.
GATES = {"rnn": (1, 1), "lstm": (4, 4), "gru": (3, 4)}


@emits(nn.RNN, nn.LSTM, nn.GRU)
def recurrent(p: Program, layer: Any, x: Value, given: Shape) -> Value:
    """Emits a time step of a stack of layers, and their initial states; returns the last one's states."""
    if layer.mask_value is not None:
        p.functions.add("simdnn_masked")
        mask = p.number(layer.mask_value)
        p.add(True, f"if (!simdnn_masked({x.address}, {x.size}, {mask})) {{")
    h = x
    for _ in range(layer.num_layers):
        h = cell(p, layer, h)
    if layer.mask_value is not None:
        p.add(True, "}")
    p.release(x)
    return h


def cell(p: Program, layer: Any, x: Value) -> Value:
    """Emits a time step of one layer of the stack."""
    kind, units = layer._cell, layer.hidden_features
    weight_gates, row_gates = GATES[kind]
    columns = weight_gates * units
    weight_ih = p.source.parameters(x.size, columns)
    weight_hh = p.source.parameters(units, columns)
    zeros = np.zeros(columns, p.dtype)
    bias_ih, bias_hh = (p.source.parameters(columns) if layer.bias else zeros for _ in range(2))
    learned = layer.initial_state == "learned"
    names = layer._states()
    states = [p.source.parameters(units) if learned else np.zeros(units, p.dtype) for _ in names]
    addresses = [p.state(one.copy(), layer.stateful) for one in states]
    gates = p.take(row_gates * units)
    if kind == "gru":
        gru_gates(p, x, addresses[0], gates, (weight_ih, weight_hh), (bias_ih, bias_hh))
    else:
        bias = p.constant(bias_hh + bias_ih)
        p.call(True, "dense", addresses[0], units, p.constant(weight_hh), bias, columns, gates)
        p.call(True, "add_product", x, x.size, p.constant(weight_ih), columns, gates)
    p.call(True, f"{kind}_cell", gates, units, *addresses)
    p.release(gates)
    return Value(addresses[0], units)


def gru_gates(p: Program, x: Value, h: str, gates: Value, weights: Any, biases: Any) -> None:
    """Emits the gates [n of x, r, z, n of h] of a GRU, whose candidate keeps x W + b and h W + b apart."""
    (weight_ih, weight_hh), (bias_ih, bias_hh) = weights, biases
    units = weight_hh.shape[0]
    sums = bias_hh.copy()
    sums[: 2 * units] += bias_ih[: 2 * units]
    of_state = f"{gates.address} + {units}"
    p.call(True, "dense", h, units, p.constant(weight_hh), p.constant(sums), 3 * units, of_state)
    p.call(True, "add_product", x, x.size, p.constant(weight_ih[:, : 2 * units]), 2 * units, of_state)
    candidate = p.constant(weight_ih[:, 2 * units :])
    p.call(True, "dense", x, x.size, candidate, p.constant(bias_ih[2 * units :]), units, gates)
