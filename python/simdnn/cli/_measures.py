"""Metrics of predictions out of fold, and the models that others have to beat: a constant, a linear one."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simdnn import table
from simdnn._utils.folds import dealt
from simdnn._utils.numbers import number
from simdnn._utils.scores import r_squared, root_mean_square

Array = NDArray[Any]

#: The number of folds of the simple models, and the rows that the linear one is fitted to at most.
FOLDS, LINEAR_ROWS = 5, 10_000
#: The categories of a column that the linear model sees; rarer ones share one.
LINEAR_CATEGORIES = 64
#: The name of the model that knows the target alone.
GUESS = "constant guess"
#: The smallest probability of a row's class that counts in a log loss.
LEAST = 1e-7


@dataclass(frozen=True)
class Task:
    """A table to learn from: its columns, the target's values, and its classes, if it has any.

    `y` holds indices of `classes`, or numbers; `labels` are classes as an estimator takes them.
    """

    name: str
    inputs: table.Table
    y: Array
    classes: tuple[str, ...] = ()
    labels: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    def part(self, rows: Array) -> table.Table:
        """The columns of some rows."""
        return {name: values[rows] for name, values in self.inputs.items()}


class Result(NamedTuple):
    """The predictions out of fold of a model, with seconds: probabilities [n, classes] or numbers [n]."""

    name: str
    predictions: Array
    fit_seconds: float
    predict_seconds: float = 0.0


def task_of(whole: table.Table, inputs: table.Table, target: table.Target) -> Task:
    """The task of predicting a target; classes that are whole numbers stay integers."""
    values = whole[target.name]
    if not inputs:
        raise ValueError("expected at least one column besides the target")
    if not target.classes:
        numbers = values if values.dtype != object else [float(one) for one in values.tolist()]
        return Task(target.name, inputs, np.asarray(numbers, np.float64))
    found: Array = np.array(target.classes, dtype=object)
    if values.dtype != object and all(one.lstrip("-").isdecimal() for one in target.classes):
        exact = [int(one) for one in target.classes]
        found = np.array(exact, dtype=values.dtype if values.dtype.kind in "iu" else np.int64)
    order = np.argsort(found, kind="stable")  # the order of the classes of an estimator
    places = np.argsort(order)[target.transform(whole)]
    names = tuple(target.classes[i] for i in order)
    return Task(target.name, inputs, places, names, found[order])


def measured(task: Task, predictions: Array) -> dict[str, float]:
    """Metrics of predictions by name."""
    from sklearn.metrics import roc_auc_score

    if not task.classes:
        errors = predictions - task.y
        found = {"RMSE": root_mean_square(errors), "MAE": float(np.mean(np.abs(errors)))}
        constant = bool(np.all(task.y == task.y[0]))
        return found if constant else found | {"R2": r_squared(task.y, predictions)}
    shares = predictions.astype(np.float64)
    shares = shares / shares.sum(axis=1, keepdims=True)
    losses = row_losses(task, shares)
    accuracy = float(np.mean(shares.argmax(axis=1) == task.y))
    binary = len(task.classes) == 2
    auc = roc_auc_score(task.y, shares[:, 1] if binary else shares, multi_class="ovr")
    return {"accuracy": accuracy, "log loss": float(losses.mean()), "AUC": float(auc)}


def measured_result(task: Task, result: Result) -> dict[str, float]:
    """Metrics of a result by name; a constant guess has an AUC of 0.5, although its shares differ by fold."""
    found = measured(task, result.predictions)
    return found | {"AUC": 0.5} if "AUC" in found and result.name == GUESS else found


def shown(name: str, value: float) -> str:
    """A metric as text: errors in the target's units with four digits, others with four decimals."""
    return number(value) if name in ("RMSE", "MAE") else f"{round(value, 4) + 0.0:.4f}"


def row_losses(task: Task, predictions: Array) -> Array:
    """The loss of each row: -log of the probability of its class, or the absolute error."""
    if not task.classes:
        return np.asarray(np.abs(predictions - task.y))
    return -np.log(np.maximum(predictions[np.arange(task.rows), task.y], LEAST))


def deal(y: Array, count: int, seed: int) -> list[Array]:
    """Masks of the rows of each fold, with their shares of the classes, or of small and large numbers."""
    fold = dealt(y, count, np.random.default_rng(seed))
    return [fold == i for i in range(count)]


Fit = Callable[[Array], Callable[[Array], Array]]


def out_of_fold(name: str, task: Task, folds: list[Array], fit: Fit) -> Result:
    """Predictions of the rows of each fold by a model that is fitted to the others.

    `fit` takes rows and returns a function of rows, which gives predictions in the terms of the task.
    """
    found = np.zeros((task.rows, len(task.classes)) if task.classes else task.rows)
    seconds = [0.0, 0.0]
    for held_out in folds:
        rows = np.flatnonzero(held_out)
        begin = time.perf_counter()
        predict = fit(np.flatnonzero(~held_out))
        middle = time.perf_counter()
        found[rows] = predict(rows)
        seconds[0] += middle - begin
        seconds[1] += time.perf_counter() - middle
    return Result(name, found, *seconds)


def fit_constant(task: Task, rows: Array) -> Callable[[Array], Array]:
    """The shares of the classes, or the mean of the numbers."""
    value: Array = np.mean(task.y[rows], keepdims=True)[0]
    if task.classes:
        value = np.bincount(task.y[rows], minlength=len(task.classes)) / len(rows)
    return lambda wanted: np.broadcast_to(value, (len(wanted), *np.shape(value)))


def fit_linear(task: Task, rows: Array) -> Callable[[Array], Array]:
    """scikit-learn's logistic or ridge regression with scaled numbers and one-hot words."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    limit = LINEAR_CATEGORIES
    options: Any = {"max_categories": limit, "max_one_hot": limit, "dates": True}
    columns = table.Columns.fit(task.inputs, rows=rows, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the model itself warns of columns without known values
        inputs = columns.transform(task.inputs)
    seen = np.unique(task.y[rows])
    if task.classes and len(seen) < 2:
        return fit_constant(task, rows)
    with warnings.catch_warnings(), threadpool_limits(1):  # threads of BLAS cost more than they save here
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression() if task.classes else Ridge()
        model.fit(inputs[rows].astype(np.float64), task.y[rows])
    if not task.classes:
        return lambda wanted: np.asarray(model.predict(inputs[wanted].astype(np.float64)))
    return lambda wanted: spread(model.predict_proba(inputs[wanted].astype(np.float64)), seen, task)


def spread(shares: Array, seen: Array, task: Task) -> Array:
    """Probabilities of the classes that a model has seen, as those of all classes of the task."""
    found = np.zeros((len(shares), len(task.classes)))
    found[:, seen] = shares
    return found


def simple_results(task: Task, seed: int) -> list[Result]:
    """The results of a constant guess and of a linear model, out of fold."""
    folds = deal(task.y, min(FOLDS, task.rows), seed)
    random = np.random.default_rng(seed)

    def some(rows: Array) -> Array:
        return np.sort(random.permutation(rows)[:LINEAR_ROWS])

    return [
        out_of_fold(GUESS, task, folds, lambda rows: fit_constant(task, rows)),
        out_of_fold("linear model", task, folds, lambda rows: fit_linear(task, some(rows))),
    ]
