"""An ONNX graph that is walked from its input to its output, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ._graph import need_onnx

State: TypeAlias = dict[str, NDArray[Any]]
#: The description of a layer, and its parameters.
Found: TypeAlias = tuple[dict[str, Any], State]
Importer: TypeAlias = "Callable[[Reader, Node], list[Found]]"


class Node(NamedTuple):
    """A node of the graph: what it does, reads and writes."""

    op: str
    name: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]

    def __str__(self) -> str:
        return f"node {self.name} ({self.op})"

    def get(self, key: str, default: Any) -> Any:
        """An attribute."""
        return self.attributes.get(key, default)

    def expect(self, **wanted: Any) -> None:
        """Raises where an attribute differs."""
        for key, value in wanted.items():
            if self.get(key, value) != value:
                raise ValueError(f"{self}: expected {key}={value}, got {self.attributes[key]}")


def node_of(node: Any) -> Node:
    """A node as Python values."""
    if node.domain not in ("", "ai.onnx"):
        raise ValueError(f"node {node.name} ({node.op_type}): operators of {node.domain} are not supported")
    value_of = need_onnx().helper.get_attribute_value
    attributes = {one.name: value_of(one) for one in node.attribute}
    return Node(node.op_type, node.name or node.output[0], list(node.input), node.output[0], attributes)


def array_of(tensor: Any) -> NDArray[Any]:
    """A tensor of the file itself."""
    if tensor.data_location == need_onnx().TensorProto.EXTERNAL:
        raise ValueError(f"{tensor.name}: lies in another file, which is not read; save it with the model")
    found: NDArray[Any] = need_onnx().numpy_helper.to_array(tensor)
    return found


def silu_of(value: str, readers: list[Node]) -> Node | None:
    """The product in ``x * Sigmoid(x)``, if that is what reads x."""
    by_op = {node.op: node for node in readers}
    if len(readers) != 2 or by_op.keys() != {"Sigmoid", "Mul"}:
        return None
    wanted = {value, by_op["Sigmoid"].output}
    return by_op["Mul"] if set(by_op["Mul"].inputs) == wanted else None


class Reader:
    """Walks a graph from its input to its output."""

    def __init__(self, graph: Any, importers: Mapping[str, Importer]) -> None:
        self.importers = importers
        self.constants = {one.name: array_of(one) for one in graph.initializer}
        self.nodes = [node for node in map(node_of, graph.node) if not self._keeps(node)]
        inputs = [one for one in graph.input if one.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ValueError(f"expected one input and one output, got {len(inputs)} and {len(graph.output)}")
        axes = inputs[0].type.tensor_type.shape.dim
        if len(axes) != 2:
            raise ValueError(f"{inputs[0].name}: expected two axes, samples and features, got {len(axes)}")
        self.in_features: int | None = axes[1].dim_value or None
        self.features = self.in_features
        self.value: str = inputs[0].name
        self.last: str = graph.output[0].name

    def _keeps(self, node: Node) -> bool:
        """Takes in a node that is a constant."""
        if node.op == "Constant" and "value" in node.attributes:
            self.constants[node.output] = array_of(node.attributes["value"])
            return True
        return False

    def model(self) -> nn.Sequential:
        """The chain as a model."""
        layers: list[dict[str, Any]] = []
        state: State = {}
        while self.value != self.last:
            if len(layers) > len(self.nodes):
                raise ValueError("the nodes go in circles")
            for layer, values in self._next():
                state |= {f"{len(layers)}.{name}": value for name, value in values.items()}
                layers.append(layer)
        if not layers:
            layers = [{"layer": "Identity"}]
        double = any(value.dtype == np.float64 for value in state.values())
        description = {"layers": layers, "dtype": "float64" if double else "float32"}
        model = nn.Sequential.from_dict(description | {"in_features": self.in_features}, rng=0)
        model.load_state_dict(model.state_dict() | state)
        return model

    def readers(self, value: str) -> list[Node]:
        """The nodes that read a value."""
        return [node for node in self.nodes if value in node.inputs]

    def _next(self) -> list[Found]:
        """The layers of what reads the value at hand, which moves on."""
        readers = self.readers(self.value)
        if gate := silu_of(self.value, readers):
            self.value = gate.output
            return [({"layer": "SiLU"}, {})]
        if len(readers) != 1:
            raise ValueError(
                f"{self.value}: read by {len(readers)} nodes, but only chains of layers are supported"
            )
        (node,) = readers
        if node.op not in self.importers:
            raise ValueError(f"{node}: not supported; known are {', '.join(sorted(self.importers))}")
        self.value = node.output
        return self.importers[node.op](self, node)

    def constant(self, node: Node, i: int) -> NDArray[Any]:
        """An input of a node that must be a constant of real numbers."""
        name = node.inputs[i] if i < len(node.inputs) else ""
        if name not in self.constants:
            raise ValueError(f"{node}: input {i} should be a constant")
        array = self.constants[name]
        if array.dtype.kind not in "f":
            raise ValueError(f"{node}: input {i} should be of floating-point numbers, got {array.dtype}")
        return array

    def vector(self, node: Node, i: int, size: int) -> NDArray[Any]:
        """The same, broadcast to a number for each feature."""
        array = self.constant(node, i)
        if array.size not in (1, size) or array.shape[-1:] not in ((), (1,), (size,)):
            raise ValueError(f"{node}: input {i} should have {size} numbers, got shape {array.shape}")
        return np.array(np.broadcast_to(array.reshape(-1), size))
