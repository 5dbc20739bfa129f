"""A C program under construction: statements, constants, and the memory of intermediate results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The mark behind a prefix that is no name of the header, which is left out at the end.
HIDDEN = "\1"


@dataclass
class Memory:
    """Places of intermediate results in one array, which are used again after their last reader."""

    size: int = 0
    taken: dict[int, int] = field(default_factory=dict)

    def take(self, count: int) -> int:
        """The first free place for so many numbers."""
        at = 0
        for begin in sorted(self.taken):
            if at + count <= begin:
                break
            at = begin + self.taken[begin]
        self.taken[at] = count
        self.size = max(self.size, at + count)
        return at


@dataclass(frozen=True)
class Value:
    """A row of numbers in C: its address, its size, and its place in memory if it may be overwritten."""

    address: str
    size: int
    place: int | None = None


class Source:
    """The folded parameters and buffers of a predictor, which layers take in order."""

    def __init__(self, values: NDArray[Any], buffers: NDArray[Any]) -> None:
        self._values, self._buffers = values, buffers
        self._next = [0, 0]

    def parameters(self, *shape: int) -> NDArray[Any]:
        """The next parameters, with this shape."""
        return self._take(0, self._values, shape)

    def buffers(self, *shape: int) -> NDArray[Any]:
        """The next buffers, with this shape."""
        return self._take(1, self._buffers, shape)

    def _take(self, which: int, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        begin = self._next[which]
        self._next[which] = end = begin + int(np.prod(shape))
        return values[begin:end].reshape(shape)

    def check_end(self) -> None:
        """Raises an AssertionError unless all have been taken."""
        assert self._next == [self._values.size, self._buffers.size]


class Program:
    """The body of an exported model: statements for each time step, and those after the last step.

    A model without sequences has only the latter.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.real = "float" if dtype == np.float32 else "double"
        self.suffix = "f" if dtype == np.float32 else ""
        #: The layer that is emitted, for errors.
        self.place = ""
        #: True if the layer has a bias that it took from a batch normalization.
        self.shifted = False
        self.source = Source(np.zeros(0), np.zeros(0))
        self.constants: list[tuple[str, NDArray[Any]]] = []
        self.functions: set[str] = set()
        self.each: dict[str, str] = {}
        self.memory = Memory()
        #: Initial values of the states of recurrent layers, and of those that a caller carries.
        self.states: list[NDArray[Any]] = []
        self.carried: list[NDArray[Any]] = []
        self.steps: list[str] = []
        self.end: list[str] = []
        #: Outputs of an ensemble, which are summed in double.
        self.sums = 0

    def number(self, value: float) -> str:
        """A number of the model's precision as a literal."""
        return literal(float(self.dtype.type(value)), self.suffix)

    def constant(self, values: NDArray[Any]) -> str:
        """Stores numbers, and returns the name of their array."""
        if not np.isfinite(values).all():
            raise ValueError(f"{self.place}: expected finite parameters, got inf or NaN")
        name = f"simdnn_values_{len(self.constants)}"
        self.constants.append((name, np.ascontiguousarray(values, self.dtype).ravel()))
        return name

    def state(self, initial: NDArray[Any], carried: bool) -> str:
        """Makes a state that begins with these numbers; returns its address."""
        group, name = (self.carried, "state->value") if carried else (self.states, "states")
        at = sum(one.size for one in group)
        group.append(initial)
        return f"{name} + {at}"

    def take(self, size: int) -> Value:
        """Memory for a row of so many numbers."""
        place = self.memory.take(size)
        return Value(f"work + {place}", size, place)

    def release(self, *values: Value) -> None:
        """Gives memory back, after its last reader."""
        for value in values:
            if value.place is not None:
                del self.memory.taken[value.place]

    def own(self, x: Value) -> Value:
        """Memory for a function of x that can work in place: that of x, if it may be overwritten."""
        return x if x.place is not None else self.take(x.size)

    def replace(self, x: Value, size: int) -> Value:
        """Memory for a function of x, which must stay until then, and is given back behind it."""
        y = self.take(size)
        self.release(x)
        return y

    def call(self, sequence: bool, function: str, *arguments: Any) -> None:
        """Adds a call of a function for each step of a sequence, or after the last step."""
        self.functions.add(f"simdnn_{function}")
        shown = (one.address if isinstance(one, Value) else str(one) for one in arguments)
        self.add(sequence, f"simdnn_{function}({', '.join(shown)});")

    def add(self, sequence: bool, *lines: str) -> None:
        """Adds statements."""
        (self.steps if sequence else self.end).extend(lines)

    def apply(self, sequence: bool, function: str, x: Value, parameters: Iterable[float] = ()) -> Value:
        """Applies an activation of the registry to each number."""
        name, y = self.loop(function, "".join(f", {self.number(one)}" for one in parameters)), self.own(x)
        self.add(sequence, f"{name}({x.address}, {x.size}, {y.address});")
        return y

    def loop(self, function: str, arguments: str, more: str = "") -> str:
        """The name of a function that applies an activation to a row, with these further arguments."""
        self.functions.add(f"simdnn_{function}_value")
        body = f"y[i] = simdnn_{function}_value(x[i]{arguments});"
        head = f"const {self.real} *x, int n{more}, {self.real} *y"
        text = f"({head}) {{\n  for (int i = 0; i < n; ++i) {body}\n}}"
        for name, known in self.each.items():
            if known == text:
                return name
        name = f"simdnn_each_{function}_{len(self.each)}"
        self.each[name] = text
        return name


def as_given(word: str) -> str:
    """A word of the user, in which a header does not replace the prefix of its own names."""
    return re.sub("(?i)simdnn(?=_)", lambda found: found[0] + HIDDEN, word)


def literal(value: float, suffix: str) -> str:
    """A number as a literal in C, exactly: in decimal if that is short, else in hexadecimal."""
    decimal = repr(value)
    if not np.isfinite(value):
        name = "NAN" if value != value else "INFINITY"
        return f"-{name}" if value < 0 else name
    digits = decimal if float(decimal) == value and len(decimal) < 9 else hexadecimal(value)
    return f"{digits}{suffix}"


def hexadecimal(value: float) -> str:
    """A number in C's hexadecimal notation, without zeros at the end of its fraction."""
    mantissa, _, exponent = value.hex().partition("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}p{exponent}"
