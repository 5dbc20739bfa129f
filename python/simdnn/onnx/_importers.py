"""Importers: the layers that each ONNX operator becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._reader import Found, Importer, Node, Reader, State


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
    """Imports a product, and the Add of a bias if one follows, as a Dense layer."""
    weight = reader.constant(node, 1)
    readers = reader.readers(node.output)
    if len(readers) != 1 or readers[0].op != "Add" or node.output == reader.last:
        return dense(weight, None, reader)
    (add,) = readers
    other = 1 - add.inputs.index(node.output)
    if add.inputs[other] not in reader.constants:
        return dense(weight, None, reader)
    reader.value = add.output
    return dense(weight, reader.vector(add, other, weight.shape[-1]), reader)


def known_features(reader: Reader, node: Node) -> int:
    """Number of features at this node."""
    features: int | None = reader.features
    if features is None:
        raise ValueError(f"{node}: the input does not say how many features it has")
    return features


def batch_norm(reader: Reader, node: Node) -> list[Found]:
    """Imports a BatchNorm1d with its running statistics."""
    node.expect(training_mode=0)
    names = ("weight", "bias", "running_mean", "running_var")
    size = known_features(reader, node)
    state = {name: reader.vector(node, 1 + i, size) for i, name in enumerate(names)}
    state["num_batches_tracked"] = np.zeros((), state["weight"].dtype)
    # ONNX's momentum is the weight of the old running statistics, PyTorch's that of the new ones.
    momentum = 1 - node.get("momentum", 0.9)
    return layer("BatchNorm1d", state, num_features=size, eps=node.get("epsilon", 1e-5), momentum=momentum)


def layer_norm(reader: Reader, node: Node) -> list[Found]:
    """Imports a LayerNorm over the features."""
    if node.get("axis", -1) not in (-1, 1):
        node.expect(axis=-1)
    size = known_features(reader, node)
    state = {"weight": reader.vector(node, 1, size)}
    has_bias = len(node.inputs) > 2 and node.inputs[2]
    state["bias"] = reader.vector(node, 2, size) if has_bias else np.zeros_like(state["weight"])
    return layer("LayerNorm", state, num_features=size, eps=node.get("epsilon", 1e-5))


def prelu(reader: Reader, node: Node) -> list[Found]:
    """Imports a PReLU with one slope, or one per feature."""
    slope = reader.constant(node, 1)
    size = 1 if slope.size == 1 else known_features(reader, node)
    return layer("PReLU", {"weight": reader.vector(node, 1, size)}, num_parameters=size)


def nothing(reader: Reader, node: Node) -> list[Found]:
    """Imports an operator that passes its input on as no layer."""
    return []


def flatten(reader: Reader, node: Node) -> list[Found]:
    """Imports Flatten as no layer, because rows of features are flat."""
    node.expect(axis=1)
    return []


def softmax(reader: Reader, node: Node) -> list[Found]:
    """Imports a Softmax over the features."""
    if node.get("axis", -1) != 1:
        node.expect(axis=-1)
    return layer("Softmax")


def dropout(reader: Reader, node: Node) -> list[Found]:
    """Imports a Dropout; its probability is an input since opset 12 and an attribute before."""
    p = node.get("ratio", 0.5)
    if len(node.inputs) > 1 and node.inputs[1]:
        p = float(reader.constant(node, 1))
    return layer("Dropout", p=p)


def clip(reader: Reader, node: Node) -> list[Found]:
    """Imports Clip as ReLU, ReLU6 or HardTanh, by its bounds."""
    low, high = (
        float(reader.constant(node, i)) if i < len(node.inputs) and node.inputs[i] else node.get(key, None)
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
    if abs(node.get("alpha", 1.67326) - 1.67326) > 1e-4 or abs(node.get("gamma", 1.0507) - 1.0507) > 1e-4:
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
    "BatchNormalization": batch_norm,
    "Celu": activation("CELU", alpha=("alpha", 1.0)),
    "Clip": clip,
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
    "PRelu": prelu,
    "Relu": activation("ReLU"),
    "Selu": selu,
    "Sigmoid": activation("Sigmoid"),
    "Softmax": softmax,
    "Softplus": activation("Softplus"),
    "Softsign": activation("Softsign"),
    "Tanh": activation("Tanh"),
}
