"""A reader of ONNX graphs, which walks from the input to the output, layer by layer."""

from __future__ import annotations

from collections import Counter
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
    """A node of the graph: its operator, name, inputs, output and attributes."""

    op: str
    name: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]

    def __str__(self) -> str:
        return f"node {self.name} ({self.op})"

    def get(self, key: str, default: Any) -> Any:
        """An attribute, or its default."""
        return self.attributes.get(key, default)

    def expect(self, **wanted: Any) -> None:
        """Raises if an attribute is present and has another value."""
        for key, value in wanted.items():
            if self.get(key, value) != value:
                raise ValueError(f"{self}: expected {key}={value}, got {self.attributes[key]}")


def node_of(node: Any) -> Node:
    """The node of an ``onnx.NodeProto``."""
    if node.domain not in ("", "ai.onnx"):
        raise ValueError(f"node {node.name} ({node.op_type}): operators of {node.domain} are not supported")
    value_of = need_onnx().helper.get_attribute_value
    attributes = {one.name: value_of(one) for one in node.attribute}
    return Node(node.op_type, node.name or node.output[0], list(node.input), node.output[0], attributes)


def array_of(tensor: Any) -> NDArray[Any]:
    """A tensor as an array; raises for one in an external data file."""
    if tensor.data_location == need_onnx().TensorProto.EXTERNAL:
        raise ValueError(f"{tensor.name}: its external data is not read; save it within the model")
    found: NDArray[Any] = need_onnx().numpy_helper.to_array(tensor)
    return found


def silu_of(value: str, readers: list[Node]) -> Node | None:
    """The Mul of ``x * Sigmoid(x)`` if these two nodes are the readers of x, else None."""
    by_op = {node.op: node for node in readers}
    if len(readers) != 2 or by_op.keys() != {"Sigmoid", "Mul"}:
        return None
    wanted = {value, by_op["Sigmoid"].output}
    return by_op["Mul"] if set(by_op["Mul"].inputs) == wanted else None


def joined(value: str, readers: list[Node], nodes: list[Node]) -> tuple[Node, list[tuple[list[Node], str]]]:
    """The Add at which the branches from a value join, with (first nodes, last value) of each branch.

    A branch without nodes, which is the value itself, is left out.
    """
    for add in reversed(readers):  # the last Add closes the outermost residual
        others = [one for one in readers if one is not add]
        if add.op == "Add" and len(add.inputs) == 2 and add.inputs.count(value) == 1:
            return add, [(others, add.inputs[1 - add.inputs.index(value)])]
    reached = [values_after(one, nodes) for one in readers]
    add = next((node for node in nodes if all(node.output in values for values in reached)), None)
    if len(readers) != 2 or add is None or add.op != "Add":
        raise ValueError(
            f"{value}: read by {len(readers)} nodes, but only chains of layers and residuals are supported"
        )
    ends = [next((one for one in add.inputs if one in values), value) for values in reached]
    return add, [([one], end) for one, end in zip(readers, ends, strict=True)]


def values_after(first: Node, nodes: list[Node]) -> set[str]:
    """The output of a node and all values that depend on it."""
    values = {first.output}
    for node in nodes:  # ONNX sorts nodes topologically
        if not values.isdisjoint(node.inputs):
            values.add(node.output)
    return values


def numbered(found: list[Found]) -> tuple[list[dict[str, Any]], State]:
    """Descriptions of layers in sequence, at least one, and their parameters by index and name."""
    found = found or [({"layer": "Identity"}, {})]
    state = {f"{i}.{name}": array for i, (_, values) in enumerate(found) for name, array in values.items()}
    return [layer for layer, _ in found], state


class Reader:
    """Walks a graph from its input to its output."""

    def __init__(self, graph: Any, importers: Mapping[str, Importer]) -> None:
        self.importers = importers
        self.constants = {one.name: array_of(one) for one in graph.initializer}
        self.nodes = [node for node in map(node_of, graph.node) if not self._is_constant(node)]
        inputs = [one for one in graph.input if one.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ValueError(f"expected one input and one output, got {len(inputs)} and {len(graph.output)}")
        axes = inputs[0].type.tensor_type.shape.dim
        if len(axes) != 2:
            raise ValueError(f"{inputs[0].name}: expected shape (n, features), got {len(axes)} dimensions")
        # Each value has one source, so that the walk ends.
        made = Counter([inputs[0].name, *self.constants, *(node.output for node in self.nodes)])
        if twice := [name for name, times in made.items() if times > 1]:
            raise ValueError(f"{twice[0]}: has more than one source")
        self.in_features: int | None = axes[1].dim_value or None
        self.features = self.in_features
        self.value: str = inputs[0].name
        self.last: str = graph.output[0].name

    def _is_constant(self, node: Node) -> bool:
        """True for a node whose output is a constant, which is stored, else False."""
        if node.op == "Identity" and node.inputs[0] in self.constants:
            self.constants[node.output] = self.constants[node.inputs[0]]
            return True
        if node.op == "Constant" and "value" in node.attributes:
            self.constants[node.output] = array_of(node.attributes["value"])
            return True
        return False

    def model(self) -> nn.Sequential:
        """The model of the whole graph."""
        layers, state = numbered(self.chain(self.last))
        double = any(value.dtype == np.float64 for value in state.values())
        description = {"layers": layers, "dtype": "float64" if double else "float32"}
        model = nn.Sequential.from_dict(description | {"in_features": self.in_features}, rng=0)
        model.load_state_dict(model.state_dict() | state)
        return model

    def readers(self, value: str) -> list[Node]:
        """The nodes that read a value."""
        return [node for node in self.nodes if value in node.inputs]

    def chain(self, last: str, readers: list[Node] | None = None) -> list[Found]:
        """Imports the layers from the current value to `last`; `readers` are the first nodes of a branch."""
        found: list[Found] = []
        while self.value != last:
            found += self._next(self.readers(self.value) if readers is None else readers)
            readers = None
        return found

    def _next(self, readers: list[Node]) -> list[Found]:
        """Imports the node that consumes the current value and advances to its output."""
        if gate := silu_of(self.value, readers):
            self.value = gate.output
            return [({"layer": "SiLU"}, {})]
        if len(readers) > 1:
            return self._residual(readers)
        if not readers:
            raise ValueError(f"{self.value}: read by no node, but it is not the output")
        (node,) = readers
        if node.op not in self.importers:
            raise ValueError(f"{node}: not supported; known are {', '.join(sorted(self.importers))}")
        self.value = node.output
        return self.importers[node.op](self, node)

    def _residual(self, readers: list[Node]) -> list[Found]:
        """Imports two branches that an Add joins: F(x) + x, or F(x) + dense(x)."""
        value, features = self.value, self.features
        add, branches = joined(value, readers, self.nodes)
        found = []
        for first, end in branches:
            self.value, self.features = value, features
            found.append(self.chain(end, first))
        self.value = add.output
        if len(found) == 1:
            layers, state = numbered(found[0])
            return [({"layer": "Residual", "layers": layers}, state)]
        place = next((i for i in (1, 0) if [one["layer"] for one, _ in found[i]] == ["Dense"]), None)
        if place is None:
            raise ValueError(f"{add}: expected one of the two branches to be empty or a single dense layer")
        ((shortcut, weights),) = found[place]
        layers, state = numbered(found[1 - place])
        state |= {f"shortcut.{name}": array for name, array in weights.items()}
        return [({"layer": "Residual", "layers": layers, "shortcut": shortcut}, state)]

    def constant(self, node: Node, i: int) -> NDArray[Any]:
        """Input i of a node, which must be a constant of floating-point numbers."""
        name = node.inputs[i] if i < len(node.inputs) else ""
        if name not in self.constants:
            raise ValueError(f"{node}: input {i} should be a constant")
        array = self.constants[name]
        if array.dtype.kind not in "f":
            raise ValueError(f"{node}: input {i} should be of floating-point numbers, got {array.dtype}")
        return array

    def vector(self, node: Node, i: int, size: int) -> NDArray[Any]:
        """Input i of a node, a constant that is broadcast to one number per feature."""
        array = self.constant(node, i)
        if array.size not in (1, size) or array.shape[-1:] not in ((), (1,), (size,)):
            raise ValueError(f"{node}: input {i} should have {size} numbers, got shape {array.shape}")
        return np.array(np.broadcast_to(array.reshape(-1), size))
