"""`export`: models to ONNX files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from .. import _core, nn
from .._utils.check import check_dtype, check_int
from .._utils.files import Path, check_ending, check_writable, write_atomically
from ..nn._layer import Shape
from ..table import check_match
from ._checksum import seal
from ._graph import Graph, need_onnx
from ._layers import chain
from ._table import ML_DOMAIN, decoded, encoded, output_names

if TYPE_CHECKING:
    from ..table import Columns, Target

#: Oldest supported opset, the first with LayerNormalization.
MIN_OPSET = 17


def export(
    model: nn.Sequential | nn.Ensemble,
    path: Path,
    opset: int = MIN_OPSET,
    *,
    dtype: DTypeLike | None = None,
    columns: Columns | None = None,
    target: Target | None = None,
) -> None:
    """Write a model to an ONNX file that computes the model's predictions.

    Parameters
    ----------
    model : Sequential or Ensemble
        Model to export. An ensemble is one graph: its members, which are `Sequential`, and their mean.
    path : str or path
        File to write; an existing one is replaced atomically.
    opset : int
        Version of the ONNX operator set, >= 17; older runtimes need older versions. mish is a single operator
        from 18 on, gelu from 20 on.
    dtype : dtype or None
        float32 or float64 for the weights and all arithmetic; None is that of the model. Some runtimes
        support some operators only in float32.
    columns : table.Columns or None
        Preprocessing to include. The inputs of the graph are then the columns of a table, each of shape
        (n, 1): numbers as float64, text as strings without blanks around them, dates as int64, the
        microseconds since 1970 in UTC that ``dates.astype("datetime64[us]").astype("int64")`` gives.
    target : table.Target or None
        Postprocessing to include. The output with the name of the target, shape (n,), is then the class as a
        string, or the number in the target's units. The output ``P(name)``, shape (n, classes), holds the
        probabilities of the classes.

    Raises
    ------
    TypeError
        If the model or a member is of another class, a layer has no counterpart in ONNX, or columns or target
        are of another class.
    ValueError
        If the opset is below 17 or above that of the installed onnx, the dtype is not supported, columns or
        target do not fit the model, a column has no name or that of an output, or a network has the precision
        bf16, whose float32 copy ``model.copy(precision="float32")`` can be exported.
    OSError
        If the file cannot be written, or is no regular file.
    ImportError
        If onnx is missing: it comes with the extra ``[onnx]``.

    Notes
    -----
    Without columns and target, the input is named ``x`` and the output ``y``. The number of samples, and of
    time steps of sequences, is dynamic. Dropout is left out. Attributes of operators, such as slopes, are
    float32 whatever the dtype, because ONNX stores them so.

    Examples
    --------
    >>> import os, tempfile, simdnn.onnx
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4, activation="relu"), nn.Dense(4, 2), rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     simdnn.onnx.export(model, path)
    ...     simdnn.onnx.load(path)
    Sequential(Dense(3, 4), ReLU(), Dense(4, 2), dtype=float32)
    """
    if not isinstance(model, nn.Sequential | nn.Ensemble):
        raise TypeError(f"model: expected a Sequential or an Ensemble, got {type(model).__name__}")
    nn.need_full_precision(model, "ONNX")
    onnx = need_onnx()
    opset = check_int("opset", opset, MIN_OPSET, onnx.defs.onnx_opset_version())
    kind = check_dtype("dtype", model.dtype if dtype is None else dtype)
    if kind not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64, got {kind}")
    check_match(columns, target, model.in_features, model.out_features)
    check_ending("path", path, ".onnx")
    check_writable(path)
    made = to_onnx(model, opset, kind, columns, target)
    write_atomically(path, made.SerializeToString(deterministic=True))


def to_onnx(
    model: nn.Sequential | nn.Ensemble,
    opset: int,
    dtype: np.dtype[Any],
    columns: Columns | None,
    target: Target | None,
) -> Any:
    """The model as a checked ``onnx.ModelProto``."""
    onnx = need_onnx()
    helper = onnx.helper
    graph = Graph(opset, dtype, values_of(columns, target))
    x, inputs = "x", [helper.make_tensor_value_info("x", graph.type, dynamic_shape(model._input))]
    if columns:
        x, inputs = encoded(graph, columns)
    y = ensemble(graph, model, x) if isinstance(model, nn.Ensemble) else sequential(graph, model, x)
    if target:
        probabilities = isinstance(model, nn.Ensemble) and model.average == "probabilities"
        outputs = decoded(graph, target, y, probabilities)
    else:
        graph.finish(y, "y")
        outputs = [helper.make_tensor_value_info("y", graph.type, dynamic_shape(model._output))]
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    operators = [helper.make_opsetid("", opset)]
    if columns and columns.text:
        operators.append(helper.make_opsetid(*ML_DOMAIN))
    made = helper.make_model(
        helper.make_graph(graph.nodes, "simdnn", inputs, outputs, constants),
        opset_imports=operators,
        ir_version=helper.find_min_ir_version_for(operators),
        producer_name="simdnn",
        producer_version=_core.__version__,
    )
    seal(made)
    onnx.checker.check_model(made, full_check=True)
    return made


def values_of(columns: Columns | None, target: Target | None) -> list[str]:
    """The names of the graph's inputs and outputs; raises for one that ONNX does not take."""
    inputs = [part.name for part in columns.parts + columns.left_out] if columns else ["x"]
    outputs = output_names(target) if target else ["y"]
    if columns and "" in inputs:
        raise ValueError("columns: expected a name for each column, got ''")
    if target and not target.name:
        raise ValueError("target: expected a name, got ''")
    if shared := [name for name in inputs if name in outputs]:
        name = "target" if target else "columns"
        raise ValueError(
            f"{name}: an input and an output are both named {shared[0]!r}; give a target of another name"
        )
    return inputs + outputs


def sequential(graph: Graph, model: nn.Sequential, x: str) -> str:
    """Exports the layers of a model; returns the output."""
    return chain(graph, model.layers, x, model.state_dict(), model._input)


def ensemble(graph: Graph, model: nn.Ensemble, x: str) -> str:
    """Exports the members that have a weight, and their mean, which is returned."""
    squash = "Sigmoid" if model.out_features == 1 else "Softmax"
    attributes = {} if model.out_features == 1 else {"axis": -1}
    parts, total = [], math.fsum(model._scaled)
    for i, (member, weight) in enumerate(zip(model, model._scaled, strict=True)):
        if not isinstance(member, nn.Sequential):
            raise TypeError(f"models[{i}]: expected a Sequential, got {type(member).__name__}")
        if weight == 0:
            continue
        y = sequential(graph, member, x)
        y = graph.add(squash, y, **attributes) if model.average == "probabilities" else y
        parts.append(graph.add("Mul", y, graph.constant(weight / total)))
    return graph.add("Sum", *parts)


def dynamic_shape(shape: Shape) -> list[str | int]:
    """The ONNX shape: (n, features), or (n, time, features) for sequences, with n and time dynamic."""
    return ["n", "time", shape.features] if shape.sequence else ["n", shape.features]
