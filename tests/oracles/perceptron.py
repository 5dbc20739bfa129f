"""A network of dense layers in float64: its output and its gradients."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tests.oracles.arithmetic import Double
from tests.oracles.elementwise import ACTIVATIONS

Array = np.ndarray[Any, Any]


class Layer(NamedTuple):
    """A dense layer in float64: weight [in, out], bias [out] or None, activation and its parameters."""

    weight: Array
    bias: Array | None
    activation: str
    parameters: tuple[float, ...] = ()

    def linear(self, x: Array) -> Array:
        """The pre-activation z = x W + b."""
        return x @ self.weight + (0 if self.bias is None else self.bias)

    def value(self, z: Array) -> Array:
        """The output f(z) of the activation."""
        return ACTIVATIONS[self.activation].value(Double, z, *self.parameters)

    def slope(self, z: Array) -> Array:
        """The derivative f'(z) of the activation."""
        return ACTIVATIONS[self.activation].derivative(Double, z, *self.parameters)


def forward(layers: Sequence[Layer], x: Array) -> Array:
    """The output of the network."""
    for layer in layers:
        x = layer.value(layer.linear(x))
    return x


def backward(
    layers: Sequence[Layer], x: Array, gradient_of: Callable[[Array], Array]
) -> tuple[Array, list[Array]]:
    """Gradients w.r.t. x, and w.r.t. each weight and bias in order, from the gradient w.r.t. the output."""
    inputs, before = [x], []
    for layer in layers:
        before.append(layer.linear(inputs[-1]))
        inputs.append(layer.value(before[-1]))
    gradient = gradient_of(inputs.pop())
    found: list[Array] = []
    for layer, z, given in zip(layers[::-1], before[::-1], inputs[::-1], strict=True):
        dz = gradient * layer.slope(z)
        found[:0] = [given.T @ dz] if layer.bias is None else [given.T @ dz, dz.sum(axis=0)]
        gradient = dz @ layer.weight.T
    return gradient, found
