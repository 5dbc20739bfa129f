"""Recurrent layers in float64, step by step as in their papers."""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
#: A function (gates of x, gates of h, state) -> state; a state is (h,) or (h, c).
Step = Callable[[Array, Array, tuple[Array, ...]], tuple[Array, ...]]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def elman(a: Array, b: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """The cell of Elman 1990."""
    return (np.tanh(a + b),)


def long_short_term_memory(a: Array, b: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """The cell of Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000."""
    _, c = state
    i, f, g, o = np.split(a + b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gated(a: Array, b: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """The cell of Cho et al. 2014, with the reset gate applied after the product."""
    (h,) = state
    (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=-1), np.split(b, 3, axis=-1)
    z = sigmoid(az + bz)
    return ((1 - z) * np.tanh(an + sigmoid(ar + br) * bn) + z * h,)


STEPS: dict[str, Step] = {"RNN": elman, "LSTM": long_short_term_memory, "GRU": gated}


def level(
    step: Step,
    x: Array,
    p: dict[str, Array],
    number: int,
    skipped: Array | None,
    states: list[tuple[Array, ...]] | None = None,
) -> tuple[Array, tuple[Array, ...]]:
    """All states h of one layer for x [n, time, features], and the last state."""
    of = lambda name: p.get(f"{name}_l{number}", 0.0)  # noqa: E731
    hidden = np.shape(of("weight_hh"))[0]
    names = ("h0", "c0") if step is long_short_term_memory else ("h0",)
    state = tuple(np.broadcast_to(of(name), (len(x), hidden)) for name in names)
    if states is not None:
        state = states[number]
    found = []
    for t in range(x.shape[1]):
        new = step(
            x[:, t] @ of("weight_ih") + of("bias_ih"), state[0] @ of("weight_hh") + of("bias_hh"), state
        )
        if skipped is not None:
            new = tuple(np.where(skipped[:, t, None], old, now) for old, now in zip(state, new, strict=True))
        state = new
        found.append(state[0])
    return np.stack(found, axis=1), state


def recurrent(
    name: str,
    x: Array,
    p: dict[str, Array],
    levels: int = 1,
    sequences: bool = False,
    mask: float | None = None,
) -> Array:
    """The output of `nn.RNN`, `nn.LSTM` or `nn.GRU`."""
    skipped = None if mask is None else (x == mask).all(axis=-1)
    for number in range(levels):
        x, _ = level(STEPS[name], x, p, number, skipped)
    return x if sequences else x[:, -1]
