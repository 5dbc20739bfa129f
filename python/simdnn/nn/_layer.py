"""The base class of layers: settings, a rule of shapes, initial values, and a native description."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import _core
from .._utils.attributes import Attributes
from .._utils.hints import among

__all__ = ["Layer"]


class Shape(NamedTuple):
    """The shape of the data between two layers: (n, features) or, of sequences, (n, time, features)."""

    features: int
    sequence: bool = False

    def __str__(self) -> str:
        return f"(n, time, {self.features})" if self.sequence else f"(n, {self.features})"

    def _native(self) -> tuple[int, bool]:
        return self.features, self.sequence


class Layer(Attributes):
    """The base class of layers.

    Each parameter of a layer's constructor is an attribute of the same name. A layer holds no weights, which
    belong to a network, so one layer object may be part of several networks; its settings cannot change.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.Dense(3, 2).settings()
    {'in_features': 3, 'out_features': 2, 'activation': None, 'bias': True, 'init': None}
    """

    #: The number of features of the input; None accepts any.
    in_features: int | None = None
    #: The name of the layer's native description.
    _kind: ClassVar[str]
    #: Attributes that networks are compiled from: the constructor's parameters, and others that it sets.
    _kept: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._kept |= inspect.signature(cls).parameters.keys()

    if not TYPE_CHECKING:  # type checkers take any attribute where there is a __setattr__

        def __setattr__(self, name: str, value: object) -> None:
            own = type(self).__module__.startswith("simdnn.")  # a user's subclass may have other attributes
            if own and name not in self._kept and not name.startswith("_"):
                known = list(inspect.signature(type(self)).parameters)
                raise AttributeError(f"{name}: {type(self).__name__} has no such setting{among(name, known)}")
            super().__setattr__(name, value)

    def _takes_sequence(self) -> bool:
        """True if the layer reads only sequences."""
        return False

    def _takes_input(self) -> bool:
        """True if the layer, or the first layer of a nested chain, must read the network's input."""
        return any(chain and chain[0]._takes_input() for _, chain in self._children())

    def _output(self, given: Shape) -> Shape:
        """The output shape for the input shape `given`."""
        return given

    def _children(self) -> Iterator[tuple[str, Sequence[Layer]]]:
        """The nested chains of layers, each with the prefix of its parameters' names."""
        return iter(())

    def _native(self, given: Shape) -> dict[str, Any]:
        """The native description for the input shape `given`, without shapes; by default, the settings."""
        return native_fields(self._kind, self)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        """The initial values of the layer's parameters and buffers, by name."""
        return {}

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments by name, without nested layers.

        Returns
        -------
        dict
        """
        parameters = inspect.signature(type(self)).parameters.values()
        return {p.name: getattr(self, p.name) for p in parameters if p.kind is not p.VAR_POSITIONAL}

    def __repr__(self) -> str:
        parts: list[str] = []
        for p in inspect.signature(type(self)).parameters.values():
            value = getattr(self, p.name)
            shown = _shown(value)
            if p.kind is p.VAR_POSITIONAL:
                parts += map(repr, value)
            elif p.default is p.empty:
                parts.append(shown)
            elif value != p.default:
                parts.append(f"{p.name}={shown}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _shown(value: Any) -> str:
    """A setting as text, functions by name, so that it is the same in each process."""
    if isinstance(value, functools.partial):
        given = [*map(_shown, value.args), *(f"{name}={_shown(one)}" for name, one in value.keywords.items())]
        return f"partial({', '.join([_shown(value.func), *given])})"
    return getattr(value, "__name__", None) or repr(value)


#: The names of the fields of each native description, by its kind.
_FIELDS = _core.layer_fields()


def native_fields(kind: str, layer: Layer, **own: Any) -> dict[str, Any]:
    """The native description of a kind; its fields are settings of the layer by name, or in `own`."""
    values = {name: own[name] if name in own else getattr(layer, name) for name in _FIELDS[kind]}
    return {"kind": kind, **values}


def check_layers(layers: Sequence[Any], name: str = "layers") -> None:
    """Raises a TypeError unless all are layers."""
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            found = type(layer).__name__
            hint = "; give the layers one by one" if isinstance(layer, list | tuple) else ""
            raise TypeError(f"{name}[{i}]: expected a layer such as nn.Dense, got {found}{hint}")


def input_shape(layers: Sequence[Layer], in_features: int | None = None) -> Shape | None:
    """The input shape of a chain of layers, or None if no layer fixes it."""
    for layer in layers:
        if in_features is not None:
            break
        if layer.in_features is None and any(layer._output(Shape(n)).features != n for n in (1, 2)):
            break
        in_features = layer.in_features
    if in_features is None:
        return None
    return Shape(in_features, takes_sequence(layers))


def takes_sequence(layers: Sequence[Layer]) -> bool:
    """True if a layer of a chain, nested ones included, reads only sequences."""
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
    return {"kind": "sequential", "layers": natives, "input": given._native(), "output": shape._native()}


def chain_output(layers: Sequence[Layer], given: Shape) -> Shape:
    """The output shape of layers in sequence."""
    for layer in layers:
        given = layer._output(given)
    return given


def chain_initial(
    layers: Sequence[Layer], given: Shape, rng: np.random.Generator, dtype: DTypeLike, prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """The initial values of all parameters and buffers of layers in sequence, by name."""
    values: dict[str, NDArray[Any]] = {}
    for i, layer in enumerate(layers):
        own = layer._initial(given, rng, dtype)
        values |= {f"{prefix}{i}.{name}": value for name, value in own.items()}
        given = layer._output(given)
    return values
