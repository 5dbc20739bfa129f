"""Cross-entropy with integer labels: the mean loss and its gradient w.r.t. the logits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn import functional as F
from simdnn.demo import _numpy_mlp

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import losses_jax

Array = NDArray[Any]
Pair = Callable[[], tuple[Any, Any]]

#: Shapes (rows, classes), and the ratio to PyTorch's time that is the goal.
SHAPES = {(32, 10): 15, (256, 10): 15, (128, 1000): 3, (4096, 1000): 4}


def cases() -> Iterator[Case]:
    """A row per shape (rows, classes)."""
    for shape, ratio in SHAPES.items():
        goal = Goal(("PyTorch",), ratio)
        yield Case("cross-entropy", "{}x{}".format(*shape), functools.partial(_contestants, shape), (goal,))


def _contestants(shape: tuple[int, int]) -> list[Contestant]:
    logits = normal(shape)
    target = np.random.default_rng(shape[1]).integers(0, shape[1], shape[0])
    expected = _numpy_mlp.cross_entropy(logits.astype(np.float64), target)
    contestants = [
        checked(OURS, lambda: F.cross_entropy(logits, target, return_grad=True), expected),
        checked("NumPy", lambda: _numpy_mlp.cross_entropy(logits, target), expected),
    ]
    if torch := peers.torch():
        run = torch_pair(torch, torch.nn.functional.cross_entropy, logits, target)
        contestants.append(checked("PyTorch", run, expected))
    if jax := peers.jax():
        each = losses_jax.functions(jax, 0.0)["cross_entropy"]
        run = losses_jax.value_and_gradient(jax, each, logits, target)
        contestants.append(checked("JAX", run, expected))
    return contestants


def normal(shape: tuple[int, int]) -> Array:
    """Random logits."""
    return np.random.default_rng(shape[1]).normal(size=shape).astype(np.float32)


def checked(name: str, run: Pair, expected: tuple[Any, Any]) -> Contestant:
    """Asserts the mean loss and its gradient."""

    def check() -> None:
        loss, gradient = run()
        np.testing.assert_allclose(float(loss), expected[0], rtol=1e-5)
        np.testing.assert_allclose(np.asarray(gradient), expected[1], rtol=1e-4, atol=1e-8)

    return Contestant(name, run, check)


def torch_pair(torch: Any, function: Callable[..., Any], x: Array, y: Array) -> Pair:
    """Loss and gradient by PyTorch's autograd."""
    leaf, target = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)

    def run() -> tuple[Any, Any]:
        leaf.grad = None
        loss = function(leaf, target)
        loss.backward()
        return loss.detach(), leaf.grad

    return run
