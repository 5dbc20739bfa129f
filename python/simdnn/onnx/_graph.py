"""A growing ONNX graph: nodes that are named as they come, and constants."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def need_onnx() -> Any:
    """The module, or an error that says how to get it."""
    try:
        import onnx
    except ImportError:
        raise ImportError("simdnn.onnx needs onnx: pip install 'simdnn[onnx]'") from None
    return onnx


def type_of(dtype: DTypeLike) -> int:
    """ONNX's number of a dtype; that of objects is the one of words."""
    return int(need_onnx().helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


class Graph:
    """What is exported so far; `add` and `constant` return the name of a value."""

    def __init__(self, opset: int, dtype: np.dtype[Any], taken: Collection[str] = ()) -> None:
        """`taken` are names of inputs and outputs, which no other value may have."""
        self.opset = opset
        self.dtype = dtype
        self.taken = frozenset(taken)
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    @property
    def type(self) -> int:
        """ONNX's number of the dtype."""
        return type_of(self.dtype)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node of one operator; returns its output."""
        name = self._free(f"{op.lower()}_{len(self.nodes)}")
        self.nodes.append(need_onnx().helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: ArrayLike, dtype: Any = None) -> str:
        """A small constant, of the graph's dtype or another; equal ones are one."""
        array = np.array(value, self.dtype if dtype is None else dtype)
        shape = "x".join(map(str, array.shape)) or "number"
        return self._keep("_".join([array.dtype.name, shape, *map(str, array.ravel())]), array)

    def parameter(self, value: ArrayLike, dtype: Any = None) -> str:
        """An array of the model, of the graph's dtype or another."""
        array = np.array(value, self.dtype if dtype is None else dtype)
        return self._keep(f"parameter_{len(self.constants)}", array)

    def cast(self, x: str, dtype: Any) -> str:
        """x as another dtype."""
        return self.add("Cast", x, to=type_of(dtype))

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        name = self._free(name)
        self.constants[name] = array
        return name

    def _free(self, name: str) -> str:
        return self._free(f"_{name}") if name in self.taken else name

    def reduce(self, op: str, x: str, axis: int, keepdims: bool = False) -> str:
        """A reduction along one axis, which is an attribute until opset 18 and an input from then on."""
        if self.opset < 18:
            return self.add(op, x, axes=[axis], keepdims=int(keepdims))
        return self.add(op, x, self.constant([axis], dtype=np.int64), keepdims=int(keepdims))

    def finish(self, last: str, name: str) -> None:
        """Calls the last value by a name of one's own."""
        made = [node for node in self.nodes if last in node.output]
        if not made:  # nothing happens to the input
            self.nodes.append(need_onnx().helper.make_node("Identity", [last], [name], name=name))
            return
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [name if one == last else one for one in names]
