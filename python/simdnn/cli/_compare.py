"""``simdnn compare``: models of several libraries with their defaults on the same folds of a table."""

from __future__ import annotations

import argparse
import contextlib
import warnings
from typing import Any

import numpy as np

import simdnn
from simdnn import table
from simdnn._utils.check import check_int
from simdnn._utils.extras import need
from simdnn._utils.hints import meant
from simdnn._utils.progress import advance, bar

from ._common import (
    MOST_SEED,
    Command,
    add_choosing,
    add_reading,
    fail,
    ignored,
    inputs_of,
    kind_of,
    names_in,
    point_out_useless,
    show,
    show_table,
    spelling,
)
from ._measures import Result, Task, deal, fit_constant, measured_result, out_of_fold, shown, task_of
from ._packages import TABULAR, packages_of_table
from ._rivals import RIVALS, Predict, Setting, installed

#: The models of simdnn by preset.
OWN = {"fast": "simdnn fast", "default": "simdnn", "best": "simdnn best"}
#: The rows of a first fit, which is not timed.
WARM_ROWS = 40
DESCRIPTION = """Compare simdnn's models of tables with gradient boosting: scikit-learn's, LightGBM, XGBoost
and CatBoost, as far as they are installed. All have their defaults and predict the same folds, each from the
other ones. The table has the errors over all rows, and the seconds of all folds together."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn compare`."""
    add = parser.add_argument
    add("data", help="table: .csv, .tsv, .parquet or .npz")
    add("--target", required=True, help="name of the column to predict")
    add("--folds", type=int, default=5, metavar="N", help="number of folds (default: %(default)s)")
    add(
        "--models",
        metavar="A,B",
        help=f"models to compare, of: {', '.join(RIVALS)} (default: all that are installed but simdnn best)",
    )
    add(
        "--preset",
        choices=OWN,
        help="preset of simdnn among the models that are installed (default: fast and default, one row each)",
    )
    add_choosing(parser)
    add("--seed", type=int, default=0, help="seed of folds and models (default: %(default)s)")
    add_reading(parser)
    add("--quiet", action="store_true", help="show no progress bar")


def run(o: argparse.Namespace) -> int:
    """Fits all models on all folds, prints the table, and returns the exit status."""
    names = chosen(o)
    check_int("--folds", o.folds, 2)
    check_int("--seed", o.seed, 0, MOST_SEED)
    options: dict[str, Any] = {"text": names_in(o.categorical), "ignore": ignored(o), "dates": True}
    whole = table.read(o.data, **options, **spelling(o))
    target = table.Target.fit(whole, o.target, o.task)
    inputs = inputs_of(whole, o.target, dates=True)
    task = task_of(whole, inputs, target)
    if task.rows < o.folds:
        fail(f"--folds: expected at most {task.rows}, the number of rows, got {o.folds}")
    table.Columns.fit(inputs, dates=True)  # raises for a cell that no model can take
    point_out_useless(inputs)
    report(o, task, compared(o, task, names))
    return 0


def chosen(o: argparse.Namespace) -> list[str]:
    """The names of the models to compare; raises for missing packages."""
    packages = TABULAR | packages_of_table(o.data)
    if o.models is None:
        need("simdnn compare", packages)
        usual = {name for name, rival in RIVALS.items() if rival.usual and installed(name)}
        if o.preset is not None:
            usual = usual - set(OWN.values()) | {OWN[o.preset]}
        return [name for name in RIVALS if name in usual]
    if o.preset is not None:
        fail("--preset: cannot be combined with --models, which names presets")
    spelled = {name.lower(): name for name in RIVALS}
    names = names_in(o.models)
    if not names:
        fail("--models: expected at least one model")
    for name in names:
        if name.lower() not in spelled:
            fail(f"--models: expected some of {', '.join(RIVALS)}, got {name!r}{meant(name, RIVALS)}")
    found = [spelled[name.lower()] for name in dict.fromkeys(names)]
    need("simdnn compare", dict.fromkeys((RIVALS[name].package for name in found), "") | packages)
    return found


def compared(o: argparse.Namespace, task: Task, names: list[str]) -> list[Result]:
    """The results of the models; one that fails is a warning."""
    from threadpoolctl import threadpool_limits

    setting, folds = Setting.of(task, o.seed), deal(task.y, o.folds, o.seed)
    found: list[Result] = []
    with bar(False if o.quiet else "auto", len(names) * o.folds, "compare", "fit") as progress:
        for name in names:
            warm_up(name, setting)

            def fit(rows: np.ndarray, name: str = name) -> Predict:
                advance(progress, {}, model=name)
                if task.classes and len(np.unique(task.y[rows])) < 2:
                    return fit_constant(task, rows)
                return RIVALS[name].fit(setting, rows)

            try:
                with warnings.catch_warnings(), threadpool_limits(simdnn.get_num_threads()):
                    warnings.simplefilter("ignore")
                    found.append(out_of_fold(name, task, folds, fit))
            except Exception as error:  # libraries have exceptions of their own
                warnings.warn(f"{name} is left out: {error}", stacklevel=2)
    return found


def warm_up(name: str, setting: Setting) -> None:
    """Fits a model to few rows, so that no time of a fold holds imports and other work that is done once."""
    from threadpoolctl import threadpool_limits

    y = setting.task.y
    few = np.linspace(0, len(y) - 1, min(len(y), WARM_ROWS)).astype(np.intp)
    rows = np.union1d(few, np.unique(y, return_index=True)[1][:WARM_ROWS])
    with (
        contextlib.suppress(Exception),  # few rows may be too few
        warnings.catch_warnings(),
        threadpool_limits(simdnn.get_num_threads()),
    ):
        warnings.simplefilter("ignore")
        RIVALS[name].fit(setting, rows)(rows)


def report(o: argparse.Namespace, task: Task, results: list[Result]) -> None:
    """Prints the table, the best model first, and the models that are not installed."""
    rows = []
    for one in results:
        metrics = measured_result(task, one)
        if task.classes:
            metrics = {"error": 1 - metrics.pop("accuracy")} | metrics
        rows.append((metrics, one))
    rows.sort(key=lambda row: list(row[0].values())[:2])  # error and log loss, or RMSE and MAE
    show(
        [
            ("target", f"{task.name} ({kind_of(task.classes, o.task)})"),
            ("rows", f"{task.rows:,} in {o.folds} folds"),
            ("columns", f"{len(task.inputs)}"),
        ]
    )
    print()
    if rows:
        names = list(rows[0][0])
        cells = [
            [one.name, *(shown(name, metrics[name]) for name in names), *map(time, one[2:])]
            for metrics, one in rows
        ]
        show_table(["out of fold", *names, "fit s", "predict s"], cells)
    absent = [name for name in RIVALS if not installed(name)]
    if absent and o.models is None:
        print(f"\nNot installed: {', '.join(absent)}.")


def time(seconds: float) -> str:
    """Seconds with two decimals, or three if they are few."""
    return f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.3f}"


COMPARE = Command(
    "compare models of tables, also of other libraries, on the same folds", DESCRIPTION, add_arguments, run
)
