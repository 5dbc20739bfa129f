"""Epochs of contrastive divergence for RBMs, in simdnn, NumPy and scikit-learn."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import optim, pretrain

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal

Array = NDArray[np.float32]

LR = 0.05
NOTE = "scikit-learn keeps its chains from step to step (PCD-1) and samples the visible units too"


class Shape(NamedTuple):
    """Numbers of visible and hidden units, and of samples in a batch."""

    visible: int
    hidden: int
    batch: int

    def __str__(self) -> str:
        return f"{self.visible}-{self.hidden} b{self.batch}"


SHAPES = (Shape(64, 100, 10), Shape(784, 256, 100))
SAMPLES = 1000


def cases() -> Iterator[Case]:
    """A row per shape."""
    for shape in SHAPES:
        build = functools.partial(contestants, shape)
        yield Case("RBM epoch", str(shape), build, (Goal(("scikit-learn",), 3), Goal(("NumPy",), 1)), NOTE)


def patterns(shape: Shape) -> Array:
    """Random samples of sixteen binary patterns, with 5 % of the bits flipped."""
    rng = np.random.default_rng(0)
    prototypes = rng.random((16, shape.visible)) < 0.5
    turned = rng.random((SAMPLES, shape.visible)) < 0.05
    return (prototypes[rng.integers(16, size=SAMPLES)] ^ turned).astype(np.float32)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return np.reciprocal(1 + np.exp(-x))


class NumpyRBM:
    """CD-1 in NumPy, in float32."""

    def __init__(self, shape: Shape) -> None:
        self.rng = np.random.default_rng(0)
        self.weight = self.rng.normal(0, 0.01, (shape.visible, shape.hidden)).astype(np.float32)
        self.above, self.below = np.zeros(shape.hidden, np.float32), np.zeros(shape.visible, np.float32)
        self.batch = shape.batch

    def epoch(self, x: Array) -> None:
        """One epoch in a new random order."""
        order = self.rng.permutation(len(x))
        for begin in range(0, len(x), self.batch):
            v = x[order[begin : begin + self.batch]]
            h = sigmoid(v @ self.weight + self.above)
            states = (self.rng.random(h.shape, np.float32) < h).astype(np.float32)
            v_model = sigmoid(states @ self.weight.T + self.below)
            h_model = sigmoid(v_model @ self.weight + self.above)
            lr = np.float32(LR / len(v))
            self.weight += lr * (v.T @ h - v_model.T @ h_model)
            self.above += lr * (h - h_model).sum(axis=0)
            self.below += lr * (v - v_model).sum(axis=0)

    def reconstruct(self, x: Array) -> Array:
        """Reconstruction P(v = 1 | P(h = 1 | x))."""
        return sigmoid(sigmoid(x @ self.weight + self.above) @ self.weight.T + self.below)


def contestants(shape: Shape) -> Iterator[Contestant]:
    """Asserts that reconstructions are closer to the patterns than their mean is."""
    x = patterns(shape)

    def trained(name: str, run: Callable[[], object], reconstruct: Callable[[], Array]) -> Contestant:
        def check() -> None:
            for _ in range(20):
                run()
            error = float(np.square(reconstruct() - x).mean())
            assert error < x.var(axis=0).mean() / 2, f"reconstructions are off by {error}"

        return Contestant(name, run, check)

    ours = pretrain.BernoulliRBM(shape.visible, shape.hidden, optimizer=optim.SGD(lr=LR), seed=0)
    run = functools.partial(ours.fit, x, epochs=1, batch_size=shape.batch, progress=False)
    yield trained(OURS, run, lambda: ours.reconstruct(x))
    by_hand = NumpyRBM(shape)
    yield trained("NumPy", lambda: by_hand.epoch(x), lambda: by_hand.reconstruct(x))
    if peers.is_installed("sklearn"):
        theirs = sklearn_rbm(shape)
        yield trained("scikit-learn", lambda: sklearn_epoch(theirs, shape, x), lambda: mean_field(theirs, x))


def sklearn_rbm(shape: Shape) -> Any:
    """scikit-learn's BernoulliRBM with the same settings."""
    from sklearn.neural_network import BernoulliRBM

    return BernoulliRBM(shape.hidden, learning_rate=LR, batch_size=shape.batch, random_state=0)


def sklearn_epoch(machine: Any, shape: Shape, x: Array) -> None:
    """One epoch without shuffling, as in its `fit`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for begin in range(0, len(x), shape.batch):
            machine.partial_fit(x[begin : begin + shape.batch])


def mean_field(machine: Any, x: Array) -> Array:
    """Reconstruction P(v = 1 | P(h = 1 | x)) by scikit-learn's RBM."""
    return sigmoid(machine.transform(x) @ machine.components_ + machine.intercept_visible_)
