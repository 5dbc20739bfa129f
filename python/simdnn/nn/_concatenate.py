"""Layers whose branches read the same input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

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

__all__ = ["Concatenate"]


class Concatenate(Layer):
    """Branches over the same input, whose outputs are concatenated: y = [f(x), g(x), ...].

    Parameters
    ----------
    *branches : Layer or tuple of Layers
        A tuple is a sequence of layers; an empty one is the identity.

    Raises
    ------
    TypeError, ValueError
        If there is no branch or one is not a layer; or, when a network is made, if some branches return
        sequences and others do not.

    Notes
    -----
    The names of parameters have the index of the branch and of the layer in it: ``"2.1.0.weight"`` is the
    weight of the first layer in the second branch of the Concatenate at 2.

    Source: Szegedy et al. 2015, "Going deeper with convolutions", arXiv:1409.4842, figure 2.

    Examples
    --------
    >>> from simdnn import nn
    >>> both = nn.Concatenate((), (nn.Dense(8, 16, "relu"), nn.Dense(16, 4)))
    >>> model = nn.Sequential(both, nn.Dense(12, 2), rng=0)
    >>> model.in_features, model.out_features
    (8, 2)
    """

    _kept = frozenset({"in_features"})

    def __init__(self, *branches: Layer | tuple[Layer, ...]) -> None:
        if not branches:
            raise ValueError("branches: expected at least one, got none")
        self.branches = branches
        self._chains = [branch if isinstance(branch, tuple) else (branch,) for branch in branches]
        for i, chain in enumerate(self._chains):
            check_layers(chain, f"branches[{i}]")
        shapes = filter(None, map(input_shape, self._chains))
        self.in_features = next((shape.features for shape in shapes), None)

    def _children(self) -> Iterator[tuple[str, Sequence[Layer]]]:
        for i, chain in enumerate(self._chains):
            yield f"{i}.", chain

    def _output(self, given: Shape) -> Shape:
        shapes = [chain_output(chain, given) for chain in self._chains]
        return shapes[0]._replace(features=sum(shape.features for shape in shapes))

    def _native(self, given: Shape) -> dict[str, Any]:
        branches = [chain_native(chain, given, f"branches[{i}]") for i, chain in enumerate(self._chains)]
        shapes = [chain_output(chain, given) for chain in self._chains]
        for i, shape in enumerate(shapes):
            if shape.sequence != shapes[0].sequence:
                raise ValueError(
                    f"Concatenate: branches[0] gives {shapes[0]}, but branches[{i}] gives {shape}"
                )
        return native_fields("concatenate", self, branches=branches)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        values: dict[str, NDArray[Any]] = {}
        for i, chain in enumerate(self._chains):
            values |= chain_initial(chain, given, rng, dtype, f"{i}.")
        return values
