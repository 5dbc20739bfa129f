"""Layers with a shortcut connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._dense import Dense
from ._layer import (
    Layer,
    Shape,
    chain_initial,
    chain_native,
    chain_output,
    check_layers,
    input_shape,
    native_fields,
)

__all__ = ["Residual"]


class Residual(Layer):
    """y = F(x) + x: layers with an identity or, where shapes differ, a dense shortcut.

    Parameters
    ----------
    *layers : Layer
        The layers of F in sequence, which may contain other residuals.
    shortcut : Dense or None
        The projection of x; None adds x itself, which must then have the shape of F(x).

    Raises
    ------
    TypeError, ValueError
        If there is no layer or one is not a layer; or, when a network is made, if F(x) and the shortcut have
        different shapes.

    Notes
    -----
    The names of parameters have the index in F: ``"2.0.weight"`` is the weight of the first layer in the
    residual at 2, ``"2.shortcut.weight"`` that of the shortcut. A following activation is applied in the same
    pass.

    Source: He, Zhang, Ren & Sun 2016, "Deep residual learning", arXiv:1512.03385, eq. 1 and 2.

    Examples
    --------
    >>> from simdnn import nn
    >>> block = nn.Residual(nn.Dense(64, 64, activation="relu"), nn.Dense(64, 64))
    >>> model = nn.Sequential(nn.Dense(8, 64), block, nn.ReLU(), nn.Dense(64, 4), rng=0)
    >>> model.in_features, model.out_features
    (8, 4)
    """

    _kept = frozenset({"in_features"})

    def __init__(self, *layers: Layer, shortcut: Dense | None = None) -> None:
        if not layers:
            raise ValueError("layers: expected at least one layer, got none")
        check_layers(layers)
        if shortcut is not None and not isinstance(shortcut, Dense):
            raise TypeError(f"shortcut: expected a Dense or None, got {type(shortcut).__name__}")
        self.layers = layers
        self.shortcut = shortcut
        shape = input_shape(layers)
        self.in_features = shape.features if shape else shortcut.in_features if shortcut else None

    def _children(self) -> Iterator[tuple[str, Sequence[Layer]]]:
        yield "", self.layers
        if self.shortcut is not None:
            yield "shortcut.", (self.shortcut,)

    def _output(self, given: Shape) -> Shape:
        return chain_output(self.layers, given)

    def _native(self, given: Shape) -> dict[str, Any]:
        branch = chain_native(self.layers, given)
        output, shortcut = self._output(given), None
        straight = given
        if self.shortcut is not None:
            shortcut = chain_native([self.shortcut], given, "shortcut")["layers"][0]
            straight = self.shortcut._output(given)
        if straight != output:
            name = "x" if shortcut is None else "shortcut"
            hint = "; give a shortcut=nn.Dense(...)" if shortcut is None else ""
            raise ValueError(f"Residual: its layers give {output}, but {name} has {straight}{hint}")
        return native_fields("residual", self, branch=branch, shortcut=shortcut)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        values = chain_initial(self.layers, given, rng, dtype)
        if self.shortcut is not None:
            own = self.shortcut._initial(given, rng, dtype)
            values |= {f"shortcut.{name}": value for name, value in own.items()}
        return values
