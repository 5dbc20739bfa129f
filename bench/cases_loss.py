"""Cross-entropy with integer labels: the mean loss and its gradient with respect to the logits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from simdnn import _numpy_peer
from simdnn import functional as F

from bench import peers
from bench.harness import OURS, Case, Contestant

SHAPES = ((32, 10), (256, 10), (128, 1000), (4096, 1000))


def cases() -> Iterator[Case]:
    """A row per shape (rows, classes)."""
    for shape in SHAPES:
        yield Case("cross-entropy", "{}x{}".format(*shape), functools.partial(_contestants, shape))


def _contestants(shape: tuple[int, int]) -> list[Contestant]:
    rng = np.random.default_rng(shape[1])
    logits = rng.normal(size=shape).astype(np.float32)
    target = rng.integers(0, shape[1], shape[0])
    expected_loss, expected_gradient = _numpy_peer.cross_entropy(logits.astype(np.float64), target)

    def checked(name: str, run: Callable[[], tuple[Any, Any]]) -> Contestant:
        def check() -> None:
            loss, gradient = run()
            np.testing.assert_allclose(float(loss), expected_loss, rtol=1e-5)
            np.testing.assert_allclose(np.asarray(gradient), expected_gradient, rtol=1e-4, atol=1e-8)

        return Contestant(name, run, check)

    contestants = [
        checked(OURS, lambda: F.cross_entropy(logits, target, return_grad=True)),
        checked("NumPy", lambda: _numpy_peer.cross_entropy(logits, target)),
    ]
    if torch := peers.torch():
        contestants.append(checked("PyTorch", _torch(torch, logits, target)))
    if jax := peers.jax():
        contestants.append(checked("JAX", _jax(jax, logits, target)))
    return contestants


def _torch(torch: Any, logits: Any, target: Any) -> Callable[[], tuple[Any, Any]]:
    leaf = torch.from_numpy(logits).requires_grad_()
    labels = torch.from_numpy(target)
    cross_entropy = torch.nn.functional.cross_entropy

    def run() -> tuple[Any, Any]:
        leaf.grad = None
        loss = cross_entropy(leaf, labels)
        loss.backward()
        return loss.detach(), leaf.grad

    return run


def _jax(jax: Any, logits: Any, target: Any) -> Callable[[], tuple[Any, Any]]:
    classes = logits.shape[1]

    def mean_loss(z: Any, y: Any) -> Any:
        return -(jax.nn.log_softmax(z) * jax.nn.one_hot(y, classes)).sum(axis=1).mean()

    function = jax.jit(jax.value_and_grad(mean_loss))
    z, y = jax.numpy.asarray(logits), jax.numpy.asarray(target)
    run: Callable[[], tuple[Any, Any]] = lambda: jax.block_until_ready(function(z, y))  # noqa: E731
    return run
