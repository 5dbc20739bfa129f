"""``python -m bench.tabular [table ...]``: errors and seconds of models on real tables."""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import math
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import harness, tabular_sets

#: Rows of a table to train on and to test on, at most; at least a quarter of a small table is for the test.
ROWS, TEST_ROWS = 6_000, 6_000
#: The ratio of errors on one table that counts at most, and its reverse: one table decides nothing.
MOST = 1.5
#: The model beside which errors are printed.
BASE = "LightGBM"


class Split(NamedTuple):
    """The rows of a table to train and to test on, and the number of classes, 0 for numbers."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    classes: int


def split(table: tabular_sets.Table, seed: int, rows: int) -> Split:
    """Draws the rows of a table."""
    import numpy as np

    X, y = table.load()
    classes = 0
    if table.classes:
        names, y = np.unique(y, return_inverse=True)
        classes = len(names)
    order = np.random.default_rng(seed).permutation(len(y))
    tested = min(TEST_ROWS, len(y) // 4)
    test, train = order[:tested], order[tested : tested + rows]
    return Split(X.iloc[train], y[train], X.iloc[test], y[test], classes)


def measure(
    make: Callable[[int, int, int], Any], draw: Callable[[], Split], threads: int, seed: int
) -> dict[str, float]:
    """Error, log loss, AUC and seconds of a model on a split; CPU seconds are those of all threads."""
    data = draw()
    model = make(data.classes, threads, seed)
    model.make(data.X)  # imports the library, which is no part of the fit
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(data.X, data.y)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    found = model.predict(data.X_test)
    predicted_cpu = time.process_time()
    return scores(found, data) | {
        "fit_cpu": fitted_cpu - cpu,
        "fit_seconds": fitted - start,
        "predict_cpu": predicted_cpu - fitted_cpu,
        "rows": len(data.y),
        "test_rows": len(data.y_test),
    }


def scores(found: Any, data: Split) -> dict[str, float]:
    """The error, 1 - accuracy or RMSE over the standard deviation; of classes also log loss and AUC."""
    import numpy as np
    from sklearn.metrics import log_loss, roc_auc_score

    if not data.classes:
        rmse = np.sqrt(np.mean((found - data.y_test) ** 2))
        return {"error": float(rmse / data.y_test.std())}
    labels = np.arange(data.classes)
    shares = found / found.sum(axis=1, keepdims=True)
    ranks = shares[:, 1] if data.classes == 2 else shares
    missing = len(np.unique(data.y_test)) < data.classes
    return {
        "error": float(np.mean(found.argmax(axis=1) != data.y_test)),
        "log_loss": float(log_loss(data.y_test, shares, labels=labels)),
        "auc": math.nan if missing else float(roc_auc_score(data.y_test, ranks, multi_class="ovr")),
    }


class Store:
    """Measured results, one JSON object a line in a file, so that a run that ended early goes on."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: dict[str, dict[str, float]] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                key, values = json.loads(line)
                self.found[key] = values

    def get(self, key: str, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """The result of a key, computed if it is not there."""
        if key not in self.found:
            self.found[key] = compute()
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps([key, self.found[key]]) + "\n")
        return self.found[key]


def ratio(results: Sequence[dict[str, float]], base: Sequence[dict[str, float]], what: str) -> float:
    """The mean over seeds of a table, as a ratio to that of another model, between 1 / MOST and MOST."""
    ours, theirs = (sum(one[what] for one in each) for each in (results, base))
    return min(max(ours / theirs, 1 / MOST), MOST) if theirs > 0 else (1.0 if ours == theirs else MOST)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


Results = dict[str, dict[str, list[dict[str, float]]]]


def markdown(results: Results, models: Sequence[str]) -> str:
    """The table of errors, and below it means of ratios and seconds."""
    lines = [["table", *models]]
    for table, found in results.items():
        lines.append([table, *(mean_of(found.get(model, []), "error", "{:.4f}") for model in models)])
    for what, label in (("error", "error, ratio"), ("log_loss", "log loss, ratio")):
        lines.append([f"**{label}**", *(f"{overall(results, model, what):.3f}" for model in models)])
    lines.append(
        ["fit, CPU s per 1,000 rows", *(f"{cost(results, one, 'fit_cpu', 1e3):.2f}" for one in models)]
    )
    lines.append(
        ["predict, CPU µs per row", *(f"{cost(results, one, 'predict_cpu', 1e6):.1f}" for one in models)]
    )
    lines.insert(1, ["---", *["---:"] * len(models)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mean_of(found: Sequence[dict[str, float]], what: str, form: str) -> str:
    """The mean over seeds as text, empty without results."""
    return form.format(sum(one[what] for one in found) / len(found)) if found else ""


def overall(results: Results, model: str, what: str) -> float:
    """The geometric mean of the ratios to the base model over the tables that have both."""
    return geometric_mean(
        [
            ratio(found[model], found[BASE], what)
            for found in results.values()
            if found.get(model) and found.get(BASE) and what in found[BASE][0]
        ]
    )


def cost(results: Results, model: str, what: str, scale: float) -> float:
    """The geometric mean over tables of the CPU time for a row, times `scale`."""
    rows = "rows" if what == "fit_cpu" else "test_rows"
    return geometric_mean(
        [
            scale * sum(one[what] for one in found[model]) / sum(one[rows] for one in found[model])
            for found in results.values()
            if found.get(model)
        ]
    )


def run(
    tables: Sequence[tabular_sets.Table],
    models: dict[str, Callable[[int, int, int], Any]],
    *,
    seeds: int,
    rows: int,
    threads: int,
    store: Store,
) -> Results:
    """Measures all models on all tables."""
    results: Results = {}
    for table in tables:
        results[table.name] = {name: [] for name in models}
        for seed in range(seeds):
            data = functools.cache(functools.partial(split, table, seed, rows))
            for name, make in models.items():
                key = f"{table.name} {name} seed={seed} rows={rows} threads={threads}"
                found = store.get(key, functools.partial(measure, make, data, threads, seed))
                results[table.name][name].append(found)
                print(f"{key}: {found['error']:.4f}, {found['fit_cpu']:.2f} s", file=sys.stderr, flush=True)
    return results


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tabular", description=__doc__)
    names = [table.name for table in tabular_sets.TABLES]
    parser.add_argument("tables", nargs="*", metavar="table", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--models", help="names of models with commas between them (default: all installed)")
    parser.add_argument("--seeds", type=int, default=3, help="number of splits (default: %(default)s)")
    parser.add_argument(
        "--rows", type=int, default=ROWS, help="rows to train on, at most (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1, help="number of CPUs (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="update the table in bench/RESULTS.md")
    parser.add_argument("--store", type=Path, help="file that keeps results between runs")
    options = parser.parse_args()
    harness.limit_threads(options.threads)
    from bench import tabular_models

    if unknown := set(options.tables) - set(names):
        parser.error(f"unknown tables: {', '.join(sorted(unknown))}")
    wanted = options.models.split(",") if options.models else tabular_models.installed()
    if unknown := set(wanted) - set(tabular_models.MODELS):
        parser.error(f"unknown models: {', '.join(sorted(unknown))}")
    tables = [one for one in tabular_sets.TABLES if not options.tables or one.name in options.tables]
    results = run(
        tables,
        {name: tabular_models.MODELS[name][0] for name in wanted},
        seeds=options.seeds,
        rows=options.rows,
        threads=options.threads,
        store=Store(options.store),
    )
    text = markdown(results, wanted)
    print(text)
    if options.write:
        write(text, options)
    return 0


def write(text: str, options: argparse.Namespace) -> None:
    """Writes the table of errors to `RESULTS.md`, with the command and the versions below it."""
    from bench import report, results, tabular_models

    machine = report.describe_machine(options.threads)
    names = {"simdnn": machine["versions"]["simdnn"]}
    names |= {package: importlib.metadata.version(package) for package in tabular_models.packages()}
    versions = ", ".join(f"{name} {results.short(one)}" for name, one in names.items())
    seeds = "1 split" if options.seeds == 1 else f"the mean of {options.seeds} splits"
    about = (
        f"{machine['date'][:10]}, `python -m bench.tabular`, {seeds} of at most {options.rows:,} rows to"
        f" train on, level {machine['isa']}, {options.threads} thread; error: 1 - accuracy, or RMSE over the"
        f" standard deviation; ratios: geometric means over tables beside {BASE}, each between 2/3 and 3/2;"
        f" {versions}"
    )
    below = "\n".join(textwrap.wrap(about, results.WIDTH, break_long_words=False, break_on_hyphens=False))
    document = results.Document.parse(results.PATH.read_text())
    group = results.table_name("tables", machine)
    document.update(machine["cpu"], results.about(machine), {group: f"{text}\n\n{below}"})
    results.PATH.write_text(document.render())


if __name__ == "__main__":
    sys.exit(main())
