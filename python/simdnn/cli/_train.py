"""``simdnn train``: trains a network on a table and writes it to a file."""

from __future__ import annotations

import argparse
import csv
import io
import os
import tempfile
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import data, nn, optim, table
from simdnn._utils.files import check_writable
from simdnn.callbacks import EarlyStopping

from ._common import Command, Scores, add_reading, fail, metrics, refuse_input, show, spelling
from ._large import add_chunk_rows, chunk_rows, held_out_rows, spooled

#: The smallest number of rows in which different values in all of them make an id.
ROWS_OF_IDS = 20

DESCRIPTION = """Train a network on a table (CSV, Parquet or npz) and write it to one file, together with the
preprocessing of its columns: numeric columns are scaled, text columns one-hot encoded, missing values filled
in. A fraction of the rows is held out for early stopping and for the metrics."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn train`."""
    add = parser.add_argument
    add("data", help="table to train on: .csv, .tsv, .parquet or .npz")
    add("--target", required=True, help="name of the column to predict")
    add("--out", required=True, help="model file to write, such as model.safetensors")
    add(
        "--task",
        choices=table.TASKS,
        default="auto",
        help="kind of target; auto takes text and few distinct integers for classes (default: %(default)s)",
    )
    add("--hidden", default="64,64", help="widths of the hidden layers; '' for none (default: %(default)s)")
    add(
        "--activation",
        choices=nn.ACTIVATIONS,
        default="relu",
        metavar="NAME",
        help="activation of the hidden layers, by its name in simdnn.functional (default: %(default)s)",
    )
    add("--dropout", type=float, default=0.0, metavar="P", help="dropout probability (default: %(default)s)")
    add("--batch-norm", action="store_true", help="batch normalization before each hidden activation")
    add("--optimizer", choices=list(optim.BY_NAME), default="adam", help="optimizer (default: %(default)s)")
    add("--lr", type=float, help="learning rate (default: that of the optimizer)")
    add("--epochs", type=int, default=100, help="largest number of epochs (default: %(default)s)")
    add("--batch-size", type=int, default=32, help="rows per mini-batch (default: %(default)s)")
    add(
        "--val-split",
        type=float,
        default=0.2,
        metavar="FRACTION",
        help="fraction of the rows to hold out for validation; 0 for none (default: %(default)s)",
    )
    add(
        "--patience",
        type=int,
        default=10,
        help="epochs without a better validation loss before training stops; 0 for no limit (default: 10)",
    )
    add("--seed", type=int, default=0, help="seed of weights, split and batches (default: %(default)s)")
    add(
        "--categorical",
        default="",
        metavar="A,B",
        help="columns to treat as text even if they look like numbers",
    )
    add("--ignore", default="", metavar="A,B", help="columns to leave out")
    add(
        "--max-categories",
        type=int,
        default=1000,
        help="categories per text column; rarer ones share one (default: %(default)s)",
    )
    add(
        "--max-one-hot",
        type=int,
        default=32,
        help="a column with more categories gets an embedding instead (default: %(default)s)",
    )
    add_reading(parser)
    add_chunk_rows(parser)
    add("--quiet", action="store_true", help="show no progress bar")


def run(o: argparse.Namespace) -> int:
    """Trains, writes the model, reports, and returns the exit status."""
    check(o)
    text, ignore = names_in(o.categorical), names_in(o.ignore)
    if size := chunk_rows(o):
        parts = table.chunks(o.data, rows=size, text=text, ignore=ignore, **spelling(o))
        return run_in_chunks(o, parts, size)
    whole = table.read(o.data, text=text, ignore=ignore, **spelling(o))
    target = table.Target.fit(whole, o.target, o.task)
    inputs = {name: whole[name] for name in whole if name != o.target}
    rows, held_out = split(len(whole[o.target]), o.val_split, o.seed)
    point_out_useless(inputs)
    columns = table.Columns.fit(inputs, max_categories=o.max_categories, max_one_hot=o.max_one_hot, rows=rows)
    x, y = columns.transform(inputs), target.transform(whole)
    model = network(o, columns, target.outputs)
    began = time.perf_counter()
    validation = (x[held_out], y[held_out]) if held_out.size else None
    epochs = train(o, model, target, (x[rows], y[rows]), validation)
    scored = held_out if held_out.size else rows
    found = metrics(target, model(x[scored]), y[scored])
    seconds = time.perf_counter() - began
    finish(o, model, columns, target, epochs, found, (rows.size, held_out.size), seconds)
    return 0


def run_in_chunks(o: argparse.Namespace, parts: Any, rows: int) -> int:
    """Like `run`, with a table that is read chunk by chunk and encoded in files next to the model's."""
    target = table.Target.fit(parts, o.target, o.task)
    held_out = held_out_rows(parts.rows, o.val_split, o.seed)
    inputs = ({name: part[name] for name in part if name != o.target} for part in parts)
    point_out_useless({name: values for name, values in parts[0].items() if name != o.target})
    limits = {"max_categories": o.max_categories, "max_one_hot": o.max_one_hot}
    columns = table.Columns.fit(inputs, rows=~held_out, **limits)
    model = network(o, columns, target.outputs)
    with tempfile.TemporaryDirectory(
        prefix=".simdnn-", dir=os.path.dirname(os.path.abspath(o.out))
    ) as folder:
        training, validation = spooled(folder, data.from_tables(parts, columns, target), held_out, rows)
        began = time.perf_counter()
        epochs = train(o, model, target, (data.shuffled(training, seed=o.seed),), validation)
        scores, seconds = Scores(target), time.perf_counter() - began
        for x, y in validation or training:
            scores.add(model(x), y)
    count = int(held_out.sum())
    finish(o, model, columns, target, epochs, scores.found(), (parts.rows - count, count), seconds)
    return 0


def finish(
    o: argparse.Namespace,
    model: nn.Sequential,
    columns: table.Columns,
    target: table.Target,
    epochs: int,
    found: dict[str, float],
    rows: tuple[int, int],
    seconds: float,
) -> None:
    """Writes the model with its description, and reports."""
    training = {"rows": int(rows[0]), "epochs": epochs, "metrics": found}
    description = {"columns": columns.to_dict(), "target": target.to_dict()}
    simdnn.save(model, o.out, metadata={"table": description, "training": training})
    report(o, columns, target, epochs, found, rows, seconds)


def check(o: argparse.Namespace) -> None:
    """Raises for options that are wrong for any table."""
    if not 0 <= o.val_split < 1:
        fail(f"--val-split: expected a fraction in [0, 1), got {o.val_split}")
    for name in ("epochs", "batch_size", "max_categories"):
        if getattr(o, name) < 1:
            fail(f"--{name.replace('_', '-')}: expected at least 1, got {getattr(o, name)}")
    if o.patience < 0 or o.seed < 0:
        fail("--patience, --seed: expected integers >= 0")
    if not os.path.isdir(os.path.dirname(os.path.abspath(o.out))):
        fail(f"--out: there is no folder {os.path.dirname(o.out)}")
    check_writable(o.out)
    refuse_input("--out", o.out, o.data)
    simdnn.io.need_safetensors()


def names_in(text: str) -> list[str]:
    """The items of a comma-separated list; one with commas of its own stands in quotation marks."""
    items = next(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True), [])
    return [name.strip() for name in items if name.strip()]


def split(rows: int, fraction: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the rows to train on and of those to hold out, each in the order of the file."""
    order = np.random.default_rng(seed).permutation(rows)
    count = int(rows * fraction)
    return np.sort(order[count:]), np.sort(order[:count])


def point_out_useless(columns: table.Table) -> None:
    """Warns of columns that are empty, or have another whole number or word in each row, as ids have."""
    for name, values in columns.items():
        words = values.dtype == object
        known = [one for one in values.tolist() if one is not None and one == one]
        if not known:
            reason = "is empty"
        elif len(set(known)) == len(values) >= ROWS_OF_IDS and (words or all(one % 1 == 0 for one in known)):
            reason = f"has another {'word' if words else 'whole number'} in each row, as an id has"
        else:
            continue
        warnings.warn(
            f"column {name}: {reason}; leave it out with --ignore, unless it has a use", stacklevel=2
        )


def network(o: argparse.Namespace, columns: table.Columns, outputs: int) -> nn.Sequential:
    """The network that the options describe."""
    layers: list[nn.Layer] = []
    width, tables = len(columns.features), columns.embeddings
    if tables:
        layers.append(nn.Embedding(in_features=width, columns=tables))
        width += sum(size - 1 for _, size in tables.values())
    for size in names_in(o.hidden):
        if not size.isdecimal() or int(size) < 1:
            fail(f"--hidden: expected widths such as 64,64, got {o.hidden!r}")
        layers.append(nn.Dense(width, int(size), activation=None if o.batch_norm else o.activation))
        if o.batch_norm:
            layers += [nn.BatchNorm1d(), nn.activation_of(o.activation)]
        if o.dropout:
            layers.append(nn.Dropout(o.dropout))
        width = int(size)
    model = nn.Sequential(*layers, nn.Dense(width, outputs), rng=o.seed)
    for at in tables:  # an unseen category has the vector 0
        model.parameters()[f"0.{at}.weight"][-1] = 0
    return model


def train(
    o: argparse.Namespace, model: nn.Sequential, target: table.Target, data: Any, validation: Any
) -> int:
    """Trains the model, restores its best epoch and returns the number of epochs; Ctrl-C ends it early."""
    optimizer = optim.from_name(o.optimizer)
    if o.lr is not None:
        optimizer.lr = o.lr
    loss = "cross_entropy" if target.classes else "mse"
    trainer = simdnn.Trainer(model, loss, optimizer, seed=o.seed)
    stopping = EarlyStopping("val_loss" if validation else "loss", o.patience or None)
    options = {"epochs": o.epochs, "batch_size": o.batch_size, "validation_data": validation}
    interrupted = False
    try:
        trainer.fit(*data, **options, callbacks=[stopping], progress=False if o.quiet else "auto")
    except KeyboardInterrupt:
        interrupted = True
    if stopping.best_epoch is None:
        if interrupted:
            fail("interrupted before the first epoch ended; nothing was written")
        fail("training diverged in the first epoch: the loss is not finite; try a lower --lr")
    if interrupted:
        print("interrupted: the best epoch so far is kept")
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
    """Prints a summary of the training and the metrics of the model."""
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


TRAIN = Command("train a network on a table (CSV, Parquet or npz)", DESCRIPTION, add_arguments, run)
