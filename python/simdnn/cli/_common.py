"""Helpers of several commands: tables on a terminal, models with their columns, metrics."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import table
from simdnn._utils.files import check_ending

#: The smallest number of rows in which different values in all of them make an id.
ROWS_OF_IDS = 20
#: The largest seed of scikit-learn's generators.
MOST_SEED = 2**32 - 1


class Command(NamedTuple):
    """A command: a summary for the list of commands, a description for its help, its options, its work."""

    summary: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def refuse_input(option: str, output: str, *inputs: str) -> None:
    """Raises if the file to write is one of those that the command reads."""
    for path in inputs:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            fail(f"{option}: {output} is read by this command; write to another file")


def refuse_ending(option: str, path: str, wanted: str) -> None:
    """Raises if the file to write has an ending of another format than the `wanted` one, or is a model."""
    if wanted != ".safetensors" and is_model(path):
        fail(f"{option}: {path} is a model; write to another file")
    check_ending(option, path, wanted)


def is_model(path: str) -> bool:
    """True for a file that begins as safetensors do, with the length of their header in JSON."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        begin = file.read(9)
    return begin[8:] == b"{" and int.from_bytes(begin[:8], "little") < os.path.getsize(path)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how a CSV file is written."""
    add = parser.add_argument
    add("--delimiter", help="delimiter of a CSV file (default: comma; tab for .tsv)")
    add("--decimal", default=".", metavar="MARK", help="decimal mark of a CSV file (default: %(default)s)")
    add("--thousands", metavar="MARK", help="mark between groups of digits in a CSV file (default: none)")


def add_choosing(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what the columns of a table are for."""
    add = parser.add_argument
    add(
        "--task",
        choices=table.TASKS,
        default="auto",
        help="kind of target; auto takes text and few distinct integers for classes (default: %(default)s)",
    )
    add(
        "--categorical",
        default="",
        metavar="A,B",
        help="columns to treat as text even if they look like numbers",
    )
    add("--ignore", default="", metavar="A,B", help="columns to leave out")


def ignored(o: argparse.Namespace) -> list[str]:
    """The columns to leave out; raises if the target is one of them."""
    names = names_in(o.ignore)
    if o.target in names:
        fail(f"--ignore: {o.target} is the target")
    return names


def kind_of(classes: Sequence[str], task: str) -> str:
    """A target's kind in words; classes that `task`, if it is "auto", has made of numbers are pointed out."""
    if not classes:
        return "numbers"
    several = task == "auto" and len(classes) > 2
    whole = several and all(one.lstrip("-").isdecimal() for one in classes)
    return f"{len(classes)} classes{'; --task regression predicts numbers' if whole else ''}"


def spelling(o: argparse.Namespace) -> dict[str, Any]:
    """The options of `add_reading` as arguments of `table.read`."""
    delimiter = "\t" if o.delimiter in ("\\t", "tab") else o.delimiter
    return {"delimiter": delimiter, "decimal": o.decimal, "thousands": o.thousands}


def names_in(text: str) -> list[str]:
    """The items of a comma-separated list; one with commas of its own stands in quotation marks."""
    items = next(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True), [])
    return [name.strip() for name in items if name.strip()]


def inputs_of(whole: table.Table, target: str, dates: bool) -> table.Table:
    """The columns besides the target; with `dates`, words of ISO 8601 alone are points in time."""
    found = {name: values for name, values in whole.items() if name != target}
    for name, values in found.items() if dates else ():
        points = table.dates_of_words(values) if values.dtype == object else None
        found[name] = values if points is None else points
    return found


def point_out_useless(columns: table.Table) -> None:
    """Warns of columns that are empty, or have a different whole number or word in each row, like ids."""
    for name, values in columns.items():
        words, dates = values.dtype == object, values.dtype.kind == "M"
        known = [one for one in values.tolist() if one is not None and one == one]
        if not known:
            reason = "is empty"
        elif words and table.mixed_hint(name, values):
            continue  # the reader of the file has warned
        elif (
            not dates
            and len(set(known)) == len(values) >= ROWS_OF_IDS
            and (words or all(one % 1 == 0 for one in known))
        ):
            reason = f"has a different {'word' if words else 'whole number'} in each row, like an id"
        else:
            continue
        warnings.warn(
            f"column {name}: {reason}; leave it out with --ignore, unless it is meaningful", stacklevel=2
        )


def fail(message: str) -> NoReturn:
    """Raises the error that ends a command with this message."""
    raise ValueError(message)


def show(rows: Sequence[tuple[str, Any]], title: str = "") -> None:
    """Prints rows of a name and a value; on a terminal as a table of rich, if it is installed."""
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            pass
        else:
            drawn = Table(title=title or None, show_header=False)
            for name, value in rows:
                drawn.add_row(name, str(value))
            Console().print(drawn)
            return
    if title:
        print(title)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{name:<{width}}  {value}".replace("\n", f"\n{'':<{width}}  "))


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table; its first column is aligned to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    for row in (heads, *rows):
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip())


def metrics(target: table.Target, outputs: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Metrics by name of a network's outputs; `truth` is encoded as by `Target.transform`."""
    scores = Scores(target)
    scores.add(outputs, truth)
    return scores.found()


class Scores:
    """Sums over rows, from which the metrics of a network's outputs follow."""

    def __init__(self, target: table.Target) -> None:
        self.target, self.rows, self.loss = target, 0, 0.0
        self.correct, self.counts = 0, np.zeros(len(target.classes), np.int64)
        self.squares, self.distances, self.begin = 0.0, 0.0, 0.0
        self.sum, self.sum_of_squares = 0.0, 0.0

    def add(self, outputs: NDArray[Any], truth: NDArray[Any]) -> None:
        """Adds rows; `truth` is encoded as by `Target.transform`."""
        exact = outputs.astype(np.float64)
        if self.target.classes:
            self.loss += float(simdnn.functional.cross_entropy(exact, truth)) * len(truth)
            self.correct += int(np.sum(outputs.argmax(axis=1) == truth))
            self.counts += np.bincount(truth, minlength=len(self.counts))
        else:
            numbers = truth[:, 0].astype(np.float64)
            residuals = exact[:, 0] - numbers  # in units of the scale: squares of tiny numbers are 0
            self.squares += float(np.sum(residuals**2))
            self.distances += float(np.sum(np.abs(residuals)))
            self.begin = self.begin if self.rows else float(numbers[0])
            self.sum += float(np.sum(numbers - self.begin))
            self.sum_of_squares += float(np.sum((numbers - self.begin) ** 2))
        self.rows += len(truth)

    def found(self) -> dict[str, float]:
        """The metrics by name."""
        n = self.rows
        if self.target.classes:
            majority = float(self.counts.max() / n)
            return {"accuracy": self.correct / n, "log loss": self.loss / n, "baseline accuracy": majority}
        variance = self.sum_of_squares / n - (self.sum / n) ** 2
        mse, scale = self.squares / n, self.target.scale
        found = {"RMSE": mse**0.5 * scale, "MAE": self.distances / n * scale}
        return found | ({"R2": 1 - mse / variance} if variance > 0 else {})
