"""``simdnn train``: from a table to a model."""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import nn, optim, table
from simdnn.callbacks import EarlyStopping

from ._common import Command, fail, metrics, show

DESCRIPTION = """Train a network on a table (CSV, Parquet or npz) and write it, with the scaling of the
numbers and the categories of the words, to one file. Numbers are scaled, words one-hot, missing values filled
in; a part of the rows is kept aside to stop in time and for the report."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("data", help="a .csv, .tsv, .parquet or .npz file")
    add("--target", required=True, help="the column to predict")
    add("--out", required=True, help="where the model goes, such as model.safetensors")
    add("--task", choices=table.TASKS, default="auto")
    add("--hidden", default="64,64", help="widths of the hidden layers; '' for none (default 64,64)")
    add("--activation", choices=nn.ACTIVATIONS, default="relu", metavar="NAME")
    add("--dropout", type=float, default=0.0, metavar="P", help="behind each hidden layer (default 0)")
    add("--batch-norm", action="store_true", help="in each hidden layer, before its activation")
    add("--optimizer", choices=list(optim.BY_NAME), default="adam")
    add("--lr", type=float, help="learning rate (default: the optimizer's)")
    add("--epochs", type=int, default=100)
    add("--batch-size", type=int, default=32)
    add("--val-split", type=float, default=0.2, metavar="SHARE", help="of the rows (default 0.2; 0 for none)")
    add(
        "--patience",
        type=int,
        default=10,
        help="epochs without a better loss before it stops; 0 for all epochs",
    )
    add("--seed", type=int, default=0)
    add(
        "--categorical",
        default="",
        metavar="A,B",
        help="columns that are words even if they look like numbers",
    )
    add("--ignore", default="", metavar="A,B", help="columns to leave out")
    add("--max-categories", type=int, default=1000, help="of a column of words (default 1000)")
    add("--max-one-hot", type=int, default=32, help="more categories get learned vectors (default 32)")
    add("--delimiter", help="of a CSV file (default a comma)")
    add("--quiet", action="store_true", help="no progress bar")


def run(o: argparse.Namespace) -> int:
    """Train, report, and write the model."""
    check(o)
    data = table.read(o.data, text=words(o.categorical), delimiter=o.delimiter)
    if unknown := [name for name in words(o.categorical) + words(o.ignore) if name not in data]:
        fail(f"column {unknown[0]!r} is missing; there are {', '.join(data)}")
    target = table.Target.fit(data, o.target, o.task)
    inputs = {name: data[name] for name in data if name != o.target and name not in words(o.ignore)}
    rows, kept = split(len(data[o.target]), o.val_split, o.seed)
    columns = table.Columns.fit(
        part(inputs, rows), max_categories=o.max_categories, max_one_hot=o.max_one_hot
    )
    x, y = columns.transform(inputs), target.transform(data)
    model = network(o, columns, target.outputs)
    began = time.perf_counter()
    epochs = train(o, model, target, (x[rows], y[rows]), (x[kept], y[kept]) if kept.size else None)
    found = metrics(target, model(x[kept if kept.size else rows]), y[kept if kept.size else rows])
    training = {"rows": int(rows.size), "epochs": epochs, "metrics": found}
    description = {"columns": columns.to_dict(), "target": target.to_dict()}
    simdnn.save(model, o.out, metadata={"table": description, "training": training})
    report(o, columns, target, epochs, found, (rows.size, kept.size), time.perf_counter() - began)
    return 0


def check(o: argparse.Namespace) -> None:
    """Refuses options that are wrong whatever the file holds."""
    if not 0 <= o.val_split < 1:
        fail(f"--val-split: expected a share in [0, 1), got {o.val_split}")
    for name in ("epochs", "batch_size", "max_categories"):
        if getattr(o, name) < 1:
            fail(f"--{name.replace('_', '-')}: expected at least 1, got {getattr(o, name)}")
    if o.patience < 0 or o.seed < 0:
        fail("--patience, --seed: expected numbers >= 0")
    if not os.path.isdir(os.path.dirname(os.path.abspath(o.out))):
        fail(f"--out: there is no folder {os.path.dirname(o.out)}")
    simdnn.io.need_safetensors()


def words(text: str) -> list[str]:
    """The parts of a list that is separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def split(rows: int, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train on, and rows to validate with, in the order of the file."""
    order = np.random.default_rng(seed).permutation(rows)
    kept = int(rows * share)
    return np.sort(order[kept:]), np.sort(order[:kept])


def part(columns: table.Table, rows: NDArray[np.intp]) -> table.Table:
    """Some rows of a table."""
    return {name: values[rows] for name, values in columns.items()}


def network(o: argparse.Namespace, columns: table.Columns, outputs: int) -> nn.Sequential:
    """The layers that the options ask for."""
    layers: list[nn.Layer] = []
    width, tables = len(columns.features), columns.embeddings
    if tables:
        layers.append(nn.Embedding(in_features=width, columns=tables))
        width += sum(size - 1 for _, size in tables.values())
    for size in words(o.hidden):
        if not size.isdecimal() or int(size) < 1:
            fail(f"--hidden: expected widths such as 64,64, got {o.hidden!r}")
        before = None if o.batch_norm else o.activation
        layers.append(nn.Dense(width, int(size), activation=before))
        if o.batch_norm:
            layers += [
                nn.BatchNorm1d(),
                nn.activation_of(o.activation),
            ]
        if o.dropout:
            layers.append(nn.Dropout(o.dropout))
        width = int(size)
    model = nn.Sequential(*layers, nn.Dense(width, outputs), rng=o.seed)
    for at in tables:  # categories that never come have no say
        model.parameters()[f"0.{at}.weight"][-1] = 0
    return model


def train(
    o: argparse.Namespace, model: nn.Sequential, target: table.Target, data: Any, validation: Any
) -> int:
    """Train the model, leave it at its best epoch, and return the epochs; Ctrl-C ends it early."""
    optimizer = optim.from_name(o.optimizer)
    if o.lr is not None:
        optimizer.lr = o.lr
    loss = "cross_entropy" if target.classes else "mse"
    trainer = simdnn.Trainer(model, loss, optimizer, seed=o.seed)
    stopping = EarlyStopping("val_loss" if validation else "loss", o.patience or None)
    options = {"epochs": o.epochs, "batch_size": o.batch_size, "validation_data": validation}
    try:
        trainer.fit(*data, **options, callbacks=[stopping], progress=False if o.quiet else "auto")
    except KeyboardInterrupt:
        print("interrupted: the best so far is kept")
    if stopping.best_epoch is None:
        fail("the training diverged in its first epoch: the loss is not finite; try a lower --lr")
    return trainer.epochs_done


def report(
    o: argparse.Namespace,
    columns: table.Columns,
    target: table.Target,
    epochs: int,
    found: dict[str, float],
    rows: tuple[int, int],
    seconds: float,
) -> None:
    """Prints a summary of the training and the measures of the model."""
    kind = f"{len(target.classes)} classes" if target.classes else "numbers"
    where = "validation" if rows[1] else "training data"
    show(
        [
            ("target", f"{target.name} ({kind})"),
            ("inputs", f"{len(columns.features)} from {len(columns.parts)} columns"),
            ("rows", f"{rows[0]} to train, {rows[1]} to validate"),
            ("epochs", f"{epochs} in {seconds:.2f} s"),
            *((f"{name} ({where})", f"{value:.4f}") for name, value in found.items()),
            ("model", o.out),
        ]
    )


TRAIN = Command("train a network on a table: CSV, Parquet or npz", DESCRIPTION, add_arguments, run)
