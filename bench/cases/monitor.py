"""Fits with a `diagnostics.Monitor`, whose goal is that they take at most 3 % longer than those without."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterator

import simdnn
from simdnn import diagnostics, optim

from bench.harness import OURS, Case, Contestant, Goal
from bench.problems import Network, Problem, make_model, make_problem

PLAIN = "without a monitor"
GOAL = Goal((PLAIN,), 1 / 1.03)
EPOCHS, CHECKED_EPOCHS = 200, 3
ROWS = (Network((30, 128, 128, 2), 128, 32), Network((784, 128, 10), 64, 16))


def cases() -> Iterator[Case]:
    """A row per network."""
    for network in ROWS:
        name = f"{network.shape()}, batch {network.batch_size}, {EPOCHS} epochs"
        yield Case("monitor", name, functools.partial(contestants, network, EPOCHS), (GOAL,))


def contestants(network: Network, epochs: int) -> Iterator[Contestant]:
    """The fit with a monitor, and the one without."""
    problem = make_problem(network)
    for name, watched in ((OURS, True), (PLAIN, False)):
        run = functools.partial(fit, make_trainer(problem), problem, epochs, watched)
        check = functools.partial(_check, problem, watched)
        yield Contestant(name, run, check, epochs * network.batches, _silent)


def make_trainer(problem: Problem) -> simdnn.Trainer:
    """A trainer at its first step."""
    return simdnn.Trainer(make_model(problem), optimizer=optim.Adam(lr=1e-3), seed=0)


def fit(trainer: simdnn.Trainer, problem: Problem, epochs: int, watched: bool) -> list[float]:
    """The losses of a fit."""
    callbacks = [diagnostics.Monitor()] if watched else []
    size = problem.batch_size
    history = trainer.fit(
        problem.x, problem.y, epochs=epochs, batch_size=size, callbacks=callbacks, progress=False
    )
    return history.loss


def _check(problem: Problem, watched: bool) -> None:
    expected = fit(make_trainer(problem), problem, CHECKED_EPOCHS, False)
    assert fit(make_trainer(problem), problem, CHECKED_EPOCHS, watched) == expected


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """A context without warnings: no network can learn random labels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
