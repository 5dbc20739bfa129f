"""Exporters of preprocessing: table columns as inputs of an ONNX graph, the target as its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..table._cells import MISSING, canonical
from ..table._encoders import Categories
from ..table._numbers import Numbers
from ._graph import Graph, need_onnx, type_of

if TYPE_CHECKING:
    from ..table import Columns, Target

#: Domain and version of the operator LabelEncoder.
ML_DOMAIN = ("ai.onnx.ml", 3)


def encoded(graph: Graph, columns: Columns) -> tuple[str, list[Any]]:
    """Exports `Columns.transform`; returns its value [n, features], and one input [n, 1] per column."""
    inputs, found = [], []
    for part in columns.parts:
        if isinstance(part, Categories):
            kind, values = object, [category_of(graph, part)]
        else:
            kind, values = np.float64, scaled(graph, part)
        inputs.append(need_onnx().helper.make_tensor_value_info(part.name, type_of(kind), ["n", 1]))
        found += values
    x = graph.add("Concat", *(graph.cast(value, np.float32) for value in found), axis=1)
    return graph.cast(x, graph.dtype), inputs


def scaled(graph: Graph, part: Numbers) -> list[str]:
    """Exports `Numbers.encode`."""
    mean, scale, zero = (graph.constant(one, np.float64) for one in (part.center, part.scale, 0))
    absent = graph.add("IsNaN", part.name)
    value = graph.add("Where", absent, zero, graph.add("Div", graph.add("Sub", part.name, mean), scale))
    return [value, absent][: 1 + part.missing]


def category_of(graph: Graph, part: Categories) -> str:
    """Exports `Categories.encode`; all cells that mean missing are one category, and so are "1" and "1.0"."""
    places = {one: i for i, one in enumerate(part.categories)}
    spelled = dict.fromkeys(MISSING, places[None]) if None in places else {}
    words = {one: i for one, i in places.items() if one is not None}
    spelled |= {f"{one}.0": i for one, i in words.items() if canonical(f"{one}.0") == one} | words
    found = graph.add(
        "LabelEncoder",
        part.name,
        domain=ML_DOMAIN[0],
        keys_strings=list(spelled),
        values_int64s=list(spelled.values()),
        default_int64=len(places),
    )
    if part.embedded:
        return found
    return graph.add("Equal", found, graph.parameter([range(part.size)], np.int64))


def decoded(graph: Graph, target: Target, y: str, probabilities: bool) -> list[Any]:
    """Exports `Target.restore` of the network's outputs y, and class probabilities; returns the outputs.

    The outputs for classes are `probabilities`, or else logits.
    """
    helper, types = need_onnx().helper, need_onnx().TensorProto
    if target.classes:
        shares = y if probabilities else graph.add("Softmax", y, axis=1)
        winner = graph.add("ArgMax", y, axis=1, keepdims=0)
        last = graph.add("Gather", graph.parameter(target.classes, object), winner)
        graph.finish(shares, f"P({target.name})")
        graph.finish(last, target.name)
        return [
            helper.make_tensor_value_info(target.name, types.STRING, ["n"]),
            helper.make_tensor_value_info(f"P({target.name})", graph.type, ["n", target.outputs]),
        ]
    mean, scale = (graph.constant(one, np.float64) for one in (target.mean, target.scale))
    column = graph.add("Reshape", graph.cast(y, np.float64), graph.constant([-1], np.int64))
    graph.finish(graph.add("Add", graph.add("Mul", column, scale), mean), target.name)
    return [helper.make_tensor_value_info(target.name, types.DOUBLE, ["n"])]
