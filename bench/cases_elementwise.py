"""Every activation of the registry, value and backward, by size with ``out=``; and softmax."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import _core, _numpy_peer
from simdnn import functional as F

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal

SIZES = {"64": 64, "4096": 4096, "1e5": 100_000, "1e6": 1_000_000}
SOFTMAX_SHAPES = ((32, 10), (256, 10), (128, 1000), (4096, 1000))
#: Values of these functions should take at most 1.1 times as long as the best peer.
GOAL = Goal(("NumPy", "PyTorch"), 1 / 1.1)
GOAL_FUNCTIONS = ("sigmoid", "tanh", "silu", "elu")
GOAL_NAMES = [f"{function} N={size}" for function in GOAL_FUNCTIONS for size in ("4096", "1e6")]


class Inputs(NamedTuple):
    """What a case works on, all (N,) float32, with the answer in float64."""

    dy: NDArray[np.float32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]  # room for f(x), where a peer's derivative is computed from it
    expected: NDArray[np.float64]


class Functions(NamedTuple):
    """An activation of a peer: ``forward(x, out)`` and ``backward(dy, x, y, out)``."""

    forward: Callable[[Any, Any], Any]
    backward: Callable[[Any, Any, Any, Any], Any]


def torch_functions(torch: Any) -> dict[str, Functions]:
    """PyTorch's own kernels. Sigmoid and tanh derive from y, which is computed first, as in NumPy."""
    nn, aten = torch._C._nn, torch.ops.aten
    relu_backward = aten.threshold_backward.grad_input
    leaky_relu_backward = aten.leaky_relu_backward.grad_input
    sigmoid_backward = aten.sigmoid_backward.grad_input
    tanh_backward = aten.tanh_backward.grad_input
    elu_backward = aten.elu_backward.grad_input
    silu_backward = aten.silu_backward.grad_input
    silu = Functions(
        lambda x, out: nn.silu(x, out=out),
        lambda dy, x, y, out: silu_backward(dy, x, grad_input=out),
    )
    return {
        "identity": Functions(
            lambda x, out: out.copy_(x),
            lambda dy, x, y, out: out.copy_(dy),
        ),
        "relu": Functions(
            lambda x, out: torch.clamp_min(x, 0, out=out),
            lambda dy, x, y, out: relu_backward(dy, x, 0, grad_input=out),
        ),
        "leaky_relu": Functions(
            lambda x, out: nn.leaky_relu(x, 0.01, out=out),
            lambda dy, x, y, out: leaky_relu_backward(dy, x, 0.01, False, grad_input=out),
        ),
        "sigmoid": Functions(
            lambda x, out: torch.sigmoid(x, out=out),
            lambda dy, x, y, out: sigmoid_backward(dy, torch.sigmoid(x, out=y), grad_input=out),
        ),
        "tanh": Functions(
            lambda x, out: torch.tanh(x, out=out),
            lambda dy, x, y, out: tanh_backward(dy, torch.tanh(x, out=y), grad_input=out),
        ),
        "elu": Functions(
            lambda x, out: nn.elu(x, 1.0, out=out),
            lambda dy, x, y, out: elu_backward(dy, 1.0, 1, 1, False, x, grad_input=out),
        ),
        "silu": silu,
        "swish": silu,
    }


def cases() -> Iterator[Case]:
    """A value and a backward row for every registered activation and size, then softmax."""
    for row in _core.activations():
        for direction in ("", " backward"):
            for label, size in SIZES.items():
                name = f"{row['name']}{direction} N={label}"
                build = functools.partial(_contestants, row["name"], bool(direction), size)
                yield Case("elementwise", name, build, GOAL if name in GOAL_NAMES else None)
    for shape in SOFTMAX_SHAPES:
        yield Case("softmax", "{}x{}".format(*shape), functools.partial(_softmax_contestants, shape))


def _contestants(name: str, backward: bool, size: int) -> Sequence[Contestant]:
    inputs = _inputs(name, backward, size)
    makers = (_simdnn, _numpy, _torch, _jax)
    return [contestant for make in makers if (contestant := make(name, backward, inputs)) is not None]


def _inputs(name: str, backward: bool, size: int) -> Inputs:
    rng = np.random.default_rng(size)
    dy, x = rng.normal(size=(2, size)).astype(np.float32) * np.float32(2)
    dy64, x64 = dy.astype(np.float64), x.astype(np.float64)
    expected = np.empty_like(x64)
    peer = _numpy_peer.ACTIVATIONS.get(name)
    if peer is None:  # no formula here: the tests hold its float64 values to an oracle
        expected = getattr(F, f"{name}_backward")(dy64, x64) if backward else getattr(F, name)(x64)
    elif backward:
        y64 = np.empty_like(x64)
        peer.forward(x64, y64)
        peer.backward(dy64, x64, y64, expected)
    else:
        peer.forward(x64, expected)
    return Inputs(dy, x, np.empty_like(x), expected)


def _simdnn(name: str, backward: bool, inputs: Inputs) -> Contestant:
    dy, x, out = inputs.dy, inputs.x, np.empty_like(inputs.x)
    if backward:
        function = getattr(F, f"{name}_backward")
        return _checked(OURS, lambda: function(dy, x, out=out), lambda: out, inputs)
    function = getattr(F, name)
    return _checked(OURS, lambda: function(x, out=out), lambda: out, inputs)


def _numpy(name: str, backward: bool, inputs: Inputs) -> Contestant | None:
    peer = _numpy_peer.ACTIVATIONS.get(name)
    if peer is None:
        return None
    dy, x, y, out = inputs.dy, inputs.x, inputs.y, np.empty_like(inputs.x)
    value, derivative, reads_output = peer

    def run_backward() -> None:
        if reads_output:
            value(x, y)
        derivative(dy, x, y, out)

    return _checked("NumPy", run_backward if backward else lambda: value(x, out), lambda: out, inputs)


def _torch(name: str, backward: bool, inputs: Inputs) -> Contestant | None:
    torch = peers.torch()
    functions = torch and torch_functions(torch).get(name)
    if not functions:
        return None
    dy, x, y = map(torch.from_numpy, (inputs.dy, inputs.x, inputs.y))
    out = torch.empty_like(x)
    value, derivative = functions
    run = (lambda: derivative(dy, x, y, out)) if backward else (lambda: value(x, out))
    return _checked("PyTorch", run, lambda: out, inputs, torch.inference_mode)


def _jax(name: str, backward: bool, inputs: Inputs) -> Contestant | None:
    jax = peers.jax()
    function = getattr(jax.nn, name, None) if jax else None
    if function is None:
        return None
    dy, x = jax.numpy.asarray(inputs.dy), jax.numpy.asarray(inputs.x)
    if backward:
        compiled = jax.jit(lambda x, dy: jax.vjp(function, x)[1](dy)[0])
        run = lambda: compiled(x, dy).block_until_ready()  # noqa: E731
    else:
        compiled = jax.jit(function)
        run = lambda: compiled(x).block_until_ready()  # noqa: E731
    return _checked("JAX", run, run, inputs)


def _softmax_contestants(shape: tuple[int, int]) -> Iterator[Contestant]:
    x = np.random.default_rng(shape[1]).normal(size=shape).astype(np.float32)
    inputs = Inputs(x, x, x, _numpy_peer.softmax(x.astype(np.float64)))
    out = np.empty_like(x)
    yield _checked(OURS, lambda: F.softmax(x, out=out), lambda: out, inputs)
    yield _checked("NumPy", lambda: _numpy_peer.softmax(x), lambda: _numpy_peer.softmax(x), inputs)
    if torch := peers.torch():
        tensor, into = torch.from_numpy(x), torch.empty(shape)
        run = functools.partial(torch.softmax, tensor, 1, out=into)
        yield _checked("PyTorch", run, lambda: into, inputs, torch.inference_mode)
    if jax := peers.jax():
        array, function = jax.numpy.asarray(x), jax.jit(jax.nn.softmax)
        yield _checked("JAX", lambda: function(array).block_until_ready(), lambda: function(array), inputs)


def _checked(
    name: str,
    run: Callable[[], object],
    answer: Callable[[], Any],
    inputs: Inputs,
    context: Any = None,
) -> Contestant:
    def check() -> None:
        run()
        # Loose enough for peers that take 1 - y^2 of a rounded y.
        np.testing.assert_allclose(np.asarray(answer()), inputs.expected, rtol=2e-5, atol=1e-5)

    return Contestant(name, run, check) if context is None else Contestant(name, run, check, context=context)
