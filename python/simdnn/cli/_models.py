"""``python -m simdnn predict``, ``export`` and ``info``: what is done with a model."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import simdnn
import simdnn.functional as F
from simdnn import table
from simdnn._utils.files import write_atomically

from ._common import fail, load_described, one_line_errors, show


@one_line_errors
def predict(arguments: Sequence[str]) -> int:
    """Write the predictions for a table as CSV."""
    made = argparse.ArgumentParser(
        "python -m simdnn predict", description="Predict the rows of a table with a model that `train` wrote."
    )
    made.add_argument("model", help="the file that train wrote")
    made.add_argument("data", help="a .csv, .tsv, .parquet or .npz file with the columns of the training")
    made.add_argument("--out", help="a CSV file for the predictions (default: they are printed)")
    made.add_argument("--proba", action="store_true", help="a column with the probability of each class too")
    made.add_argument("--delimiter", help="of a CSV file (default a comma)")
    o = made.parse_args(arguments)
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


@one_line_errors
def export(arguments: Sequence[str]) -> int:
    """Write a model as ONNX."""
    made = argparse.ArgumentParser(
        "python -m simdnn export",
        description="Write a model as ONNX. Its inputs are the network's: numbers scaled, words one-hot;"
        " or the columns of a table.",
    )
    made.add_argument("model", help="a .safetensors file of train or simdnn.save")
    made.add_argument("--onnx", required=True, metavar="FILE", help="where the ONNX model goes")
    made.add_argument(
        "--columns",
        action="store_true",
        help="the columns of the training as inputs and its target as output, as predict has them",
    )
    made.add_argument("--opset", type=int, default=17, help="version of ONNX's operators (default 17)")
    o = made.parse_args(arguments)
    import simdnn.onnx

    if not o.columns:
        simdnn.onnx.export(simdnn.load(o.model), o.onnx, o.opset)
        return 0
    model, columns, target = load_described(o.model)
    simdnn.onnx.export(model, o.onnx, o.opset, columns=columns, target=target)
    return 0


@one_line_errors
def info(arguments: Sequence[str]) -> int:
    """Print the configuration, or what is in a model."""
    made = argparse.ArgumentParser(
        "python -m simdnn info",
        description="Print version, instruction set, threads and compiler, or what is in a model's file.",
    )
    made.add_argument("model", nargs="?", help="a .safetensors file")
    o = made.parse_args(arguments)
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
