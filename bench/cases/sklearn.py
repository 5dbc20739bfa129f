"""Fits of scikit-learn's perceptrons and of simdnn's, with the same number of epochs."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal

SKLEARN, SINGLE = "scikit-learn", "simdnn, dtype=float32"
NOTE = "time of an epoch within a fit of that many; both end with the same network"

Samples = tuple[NDArray[Any], NDArray[Any]]


class Problem(NamedTuple):
    """A data set by name, the estimator's settings, and the ratio that is the goal in float32."""

    data: str
    settings: dict[str, Any]
    epochs: int
    goal: float


PROBLEMS = (
    Problem("digits", {"hidden_layer_sizes": (64,)}, 200, 10),
    Problem("breast cancer", {"hidden_layer_sizes": (32, 32), "batch_size": 32}, 200, 20),
    Problem("70,000x784", {"hidden_layer_sizes": (512,)}, 1, 2.5),
)


def cases() -> Iterator[Case]:
    """A row for each problem and precision."""
    if not peers.is_installed("sklearn"):
        return
    for problem in PROBLEMS:
        for dtype, goals in (("float32", (Goal((SKLEARN,), problem.goal),)), ("float64", ())):
            hidden = "-".join(map(str, problem.settings["hidden_layer_sizes"]))
            batch = f", batch {problem.settings.get('batch_size', 200)}"
            build = functools.partial(_contestants, problem, dtype)
            yield Case("scikit-learn fit", f"{problem.data}, {hidden}{batch}, {dtype}", build, goals, NOTE)


def samples(name: str) -> Samples:
    """The standardized samples and their targets."""
    from sklearn import datasets

    if name == "70,000x784":
        rng = np.random.default_rng(0)
        x = rng.normal(size=(70_000, 784)).astype(np.float32)
        return x, (x[:, :10] + x[:, 10:20]).argmax(axis=1)
    load = datasets.load_digits if name == "digits" else datasets.load_breast_cancer
    x, y = load(return_X_y=True)
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9), y


def _contestants(problem: Problem, dtype: str) -> Iterator[Contestant]:
    from simdnn.sklearn import MLPClassifier
    from sklearn.neural_network import MLPClassifier as TheirClassifier

    x, y = samples(problem.data)
    x = x.astype(dtype)
    few = slice(0, 2000)
    settings = problem.settings | {"random_state": 0, "tol": 0.0, "n_iter_no_change": np.inf}

    def fit(kind: Any, epochs: int, part: slice = slice(None)) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fits end before they converge
            return kind(max_iter=epochs, **settings).fit(x[part], y[part])

    def check() -> None:
        ours, theirs = (fit(kind, 2, few) for kind in (MLPClassifier, TheirClassifier))
        tolerance = 1e-3 if dtype == "float32" else 1e-9
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=tolerance)
        for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
            np.testing.assert_allclose(one, other, atol=tolerance)

    contestants: dict[str, Any] = {OURS: MLPClassifier, SKLEARN: TheirClassifier}
    if dtype == "float64":
        contestants[SINGLE] = functools.partial(MLPClassifier, dtype="float32")
    for name, kind in contestants.items():
        yield Contestant(name, functools.partial(fit, kind, problem.epochs), check, problem.epochs)
