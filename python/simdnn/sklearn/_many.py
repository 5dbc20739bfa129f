"""Fits of many estimators in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _num_samples

from .._utils.arrays import as_cpu_array, is_sparse
from .._utils.check import check_int, check_items
from .._utils.estimators import Attempt, naming
from .._utils.sparse import checked_csr
from ..config import MOST_THREADS, limited_threads
from ._base import BaseMLP
from ._fitted import attempt_at, begun
from ._run import Fit, run_all

Estimator = TypeVar("Estimator", bound=BaseMLP)
Rows = NDArray[np.intp]


def fit_many(
    estimators: Sequence[Estimator],
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    indices: ArrayLike | Sequence[ArrayLike | None] | None = None,
    n_threads: int | None = None,
) -> list[Estimator]:
    """Fit many estimators, of any settings, on the same samples or on rows of them.

    Each estimator ends as its own ``fit(X[rows], y[rows])`` would leave it, with the same bits. They train at
    once, each on one thread, in one native call; those that need Python between their epochs (callbacks,
    `verbose`, `early_stopping`, a `learning_rate` of "invscaling" or "adaptive", the solver "lbfgs") are
    fitted one by one instead.

    Parameters
    ----------
    estimators : sequence of MLPClassifier or MLPRegressor
        Each at most once.
    X, y, sample_weight
        As in `MLPClassifier.fit`, for all estimators.
    indices : array of int, list of arrays or None
        Rows of X to train on: one array for all estimators, or a list with an array, or None for all rows,
        for each of them. Rows may repeat.
    n_threads : int or None
        Largest number of threads; None is that of `simdnn.set_num_threads`. The `n_threads` of the estimators
        are for their predictions.

    Returns
    -------
    list
        The estimators, fitted.

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument has a wrong type, shape or value, before anything is trained; or, after all others have
        been fitted, if the parameters of an estimator did not stay finite. The message begins with the place,
        such as ``estimators[3]:``. An estimator whose fit fails stays as it was, as by its own `fit`.

    Notes
    -----
    Estimators that share a `RandomState` draw from it in the order of the list, one by one. An estimator with
    ``random_state=None`` gets a seed from NumPy's global generator.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from simdnn.sklearn import MLPClassifier, fit_many
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = [MLPClassifier((8,), alpha=alpha, tol=0.01, random_state=0) for alpha in (1e-4, 1e-2, 1.0)]
    >>> grid = fit_many(grid, X, y)
    >>> [classifier.predict(X).shape for classifier in grid]
    [(150,), (150,), (150,)]
    """
    checked = check_estimators(estimators)
    samples = Samples(X, y, sample_weight, indices, len(checked))
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, 1, MOST_THREADS)
    in_turn = sharing_a_generator(checked)
    at_once = [i for i in range(len(checked)) if i not in in_turn]
    with ExitStack() as stack:
        attempts = [stack.enter_context(attempt_at(one)) for one in checked]
        fits = [begin(checked[i], i, samples) for i in at_once]
        for i in at_once:
            begun(attempts[i])
        with limited_threads(n_threads):
            errors = dict(zip(at_once, run_all(fits), strict=True))
            for i in in_turn:
                fit = begin(checked[i], i, samples)
                begun(attempts[i])
                errors[i] = run_all([fit])[0]
    return ended(checked, attempts, errors)


def ended(
    estimators: list[Any], attempts: list[Attempt], errors: Mapping[int, Exception | None]
) -> list[Any]:
    """The fitted estimators; raises the first error after each that failed has its attributes again."""
    failed: list[Exception] = []
    for i, (estimator, attempt) in enumerate(zip(estimators, attempts, strict=True)):
        try:
            with attempt, naming(f"estimators[{i}]"):
                if (error := errors[i]) is not None:
                    raise error
                estimator._end()
        except Exception as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return estimators


class Samples:
    """The samples of `fit_many`, and the rows of them that each estimator is fitted on."""

    def __init__(self, X: Any, y: Any, sample_weight: Any, indices: Any, count: int) -> None:
        X = checked_csr("X", X) if is_sparse(X) else X
        y = checked_csr("y", y) if is_sparse(y) else y
        self.whole = (X, y, sample_weight)
        self.rows = rows_of_each(indices, count, _num_samples(X))
        self.taken: dict[int, tuple[Any, Any, Any]] = {}  # one copy for equal arrays of indices

    def of(self, i: int) -> tuple[Any, Any, Any]:
        """X, y and weights for an estimator."""
        rows = self.rows[i]
        if rows is None:
            return self.whole
        if id(rows) not in self.taken:
            X, y, weight = (None if one is None else _safe_indexing(one, rows) for one in self.whole)
            self.taken[id(rows)] = (X, y, weight)
        return self.taken[id(rows)]


def rows_of_each(indices: Any, count: int, samples: int) -> list[Rows | None]:
    """The checked rows of each estimator; None stands for all."""
    if indices is None:
        return [None] * count
    if not isinstance(indices, list | tuple) or not any(one is None or np.ndim(one) for one in indices):
        return [checked_rows("indices", indices, samples)] * count
    if len(indices) != count:
        raise ValueError(f"indices: expected one array for each of {count} estimators, got {len(indices)}")
    known = {id(one): checked_rows(f"indices[{i}]", one, samples) for i, one in enumerate(indices)}
    return [known[id(one)] for one in indices]


def checked_rows(name: str, given: Any, samples: int) -> Rows | None:
    """Indices of samples, at least one, or None."""
    if given is None:
        return None
    rows = as_cpu_array(name, given)
    if rows.ndim != 1 or rows.size == 0:
        raise ValueError(f"{name}: expected at least one index in one dimension, got shape {rows.shape}")
    if rows.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {rows.dtype}")
    if rows.min() < 0 or rows.max() >= samples:
        wrong = int(np.flatnonzero((rows < 0) | (rows >= samples))[0])
        raise IndexError(f"{name}[{wrong}]: {rows[wrong]} is out of range for {samples} samples")
    return rows.astype(np.intp)


def check_estimators(estimators: Any) -> list[Any]:
    """The estimators as a list; raises for others than those of this module, and for one that comes twice."""
    found = check_items("estimators", estimators, "a sequence of estimators")
    first: dict[int, int] = {}
    for i, estimator in enumerate(found):
        if not isinstance(estimator, BaseMLP):
            kind = type(estimator).__name__
            raise TypeError(
                f"estimators[{i}]: expected an MLPClassifier or MLPRegressor of simdnn, got {kind}"
            )
        if first.setdefault(id(estimator), i) != i:
            raise ValueError(
                f"estimators[{i}]: is also estimators[{first[id(estimator)]}]; fit a clone of it"
            )
    return found


def sharing_a_generator(estimators: list[Any]) -> list[int]:
    """Places of the estimators that draw from a generator of which another one draws, too."""
    counts = Counter(id(one.random_state) for one in estimators if hasattr(one.random_state, "shuffle"))
    return [i for i, one in enumerate(estimators) if counts[id(one.random_state)] > 1]


def begin(estimator: Any, i: int, samples: Samples) -> Fit:
    """Prepares the fit of the estimator in place i."""
    with naming(f"estimators[{i}]"):
        if not get_config()["skip_parameter_validation"]:
            estimator._validate_params()
        X, y, weight = samples.of(i)
        own = None
        if estimator.random_state is None:
            own = np.random.RandomState(check_random_state(None).randint(2**32, dtype=np.uint32))
        return cast(Fit, estimator._begin(X, y, weight, random=own))
