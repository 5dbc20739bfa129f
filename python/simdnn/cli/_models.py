"""``simdnn predict`` and ``info``: the commands that read a model's file and write no other model."""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import simdnn
from simdnn import nn, table
from simdnn._utils.files import check_writable, write_parts_atomically

from ._common import Command, add_reading, fail, is_model, refuse_ending, refuse_input, show, spelling
from ._described import Described, Estimator, Predicted, load_described, load_estimator
from ._large import add_chunk_rows, chunk_rows
from ._measures import shown
from ._packages import need_with_model, packages_of_table

#: The width of lines of names.
WIDTH = 80


def predict_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn predict`."""
    add = parser.add_argument
    add("model", help="model file written by simdnn train")
    add("data", help="table with the columns of the training data: .csv, .tsv, .parquet or .npz")
    add("--out", help="CSV file to write (default: standard output)")
    add("--proba", action="store_true", help="also write the probability of each class, in columns P(class)")
    add_reading(parser)
    add_chunk_rows(parser)


def predict(o: argparse.Namespace) -> int:
    """Writes the predictions for a table as CSV and returns the exit status."""
    if o.out is not None:
        check_writable(o.out)
        refuse_input("--out", o.out, o.model, o.data)
        refuse_ending("--out", o.out, ".csv")
    if os.path.isfile(o.model) and is_model(o.data) and not is_model(o.model):
        fail(f"{o.model} is not a safetensors file; are model and table swapped?")
    need_with_model("simdnn predict", o.model, packages_of_table(o.data))
    model = load_described(o.model)
    if o.proba and not model.classes:
        fail("--proba: the model predicts numbers, which have no probabilities")
    wanted = {"text": model.columns.text, "columns": model.columns.names} | spelling(o)
    wanted["dates"] = bool(model.columns.dates)
    rows = chunk_rows(o)
    with warnings.catch_warnings():
        for hint in ("values such as", "read as words"):  # they are errors here
            warnings.filterwarnings("ignore", f"column .* {hint}")
        parts = table.chunks(o.data, rows=rows, **wanted) if rows else [table.read(o.data, **wanted)]
    texts = predictions(o.proba, model, parts)
    if o.out is None:
        sys.stdout.writelines(texts)
    else:
        write_parts_atomically(o.out, (text.encode() for text in texts))
    return 0


def predictions(proba: bool, model: Described, parts: Sequence[Any]) -> Iterator[str]:
    """Predictions as CSV text: a line of column names, then those of each part of the table.

    With `proba`, the probabilities of the classes stand in columns of their own.
    """
    for i in range(len(parts)):
        yield as_csv(model, model.predict(parts, i, proba), header=i == 0)


def as_csv(model: Described, found: Predicted, header: bool) -> str:
    """Predictions as CSV text: a line of column names if there is to be a header, then one line per row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if header:
        names = [] if found.shares is None else [f"P({name})" for name in model.classes]
        writer.writerow([model.name, *names])
    if found.shares is None:
        writer.writerows([one] for one in found.labels)
        return buffer.getvalue()
    writer.writerows(
        [one, *(f"{share:.6g}" for share in row)]
        for one, row in zip(found.labels, np.asarray(found.shares).tolist(), strict=True)
    )
    return buffer.getvalue()


def info_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn info`."""
    parser.add_argument(
        "model", nargs="?", help="model file (.safetensors); without it, the configuration is printed"
    )


def info(o: argparse.Namespace) -> int:
    """Prints the configuration, or the contents of a model's file, and returns the exit status."""
    if o.model is None:
        simdnn.show_config()
        return 0
    need_with_model("simdnn info", o.model, {})
    model, metadata = simdnn.load(o.model), simdnn.load_metadata(o.model)
    estimator = None if "table" in metadata else load_estimator(o.model, metadata)
    rows = described(model) if estimator is None else described_estimator(estimator)
    if estimator is not None or "table" in metadata:
        known = estimator or load_described(o.model)
        names, encoded = known.columns.features, known.columns.encoded
        positions = [re.sub(r" \(0 to (\d+)\)$", r" (position in \1 bins)", name) for name in names[:encoded]]
        rows += [("inputs", in_lines([*positions, *names[encoded:]])), ("target", known.name)]
        rows += [("classes", in_lines(known.classes))] if known.classes else []
    training = metadata.get("training")
    if isinstance(training, dict):
        rows += trained(training)
    elif estimator is not None:
        name = "accuracy" if known.classes else "R2"
        rows += [(f"{name} (out of fold)", f"{estimator.estimator.oof_score_:.4f}")]
    told = ("table", "target", *(["training"] if isinstance(training, dict) else []))
    rows += [(str(key), value) for key, value in metadata.items() if key not in told]
    show(rows, o.model)
    return 0


def in_lines(names: Sequence[str]) -> str:
    """Names one after another, with breaks between them in lines of `WIDTH` characters, about."""
    lines = [""]
    for i, name in enumerate(names):
        text = name + ", " * (i + 1 < len(names))
        if lines[-1] and len(lines[-1]) + len(text) > WIDTH:
            lines.append("")
        lines[-1] += text
    return "\n".join(line.rstrip() for line in lines)


def trained(training: dict[str, Any]) -> list[tuple[str, Any]]:
    """Rows about the training of a model, whose metrics say on which rows they were measured."""
    where = {None: "", 0: " (training data)"}.get(training.get("validation rows"), " (validation)")
    places = {"metrics": where, "metrics out of fold": " (out of fold)"}
    rows: list[tuple[str, Any]] = []
    for key, value in training.items():
        if key in places and isinstance(value, dict):
            rows += [(f"{name}{places[key]}", shown(name, float(one))) for name, one in value.items()]
        else:
            rows.append((key, f"{value:,}" if isinstance(value, int) else value))
    return rows


def described_estimator(found: Estimator) -> list[tuple[str, Any]]:
    """Rows about an estimator: its settings, one line for equal networks."""
    estimator = found.estimator
    networks = [repr(one) for one in estimator.ensemble_]
    rows: list[tuple[str, Any]] = [("estimator", repr(estimator))]
    counts = {one: networks.count(one) for one in networks}
    rows += [(f"{count} network{'s' * (count > 1)}", one) for one, count in counts.items()]
    if found.has_trees:
        rows += [("gradient boosting", f"{1 - estimator.networks_share_:.2f} of the predictions")]
    return rows + described(estimator.ensemble_)[-2:]


def described(model: nn.Sequential | nn.Ensemble) -> list[tuple[str, Any]]:
    """Rows about a model: the layers, or the members of an ensemble, the number of parameters, the dtype."""
    if isinstance(model, nn.Ensemble):
        members = [one for one in model if isinstance(one, nn.Sequential)]
        rows: list[tuple[str, Any]] = [(f"model {i}", repr(one)) for i, one in enumerate(members)]
        rows += [("weights", ", ".join(f"{one:g}" for one in model.weights)), ("average", model.average)]
    else:
        members = [model]
        rows = [(f"layer {i}", repr(layer)) for i, layer in enumerate(model.layers)]
    count = sum(one.flat_parameters.size for one in members)
    return [*rows, ("parameters", f"{count:,}"), ("dtype", model.dtype.name)]


PREDICT = Command(
    "predict the rows of a table with a trained model",
    "Predict the rows of a table with a model that `simdnn train` has written.",
    predict_arguments,
    predict,
)
INFO = Command(
    "print version, instruction set, threads and compiler, or the contents of a model's file",
    "Print version, instruction set, threads and compiler, or the contents of a model's file.",
    info_arguments,
    info,
)
