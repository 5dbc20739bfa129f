"""Importers: the layers that each ONNX operator becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._graph import need_onnx
from ._node import Node
from ._reader import Found, Importer, Reader, State, check_last_axis
from ._recurrent import import_recurrent


def layer(name: str, state: State | None = None, **settings: Any) -> list[Found]:
    """One layer as a description for `simdnn.nn.layer_from_dict`, with its parameters."""
    return [({"layer": name, **settings}, state or {})]


def dense(weight: NDArray[Any], bias: NDArray[Any] | None, reader: Reader) -> list[Found]:
    """A Dense layer with this weight [in_features, out_features] and bias."""
    if weight.ndim != 2:
        raise ValueError(f"expected a two-dimensional weight, got shape {weight.shape}")
    reader.features = weight.shape[1]
    state = {"weight": weight} | ({} if bias is None else {"bias": bias})
    settings = {"in_features": weight.shape[0], "out_features": weight.shape[1], "bias": bias is not None}
    return layer("Dense", state, **settings)


def gemm(reader: Reader, node: Node) -> list[Found]:
    """Imports alpha * x @ weight + beta * bias as a Dense layer."""
    node.expect(transA=0)
    weight = reader.constant(node, 1) * weight_factor(node, "alpha")
    weight = weight.T if node.get("transB", 0) else weight
    if len(node.inputs) < 3 or not node.inputs[2]:
        return dense(weight, None, reader)
    return dense(weight, reader.vector(node, 2, weight.shape[-1]) * weight_factor(node, "beta"), reader)


def weight_factor(node: Node, key: str) -> Any:
    """An attribute as a Python float, which keeps the dtype of the array that it multiplies."""
    return float(node.get(key, 1.0))


def matmul(reader: Reader, node: Node) -> list[Found]:
    """Imports a product, and the Add of a bias if one follows, as a Dense layer or a Maxout."""
    weight, bias = reader.constant(node, 1), None
    add = reader.only_reader(node.output, "Add")
    if weight.ndim == 2 and add and (other := constant_input(reader, add)) is not None:
        reader.value = add.output
        bias = reader.vector(add, other, weight.shape[1])
    found = dense(weight, bias, reader)
    return maxout(reader, found) or found


def constant_input(reader: Reader, node: Node) -> int | None:
    """Place of the one constant among the two inputs of a node; None if there is none."""
    return next((i for i, name in enumerate(node.inputs) if name in reader.constants), None)


def maxout(reader: Reader, found: list[Found]) -> list[Found]:
    """The Maxout of a linear layer, if a maximum over groups of its outputs follows, else no layer."""
    groups = reader.only_reader(reader.value, "Reshape")
    most = reader.only_reader(groups.output, "ReduceMax") if groups else None
    if not groups or not most:
        return []
    shape = reader.integers(groups.inputs[1]) or []
    axes = reader.integers(most.inputs[1]) if len(most.inputs) > 1 else most.get("axes", None)
    if len(shape) != reader.rank + 1 or axes not in ([-1], [reader.rank]) or most.get("keepdims", 1):
        raise ValueError(f"{most}: expected a maximum over the last axis of groups of features")
    if any(shape[:-2]) or shape[-2] * shape[-1] != reader.features:
        raise ValueError(f"{groups}: expected groups of {reader.features} features, got shape {shape}")
    ((settings, state),) = found
    reader.value, reader.features = most.output, shape[-2]
    return [(settings | {"layer": "Maxout", "out_features": shape[-2], "pieces": shape[-1]}, state)]


def affine(reader: Reader, size: int, scale: Any = 1.0, offset: Any = 0.0) -> list[Found]:
    """The function x * scale + offset as a BatchNorm1d whose running statistics change nothing."""
    eps = 1e-5
    double = any(getattr(one, "dtype", None) == np.float64 for one in (scale, offset))
    rows = {"weight": scale, "bias": offset, "running_mean": 0.0, "running_var": 1 - eps}
    dtype = np.float64 if double else np.float32
    state = {name: np.array(np.broadcast_to(value, size), dtype) for name, value in rows.items()}
    state["num_batches_tracked"] = np.zeros((), dtype)
    return layer("BatchNorm1d", state, num_features=size, eps=eps)


def multiply(reader: Reader, node: Node) -> list[Found]:
    """Imports a factor for each feature, and the Add of a constant if one follows."""
    size = reader.known_features(node)
    scale = reader.vector(node, constant_input(reader, node) or 0, size)
    add = reader.only_reader(node.output, "Add")
    if add and (other := constant_input(reader, add)) is not None:
        reader.value = add.output
        return affine(reader, size, scale, reader.vector(add, other, size))
    return affine(reader, size, scale)


def add(reader: Reader, node: Node) -> list[Found]:
    """Imports the addition of a constant to each feature."""
    size = reader.known_features(node)
    return affine(reader, size, offset=reader.vector(node, constant_input(reader, node) or 0, size))


def subtract(reader: Reader, node: Node) -> list[Found]:
    """Imports the subtraction of a constant from each feature."""
    size = reader.known_features(node)
    return affine(reader, size, offset=-reader.vector(node, 1, size))


def divide(reader: Reader, node: Node) -> list[Found]:
    """Imports the division of each feature by a constant."""
    size = reader.known_features(node)
    with np.errstate(divide="ignore", over="ignore"):
        scale = 1 / reader.vector(node, 1, size)
    if not np.isfinite(scale).all():
        raise ValueError(f"{node}: expected divisors that are not 0")
    return affine(reader, size, scale=scale)


def scaler(reader: Reader, node: Node) -> list[Found]:
    """Imports (x - offset) * scale, which skl2onnx writes for a StandardScaler."""
    if missing := [key for key in ("scale", "offset") if key not in node.attributes]:
        raise ValueError(f"{node}: expected the attribute {missing[0]}")
    scale, offset = (np.array(node.attributes[key], np.float32) for key in ("scale", "offset"))
    return affine(reader, reader.known_features(node), scale, -offset * scale)


def reshape(reader: Reader, node: Node) -> list[Found]:
    """Imports a reshape that changes nothing as no layer."""
    shape, size = reader.integers(node.inputs[1]) or [], reader.known_features(node)
    if reader.sequence or len(shape) != 2 or shape[0] not in (-1, 0) or shape[1] not in (size, 0):
        raise ValueError(f"{node}: expected a shape that keeps rows of {size} features, got {shape}")
    return []


def cast(reader: Reader, node: Node) -> list[Found]:
    """Imports a cast to floating-point numbers as no layer, and one to integers as codes of an Embedding."""
    types = need_onnx().TensorProto
    if node.get("to", None) in (types.FLOAT, types.DOUBLE):
        return []
    vectors = reader.only_reader(node.output, "Gather")
    flat = reader.only_reader(vectors.output, "Reshape") if vectors else None
    if not vectors or not flat or vectors.inputs[1] != node.output:
        raise ValueError(f"{node}: expected a cast to float32 or float64, or the codes of an embedding")
    table, size = table_of(reader, vectors), reader.known_features(node)
    wide, shape = size * table.shape[1], reader.integers(flat.inputs[1]) or []
    if len(shape) != reader.rank or any(shape[:-1]) or shape[-1] not in (-1, wide):
        raise ValueError(f"{flat}: expected the vectors of {size} columns in a row, got shape {shape}")
    reader.value, reader.features = flat.output, wide
    settings = {"num_embeddings": table.shape[0], "embedding_dim": table.shape[1]}
    return layer("Embedding", {"weight": table}, **settings)


def table_of(reader: Reader, node: Node) -> NDArray[Any]:
    """The table of vectors that a Gather reads."""
    node.expect(axis=0)
    table = reader.constant(node, 0)
    if table.ndim != 2:
        raise ValueError(f"{node}: expected a table of vectors, got shape {table.shape}")
    return table


def gathered(reader: Reader, node: Node) -> tuple[str, list[int], NDArray[Any] | None]:
    """The end of the nodes that follow a Gather of columns, the columns, and the table of their vectors."""
    columns = reader.integers(node.inputs[1])
    if columns is None or node.get("axis", 0) not in (-1, reader.rank - 1):
        raise ValueError(f"{node}: expected columns of {reader.value} by their places")
    codes = reader.only_reader(node.output, "Cast")
    vectors = reader.only_reader(codes.output, "Gather") if codes else None
    if not codes or not vectors:
        return node.output, columns, None
    if np.ndim(reader.constants[node.inputs[1]]) or vectors.inputs[1] != codes.output:
        raise ValueError(f"{vectors}: expected the codes of one column in a table of vectors")
    return vectors.output, columns, table_of(reader, vectors)


def column_embedding(reader: Reader, readers: Sequence[Node]) -> tuple[Node, list[Found]] | None:
    """The Embedding of some columns, if all nodes gather columns: a Concat of others and of their vectors."""
    if not readers or any(one.op != "Gather" or one.inputs[0] != reader.value for one in readers):
        return None
    parts = {end: (columns, table) for end, columns, table in (gathered(reader, one) for one in readers)}
    joins = {node.output: node for end in parts for node in reader.readers(end)}
    size, join = reader.known_features(readers[0]), next(iter(joins.values()), None)
    if join is None:
        raise ValueError(f"{readers[0]}: expected a Concat of all columns after it, got the end of the graph")
    check_last_axis(join, reader.rank)
    order = [parts[end] for end in join.inputs if end in parts]
    passed = order.pop(0)[0] if order and order[0][1] is None else []
    tables = {columns[0]: table for columns, table in order if table is not None}
    whole = len(joins) == 1 and join.op == "Concat" and len(join.inputs) == len(parts) == len(readers)
    listed = len(tables) == len(order) and len(passed) + len(tables) == size
    if not whole or not listed or passed != [column for column in range(size) if column not in tables]:
        raise ValueError(f"{join}: expected each column of {reader.value} once, or vectors for it")
    reader.features = len(passed) + sum(table.shape[1] for table in tables.values())
    columns = [[column, *table.shape] for column, table in tables.items()]
    state = {f"{column}.weight": table for column, table in tables.items()}
    return join, layer("Embedding", state, in_features=size, columns=columns)


def batch_norm(reader: Reader, node: Node) -> list[Found]:
    """Imports a BatchNorm1d with its running statistics."""
    node.expect(training_mode=0)
    if reader.sequence:
        raise ValueError(f"{node}: normalizes time steps, but only features can be normalized")
    names = ("weight", "bias", "running_mean", "running_var")
    size = reader.known_features(node)
    state = {name: reader.vector(node, 1 + i, size) for i, name in enumerate(names)}
    state["num_batches_tracked"] = np.zeros((), state["weight"].dtype)
    # ONNX's momentum is the weight of the old running statistics, PyTorch's that of the new ones.
    momentum = 1 - node.get("momentum", 0.9)
    return layer("BatchNorm1d", state, num_features=size, eps=node.get("epsilon", 1e-5), momentum=momentum)


def layer_norm(reader: Reader, node: Node) -> list[Found]:
    """Imports a LayerNorm over the features."""
    check_last_axis(node, reader.rank)
    size = reader.known_features(node)
    state = {"weight": reader.vector(node, 1, size)}
    has_bias = len(node.inputs) > 2 and node.inputs[2]
    state["bias"] = reader.vector(node, 2, size) if has_bias else np.zeros_like(state["weight"])
    return layer("LayerNorm", state, num_features=size, eps=node.get("epsilon", 1e-5))


def prelu(reader: Reader, node: Node) -> list[Found]:
    """Imports a PReLU with one slope, or one per feature."""
    size = 1 if reader.constant(node, 1).size == 1 else reader.known_features(node)
    return layer("PReLU", {"weight": reader.vector(node, 1, size)}, num_parameters=size)


def nothing(reader: Reader, node: Node) -> list[Found]:
    """Imports an operator that passes its input on as no layer."""
    return []


def flatten(reader: Reader, node: Node) -> list[Found]:
    """Imports Flatten as no layer, because rows of features are flat."""
    node.expect(axis=1)
    if reader.sequence:
        raise ValueError(f"{node}: joins time steps, which no layer does")
    return []


def softmax(reader: Reader, node: Node) -> list[Found]:
    """Imports a Softmax over the features."""
    check_last_axis(node, reader.rank)
    return layer("Softmax")


def dropout(reader: Reader, node: Node) -> list[Found]:
    """Imports a Dropout; its probability is an input since opset 12 and an attribute before."""
    p = node.get("ratio", 0.5)
    if len(node.inputs) > 1 and node.inputs[1]:
        p = reader.number(node, 1)
    if len(node.inputs) > 2 and node.inputs[2]:
        mode = reader.constants.get(node.inputs[2])
        if mode is None or mode.any():
            raise ValueError(f"{node}: expected evaluation, got training_mode")
    return layer("Dropout", p=p)


def clip(reader: Reader, node: Node) -> list[Found]:
    """Imports Clip as ReLU, ReLU6 or HardTanh, by its bounds."""
    low, high = (
        reader.number(node, i) if i < len(node.inputs) and node.inputs[i] else node.get(key, None)
        for i, key in ((1, "min"), (2, "max"))
    )
    if (low, high) == (0, None):
        return layer("ReLU")
    if low is None or high is None:
        raise ValueError(f"{node}: expected a lower and an upper bound")
    return layer("ReLU6") if (low, high) == (0, 6) else layer("HardTanh", min_val=low, max_val=high)


def hard_sigmoid(reader: Reader, node: Node) -> list[Found]:
    """Imports a HardSigmoid with the slope and offset of PyTorch's."""
    if abs(node.get("alpha", 0.2) - 1 / 6) > 1e-6 or node.get("beta", 0.5) != 0.5:
        raise ValueError(f"{node}: expected alpha=1/6 and beta=0.5, as in PyTorch")
    return layer("HardSigmoid")


def selu(reader: Reader, node: Node) -> list[Found]:
    """Imports a SELU with the constants of Klambauer et al. 2017."""
    wanted = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}
    if any(abs(node.get(key, value) - value) > 5e-6 for key, value in wanted.items()):
        raise ValueError(f"{node}: expected alpha=1.67326 and gamma=1.0507 (Klambauer et al. 2017)")
    return layer("SELU")


def gelu(reader: Reader, node: Node) -> list[Found]:
    """Imports a GELU, exact or in its tanh approximation."""
    return layer("GELU", approximate=node.get("approximate", b"none").decode())


def activation(name: str, **settings: tuple[str, float]) -> Importer:
    """An importer of an activation whose settings are attributes: setting=(attribute, default)."""

    def importer(reader: Reader, node: Node) -> list[Found]:
        return layer(name, **{key: node.get(*attribute) for key, attribute in settings.items()})

    return importer


#: Importer of each ONNX operator.
IMPORTERS: dict[str, Importer] = {
    "Add": add,
    "BatchNormalization": batch_norm,
    "Cast": cast,
    "Celu": activation("CELU", alpha=("alpha", 1.0)),
    "Clip": clip,
    "Div": divide,
    "Dropout": dropout,
    "Elu": activation("ELU", alpha=("alpha", 1.0)),
    "Flatten": flatten,
    "Gelu": gelu,
    "Gemm": gemm,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": activation("HardSwish"),
    "Identity": nothing,
    "LayerNormalization": layer_norm,
    "LeakyRelu": activation("LeakyReLU", negative_slope=("alpha", 0.01)),
    "MatMul": matmul,
    "Mish": activation("Mish"),
    "Mul": multiply,
    "PRelu": prelu,
    "Relu": activation("ReLU"),
    "Reshape": reshape,
    "Selu": selu,
    "Sigmoid": activation("Sigmoid"),
    "Softmax": softmax,
    "Softplus": activation("Softplus"),
    "Softsign": activation("Softsign"),
    "Sub": subtract,
    "Tanh": activation("Tanh"),
    "Transpose": import_recurrent,
    "ai.onnx.ml.Scaler": scaler,
}
