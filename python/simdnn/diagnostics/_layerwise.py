"""Probes: each layer of a network as a network of its own, which exposes values between layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nn import Activation, Dense, Layer, Sequential, activation_of

#: A slope below this fraction of the activation's largest slope counts as saturated.
SATURATED_SLOPE = 0.05


class LayerProbe:
    """A layer, or the linear or activation part of a Dense, as a network with copies of its parameters."""

    def __init__(
        self, model: Sequential, layer: Layer, features: int, values: dict[str, NDArray[Any]]
    ) -> None:
        self.layer = layer
        self.network = Sequential(layer, dtype=model.dtype, rng=0, in_features=features)
        self.network.load_state_dict(values)

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
        units = self.network.in_features
        grids = (np.linspace(-8, 8, 1601), [-0.5, 0.5], [-50.0, 50.0])
        wide, near, far = (self._slope(np.repeat(x, units).reshape(-1, units)) for x in grids)
        largest = float(wide.max())
        bounded = bool(np.all(near > SATURATED_SLOPE * largest) and np.all(far < SATURATED_SLOPE * largest))
        return self._slope(self.x.reshape(-1, units)), largest, bounded

    def _slope(self, x: NDArray[Any]) -> NDArray[Any]:
        """|dy/dx| of an elementwise layer at x [rows, features]."""
        y = self.network.forward(x, training=True)
        slope: NDArray[Any] = np.abs(self.network.backward(np.ones_like(y)))
        return slope


def probes_of(model: Sequential) -> Iterator[list[LayerProbe]]:
    """The probes of each layer: one, or two for a Dense with an activation."""
    state, shape = model.state_dict(), model._input
    for i, layer in enumerate(model.layers):
        own = {
            f"0.{name.split('.', 1)[1]}": v for name, v in state.items() if name.split(".", 1)[0] == str(i)
        }
        if isinstance(layer, Dense) and layer.activation is not None:
            linear = Dense(layer.in_features, layer.out_features, bias=layer.bias)
            activation = activation_of(layer.activation)
            yield [
                LayerProbe(model, linear, shape.features, own),
                LayerProbe(model, activation, layer.out_features, {}),
            ]
        else:
            yield [LayerProbe(model, layer, shape.features, own)]
        shape = layer._output(shape)
