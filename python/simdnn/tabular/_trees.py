"""Gradient boosted trees of scikit-learn on the folds of a bag, and their files by skops."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from ..config import get_num_threads
from ..table import Columns
from ..table._arrays import as_column, words_of_numbers
from ..table._dates import Dates, numbers_of_dates
from ..table._encoders import Categories
from ..table._numbers import numbers_from
from ..table._times import dates_from
from ._bag import Problem
from ._folds import Fold

Array = NDArray[Any]

#: Iterations of a fit, scikit-learn's default, and those of a measured one, which is thrown away.
ITERATIONS, FEW_ITERATIONS = 100, 10
#: Types that a file of trees may hold besides those that skops trusts by itself.
TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


class Trees:
    """Gradient boosting for each fold and output; `folds` has a list of models for each fold.

    A model of classes may know fewer of them than `outputs`, if its rows have no other.
    """

    def __init__(self, folds: list[list[Any]], outputs: int, classes: bool) -> None:
        self.folds, self.outputs, self.classes = folds, outputs, classes

    def predict_fold(self, fold: int, samples: Array) -> Array:
        """Probabilities [n, outputs] or values [n, outputs] of the models of a fold."""
        models = self.folds[fold]
        if not self.classes:
            return np.column_stack([model.predict(samples) for model in models])
        found = np.zeros((len(samples), self.outputs))
        seen = models[0].classes_
        found[:, seen] = models[0].predict_proba(samples) if len(seen) > 1 else 1
        return found

    def predict_members(self, samples: Array) -> Array:
        """Predictions [folds, n, outputs] of the models of each fold."""
        return np.stack(at_once(lambda i: self.predict_fold(i, samples), len(self.folds)))

    def out_of_fold(self, samples: Array, folds: list[Fold]) -> Array:
        """Predictions [n, outputs] of each row by the models that have not seen it, or the mean of all."""
        found = np.full((len(samples), self.outputs), np.nan)
        parts = at_once(lambda i: self.predict_fold(i, samples[folds[i].held_out]), len(folds))
        for fold, part in zip(folds, parts, strict=True):
            found[fold.held_out] = part
        unseen = np.flatnonzero(np.isnan(found[:, 0]))
        if len(unseen):
            found[unseen] = self.predict_members(samples[unseen]).mean(axis=0)
        return found


def fit_trees(
    columns: Columns,
    samples: Array,
    problem: Problem,
    folds: list[Fold],
    seeds: list[int],
    seconds: float | None = None,
) -> Trees:
    """Fits scikit-learn's gradient boosting, with its defaults, to the rows of each fold.

    There are fewer trees if they would take longer than `seconds`, which is measured.
    """
    targets, weight, classes = problem.targets, problem.weight, problem.classes
    categorical = [isinstance(part, Categories) for part in columns.parts for _ in range(width_of(part))]
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor

    def fit(i: int, iterations: int) -> list[Any]:
        rows = folds[i].train
        settings = {"categorical_features": categorical, "random_state": seeds[i], "max_iter": iterations}
        part = None if weight is None else weight[rows]
        columns_of_y = [targets[rows]] if classes else targets[rows].T
        chosen = without_empty(samples[rows])
        return [kind(**settings).fit(chosen, y, part) for y in columns_of_y]

    iterations = ITERATIONS
    if seconds is not None:
        start = time.perf_counter()
        at_once(lambda i: fit(i, FEW_ITERATIONS), 1)
        probe = time.perf_counter() - start
        rounds = -(-len(folds) // get_num_threads())
        fitting = int(FEW_ITERATIONS * (seconds - probe) / (probe * rounds))
        iterations = min(max(fitting, FEW_ITERATIONS), ITERATIONS)
    return Trees(at_once(lambda i: fit(i, iterations), len(folds)), problem.outputs, classes)


def without_empty(samples: Array) -> Array:
    """Samples with 0 in columns that have no value at all, which scikit-learn's trees do not take."""
    empty = np.isnan(samples).all(axis=0)
    return np.where(empty, 0.0, samples) if empty.any() else samples


def at_once(compute: Callable[[int], Any], count: int) -> list[Any]:
    """Results for 0, ..., count - 1, each computed by one thread.

    OpenMP's threads would wait for each other thousands of times in a fit, long on a busy machine.
    """

    def alone(i: int) -> Any:
        with threadpool_limits(1, user_api="openmp"):
            return compute(i)

    with ThreadPoolExecutor(get_num_threads()) as pool:
        return list(pool.map(alone, range(count)))


def samples_of(columns: Columns, table: dict[str, Any]) -> Array:
    """The columns of a table as numbers: the places of categories, and NaN for missing and unknown ones.

    A column of dates becomes several, one for each of its numbers.
    """
    found = []
    for part in columns.parts:
        what, given = f"column {part.name}", table[part.name]
        if isinstance(part, Categories):
            found.append(places_of(part, as_column(what, given, True)))
        elif isinstance(part, Dates):
            numbers = numbers_of_dates(dates_from(what, as_column(what, given, dates=True)))
            found += [numbers[key] for key, _ in part.numbers]
        else:
            found.append(numbers_from(what, as_column(what, given)))
    return np.column_stack(found).astype(np.float64)


def width_of(part: Any) -> int:
    """The number of the trees' columns that a column becomes."""
    return len(part.numbers) if isinstance(part, Dates) else 1


def places_of(part: Categories, values: Array) -> Array:
    """The places of the values of a column among its categories."""
    words = values if values.dtype == object else words_of_numbers(f"column {part.name}", values)
    places = part.places.of(words)
    known = places < part.size
    return np.where(known, places, np.nan)


def to_bytes(trees: Trees) -> NDArray[np.uint8]:
    """The trees as the bytes of a file of skops."""
    return np.frombuffer(need_skops().dumps(trees.folds, compression=zipfile.ZIP_DEFLATED), np.uint8).copy()


def from_bytes(data: NDArray[np.uint8], outputs: int, classes: bool) -> Trees:
    """The trees in bytes of `to_bytes`; other types than those of such trees are refused."""
    folds = need_skops().loads(data.tobytes(), trusted=list(TRUSTED))
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    if not isinstance(folds, list) or not all(isinstance(one, kind) for models in folds for one in models):
        raise TypeError(f"trees: expected lists of {kind.__name__}")
    return Trees(folds, outputs, classes)


def need_skops() -> Any:
    """The module of skops that writes and reads trees."""
    try:
        import skops.io
    except ImportError:
        raise ImportError("files of preset='best' need skops: pip install 'simdnn[tabular]'") from None
    return skops.io
