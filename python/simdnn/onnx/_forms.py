"""Forms of several ONNX nodes that are one layer: found by comparing a graph with what an exporter writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..nn._layer import Shape
from ._activations import ACTIVATIONS
from ._graph import Graph, need_onnx
from ._layers import crelu as export_crelu
from ._node import Node, node_of
from ._reader import FormImporter, Found, Reader

#: The parameter of a form; an exporter writes it as a constant, which a graph may have at any value.
PARAMETER = 1234.5
#: Operators whose two inputs may be swapped.
COMMUTATIVE = frozenset(("Add", "Mul", "Max", "Min"))
#: Nodes of the graph by their place in the form, and values of the graph by their name in the form.
Matches = tuple[list[Node], dict[str, str]]


class Form(NamedTuple):
    """The nodes and constants that an exporter writes for a value `x`; the last node is the output."""

    nodes: list[Node]
    constants: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, export: Callable[..., str], *parameters: float) -> Form:
        """The form of an exporter."""
        graph = Graph(17, np.dtype(np.float64))
        export(graph, "x", *parameters)
        return cls(list(map(node_of, graph.nodes)), graph.constants)

    def match(self, reader: Reader, readers: Sequence[Node]) -> Matches | None:
        """The first match that starts at the reader's value and that no other node looks into."""
        for found, values in self._extend(reader, readers, [], {"x": reader.value}):
            inner = {node.output for node in found[:-1]}
            open_nodes = [*readers, *(node for value in inner for node in reader.readers(value))]
            if reader.last not in inner and all(node in found for node in open_nodes):
                return found, values
        return None

    def _extend(
        self, reader: Reader, readers: Sequence[Node], found: list[Node], values: dict[str, str]
    ) -> Iterator[Matches]:
        """All ways to complete a partial match."""
        if len(found) == len(self.nodes):
            yield found, values
            return
        wanted = self.nodes[len(found)]
        start = next(name for name in wanted.inputs if name not in self.constants)
        for node in readers if start == "x" else reader.readers(values[start]):
            if node.op != wanted.op or node in found or not same_attributes(wanted, node):
                continue
            orders = [node.inputs, node.inputs[::-1]] if node.op in COMMUTATIVE else [node.inputs]
            for inputs in orders:
                bound = self._bind(reader, wanted.inputs, inputs, values)
                if bound is not None:
                    yield from self._extend(
                        reader, readers, [*found, node], bound | {wanted.output: node.output}
                    )

    def _bind(
        self, reader: Reader, wanted: list[str], inputs: list[str], values: dict[str, str]
    ) -> dict[str, str] | None:
        """The values with those of one node's inputs; None if an input is another value or constant."""
        if len(wanted) != len(inputs):
            return None
        values = dict(values)
        for name, given in zip(wanted, inputs, strict=True):
            if values.setdefault(name, given) != given:
                one, other = (reader.constants.get(each) for each in (values[name], given))
                if one is None or other is None or not np.array_equal(one, other):
                    return None
            if name in self.constants and not self._same_constant(name, reader.constants.get(given)):
                return None
        return values

    def _same_constant(self, name: str, given: NDArray[Any] | None) -> bool:
        """True if a constant of the graph has the value that the form wants, or may have any."""
        if given is None or given.dtype.kind != "f":
            return False
        wanted = self.constants[name]
        return bool(wanted == PARAMETER) or (
            given.size == 1 and bool(np.isclose(given.item(), wanted, 1e-6, 0))
        )

    def parameter(self, reader: Reader, values: dict[str, str]) -> NDArray[Any] | None:
        """The value of the parameter in a match; None if the form has none."""
        name = next((name for name, value in self.constants.items() if value == PARAMETER), None)
        return None if name is None else reader.constants[values[name]]


def same_attributes(wanted: Node, node: Node) -> bool:
    """True if two nodes of one operator have equal attributes, given or by default."""
    defaults = {
        name: need_onnx().helper.get_attribute_value(one.default_value)
        for name, one in need_onnx().defs.get_schema(wanted.op, 17).attributes.items()
        if one.default_value.name
    }
    one, other = ({**defaults, **each.attributes} for each in (wanted, node))
    if wanted.op == "Cast":  # any type of floating-point numbers
        types = need_onnx().TensorProto
        return other["to"] in (types.FLOAT, types.DOUBLE)
    if wanted.op == "Concat":  # the last of two or three axes
        return one["axis"] == -1 and other["axis"] in (-1, 1, 2)
    return one == other


def named(layer: str, **settings: str) -> Callable[[Reader, NDArray[Any] | None], list[Found]]:
    """A maker of a layer with fixed settings."""
    return lambda reader, parameter: [({"layer": layer, **settings}, {})]


def celu(reader: Reader, alpha: Any) -> list[Found]:
    """A CELU with the alpha of a match."""
    if alpha.size != 1:
        raise ValueError(f"{reader.value}: expected one alpha of CELU, got shape {alpha.shape}")
    return [({"layer": "CELU", "alpha": float(alpha.item())}, {})]


def swish(reader: Reader, beta: Any) -> list[Found]:
    """A Swish with the beta of a match, which is learned if it has an axis."""
    if beta.ndim == 0:
        return [({"layer": "Swish", "beta": float(beta)}, {})]
    if beta.ndim > 1 or beta.size not in (1, reader.features):
        raise ValueError(f"{reader.value}: expected a beta for each feature of Swish, got shape {beta.shape}")
    return [({"layer": "Swish", "trainable": True, "num_parameters": beta.size}, {"beta": beta})]


def crelu(reader: Reader, parameter: Any) -> list[Found]:
    """A CReLU, which doubles the features."""
    reader.features = None if reader.features is None else 2 * reader.features
    return [({"layer": "CReLU"}, {})]


def two_classes(reader: Reader, parameter: Any) -> list[Found]:
    """The softmax of (0, z), which is (1 - sigmoid(z), sigmoid(z))."""
    if reader.features != 1:
        raise ValueError(f"{reader.value}: expected one number for two classes, got {reader.features}")
    reader.features = 2
    dense = {"layer": "Dense", "in_features": 1, "out_features": 2, "bias": False}
    return [(dense, {"weight": np.array([[0, 1]], np.float32)}), ({"layer": "Softmax"}, {})]


def foreign_gelu(g: Graph, x: str) -> str:
    """PyTorch's exact gelu: x * (1 + erf(x / sqrt(2))) * 0.5."""
    erf = g.add("Erf", g.add("Div", x, g.constant(2**0.5)))
    return g.add("Mul", g.add("Mul", x, g.add("Add", erf, g.constant(1))), g.constant(0.5))


def foreign_gelu_tanh(g: Graph, x: str) -> str:
    """PyTorch's approximate gelu: 0.5 * (x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))))."""
    cube = g.add("Mul", g.constant(0.044715), g.add("Mul", x, g.add("Mul", x, x)))
    inner = g.add("Mul", g.constant((2 / np.pi) ** 0.5), g.add("Add", x, cube))
    gate = g.add("Add", g.constant(1), g.add("Tanh", inner))
    return g.add("Mul", g.constant(0.5), g.add("Mul", x, gate))


def foreign_log_sigmoid(g: Graph, x: str) -> str:
    """PyTorch's log_sigmoid: log(sigmoid(x))."""
    return g.add("Log", g.add("Sigmoid", x))


def foreign_softsign(g: Graph, x: str) -> str:
    """PyTorch's softsign: x / (1 + abs(x))."""
    return g.add("Div", x, g.add("Add", g.add("Abs", x), g.constant(1)))


def foreign_softplus(g: Graph, x: str) -> str:
    """PyTorch's softplus, which is x above 20."""
    return g.add("Where", g.add("Greater", x, g.constant(20)), x, g.add("Softplus", x))


def foreign_two_classes(g: Graph, x: str) -> str:
    """skl2onnx's probabilities of two classes: (1 - sigmoid(x), sigmoid(x))."""
    share = g.add("Sigmoid", x)
    return g.add("Concat", g.add("Sub", g.constant(1), share), share, axis=-1)


def importer(
    make: Callable[[Reader, Any], list[Found]], export: Callable[..., str], *parameters: float
) -> FormImporter:
    """An importer of the form that an exporter writes."""
    form: Form | None = None

    def matched(reader: Reader, readers: Sequence[Node]) -> tuple[Node, list[Found]] | None:
        nonlocal form
        form = form or Form.of(export, *parameters)  # made once onnx is known to be installed
        match = form.match(reader, readers)
        return match and (match[0][-1], make(reader, form.parameter(reader, match[1])))

    return matched


#: Importers of all forms of several nodes; a form comes before those that it contains.
FORMS: tuple[FormImporter, ...] = (
    importer(two_classes, foreign_two_classes),
    importer(named("SiLU"), ACTIVATIONS["silu"]),
    importer(swish, ACTIVATIONS["swish"], PARAMETER),
    importer(celu, ACTIVATIONS["celu"], PARAMETER),
    importer(named("Mish"), ACTIVATIONS["mish"]),
    importer(named("LogSigmoid"), ACTIVATIONS["log_sigmoid"]),
    importer(named("LogSigmoid"), foreign_log_sigmoid),
    importer(named("BinaryStep"), ACTIVATIONS["binary_step"]),
    importer(named("GELU"), ACTIVATIONS["gelu"]),
    importer(named("GELU"), foreign_gelu),
    importer(named("GELU", approximate="tanh"), ACTIVATIONS["gelu_tanh"]),
    importer(named("GELU", approximate="tanh"), foreign_gelu_tanh),
    importer(named("Softsign"), foreign_softsign),
    importer(named("Softplus"), foreign_softplus),
    importer(crelu, lambda g, x: export_crelu(g, nn.CReLU(), x, {}, Shape(1))),
)
