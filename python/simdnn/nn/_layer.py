"""What every layer is to Python: settings, a rule of shapes, first values, and a native description."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Shape(NamedTuple):
    """What flows between two layers: a row of features a sample or, of a sequence, one a time step."""

    features: int
    sequence: bool = False

    def __str__(self) -> str:
        return f"(n, time, {self.features})" if self.sequence else f"(n, {self.features})"

    def _native(self) -> tuple[int, bool]:
        return self.features, self.sequence


class Layer:
    """A layer of a network: the base of all, which is not a layer itself.

    Each parameter of a layer's constructor is an attribute of the same name. A layer holds no weights: those
    belong to the network that it becomes a part of, so one description may serve in many.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.Dense(3, 2).settings()
    {'in_features': 3, 'out_features': 2, 'activation': None, 'bias': True, 'init': None}
    """

    #: The features that it takes; None: as many as come.
    in_features: int | None = None

    def _takes_sequence(self) -> bool:
        """Whether it reads samples of several time steps alone."""
        return False

    def _takes_input(self) -> bool:
        """Whether it, or what a layer inside begins with, reads the network's own input alone."""
        return any(chain and chain[0]._takes_input() for _, chain in self._children())

    def _output(self, given: Shape) -> Shape:
        """The shape that it gives for a shape that it takes."""
        return given

    def _children(self) -> Iterator[tuple[str, Sequence[Layer]]]:
        """The chains of layers inside, each behind the prefix of its parameters' names."""
        return iter(())

    def _native(self, given: Shape) -> dict[str, Any]:
        """What the native network is told beside the shapes."""
        raise NotImplementedError

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        """First values of its parameters and buffers, by name."""
        return {}

    def settings(self) -> dict[str, Any]:
        """The arguments that make the same layer again, but for the layers inside."""
        parameters = inspect.signature(type(self)).parameters.values()
        return {p.name: getattr(self, p.name) for p in parameters if p.kind is not p.VAR_POSITIONAL}

    def __repr__(self) -> str:
        parts: list[str] = []
        for p in inspect.signature(type(self)).parameters.values():
            value = getattr(self, p.name)
            shown = getattr(value, "__name__", None) or repr(value)
            if p.kind is p.VAR_POSITIONAL:
                parts += map(repr, value)
            elif p.default is p.empty:
                parts.append(shown)
            elif value != p.default:
                parts.append(f"{p.name}={shown}")
        return f"{type(self).__name__}({', '.join(parts)})"


def check_layers(layers: Sequence[Any], name: str = "layers") -> None:
    """Raises unless these are layers."""
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"{name}[{i}]: expected a layer such as nn.Dense, got {type(layer).__name__}")


def input_shape(layers: Sequence[Layer], in_features: int | None = None) -> Shape | None:
    """What a chain of layers takes, if it says so."""
    for layer in layers:
        if in_features is not None:
            break
        if layer.in_features is None and layer._output(Shape(1)).features != 1:
            break
        in_features = layer.in_features
    if in_features is None:
        return None
    return Shape(in_features, takes_sequence(layers))


def takes_sequence(layers: Sequence[Layer]) -> bool:
    """Whether a layer of a chain, or inside one, wants sequences."""
    return any(
        layer._takes_sequence() or any(takes_sequence(inner) for _, inner in layer._children())
        for layer in layers
    )


def chain_native(layers: Sequence[Layer], given: Shape, name: str = "layers") -> dict[str, Any]:
    """The native description of layers in sequence; raises where two do not fit."""
    natives, shape = [], given
    for i, layer in enumerate(layers):
        source = f"{name}[{i - 1}] gives" if i else "it is given"
        if layer.in_features not in (None, shape.features) or (
            layer._takes_sequence() and not shape.sequence
        ):
            wanted = Shape(layer.in_features or shape.features, layer._takes_sequence() or shape.sequence)
            raise ValueError(f"{name}[{i}]: {source} {shape}, but {layer!r} takes {wanted}")
        if i and layer._takes_input():
            raise ValueError(f"{name}[{i}]: {layer!r} reads the network's input: it must come first")
        try:
            native, output = layer._native(shape), layer._output(shape)
        except ValueError as error:
            raise ValueError(f"{name}[{i}]: {error}") from None
        natives.append(native | {"input": shape._native(), "output": output._native()})
        shape = output
    return {"layers": natives, "input": given._native(), "output": shape._native()}


def chain_output(layers: Sequence[Layer], given: Shape) -> Shape:
    """The shape that layers in sequence give."""
    for layer in layers:
        given = layer._output(given)
    return given


def chain_initial(
    layers: Sequence[Layer], given: Shape, rng: np.random.Generator, dtype: DTypeLike, prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """First values of all parameters and buffers of layers in sequence, by name."""
    values: dict[str, NDArray[Any]] = {}
    for i, layer in enumerate(layers):
        own = layer._initial(given, rng, dtype)
        values |= {f"{prefix}{i}.{name}": value for name, value in own.items()}
        given = layer._output(given)
    return values
