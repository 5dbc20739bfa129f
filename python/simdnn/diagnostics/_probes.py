"""Probes: each layer of a network as a network of its own, which exposes values between layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nn import Activation, Dense, Layer, PiecewiseLinear, Sequential, activation_of

#: A slope below this fraction of the activation's largest slope counts as saturated.
SATURATED_SLOPE = 0.05


class LayerProbe:
    """A layer, or one of its linear and activation parts, as a network with copies of its parameters."""

    def __init__(
        self, model: Sequential, layer: Layer, features: int, values: dict[str, NDArray[Any]]
    ) -> None:
        self.layer = layer
        arguments = model._arguments | {"layers": (layer,), "in_features": features}
        self.network = Sequential._restored(arguments, values, seed=0, passes=0)

    def _through(self, pass_: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
        """Applies row-wise layers to every time step."""
        if self.network._input.sequence:
            return pass_(x)
        y = pass_(x.reshape(-1, x.shape[-1]))
        return y.reshape(*x.shape[:-1], y.shape[-1])

    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        """The output for x, computed as in a training step."""
        self.x = x
        return self._through(lambda rows: self.network.forward(rows, training=True), x)

    def backward(self, dy: NDArray[Any]) -> NDArray[Any]:
        """The gradient w.r.t. x."""
        return self._through(self.network.backward, dy)

    def slopes(self) -> tuple[NDArray[Any], float, bool] | None:
        """(|dy/dx| at the last x, largest |dy/dx|, True if bounded) of an activation; None for other layers.

        An activation counts as bounded if it has a slope around 0 and none far from 0. The call overwrites
        the gradients of this network.
        """
        if not isinstance(self.layer, Activation) or self.layer.function == "identity":
            return None
        largest, bounded = _shape_of(self.layer, self.network.dtype)
        return _slope(self.network, self.x.reshape(-1, self.network.in_features)), largest, bounded


def _slope(network: Sequential, x: NDArray[Any]) -> NDArray[Any]:
    """|dy/dx| of an elementwise layer at x [rows, features]."""
    y = network.forward(x, training=True)
    slope: NDArray[Any] = np.abs(network.backward(np.ones_like(y)))
    return slope


def _shape_of(layer: Activation, dtype: np.dtype[Any]) -> tuple[float, bool]:
    """The largest slope of an activation, and True if it is bounded; known ones are not computed again."""
    key = (repr(layer), dtype.name)
    if key not in _SHAPES:
        network = Sequential(layer, dtype=dtype, rng=0, in_features=1)
        grids = (np.linspace(-8, 8, 1601), [-0.5, 0.5], [-50.0, 50.0])
        wide, near, far = (_slope(network, np.reshape(x, (-1, 1))) for x in grids)
        largest = float(wide.max())
        steep, flat = near > SATURATED_SLOPE * largest, far < SATURATED_SLOPE * largest
        _SHAPES[key] = (largest, bool(steep.all() and flat.all()))
    return _SHAPES[key]


#: Results of `_shape_of`.
_SHAPES: dict[tuple[str, str], tuple[float, bool]] = {}


def linear_part(layer: Dense | PiecewiseLinear) -> Layer:
    """The layer without its activation."""
    sizes = layer.in_features, layer.out_features
    if isinstance(layer, Dense):
        return Dense(*sizes, bias=layer.bias)
    return PiecewiseLinear(*sizes, encoded=layer.encoded, bins=layer.bins, bias=layer.bias)


def probes_of(model: Sequential) -> Iterator[list[LayerProbe]]:
    """The probes of each layer: one, or two for a linear layer with an activation."""
    state, shape = model.state_dict(), model._input
    for i, layer in enumerate(model.layers):
        own = {
            f"0.{name.split('.', 1)[1]}": v for name, v in state.items() if name.split(".", 1)[0] == str(i)
        }
        if isinstance(layer, Dense | PiecewiseLinear) and layer.activation is not None:
            linear = linear_part(layer)
            activation = activation_of(layer.activation)
            yield [
                LayerProbe(model, linear, shape.features, own),
                LayerProbe(model, activation, layer.out_features, {}),
            ]
        else:
            yield [LayerProbe(model, layer, shape.features, own)]
        shape = layer._output(shape)
