"""A reader of ONNX graphs, which walks from the input to the output, layer by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ._graph import need_onnx
from ._node import Node, array_of, node_of

#: The most features of a value. A small file may claim more, for each of which a constant would be repeated.
MOST_FEATURES = 2**24

State: TypeAlias = dict[str, NDArray[Any]]
#: The description of a layer, and its parameters.
Found: TypeAlias = tuple[dict[str, Any], State]
Importer: TypeAlias = "Callable[[Reader, Node], list[Found]]"
#: A function (reader, nodes that read its value) -> (last node, layers) of a form of several nodes, or None.
FormImporter: TypeAlias = "Callable[[Reader, Sequence[Node]], tuple[Node, list[Found]] | None]"


def numbered(found: list[Found]) -> tuple[list[dict[str, Any]], State]:
    """Descriptions of layers in sequence, and their parameters by index and name."""
    state = {f"{i}.{name}": array for i, (_, values) in enumerate(found) for name, array in values.items()}
    return [layer for layer, _ in found], state


def output_of(graph: Any, nodes: Sequence[Node]) -> str:
    """The one output of the graph that holds numbers; probabilities by class are read before their ZipMap."""
    types = need_onnx().TensorProto
    numbers = (types.FLOAT, types.DOUBLE, types.FLOAT16)
    zipped = {node.output: node.inputs[0] for node in nodes if node.op == "ai.onnx.ml.ZipMap"}
    found = [
        zipped.get(one.name, one.name)
        for one in graph.output
        if one.name in zipped or one.type.tensor_type.elem_type in numbers
    ]
    if len(found) != 1:
        raise ValueError(f"expected one output of floating-point numbers, got {len(found)}")
    return str(found[0])


class Reader:
    """Walks a graph from its input to its output."""

    def __init__(
        self, graph: Any, importers: Mapping[str, Importer], forms: Sequence[FormImporter] = ()
    ) -> None:
        self.importers = importers
        self.forms = forms
        self.constants = {one.name: array_of(one) for one in graph.initializer}
        nodes = [node for node in map(node_of, graph.node) if not self._is_constant(node)]
        inputs = [one for one in graph.input if one.name not in self.constants]
        if len(inputs) != 1:
            raise ValueError(f"expected one input, got {len(inputs)}")
        axes = inputs[0].type.tensor_type.shape.dim
        if len(axes) not in (2, 3):
            raise ValueError(
                f"{inputs[0].name}: expected shape (n, features) or (n, time, features),"
                f" got {len(axes)} dimensions"
            )
        # Each value has one source, so that the walk ends.
        made = Counter([inputs[0].name, *self.constants, *(node.output for node in nodes)])
        if twice := [name for name, times in made.items() if times > 1]:
            raise ValueError(f"{twice[0]}: has more than one source")
        self.last: str = output_of(graph, nodes)
        self.nodes = leading_to(self.last, nodes)
        self.in_features: int | None = axes[-1].dim_value or None
        if self.in_features is not None and not 1 <= self.in_features <= MOST_FEATURES:
            wanted = f"1 to {MOST_FEATURES:,} features"
            raise ValueError(f"{inputs[0].name}: expected {wanted}, got {self.in_features}")
        self.features: int | None = self.in_features
        self.sequence = len(axes) == 3
        self.value: str = inputs[0].name

    @property
    def rank(self) -> int:
        """Number of dimensions of the current value."""
        return 3 if self.sequence else 2

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
        layers, state = numbered(self.chain(self.last) or [({"layer": "Identity"}, {})])
        double = any(value.dtype == np.float64 for value in state.values())
        description = {"layers": layers, "dtype": "float64" if double else "float32"}
        model = nn.Sequential.from_dict(description | {"in_features": self.in_features}, rng=0)
        model.load_state_dict(model.state_dict() | state)
        return model

    def readers(self, value: str) -> list[Node]:
        """The nodes that read a value."""
        return [node for node in self.nodes if value in node.inputs]

    def only_reader(self, value: str, op: str) -> Node | None:
        """The one node that reads a value, if its operator is `op`; else None."""
        readers = self.readers(value)
        return readers[0] if len(readers) == 1 and readers[0].op == op and value != self.last else None

    def chain(self, last: str, readers: list[Node] | None = None) -> list[Found]:
        """Imports the layers from the current value to `last`; `readers` are the first nodes of a branch."""
        found: list[Found] = []
        while self.value != last:
            found += self._next(self.readers(self.value) if readers is None else readers, last)
            readers = None
        return found

    def _next(self, readers: list[Node], last: str) -> list[Found]:
        """Imports the nodes that consume the current value and advances to their output."""
        for form in self.forms:
            if matched := form(self, readers):
                self.value = matched[0].output
                return matched[1]
        if len(readers) > 1:
            return self._join(readers, last)
        if not readers:
            raise ValueError(f"{self.value}: does not lead to the output")
        (node,) = readers
        if node.op not in self.importers:
            raise ValueError(f"{node}: not supported; known are {', '.join(sorted(self.importers))}")
        if node.inputs.index(self.value) != 0 and node.op not in ("Add", "Mul"):
            raise ValueError(f"{node}: expected {self.value} as input 0, got {node.inputs[0]}")
        if node.inputs.count(self.value) > 1:
            raise ValueError(f"{node}: reads {self.value} twice")
        self.value = node.output
        return self.importers[node.op](self, node)

    def _join(self, readers: list[Node], last: str) -> list[Found]:
        """Imports branches that an Add or a Concat joins."""
        join = joined(readers, last, self.nodes)
        if join is None or join.op not in ("Add", "Concat"):
            raise ValueError(
                f"{self.value}: read by {len(readers)} nodes, but only chains of layers, residuals and"
                " concatenations are supported"
            )
        value, features, sequence = self.value, self.features, self.sequence
        branches: list[list[Found]] = []
        widths: list[int | None] = []
        for end in join.inputs:
            first = [
                one for one in readers if one is not join and end in values_after([one], self.nodes, join)
            ]
            if not first and end != value:
                raise ValueError(f"{join}: input {end} does not come from {value}")
            self.value, self.features, self.sequence = value, features, sequence
            branches.append([] if end == value else self.chain(end, first))
            widths.append(self.features)
        self.value = join.output
        if join.op == "Add":
            return residual(join, branches)
        check_last_axis(join, self.rank)
        self.features = None if None in widths else sum(width for width in widths if width)
        return concatenation(branches)

    def constant(self, node: Node, i: int) -> NDArray[Any]:
        """Input i of a node, which must be a constant of floating-point numbers."""
        name = node.inputs[i] if i < len(node.inputs) else ""
        if name not in self.constants:
            raise ValueError(f"{node}: input {i} should be a constant")
        array = self.constants[name]
        if array.dtype.kind not in "f":
            raise ValueError(f"{node}: input {i} should be of floating-point numbers, got {array.dtype}")
        return array

    def number(self, node: Node, i: int) -> float:
        """Input i of a node, which must be a constant of one number."""
        array = self.constant(node, i)
        if array.size != 1:
            raise ValueError(f"{node}: input {i} should be one number, got shape {array.shape}")
        return float(array.item())

    def vector(self, node: Node, i: int, size: int) -> NDArray[Any]:
        """Input i of a node, a constant that ONNX broadcasts to one number per feature, equal in all rows."""
        array = self.constant(node, i)
        if (
            array.ndim > self.rank
            or array.shape[-1:] not in ((), (1,), (size,))
            or set(array.shape[:-1]) - {1}
        ):
            raise ValueError(
                f"{node}: input {i} should have {size} numbers in its last axis, got shape {array.shape}"
            )
        return np.array(np.broadcast_to(array.reshape(-1), size))

    def integers(self, name: str) -> list[int] | None:
        """A constant of integers as a list; None if the value is no such constant."""
        array = self.constants.get(name)
        return None if array is None or array.dtype.kind not in "iu" else [int(one) for one in array.ravel()]

    def known_features(self, node: Node) -> int:
        """Number of features at this node."""
        features: int | None = self.features
        if features is None:
            raise ValueError(f"{node}: the input does not say how many features it has")
        if features > MOST_FEATURES:
            raise ValueError(f"{node}: expected at most {MOST_FEATURES:,} features, got {features}")
        return features


def check_last_axis(node: Node, rank: int) -> None:
    """Raises if a node works along another axis than the features."""
    if node.get("axis", -1) not in (-1, rank - 1):
        node.expect(axis=-1)


def leading_to(last: str, nodes: Sequence[Node]) -> list[Node]:
    """The nodes that a value depends on, in order."""
    wanted, found = {last}, []
    for node in reversed(nodes):  # ONNX sorts nodes topologically
        if node.output in wanted:
            found.append(node)
            wanted.update(node.inputs)
    return found[::-1]


def values_after(first: Collection[Node], nodes: Sequence[Node], without: Node | None = None) -> set[str]:
    """The outputs of the first nodes, and all values that depend on them but not through `without`."""
    values = {node.output for node in first if node is not without}
    for node in nodes:
        if node is not without and not values.isdisjoint(node.inputs):
            values.add(node.output)
    return values


def joined(first: Collection[Node], last: str, nodes: Sequence[Node]) -> Node | None:
    """The node at which all paths from the first nodes to `last` meet; None if a path does not lead there."""
    if any(last not in values_after([node], nodes) for node in first):
        return None
    reached = values_after(first, nodes)
    return next(
        node for node in nodes if node.output in reached and last not in values_after(first, nodes, node)
    )


def residual(add: Node, branches: list[list[Found]]) -> list[Found]:
    """The Residual of two branches: F(x) + x, or F(x) + dense(x)."""
    place = next((i for i in (1, 0) if not branches[i]), None)
    if place is None:
        place = next((i for i in (1, 0) if [one["layer"] for one, _ in branches[i]] == ["Dense"]), None)
    if place is None:
        raise ValueError(f"{add}: expected one of the two branches to be empty or a single dense layer")
    layers, state = numbered(branches[1 - place])
    if not branches[place]:
        return [({"layer": "Residual", "layers": layers}, state)]
    ((shortcut, weights),) = branches[place]
    state |= {f"shortcut.{name}": array for name, array in weights.items()}
    return [({"layer": "Residual", "layers": layers, "shortcut": shortcut}, state)]


def concatenation(branches: list[list[Found]]) -> list[Found]:
    """The Concatenate of branches."""
    state: State = {}
    layers = []
    for i, branch in enumerate(branches):
        inner, values = numbered(branch)
        layers.append(inner)
        state |= {f"{i}.{name}": array for name, array in values.items()}
    return [({"layer": "Concatenate", "branches": layers}, state)]
