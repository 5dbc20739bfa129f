"""The backend for thinc beside thinc's own: operations, and training steps of whole models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench import peers
from bench.harness import BEST, OURS, Case, Contestant

THEIRS = "NumpyOps"
ROWS, WIDTH, PIECES, CLASSES = 256, 96, 3, 10
ACTIVATIONS = ("relu", "sigmoid", "swish", "mish", "gelu", "gelu_approx", "hard_tanh", "hard_swish_mobilenet")
LAYERS = ("Relu", "Maxout", "Mish", "Gelu", "Swish")
#: Steps of a model whose predictions are compared.
CHECKED = 3


def cases() -> Iterator[Case]:
    """A row per operation and per kind of layer; none without thinc."""
    if not peers.is_installed("thinc"):
        return
    for name in OPERATIONS:
        label = f"{name} {ROWS} x {WIDTH}"
        yield Case("thinc operation", label, functools.partial(operations, name), (BEST,))
    for layer in LAYERS:
        label = f"{layer} {WIDTH}-{WIDTH}-{CLASSES}, batch {ROWS}"
        yield Case("thinc step", label, functools.partial(models, layer), (BEST,))


def numbers(*shape: int, seed: int = 0) -> Any:
    """Normal random numbers in float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _forward(name: str, ops: Any) -> Callable[[], Any]:
    return functools.partial(getattr(ops, name), numbers(ROWS, WIDTH))


def _backward(name: str, ops: Any) -> Callable[[], Any]:
    x, dy = numbers(ROWS, WIDTH), numbers(ROWS, WIDTH, seed=1)
    y = getattr(ops, name)(x)
    arguments = {"relu": (y,), "sigmoid": (y,), "swish": (x, y)}.get(name, (x,))
    return functools.partial(getattr(ops, f"backprop_{name}"), dy, *arguments)


def _maxout(ops: Any) -> Callable[[], Any]:
    x = numbers(ROWS, WIDTH, PIECES)
    return lambda: ops.maxout(x)[0]


def _product(keywords: dict[str, bool], ops: Any) -> Callable[[], Any]:
    x, y = numbers(ROWS, WIDTH), numbers(ROWS if "trans1" in keywords else WIDTH, WIDTH, seed=1)
    return lambda: ops.gemm(x, y, **keywords)


def _adam(ops: Any) -> Callable[[], Any]:
    size = ROWS * WIDTH
    arrays = [numbers(size), numbers(size, seed=1), np.zeros(size, np.float32), np.zeros(size, np.float32)]
    return lambda: ops.adam(*arrays, 0.9, 0.999, 1e-8, 1e-3)[0].copy()


#: Functions that make a call of a backend.
OPERATIONS: dict[str, Callable[[Any], Callable[[], Any]]] = {
    **{name: functools.partial(_forward, name) for name in (*ACTIVATIONS, "softmax")},
    **{f"{name} backward": functools.partial(_backward, name) for name in ACTIVATIONS},
    f"maxout of {PIECES}": _maxout,
    "gemm x W": functools.partial(_product, {}),
    "gemm x W^T": functools.partial(_product, {"trans2": True}),
    "gemm x^T dy": functools.partial(_product, {"trans1": True}),
    "adam": _adam,
}


def backends() -> Iterator[tuple[str, Any, Callable[..., Any]]]:
    """The name of a contestant, its backend, and its function Adam."""
    from simdnn import thinc as ours
    from thinc import api

    yield OURS, ours.SimdnnOps(), ours.Adam
    yield THEIRS, api.NumpyOps(), api.Adam


def operations(name: str) -> Iterator[Contestant]:
    """An operation on both backends."""
    (_, ours, _), (_, theirs, _) = backends()

    def check() -> None:
        found, wanted = OPERATIONS[name](ours)(), OPERATIONS[name](theirs)()
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)

    yield Contestant(OURS, OPERATIONS[name](ours), check)
    yield Contestant(THEIRS, OPERATIONS[name](theirs), lambda: None)


def models(layer: str) -> Iterator[Contestant]:
    """Training steps of a model on both backends."""
    expected = _after_steps(layer, *list(backends())[1][1:])

    def check(ops: Any, adam: Any) -> None:
        np.testing.assert_allclose(_after_steps(layer, ops, adam), expected, rtol=1e-2, atol=1e-3)

    for name, ops, adam in backends():
        yield Contestant(name, make_step(layer, ops, adam)[0], functools.partial(check, ops, adam))


def _after_steps(layer: str, ops: Any, adam: Any) -> Any:
    step, predict = make_step(layer, ops, adam)
    for _ in range(CHECKED):
        step()
    return predict()


def make_step(layer: str, ops: Any, adam: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A training step of a new model, and its predictions."""
    from thinc import api

    x = numbers(ROWS, WIDTH)
    y = np.eye(CLASSES, dtype=np.float32)[np.arange(ROWS) % CLASSES]
    before, make = api.get_current_ops(), getattr(api, layer)
    api.set_current_ops(ops)
    api.fix_random_seed(0)
    model = api.chain(make(WIDTH), make(WIDTH), api.Softmax())
    model.initialize(x[:4], y[:4])
    api.set_current_ops(before)
    optimizer = adam(1e-3)

    def step() -> None:
        found, backward = model.begin_update(x)
        backward((found - y) / np.float32(ROWS))
        model.finish_update(optimizer)

    return step, lambda: model.predict(x)
