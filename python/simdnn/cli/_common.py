"""Parts of several commands: their description, tables on a terminal, models with their columns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import nn, table


class Command(NamedTuple):
    """A command: a line for the list of commands, a description for its help, options, and the work."""

    summary: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def fail(message: str) -> NoReturn:
    """Ends a command with a message."""
    raise ValueError(message)


def show(rows: Sequence[tuple[str, Any]], title: str = "") -> None:
    """Prints names and values below each other, by rich on a terminal where it is installed."""
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
        print(f"{name:<{width}}  {value}")


def load_described(path: str) -> tuple[nn.Sequential, table.Columns, table.Target]:
    """A model that `train` wrote, its columns and its target."""
    model, found = simdnn.load(path), simdnn.load_metadata(path).get("table")
    if not isinstance(found, dict):
        fail(f"{path}: a model without a description of columns; `train` makes one with")
    try:
        columns, target = table.Columns.from_dict(found["columns"]), table.Target.from_dict(found["target"])
    except (KeyError, TypeError, ValueError) as error:
        fail(f"{path}: the description of columns is damaged: {error}")
    if (len(columns.features), target.outputs) != (model.in_features, model.out_features):
        fail(f"{path}: the description of columns does not fit the model")
    return model, columns, target


def metrics(target: table.Target, outputs: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Measures of predictions; `truth` is as `Target.transform` makes it."""
    if target.classes:
        loss = simdnn.functional.cross_entropy(outputs.astype(np.float64), truth)
        most = np.bincount(truth).max() / truth.size
        accuracy = float(np.mean(outputs.argmax(axis=1) == truth))
        return {"accuracy": accuracy, "log loss": float(loss), "share of the largest class": float(most)}
    wrong = (outputs.astype(np.float64) - truth)[:, 0] * target.scale
    spread = float(np.var(truth[:, 0].astype(np.float64))) * target.scale**2
    squares = float(np.mean(wrong**2))
    found = {"RMSE": squares**0.5, "MAE": float(np.mean(np.abs(wrong)))}
    return found | ({"R2": 1 - squares / spread} if spread > 0 else {})
