"""One training step with Adam: float32, relu, cross-entropy; and a step within a whole native epoch."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import simdnn
from simdnn import _numpy_peer, optim

from bench import peers, train_peers
from bench.harness import OURS, Case, Contestant, Goal
from bench.problems import Network, Problem, make_model, make_problem

LEARNING_RATE = 1e-3
CHECKED_STEPS = 3


#: Each network, and how many times faster than PyTorch it should be.
NETWORKS = (
    (Network((2, 16, 2), 4, 512), 80),
    (Network((8, 64, 64, 4), 32, 128), 12),
    (Network((30, 128, 128, 2), 128, 32), 3.3),
    (Network((784, 128, 10), 64, 16), 2.8),
    (Network((784, 512, 512, 10), 256, 8), 1.0),
)


def cases() -> Iterator[Case]:
    """A row per network."""
    for network, ratio in NETWORKS:
        build = functools.partial(_contestants, network)
        name = f"{network.shape()}, batch {network.batch_size}"
        yield Case("train step", name, build, (Goal(("PyTorch",), ratio),))


def _contestants(network: Network) -> Iterator[Contestant]:
    problem = make_problem(network)
    reference = _numpy_mlp(problem, np.float64)
    expected = [reference.step(x.astype(np.float64), y) for x, y in problem.batches()[:CHECKED_STEPS]]

    yield _stepwise(OURS, _simdnn_trainer(problem).step, problem.batches(), expected)
    yield _simdnn_fit(problem)
    yield _stepwise("NumPy", _numpy_mlp(problem, np.float32).step, problem.batches(), expected)
    if torch := peers.torch():
        batches = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in problem.batches()]
        step = train_peers.torch_step(torch, problem.parameters, LEARNING_RATE)
        yield _stepwise("PyTorch", step, batches, expected)
    if jax := peers.jax():
        batches = [(jax.numpy.asarray(x), jax.numpy.asarray(y)) for x, y in problem.batches()]
        step = train_peers.jax_step(jax, problem.parameters, LEARNING_RATE)
        yield _stepwise("JAX jit", step, batches, expected)
        scan = train_peers.jax_scan(jax, problem.parameters, LEARNING_RATE, batches)
        yield Contestant("JAX scan", scan, lambda: _close(scan()[:CHECKED_STEPS], expected), len(batches))
    if peers.is_installed("sklearn"):
        yield _sklearn(problem)


def _simdnn_trainer(problem: Problem) -> simdnn.Trainer:
    optimizer = optim.Adam(lr=LEARNING_RATE)
    return simdnn.Trainer(make_model(problem), loss="cross_entropy", optimizer=optimizer, seed=0)


def _simdnn_fit(problem: Problem) -> Contestant:
    trainer = _simdnn_trainer(problem)
    fit = functools.partial(
        trainer.fit, problem.x, problem.y, epochs=1, batch_size=problem.batch_size, progress=False
    )

    def check() -> None:
        np.testing.assert_allclose(fit(shuffle=False).loss[0], _epoch_loss(problem), rtol=1e-2)

    return Contestant("simdnn fit", fit, check, len(problem.batches()))


def _sklearn(problem: Problem) -> Contestant:
    model = train_peers.sklearn_classifier(problem.parameters, LEARNING_RATE, problem.batches()[0])

    def check() -> None:
        reference = _numpy_mlp(problem, np.float32)
        expected = _numpy_peer.softmax(reference.forward(problem.x))
        np.testing.assert_allclose(model.predict_proba(problem.x), expected, rtol=1e-3, atol=1e-6)
        model.partial_fit(problem.x, problem.y)
        # Two classes are one logistic output there, which learns at its own pace.
        tolerance = 0.1 if problem.widths[-1] == 2 else 0.01
        np.testing.assert_allclose(model.loss_, _epoch_loss(problem), rtol=tolerance)

    run = functools.partial(model.partial_fit, problem.x, problem.y)
    return Contestant("scikit-learn", run, check, len(problem.batches()))


def _epoch_loss(problem: Problem) -> float:
    """Mean loss over the first epoch, in order."""
    reference = _numpy_mlp(problem, np.float32)
    return float(np.mean([reference.step(x, y) for x, y in problem.batches()]))


def _numpy_mlp(problem: Problem, dtype: type[np.floating[Any]]) -> _numpy_peer.NumpyMLP:
    return _numpy_peer.NumpyMLP(problem.parameters, "relu", _numpy_peer.NumpyAdam(LEARNING_RATE), dtype)


def _stepwise(
    name: str, step: Callable[[Any, Any], Any], batches: list[tuple[Any, Any]], expected: list[float]
) -> Contestant:
    """A contestant that is handed one batch after another."""
    next_batch = itertools.cycle(batches).__next__

    def run() -> Any:
        return step(*next_batch())

    return Contestant(name, run, lambda: _close([run() for _ in expected], expected))


def _close(losses: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(np.asarray(losses, np.float64), expected, rtol=1e-4)
