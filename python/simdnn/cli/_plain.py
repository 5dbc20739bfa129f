"""``simdnn train --plain``: trains one plain network, with early stopping on held-out rows."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import data, nn, optim, table
from simdnn._utils.check import check_int, check_probability
from simdnn._utils.numbers import counted
from simdnn.callbacks import EarlyStopping

from ._common import Scores, fail, kind_of, metrics, names_in, point_out_useless, show
from ._large import held_out_rows, spooled
from ._measures import shown
from ._verdict import verdict_of_network

#: Options that describe a plain network and its training, with their defaults.
DEFAULTS: dict[str, Any] = {
    "hidden": "64,64",
    "activation": "relu",
    "dropout": 0.0,
    "batch_norm": False,
    "optimizer": "adam",
    "lr": None,
    "epochs": 100,
    "batch_size": 32,
    "val_split": 0.2,
    "patience": 10,
    "max_categories": 1000,
    "max_one_hot": 32,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a plain network; one that is not given leaves no attribute."""
    group = parser.add_argument_group(
        "a plain network",
        "Any of these options, or --chunk-rows above 0, trains one network instead of the bag of a preset.",
        argument_default=argparse.SUPPRESS,
    )
    add = group.add_argument
    add("--plain", action="store_true", help="train a plain network with the defaults of these options")
    add("--hidden", help=f"widths of the hidden layers; '' for none (default: {DEFAULTS['hidden']})")
    add(
        "--activation",
        choices=nn.ACTIVATIONS,
        metavar="NAME",
        help="activation of the hidden layers, by its name in simdnn.functional"
        f" (default: {DEFAULTS['activation']})",
    )
    add("--dropout", type=float, metavar="P", help=f"dropout probability (default: {DEFAULTS['dropout']})")
    add("--batch-norm", action="store_true", help="batch normalization before each hidden activation")
    add("--optimizer", choices=list(optim.BY_NAME), help=f"optimizer (default: {DEFAULTS['optimizer']})")
    add("--lr", type=float, help="learning rate (default: that of the optimizer)")
    add("--epochs", type=int, help=f"largest number of epochs (default: {DEFAULTS['epochs']})")
    add("--batch-size", type=int, help=f"rows per mini-batch (default: {DEFAULTS['batch_size']})")
    add(
        "--val-split",
        type=float,
        metavar="FRACTION",
        help="fraction of the rows to hold out for validation; 0 for none"
        f" (default: {DEFAULTS['val_split']})",
    )
    add(
        "--patience",
        type=int,
        help="epochs without a better validation loss before training stops; 0 for no limit"
        f" (default: {DEFAULTS['patience']})",
    )
    add(
        "--max-categories",
        type=int,
        help=f"categories per text column; rarer ones share one (default: {DEFAULTS['max_categories']})",
    )
    add(
        "--max-one-hot",
        type=int,
        help=f"a column with more categories gets an embedding instead (default: {DEFAULTS['max_one_hot']})",
    )


def given(o: argparse.Namespace) -> list[str]:
    """The options of a plain network that the user has given, as they are typed."""
    return [f"--{name.replace('_', '-')}" for name in ("plain", *DEFAULTS) if hasattr(o, name)]


def reason_of(options: list[str]) -> str:
    """The reason for a plain network in words: the options that ask for it, or else a table in chunks."""
    if not options:
        return "because the table is read in chunks (at once: a bag of networks, which is more accurate)"
    them = "it" if len(options) == 1 else "them"
    return f"because of {', '.join(options)} (without {them}: a bag of networks, which is more accurate)"


def complete(o: argparse.Namespace) -> None:
    """Sets the options that are not given to their defaults, and raises for values that cannot be."""
    o.reason = reason_of(given(o))
    for name, value in DEFAULTS.items():
        setattr(o, name, getattr(o, name, value))
    if not 0 <= o.val_split < 1:
        fail(f"--val-split: expected a fraction in [0, 1), got {o.val_split}")
    for name in ("epochs", "batch_size", "max_categories"):
        if getattr(o, name) < 1:
            fail(f"--{name.replace('_', '-')}: expected at least 1, got {getattr(o, name)}")
    check_probability("--dropout", o.dropout)
    check_int("--max-one-hot", o.max_one_hot, 0)
    widths_of(o)
    optimizer_of(o)
    if o.patience < 0:
        fail(f"--patience: expected an integer >= 0, got {o.patience}")


def run(o: argparse.Namespace, whole: table.Table, target: table.Target, inputs: table.Table) -> int:
    """Trains, writes the model, reports, and returns the exit status."""
    rows, held_out = split(len(whole[o.target]), o.val_split, o.seed)
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
    training = {"rows": int(rows[0]), "validation rows": int(rows[1]), "epochs": epochs, "metrics": found}
    description = {"columns": columns.to_dict(), "target": target.to_dict()}
    simdnn.save(model, o.out, metadata={"table": description, "training": training})
    where = "validation" if rows[1] else "training data"
    show(
        [
            ("target", f"{target.name} ({kind_of(target.classes, o.task)})"),
            ("inputs", f"{len(columns.features)} from {counted(len(columns.parts), 'column')}"),
            ("rows", f"{rows[0]} to train, {rows[1]} to validate"),
            ("epochs", f"{epochs} in {seconds:.2f} s"),
            *((f"{name} ({where})", shown(name, value)) for name, value in found.items()),
            ("model", f"{o.out}: one plain network, {o.reason}"),
        ]
    )
    if advice := verdict_of_network(found, where):
        print(f"\n{advice}")


def split(rows: int, fraction: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the rows to train on and of those to hold out, each in the order of the file."""
    order = np.random.default_rng(seed).permutation(rows)
    count = int(rows * fraction)
    return np.sort(order[count:]), np.sort(order[:count])


def widths_of(o: argparse.Namespace) -> list[int]:
    """The widths of the hidden layers."""
    sizes = names_in(o.hidden)
    if not all(size.isdecimal() and int(size) for size in sizes):
        fail(f"--hidden: expected widths such as 64,64, got {o.hidden!r}")
    return [check_int("--hidden", int(size)) for size in sizes]


def optimizer_of(o: argparse.Namespace) -> optim.Optimizer:
    """The optimizer that the options describe."""
    optimizer = optim.from_name(o.optimizer)
    if o.lr is not None:
        optimizer.lr = o.lr
    return optimizer


def network(o: argparse.Namespace, columns: table.Columns, outputs: int) -> nn.Sequential:
    """The network that the options describe."""
    layers: list[nn.Layer] = []
    width, tables = len(columns.features), columns.embeddings
    if tables:
        layers.append(nn.Embedding(in_features=width, columns=tables))
        width += sum(size - 1 for _, size in tables.values())
    for size in widths_of(o):
        layers.append(nn.Dense(width, size, activation=None if o.batch_norm else o.activation))
        if o.batch_norm:
            layers += [nn.BatchNorm1d(), nn.activation_of(o.activation)]
        if o.dropout:
            layers.append(nn.Dropout(o.dropout))
        width = size
    model = nn.Sequential(*layers, nn.Dense(width, outputs), rng=o.seed)
    for at in tables:  # an unseen category has the vector 0
        model.parameters()[f"0.{at}.weight"][-1] = 0
    return model


def train(
    o: argparse.Namespace, model: nn.Sequential, target: table.Target, data: Any, validation: Any
) -> int:
    """Trains the model, restores its best epoch and returns the number of epochs; Ctrl-C ends it early."""
    loss = "cross_entropy" if target.classes else "mse"
    trainer = simdnn.Trainer(model, loss, optimizer_of(o), seed=o.seed)
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
