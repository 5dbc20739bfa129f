"""``simdnn predict``, ``export`` and ``info``: the commands on models."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from typing import Any

import numpy as np

import simdnn
import simdnn.functional as F
from simdnn import table
from simdnn._utils.files import write_atomically

from ._common import Command, fail, load_described, show


def predict_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of predict."""
    add = parser.add_argument
    add("model", help="the file that train wrote")
    add("data", help="a .csv, .tsv, .parquet or .npz file with the columns of the training")
    add("--out", help="a CSV file for the predictions (default: they are printed)")
    add("--proba", action="store_true", help="a column with the probability of each class too")
    add("--delimiter", help="of a CSV file (default a comma)")


def predict(o: argparse.Namespace) -> int:
    """Write the predictions for a table as CSV."""
    model, columns, target = load_described(o.model)
    if o.proba and not target.classes:
        fail("--proba: the model predicts numbers, which have no probabilities")
    outputs = model(columns.transform(table.read(o.data, text=columns.text, delimiter=o.delimiter)))
    text = as_csv(target, outputs, o.proba)
    if o.out is None:
        sys.stdout.write(text)
    else:
        write_atomically(o.out, text.encode())
    return 0


def as_csv(target: table.Target, outputs: Any, proba: bool) -> str:
    """Predictions as lines, below a line of names."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    predictions = [one if target.classes else f"{one:.9g}" for one in target.restore(outputs).tolist()]
    if not proba:
        writer.writerow([target.name])
        writer.writerows([one] for one in predictions)
        return buffer.getvalue()
    writer.writerow([target.name, *(f"P({name})" for name in target.classes)])
    shares = np.asarray(F.softmax(outputs)).tolist()
    writer.writerows(
        [one, *(f"{share:.6g}" for share in row)] for one, row in zip(predictions, shares, strict=True)
    )
    return buffer.getvalue()


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of export."""
    add = parser.add_argument
    add("model", help="a .safetensors file of train or simdnn.save")
    add("--onnx", required=True, metavar="FILE", help="where the ONNX model goes")
    add(
        "--columns",
        action="store_true",
        help="the columns of the training as inputs and its target as output, as predict has them",
    )
    add("--opset", type=int, default=17, help="version of ONNX's operators (default 17)")


def export(o: argparse.Namespace) -> int:
    """Write a model as ONNX."""
    import simdnn.onnx

    if not o.columns:
        simdnn.onnx.export(simdnn.load(o.model), o.onnx, o.opset)
        return 0
    model, columns, target = load_described(o.model)
    simdnn.onnx.export(model, o.onnx, o.opset, columns=columns, target=target)
    return 0


def info_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of info."""
    parser.add_argument("model", nargs="?", help="a .safetensors file")


def info(o: argparse.Namespace) -> int:
    """Print the configuration, or the content of a model's file."""
    if o.model is None:
        simdnn.show_config()
        return 0
    model, metadata = simdnn.load(o.model), simdnn.load_metadata(o.model)
    rows: list[tuple[str, Any]] = [(f"layer {i}", repr(layer)) for i, layer in enumerate(model.layers)]
    rows += [("parameters", f"{model.flat_parameters.size:,}"), ("dtype", model.dtype.name)]
    if "table" in metadata:
        _, columns, target = load_described(o.model)
        rows += [("inputs", ", ".join(columns.features)), ("target", target.name)]
        rows += [("classes", ", ".join(target.classes))] if target.classes else []
    rows += [(str(key), value) for key, value in metadata.items() if key != "table"]
    show(rows, o.model)
    return 0


PREDICT = Command(
    "predict the rows of a table with a model that train wrote",
    "Predict the rows of a table with a model that `train` wrote.",
    predict_arguments,
    predict,
)
EXPORT = Command(
    "write a model as ONNX",
    "Write a model as ONNX. Its inputs are the network's: numbers scaled, words one-hot; or the columns of a"
    " table.",
    export_arguments,
    export,
)
INFO = Command(
    "print version, instruction set, threads and compiler, or the content of a model's file",
    "Print version, instruction set, threads and compiler, or the content of a model's file.",
    info_arguments,
    info,
)
