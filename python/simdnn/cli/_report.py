"""``simdnn train --report``: a self-contained page about a table and the model that is trained on it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simdnn import History, plot
from simdnn._utils.html import Markup, escaped, folded, table
from simdnn._utils.numbers import cell, decimals_of, fixed, number

from ._measures import Task, row_losses, shown
from ._page import bar, columns_of, definitions, element, histogram, page, pair, picture, section

Array = NDArray[Any]

#: Permutations for the importance of columns, and how many columns and rows the page shows.
REPEATS, MOST_IMPORTANT, WORST = 3, 20, 10
#: Numbers of rows that are predicted for the importance, from which on there is one permutation.
PREDICTIONS = 1_000_000
#: Columns up to which their table is unfolded, and classes up to which the confusion matrix is drawn.
UNFOLDED, DRAWN_CLASSES = 40, 30
#: Notes on the losses of classifiers and of regressors.
SCALED = " Losses are mean squared errors in units of the target's standard deviation."
SMOOTHED = " Losses are those of smoothed labels, which are above the log loss."
#: The smallest probability that is shown with four decimals.
LEAST_SHARE = 0.0001
#: Columns whose values are shown of the worst rows, and characters of a cell.
SHOWN_COLUMNS, CELL = 6, 40


def report_page(
    task: Task,
    estimator: Any,
    results: Markup,
    facts: list[tuple[str, str]],
    out: str,
    warned: Sequence[str],
) -> str:
    """The page: facts, results, the data, training, errors, importance, worst rows, how to use the model."""
    title = f"{task.name}: a model of {task.rows:,} rows"
    falls = importance(task, estimator)
    found = estimator.oof_prediction_
    return page(
        title,
        element("h1", title),
        definitions(facts),
        section(
            "Results",
            results,
            element("p", "Each row is predicted by a model that has not seen it (out of fold).", kind="soft"),
        ),
        section(
            "The data",
            data(task),
            *(element("p", f"Warning: {one.rstrip('.')}.", kind="note") for one in warned),
        ),
        section("Training", training(estimator)),
        section("Errors", errors_of_classes(task, found) if task.classes else errors_of_numbers(task, found)),
        section("Importance of the columns", importance_table(task, falls)),
        section("The rows with the largest errors", worst_rows(task, found, falls)),
        section("How to use the model", usage(task, estimator, out)),
    )


def warning(text: str) -> Markup:
    """A warning as a paragraph, whose options do not break at a hyphen."""
    marked = re.sub(r"(?<!\w)--[a-z-]+", r"<code>\g<0></code>", escaped(f"Warning: {text.rstrip('.')}."))
    return element("p", Markup(marked), kind="note")


def data(task: Task) -> Markup:
    """A table of the target and the columns; long ones are folded."""
    target: Any = np.array(task.classes, dtype=object)[task.y] if task.classes else task.y
    rows = [described(f"{task.name} (target)", target)]
    rows += [described(name, values) for name, values in task.inputs.items()]
    found = table(["column", "kind", "values", "", "missing", "distinct"], rows, text_columns=4)
    return found if len(rows) <= UNFOLDED else folded(f"{len(rows)} columns", found)


def described(name: str, values: Array) -> list[object]:
    """A row about a column: its kind, its range or its most frequent words, missing and distinct values."""
    words, dates = values.dtype == object, values.dtype.kind == "M"
    known = values[[one is not None for one in values]] if words else values[~np.isnan(values)]
    missing = len(values) - len(known)
    holes = f"{missing:,} ({missing / len(values):.1%})" if missing else ""
    kind = "words" if words else "dates" if dates else "numbers"
    if not len(known):
        return [name, kind, "", "", holes, "0"]
    distinct, counts = np.unique(known.astype(str) if words else known, return_counts=True)
    row: list[object] = [name, kind]
    if words:
        order = np.argsort(-counts, kind="stable")
        shares = ", ".join(f"{shortened(distinct[i])} {counts[i] / len(values):.0%}" for i in order[:3])
        row += [shares + (", ..." if len(order) > 3 else ""), columns_of(counts[order[:24]].tolist())]
    elif dates:
        numbers = known.astype(np.int64).astype(np.float64)
        row += [f"{shortened(known.min())} to {shortened(known.max())}", histogram(numbers)]
    else:
        numbers = known.astype(np.float64)
        low, middle, high = np.quantile(numbers, [0, 0.5, 1])
        row += [f"{cell(low)} to {cell(high)}, median {number(middle)}", histogram(numbers)]
    return [*row, holes, f"{len(distinct):,}"]


def shortened(value: Any) -> str:
    """The text of a cell, cut if it is long."""
    text = "" if value is None or value != value else str(value)
    if isinstance(value, int | float | np.number) and text:
        text = cell(float(value)) if isinstance(value, float) else f"{value:,}"
    if isinstance(value, np.datetime64):
        text = text.removesuffix(".000000").removesuffix("T00:00:00")
    return text if len(text) <= CELL else f"{text[: CELL - 3]}..."


def training(estimator: Any) -> Markup:
    """The mean curves of the networks, and the epoch that each of them keeps."""
    histories = estimator.history_
    epochs = min(one.epochs for one in histories)
    parts = ("loss", "val_loss", "accuracy", "val_accuracy")
    curves = {name: [getattr(one, name)[:epochs] for one in histories] for name in parts}
    mean = History(**{name: np.mean(ones, axis=0).tolist() for name, ones in curves.items() if all(ones)})
    rows = [
        [f"network {i}", kept, number(one.val_loss[kept - 1])]
        for i, (one, kept) in enumerate(zip(histories, estimator._epochs_kept, strict=True), 1)
    ]
    drawing = picture(
        lambda axes: plot.history(mean, ax=axes),
        f"Line chart: mean loss of {len(histories)} networks over {epochs} epochs, training and validation",
    )
    together = estimator._recipe(len(estimator.oof_prediction_)).monitor == "val_accuracy"
    rule = "all keep the last epoch of about the highest mean accuracy"
    rule = rule if together else "each keeps its epoch of the lowest loss"
    about = element(
        "p",
        f"The curves are means of {len(histories)} networks, and the dot is the lowest mean. Each network is"
        f" validated by the fold that it does not train on; {rule}."
        + (SMOOTHED if hasattr(estimator, "classes_") else SCALED),
        kind="soft",
    )
    return pair(Markup(drawing + about), table(["", "epoch kept", "validation loss"], rows))


def errors_of_classes(task: Task, found: Array) -> Markup:
    """The confusion matrix and the calibration of probabilities out of fold."""
    predicted, count = found.argmax(axis=1), len(task.classes)
    side = min(7.0, max(4.9, 1.6 + 0.42 * count))
    names = [shortened(one) for one in task.classes]
    matrix = Markup("")
    if count <= DRAWN_CLASSES:
        matrix = picture(
            lambda axes: plot.confusion_matrix(
                task.y, predicted, labels=np.arange(count), display_labels=names, ax=axes
            ),
            "Confusion matrix: true classes in rows, predicted ones in columns",
            (side, side),
        )
    shares = np.clip(found.astype(np.float64), 0, 1)
    calibration = picture(
        lambda axes: plot.calibration(task.y, shares, n_bins=10, ax=axes),
        "Calibration: predicted probabilities against the fractions that come true",
        (4.9, 4.9),
    )
    return pair(matrix, calibration)


def errors_of_numbers(task: Task, found: Array) -> Markup:
    """Residuals, and actual against predicted numbers, out of fold."""
    return pair(
        picture(
            lambda axes: plot.residuals(task.y, found, ax=axes),
            "Residuals, actual - predicted, against predicted numbers",
        ),
        picture(
            lambda axes: plot.residuals(task.y, found, kind="actual_vs_predicted", ax=axes),
            "Actual against predicted numbers",
        ),
    )


def importance(task: Task, estimator: Any) -> Any:
    """The permutation importance of the columns out of fold, with one permutation if columns are many."""
    repeats = REPEATS if REPEATS * len(task.inputs) * task.rows <= PREDICTIONS else 1
    return estimator.permutation_importance(n_repeats=repeats, random_state=0)


def importance_table(task: Task, falls: Any) -> Markup:
    """The most important columns with bars."""
    means, spread = falls.importances_mean, falls.importances_std
    order = np.argsort(-means, kind="stable")[:MOST_IMPORTANT]
    names, largest = list(task.inputs), max(float(means.max()), 1e-12)
    rows = [[names[i], bar(means[i] / largest), f"{means[i]:.4f} ± {spread[i]:.4f}"] for i in order]
    score = "accuracy" if task.classes else "R²"
    about = (
        f"The {score} that is lost where the values of a column are shuffled (permutation importance); each"
        " row is predicted by the model that has not seen it."
    )
    rest = len(names) - len(order)
    about += f" {rest} less important columns are left out." if rest else ""
    found = table(["column", "", f"drop in {score}"], rows, text_columns=2)
    return Markup(found + element("p", about, kind="soft"))


def worst_rows(task: Task, found: Array, falls: Any) -> Markup:
    """The rows with the largest loss out of fold, with the values of the most important columns."""
    order = np.argsort(-row_losses(task, found), kind="stable")[:WORST]
    names = [list(task.inputs)[i] for i in np.argsort(-falls.importances_mean, kind="stable")[:SHOWN_COLUMNS]]
    decimals = 0 if task.classes else decimals_of(task.y[order] - found[order])
    rows = [
        [f"{i + 1:,}", *truth(task, found, i, decimals), *(shortened(task.inputs[name][i]) for name in names)]
        for i in order.tolist()
    ]
    heads = ["row", "actual", "predicted", "P(actual)" if task.classes else "actual - predicted", *names]
    about = "Rows are counted without the line of names; look here for wrong labels."
    if not task.classes:
        about += " The difference, actual - predicted, is that of the residuals above: positive where the"
        about += " prediction is too low."
    return Markup(table(heads, rows) + element("p", about, kind="soft"))


def truth(task: Task, found: Array, i: int, decimals: int) -> list[str]:
    """The actual and the predicted value of a row, and the probability of its class or its residual."""
    if task.classes:
        actual, predicted = int(task.y[i]), int(found[i].argmax())
        share = float(found[i, actual])
        shown_share = f"{share:.4f}" if share >= LEAST_SHARE else f"< {LEAST_SHARE:.4f}"
        return [task.classes[actual], task.classes[predicted], shown_share]
    difference = fixed(task.y[i] - found[i], decimals, sign="+")
    return [fixed(task.y[i], decimals), fixed(found[i], decimals), difference]


def usage(task: Task, estimator: Any, out: str) -> Markup:
    """Commands and programs that use the model's file."""
    file, graph = shlex.quote(out), shlex.quote(f"{out.removesuffix('.safetensors')}.onnx")
    proba = " --proba" if task.classes else ""
    dates = ", dates=True" if estimator.columns_.dates else ""
    code = [
        "from simdnn import table, tabular",
        "",
        f"model = tabular.load({out!r})",
        "columns = model.columns_",
        f'data = table.read("new.csv", columns=columns.names, text=columns.text{dates})',
        "model.predict(data)" + (", model.predict_proba(data)" if task.classes else ""),
    ]
    exported = [f"simdnn export {file} --columns --onnx {graph}"]
    if estimator.trees_ is not None:
        exported = [
            "# the networks alone, without gradient boosting",
            f"simdnn export {file} --onnx {graph}",
        ]
    return Markup(
        element("p", "By the command line:")
        + element("pre", f"simdnn predict {file} new.csv{proba} --out predictions.csv")
        + element("p", "In Python:")
        + element("pre", "\n".join(code))
        + element("p", "As ONNX, for other languages:")
        + element("pre", "\n".join(exported))
    )


def results_table(names: list[str], rows: list[tuple[str, dict[str, float], float]], advice: str) -> Markup:
    """The metrics of several models as HTML, and advice if there is any."""
    cells = [
        [name, *(shown(one, found[one]) for one in names), f"{seconds:.2f}"] for name, found, seconds in rows
    ]
    found = table(["model", *names, "seconds"], cells)
    return Markup(found + element("p", advice, kind="note")) if advice else found
