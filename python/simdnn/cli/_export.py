"""``simdnn export``: converts a model's file to ONNX or C, and says how to use what it wrote."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from typing import Any

import simdnn

from ._code import code_size, usage
from ._common import Command, fail, refuse_ending, refuse_input, show
from ._described import load_described, load_estimator
from ._packages import GRAPHS, need_with_model

#: Inputs and outputs of a graph that are listed.
SHOWN = 8
#: Types of NumPy by the names that differ in ONNX.
TYPES = {"FLOAT": "float32", "DOUBLE": "float64"}
#: Rows of a name and a value.
Rows = list[tuple[str, str]]


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn export`."""
    add = parser.add_argument
    add("model", help="model file (.safetensors) written by simdnn train or simdnn.save")
    formats = parser.add_mutually_exclusive_group(required=True)
    formats.add_argument("--onnx", metavar="FILE", help="ONNX file to write")
    formats.add_argument("--c", metavar="FILE", help="C header to write")
    add(
        "--columns",
        action="store_true",
        help="take the table's columns as inputs and give predictions as simdnn predict does",
    )
    add("--opset", type=int, help="version of the ONNX operator set (default: 17)")
    add(
        "--rounded", action="store_true", help="a C header without fused multiply-adds, for small controllers"
    )
    add("--cc", metavar="COMPILER", help="compiler, with its options, that measures the code of a C header")


def export(o: argparse.Namespace) -> int:
    """Writes a model as ONNX or C, and returns the exit status."""
    option, path = ("--onnx", o.onnx) if o.c is None else ("--c", o.c)
    refuse_input(option, path, o.model)
    refuse_ending(option, path, ".onnx" if o.c is None else ".h")
    given = {"--rounded": o.rounded, "--cc": o.cc is not None} if o.c is None else {"--opset": o.opset}
    if without := [name for name, value in given.items() if value]:
        fail(f"{without[0]}: not used by {option}")
    need_with_model(f"simdnn export {option}", o.model, GRAPHS if o.c is None else {})
    described: dict[str, Any] = {}
    rows: Rows = []
    if o.columns:
        known = load_described(o.model)
        if known.has_trees:
            fail(
                "--columns: the model predicts with trees; without this option the networks alone are written"
            )
        model, described["columns"], described["target"] = known.model, known.columns, known.target
    else:
        model = simdnn.load(o.model)
        metadata = simdnn.load_metadata(o.model)
        estimator = load_estimator(o.model, metadata)
        trees = estimator is not None and estimator.has_trees
        if estimator is not None or "table" in metadata:
            columns = "model.columns_" if estimator is not None else "table.Columns"
            other = "" if trees else "; --columns takes the table's columns"
            rows = [("encoding", f"x is the output of {columns}.transform{other}")]
        if trees:
            warnings.warn(f"{path}: the networks alone, without gradient boosting", stacklevel=2)
    if o.c is not None:
        return export_c(o, model, described, rows)
    return export_onnx(o, model, described, rows)


def export_onnx(o: argparse.Namespace, model: Any, described: dict[str, Any], rows: Rows) -> int:
    """Writes a model as ONNX, prints its size, inputs, `rows`, outputs and use, returns the exit status."""
    import onnx

    simdnn.onnx.export(model, o.onnx, *([] if o.opset is None else [o.opset]), **described)
    graph = onnx.load(o.onnx).graph
    names = [one.name for one in graph.input]
    given = ", ".join([f"{name!r}: {name if name.isidentifier() else '...'}" for name in names[:SHOWN]])
    rest = ", ..." if len(names) > SHOWN else ""
    show(
        [
            ("size", f"{os.path.getsize(o.onnx):,} bytes"),
            ("inputs", values_of(graph.input)),
            *rows,
            ("outputs", values_of(graph.output)),
            ("in Python", f"onnxruntime.InferenceSession({o.onnx!r}).run(None, {{{given}{rest}}})"),
        ],
        o.onnx,
    )
    return 0


def values_of(values: Sequence[Any]) -> str:
    """The names, shapes and types of inputs or outputs of a graph; of many ones the first."""
    import onnx

    found = []
    for one in values[:SHOWN]:
        kind = one.type.tensor_type
        shape = ", ".join(str(side.dim_param or side.dim_value) for side in kind.shape.dim)
        type_name = onnx.TensorProto.DataType.Name(kind.elem_type)
        found.append(f"{one.name} [{shape}] {TYPES.get(type_name, type_name.lower())}")
    return ", ".join(found) + (f", ... ({len(values)} in all)" if len(values) > SHOWN else "")


def export_c(o: argparse.Namespace, model: Any, described: dict[str, Any], about: Rows) -> int:
    """Writes a model as C, prints its sizes, `about` and use, and returns the exit status."""
    sizes = simdnn.export_c(model, o.c, exact=not o.rounded, **described)
    rows = [("constants", sizes.constants), ("memory on the stack", sizes.work)]
    rows += [("states between calls", sizes.states)] if sizes.states else []
    rows += [(f"code ({o.cc.split()[0]})", code_size(o.cc, o.c))] if o.cc else []
    shown: list[tuple[str, str]] = [(name, f"{size:,} bytes") for name, size in rows]
    shown += [*about, *usage(o.c)]
    show(shown, o.c)
    return 0


EXPORT = Command(
    "convert a model to ONNX or C",
    "Convert a model to ONNX, or to a C header without dependencies. Its input is that of the network, scaled"
    " and one-hot encoded; with --columns, its inputs are the columns of a table.",
    export_arguments,
    export,
)
