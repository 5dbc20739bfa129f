"""Recurrent training steps of each peer: functions of a batch that return the loss before the update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from simdnn.demo import _numpy_mlp

from bench.peers.training import Step

Array = np.ndarray[Any, Any]
#: Arrays of `Sequential.parameters()` for a recurrent layer and a dense head.
Parameters = Mapping[str, Array]


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


class _Rnn:
    """The cell of an RNN.

    `forward` takes the gates' inputs a from x and b from h, and returns (h, c, kept). `backward` takes kept,
    dh and dc, and returns the gradients w.r.t. a, b, h (directly, without the gates) and c.
    """

    @staticmethod
    def forward(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Any]:
        h = np.tanh(a + b)
        return h, c, h

    @staticmethod
    def backward(kept: Any, dh: Array, dc: Array) -> tuple[Array, Array, Array | float, Array]:
        da = dh * (1 - kept**2)
        return da, da, 0.0, dc


class _Lstm:
    """The cell of an LSTM, with methods as in `_Rnn`."""

    @staticmethod
    def forward(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Any]:
        i, f, g, o = np.split(a + b, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        new = f * c + i * g
        t = np.tanh(new)
        return o * t, new, (c, i, f, g, o, t)

    @staticmethod
    def backward(kept: Any, dh: Array, dc: Array) -> tuple[Array, Array, Array | float, Array]:
        c, i, f, g, o, t = kept
        dc = dc + dh * o * (1 - t**2)
        gates = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * t * o * (1 - o)
        da = np.concatenate(gates, axis=1)
        return da, da, 0.0, dc * f


class _Gru:
    """The cell of a GRU, with methods as in `_Rnn`."""

    @staticmethod
    def forward(a: Array, b: Array, h: Array, c: Array) -> tuple[Array, Array, Any]:
        (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=1), np.split(b, 3, axis=1)
        r, z = _sigmoid(ar + br), _sigmoid(az + bz)
        n = np.tanh(an + r * bn)
        return (1 - z) * n + z * h, c, (h, r, z, n, bn)

    @staticmethod
    def backward(kept: Any, dh: Array, dc: Array) -> tuple[Array, Array, Array | float, Array]:
        h, r, z, n, bn = kept
        dn = dh * (1 - z) * (1 - n**2)
        dr, dz = dn * bn * r * (1 - r), dh * (h - n) * z * (1 - z)
        return np.concatenate([dr, dz, dn], 1), np.concatenate([dr, dz, dn * r], 1), dh * z, dc


CELLS: dict[str, Any] = {"RNN": _Rnn, "LSTM": _Lstm, "GRU": _Gru}


class NumpyRecurrent:
    """A recurrent layer and a dense head, trained by backpropagation through time (Werbos 1990) and Adam."""

    def __init__(self, cell: str, parameters: Parameters, learning_rate: float, dtype: Any) -> None:
        self.cell = CELLS[cell]
        shapes = [value.shape for value in parameters.values()]
        self.flat = np.concatenate([value.ravel() for value in parameters.values()]).astype(dtype)
        parts = np.split(self.flat, np.cumsum([value.size for value in parameters.values()])[:-1])
        self.parameters = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        self.adam = _numpy_mlp.NumpyAdam(learning_rate)

    def step(self, x: Array, y: Array) -> float:
        """One step of Adam on a batch; returns the loss before it."""
        input_weight, state_weight, input_bias, state_bias, weight, bias = self.parameters
        steps = range(x.shape[1])
        h = c = np.zeros((len(x), len(state_weight)), x.dtype)
        states, kept = [], []
        for t in steps:
            states.append(h)
            a, b = x[:, t] @ input_weight + input_bias, h @ state_weight + state_bias
            h, c, own = self.cell.forward(a, b, h, c)
            kept.append(own)
        loss, logit_gradient = _numpy_mlp.cross_entropy(h @ weight + bias, y)
        head_gradients = [h.T @ logit_gradient, logit_gradient.sum(axis=0)]
        dh, dc = logit_gradient @ weight.T, np.zeros_like(c)
        found = []
        for t in reversed(steps):
            da, db, direct, dc = self.cell.backward(kept[t], dh, dc)
            dh = db @ state_weight.T + direct
            found.append((da, db))
        by_input, by_state = (np.concatenate(rows) for rows in zip(*found[::-1], strict=True))
        inputs = x.transpose(1, 0, 2).reshape(len(by_input), -1)
        weights = [inputs.T @ by_input, np.concatenate(states).T @ by_state]
        gradients = [*weights, by_input.sum(axis=0), by_state.sum(axis=0), *head_gradients]
        self.adam.step(self.flat, np.concatenate([gradient.ravel() for gradient in gradients]))
        return loss


def torch_step(torch: Any, cell: str, parameters: Parameters, learning_rate: float) -> Step:
    """A step of PyTorch's recurrent layer and head, with its fused Adam."""
    own = {name[2:]: torch.from_numpy(value.T.copy()) for name, value in parameters.items()}
    inputs, hidden = parameters["0.weight_ih_l0"].shape[0], parameters["0.weight_hh_l0"].shape[0]
    layer = getattr(torch.nn, cell)(inputs, hidden, batch_first=True)
    head = torch.nn.Linear(*parameters["1.weight"].shape)
    with torch.no_grad():
        for name, value in [*layer.named_parameters(), *head.named_parameters()]:
            value.copy_(own[name])
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=learning_rate, fused=True)

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(head(layer(x)[0][:, -1]), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step
