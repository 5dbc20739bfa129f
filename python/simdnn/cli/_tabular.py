"""``simdnn train`` by default: fits an estimator of `simdnn.tabular` and reports its metrics out of fold."""

from __future__ import annotations

import argparse
import importlib.util
import time
from typing import Any

import numpy as np

from simdnn import table

from ._common import fail, show, show_table
from ._measures import Result, Task, measured, shown, simple_results, task_of

PRESETS = ("fast", "default", "best")
#: Options of the bag with their attributes.
OPTIONS = ("preset", "members", "time_limit")
#: Categories from which on the networks have an embedding of a column.
EMBEDDED = 65


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of an estimator."""
    group = parser.add_argument_group("a bag of networks (default)")
    add = group.add_argument
    add(
        "--preset",
        choices=PRESETS,
        help="effort: fast is four networks with few epochs, best is ten and scikit-learn's gradient"
        " boosting (default: default, eight networks)",
    )
    add("--members", type=int, metavar="N", help="number of folds and networks (default: that of the preset)")
    add("--time-limit", type=float, metavar="SECONDS", help="time of the training, about (default: none)")


def given(o: argparse.Namespace) -> list[str]:
    """The options of an estimator that the user has given, as they are typed."""
    return [f"--{name.replace('_', '-')}" for name in OPTIONS if getattr(o, name) is not None]


def complete(o: argparse.Namespace) -> None:
    """Sets the preset if there is none, and raises for values that cannot be and for missing packages."""
    o.preset = o.preset or "default"
    if o.members is not None and o.members < 2:
        fail(f"--members: expected at least 2, got {o.members}")
    if o.time_limit is not None and not o.time_limit > 0:
        fail(f"--time-limit: expected seconds above 0, got {o.time_limit}")
    if o.preset == "best" and importlib.util.find_spec("skops") is None:
        raise ImportError("--preset best needs skops: pip install 'simdnn[tabular]'")


def run(o: argparse.Namespace, whole: table.Table, target: table.Target, inputs: table.Table) -> int:
    """Fits, writes the estimator, reports, and returns the exit status."""
    task = task_of(whole, inputs, target)
    estimator = make(o, bool(target.classes))
    began = time.perf_counter()
    estimator.fit(task.inputs, task.y if task.labels is None else task.labels[task.y])
    seconds = time.perf_counter() - began
    results = [*simple_results(task, o.seed), Result("this model", estimator.oof_prediction_, seconds)]
    found = {one.name: measured(task, one.predictions) for one in results}
    training = {"rows": task.rows, "preset": o.preset, "metrics out of fold": found["this model"]}
    estimator.set_params(progress="auto")  # the file does not depend on --quiet
    estimator.save(o.out, metadata={"target": target.name, "training": training})
    report(o, task, estimator, results, found)
    return 0


def make(o: argparse.Namespace, classes: bool) -> Any:
    """The estimator that the options describe."""
    try:
        from simdnn import tabular
    except ImportError as error:
        raise ImportError(f"{error}; --plain trains a network without it") from None
    kind = tabular.TabularClassifier if classes else tabular.TabularRegressor
    return kind(
        o.preset,
        n_members=o.members,
        time_limit=o.time_limit,
        random_state=o.seed,
        progress=False if o.quiet else "auto",
    )


def kinds_of(estimator: Any, task: Task) -> str:
    """The number of columns of each kind."""
    columns = estimator.columns_
    words = len(columns.text)
    many = sum(one.embedded for one in columns.parts if one.name in columns.text)
    parts = [f"{len(columns.names) - words} of numbers", f"{words} of words"]
    if many:
        parts[1] += f" ({many} with more than {EMBEDDED - 1})"
    holes = sum(holes_in(values) > 0 for values in task.inputs.values())
    return ", ".join(parts) + (f"; {holes} with missing values" if holes else "")


def holes_in(values: Any) -> int:
    """The number of missing values of a column."""
    if values.dtype == object:
        return sum(one is None for one in values.tolist())
    return int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0


def members_of(o: argparse.Namespace, estimator: Any) -> str:
    """The members of an estimator in words."""
    count, epochs = len(estimator.ensemble_), max(one.epochs for one in estimator.history_)
    words = f"{count} networks, {epochs} epochs each (preset {o.preset})"
    if estimator.trees_ is not None:
        words += f", weighted {estimator.networks_share_:.2f} beside gradient boosting"
    return words


def report(
    o: argparse.Namespace,
    task: Task,
    estimator: Any,
    results: list[Result],
    found: dict[str, dict[str, float]],
) -> None:
    """Prints a summary of the table and of the model, and the metrics with those of simpler models."""
    count = len(estimator.ensemble_)
    show(
        [
            ("target", f"{task.name} ({f'{len(task.classes)} classes' if task.classes else 'numbers'})"),
            ("rows", f"{task.rows:,} in {count} folds; each is predicted by the model that has not seen it"),
            ("columns", f"{len(task.inputs)}: {kinds_of(estimator, task)}"),
            ("model", f"{o.out}: {members_of(o, estimator)}"),
        ]
    )
    print()
    names = list(found["this model"])
    rows = [
        [one.name, *(shown(name, found[one.name][name]) for name in names), f"{one.fit_seconds:.2f}"]
        for one in results
    ]
    show_table(["out of fold", *names, "seconds"], rows)
