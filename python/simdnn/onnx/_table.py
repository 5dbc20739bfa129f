"""Exporters of preprocessing: table columns as inputs of an ONNX graph, the target as its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..table._dates import Dates
from ..table._encoders import Categories
from ..table._numbers import FLAT, Numbers
from ._dates import Calendar
from ._graph import Graph, need_onnx, type_of

if TYPE_CHECKING:
    from ..table import Columns, Target

#: Domain and version of the operator LabelEncoder.
ML_DOMAIN = ("ai.onnx.ml", 3)


def encoded(graph: Graph, columns: Columns) -> tuple[str, list[Any]]:
    """Exports `Columns.transform`; returns its value [n, features], and one input [n, 1] per column.

    Columns that are left out are inputs that no node reads.
    """
    positions, found = [], []
    for part in columns.parts:
        if isinstance(part, Categories):
            values = [category_of(graph, part)]
        elif isinstance(part, Dates):
            calendar = Calendar(graph, part.name)
            numbers = [(calendar.number(key), one) for key, one in part.numbers]
            values = [scaled(graph, one, x)[0] for x, one in numbers] + [calendar.absent] * part.missing
            positions += [position(graph, one, x) for x, one in numbers if one.edges]
        else:
            values = scaled(graph, part, part.name)
            positions += [position(graph, part, part.name)] if part.edges else []
        found += values
    make = need_onnx().helper.make_tensor_value_info
    inputs = [make(part.name, type_of(kind_of(part)), ["n", 1]) for part in columns.parts + columns.left_out]
    x = graph.add("Concat", *(graph.cast(value, np.float32) for value in positions + found), axis=1)
    return graph.cast(x, graph.dtype), inputs


def kind_of(part: Numbers | Categories | Dates) -> Any:
    """The dtype of a column in a graph."""
    return object if isinstance(part, Categories) else np.int64 if isinstance(part, Dates) else np.float64


def scaled(graph: Graph, part: Numbers, x: str) -> list[str]:
    """Exports `Numbers.encode` of x."""
    center, scale, zero = (graph.constant(one, np.float64) for one in (part.center, part.scale, 0))
    absent = graph.add("IsNaN", x)
    z = graph.add("Div", graph.add("Sub", x, center), scale)
    if part.robust:
        z = bounded(graph, z)
    return [graph.add("Where", absent, zero, z), absent][: 1 + part.missing]


def bounded(graph: Graph, z: str) -> str:
    """Exports the smooth clip of robust scaling, z / sqrt(1 + (z / 3)^2)."""
    one, three, low, high = (graph.constant(value, np.float64) for value in (1, 3, -FLAT, FLAT))
    z = graph.add("Clip", z, low, high)
    third = graph.add("Div", z, three)
    return graph.add("Div", z, graph.add("Sqrt", graph.add("Add", one, graph.add("Mul", third, third))))


def position(graph: Graph, part: Numbers, x: str) -> str:
    """Exports `Numbers.position` of x as the sum of the piecewise-linear codes."""
    begins, widths = (graph.parameter([one], np.float64) for one in (part.bins.begins, part.bins.widths))
    zero, one = (graph.constant(value, np.float64) for value in (0, 1))
    codes = graph.add("Clip", graph.add("Div", graph.add("Sub", x, begins), widths), zero, one)
    total = graph.add("ReduceSum", codes, graph.constant([1], np.int64), keepdims=1)
    return graph.add("Where", graph.add("IsNaN", x), zero, total)


def category_of(graph: Graph, part: Categories) -> str:
    """Exports `Categories.encode`, for the spellings of `Categories.spellings`."""
    spelled = part.spellings() or {"": 0}  # all categories are rare, and the operator wants a key
    found = graph.add(
        "LabelEncoder",
        part.name,
        domain=ML_DOMAIN[0],
        keys_strings=list(spelled),
        values_int64s=list(spelled.values()),
        default_int64=len(part.categories),
    )
    if part.embedded:
        return found
    if part.binary:
        return graph.add("Gather", graph.constant([-1, 1, 0], np.int64), found)
    return graph.add("Equal", found, graph.parameter([range(part.size)], np.int64))


def output_names(target: Target) -> list[str]:
    """The names of the outputs: of the class or number, and of the probabilities of classes."""
    return [target.name, f"P({target.name})"] if target.classes else [target.name]


def decoded(graph: Graph, target: Target, y: str, probabilities: bool) -> list[Any]:
    """Exports `Target.restore` of the network's outputs y, and class probabilities; returns the outputs.

    The outputs for classes are `probabilities`, or else logits.
    """
    helper, types = need_onnx().helper, need_onnx().TensorProto
    if target.classes:
        name, chances = output_names(target)
        shares = y if probabilities else graph.add("Softmax", y, axis=1)
        winner = graph.add("ArgMax", y, axis=1, keepdims=0)
        last = graph.add("Gather", graph.parameter(target.classes, object), winner)
        graph.finish(shares, chances)
        graph.finish(last, name)
        return [
            helper.make_tensor_value_info(name, types.STRING, ["n"]),
            helper.make_tensor_value_info(chances, graph.type, ["n", target.outputs]),
        ]
    mean, scale = (graph.constant(one, np.float64) for one in (target.mean, target.scale))
    column = graph.add("Reshape", graph.cast(y, np.float64), graph.constant([-1], np.int64))
    numbers = graph.add("Add", graph.add("Mul", column, scale), mean)
    if target.seen:
        low, high = (graph.constant(one, np.float64) for one in target.seen)
        numbers = graph.add("Min", graph.add("Max", numbers, low), high)
    graph.finish(numbers, target.name)
    return [helper.make_tensor_value_info(target.name, types.DOUBLE, ["n"])]
