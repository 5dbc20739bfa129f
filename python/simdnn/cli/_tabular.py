"""``simdnn train`` by default: fits an estimator of `simdnn.tabular` and reports its metrics out of fold."""

from __future__ import annotations

import argparse
import os
import time
import warnings
from typing import Any

import numpy as np

from simdnn import table
from simdnn._utils.check import check_int, check_positive
from simdnn._utils.extras import missing, need
from simdnn._utils.files import check_writable, write_atomically

from . import _report
from ._common import MOST_SEED, fail, kind_of, refuse_ending, refuse_input, show, show_table
from ._measures import Result, Task, measured, measured_result, shown, simple_results, task_of
from ._packages import FILES, PAGES, TABULAR, TREES, packages_of_table
from ._verdict import verdict

PRESETS = ("fast", "default", "best")
#: Options of the bag with their attributes.
OPTIONS = ("preset", "members", "time_limit", "report")
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
    add("--report", metavar="FILE", help="page to write about the data and the model, such as report.html")


def given(o: argparse.Namespace) -> list[str]:
    """The options of an estimator that the user has given, as they are typed."""
    return [f"--{name.replace('_', '-')}" for name in OPTIONS if getattr(o, name) is not None]


def complete(o: argparse.Namespace) -> None:
    """Sets the preset if there is none, and raises for values that cannot be and for missing packages."""
    o.preset = o.preset or "default"
    check_int("--seed", o.seed, 0, MOST_SEED)
    if o.members is not None:
        check_int("--members", o.members, 2)
    if o.time_limit is not None:
        check_positive("--time-limit", o.time_limit)
    if o.report is not None:
        check_writable(o.report)
        refuse_input("--report", o.report, o.data)
        if os.path.realpath(o.report) == os.path.realpath(o.out):
            fail(f"--report: {o.report} is the file of --out; write to another file")
        refuse_ending("--report", o.report, ".html")
    need_packages(o)


def need_packages(o: argparse.Namespace) -> None:
    """Raises for missing packages."""
    packages = TABULAR | FILES | packages_of_table(o.data)
    packages |= (TREES if o.preset == "best" else {}) | (PAGES if o.report is not None else {})
    options = [" --preset best"] if missing(TREES) and o.preset == "best" else []
    options += [" --report"] if missing(PAGES) and o.report is not None else []
    otherwise = "; --plain trains a network without scikit-learn" if missing(TABULAR) else ""
    need(f"simdnn train{''.join(options)}", packages, otherwise)


def run(o: argparse.Namespace, whole: table.Table, target: table.Target, inputs: table.Table) -> int:
    """Fits, writes the estimator, reports, and returns the exit status."""
    task = task_of(whole, inputs, target)
    estimator = make(o, bool(target.classes))
    began = time.perf_counter()
    with warnings.catch_warnings():
        for hint in ("look like dates", "read as words"):  # the reader of the file has warned
            warnings.filterwarnings("ignore", f"column .* {hint}")
        estimator.fit(task.inputs, task.y if task.labels is None else task.labels[task.y])
    seconds = time.perf_counter() - began
    results = [*simple_results(task, o.seed), Result("this model", estimator.oof_prediction_, seconds)]
    found = measured(task, estimator.oof_prediction_)
    training = {"rows": task.rows, "preset": o.preset, "metrics out of fold": found}
    estimator.set_params(progress="auto")  # the file does not depend on --quiet
    estimator.save(o.out, metadata={"target": target.name, "training": training})
    report(o, task, estimator, results)
    return 0


def make(o: argparse.Namespace, classes: bool) -> Any:
    """The estimator that the options describe."""
    from simdnn import tabular

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
    words, dates = len(columns.text), len(columns.dates)
    many = sum(one.embedded for one in columns.parts if one.name in columns.text)
    parts = [f"{len(columns.names) - words - dates} with numbers", f"{words} with words"]
    if many:
        parts[1] += f" ({many} with more than {EMBEDDED - 1} categories)"
    parts += [f"{dates} with dates"] if dates else []
    parts += [f"{len(columns.left_out)} left out, as they tell nothing"] if columns.left_out else []
    holes = sum(holes_in(values) > 0 for values in task.inputs.values())
    return ", ".join(parts) + (f"; {holes} with missing values" if holes else "")


def holes_in(values: Any) -> int:
    """The number of missing values of a column."""
    if values.dtype == object:
        return sum(one is None for one in values.tolist())
    return int(np.isnan(values).sum()) if values.dtype.kind in "fM" else 0


def members_of(o: argparse.Namespace, estimator: Any) -> str:
    """The members of an estimator in words."""
    count, epochs = len(estimator.ensemble_), max(one.epochs for one in estimator.history_)
    words = f"{count} networks, {epochs} epochs each (preset {o.preset})"
    if estimator.trees_ is not None:
        words += f", weighted {estimator.networks_share_:.2f} beside gradient boosting"
    return words


def facts(o: argparse.Namespace, task: Task, estimator: Any) -> list[tuple[str, str]]:
    """Rows about the table and the model."""
    return [
        ("target", f"{task.name} ({kind_of(task.classes, o.task)})"),
        (
            "rows",
            f"{task.rows:,} in {len(estimator.ensemble_)} folds; each is predicted by the model that has not"
            " seen it",
        ),
        ("columns", f"{len(task.inputs)}: {kinds_of(estimator, task)}"),
        ("model", f"{o.out}: {members_of(o, estimator)}"),
    ]


def report(o: argparse.Namespace, task: Task, estimator: Any, results: list[Result]) -> None:
    """Prints a summary and the metrics with those of simpler models, and writes the page if it is wanted."""
    found = [(one.name, measured_result(task, one), one.fit_seconds) for one in results]
    names, about = list(found[0][1]), facts(o, task, estimator)
    show(about)
    print()
    rows = [
        [name, *(shown(one, each[one]) for one in names), f"{seconds:.2f}"] for name, each, seconds in found
    ]
    show_table(["out of fold", *names, "seconds"], rows)
    advice = verdict(bool(task.classes), *(metrics for _, metrics, _ in found))
    if advice:
        print(f"\n{advice}")
    if o.report is not None:
        table_of_results = _report.results_table(names, found, advice)
        page = _report.report_page(task, estimator, table_of_results, about, o.out, o.warned)
        write_atomically(o.report, page.encode())
        print(f"\nThe report is in {o.report}.")
