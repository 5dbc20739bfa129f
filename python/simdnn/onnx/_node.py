"""Nodes of ONNX graphs, with their attributes decoded, and the constants that they read."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ._graph import need_onnx


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
    """The node of an ``onnx.NodeProto``; an operator of another domain has it in front of its name."""
    value_of = need_onnx().helper.get_attribute_value
    attributes = {one.name: value_of(one) for one in node.attribute}
    op = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    return Node(op, node.name or node.output[0], list(node.input), node.output[0], attributes)


def array_of(tensor: Any) -> NDArray[Any]:
    """A tensor as an array; raises for one in an external data file."""
    if tensor.data_location == need_onnx().TensorProto.EXTERNAL:
        raise ValueError(f"{tensor.name}: its external data is not read; save it within the model")
    found: NDArray[Any] = need_onnx().numpy_helper.to_array(tensor)
    return found
