"""A builder of ONNX graphs: nodes, constants, and unique names for both."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def need_onnx() -> Any:
    """The module onnx; raises ImportError with the command that installs it."""
    try:
        import onnx
    except ImportError:
        raise ImportError("simdnn.onnx needs onnx: pip install 'simdnn[onnx]'") from None
    return onnx


def type_of(dtype: DTypeLike) -> int:
    """ONNX's code of a dtype; that of object is the code of strings."""
    return int(need_onnx().helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


class Graph:
    """A graph under construction; `add` and `constant` return the name of their value."""

    def __init__(self, opset: int, dtype: np.dtype[Any], taken: Collection[str] = ()) -> None:
        """`taken` holds the names of the graph's inputs and outputs, which other values must not have."""
        self.opset = opset
        self.dtype = dtype
        self.taken = frozenset(taken)
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    @property
    def type(self) -> int:
        """ONNX's code of the graph's dtype."""
        return type_of(self.dtype)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with this operator and returns the name of its output."""
        name = self._free(f"{op.lower()}_{len(self.nodes)}")
        self.nodes.append(need_onnx().helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: ArrayLike, dtype: Any = None) -> str:
        """A small constant, of the graph's dtype or another; equal constants are stored once."""
        array = np.array(value, self.dtype if dtype is None else dtype)
        shape = "x".join(map(str, array.shape)) or "number"
        return self._keep("_".join([array.dtype.name, shape, *map(str, array.ravel())]), array)

    def parameter(self, value: ArrayLike, dtype: Any = None) -> str:
        """A parameter of the model, of the graph's dtype or another."""
        array = np.array(value, self.dtype if dtype is None else dtype)
        return self._keep(f"parameter_{len(self.constants)}", array)

    def cast(self, x: str, dtype: Any) -> str:
        """Adds a cast of x to another dtype."""
        return self.add("Cast", x, to=type_of(dtype))

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        """Stores a constant and returns its name, made free if it is taken."""
        name = self._free(name)
        self.constants[name] = array
        return name

    def _free(self, name: str) -> str:
        """The name, with underscores in front while it is taken."""
        return self._free(f"_{name}") if name in self.taken else name

    def reduce(self, op: str, x: str, axis: int, keepdims: bool = False) -> str:
        """Adds a reduction along one axis, which is an attribute before opset 18 and then an input."""
        if self.opset < 18:
            return self.add(op, x, axes=[axis], keepdims=int(keepdims))
        return self.add(op, x, self.constant([axis], dtype=np.int64), keepdims=int(keepdims))

    def finish(self, last: str, name: str) -> None:
        """Renames the value `last` to an output's name."""
        producers = [node for node in self.nodes if last in node.output]
        if not producers:  # the value is an input of the graph
            self.nodes.append(need_onnx().helper.make_node("Identity", [last], [name], name=name))
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if one == last else one for one in names]
