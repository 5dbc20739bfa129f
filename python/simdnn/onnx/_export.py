"""Models to ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from .. import _core, nn
from .._utils.check import check_int
from .._utils.files import Path, write_atomically
from ..nn._layer import Shape
from ._graph import Graph, need_onnx
from ._layers import chain
from ._table import WORDS, decoded, encoded

if TYPE_CHECKING:
    from ..table import Columns, Target

#: The operators of LayerNormalization's version on.
OLDEST = 17


def export(
    model: nn.Sequential,
    path: Path,
    opset: int = OLDEST,
    *,
    dtype: DTypeLike | None = None,
    columns: Columns | None = None,
    target: Target | None = None,
) -> None:
    """Write a model to an ONNX file, which computes what the model does in evaluation.

    Parameters
    ----------
    model : Sequential
    path : str or path
        Replaced if it exists, and then as a whole.
    opset : int
        The version of ONNX's operators, 17 or later: older runtimes read older ones. From 18 on mish, from 20
        on gelu are single operators.
    dtype : dtype or None
        float32 or float64, of the weights and all arithmetic; None is the model's. Some runtimes have some
        operators in float32 alone.
    columns : table.Columns or None
        What the model's inputs are made of: then the columns are the inputs, of shape (n, 1), numbers as
        float64 and words as strings.
    target : table.Target or None
        What the model predicts: then the outputs are, by the target's name, the words of the classes or
        numbers in its own units, of shape (n,), and as ``P(name)`` the probabilities of classes.

    Raises
    ------
    TypeError
        If the model is no `Sequential`, or a layer has no counterpart in ONNX.
    ValueError
        If the opset is before 17, or later than the installed onnx knows, the dtype another, or columns or
        target do not fit the model.
    ImportError
        If onnx is missing: it comes with the extra ``[onnx]``.

    Notes
    -----
    The input is ``x``, the output ``y``, unless there are columns and a target; the number of samples, and of
    the time steps of sequences, is open. Dropout vanishes. Slopes and such of operators are float32 in any
    case, as ONNX has it.

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
    if not isinstance(model, nn.Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    onnx = need_onnx()
    opset = check_int("opset", opset, OLDEST, onnx.defs.onnx_opset_version())
    kind = np.dtype(model.dtype if dtype is None else dtype)
    if kind not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64, got {kind}")
    if columns is not None and len(columns.features) != model.in_features:
        raise ValueError(f"columns: expected {model.in_features} features, got {len(columns.features)}")
    if target is not None and target.outputs != model.out_features:
        raise ValueError(f"target: expected {model.out_features} outputs, got {target.outputs}")
    made = to_onnx(model, opset, kind, columns, target)
    write_atomically(path, made.SerializeToString(deterministic=True))


def to_onnx(
    model: nn.Sequential, opset: int, dtype: np.dtype[Any], columns: Columns | None, target: Target | None
) -> Any:
    """The model as a checked ``onnx.ModelProto``."""
    onnx = need_onnx()
    helper = onnx.helper
    named = [part.name for part in columns.parts] if columns else ["x"]
    graph = Graph(opset, dtype, [*named, *([target.name, f"P({target.name})"] if target else ["y"])])
    x, inputs = "x", [helper.make_tensor_value_info("x", graph.type, open_shape(model._input))]
    if columns:
        x, inputs = encoded(graph, columns)
    y = chain(graph, model.layers, x, model.state_dict(), model._input)
    if target:
        outputs = decoded(graph, target, y)
    else:
        graph.finish(y, "y")
        outputs = [helper.make_tensor_value_info("y", graph.type, open_shape(model._output))]
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    operators = [helper.make_opsetid("", opset)]
    if columns and columns.text:
        operators.append(helper.make_opsetid(*WORDS))
    made = helper.make_model(
        helper.make_graph(graph.nodes, "simdnn", inputs, outputs, constants),
        opset_imports=operators,
        ir_version=helper.find_min_ir_version_for(operators),
        producer_name="simdnn",
        producer_version=_core.__version__,
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def open_shape(shape: Shape) -> list[str | int]:
    """Any number of samples, of any number of time steps."""
    return ["n", "time", shape.features] if shape.sequence else ["n", shape.features]
