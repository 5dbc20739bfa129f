"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import init as initializers
from .._utils.check import check_flag, check_int
from ._activation import Activation, activation_of
from ._layer import Layer, Shape, native_fields

__all__ = ["Dense"]

Initializer = Callable[..., NDArray[Any]]


def check_initializer(value: Any, name: str = "init") -> Any:
    """`value`, if it is a name of `simdnn.init`, a callable or None."""
    if isinstance(value, str):
        initializers.from_name(value)
    elif value is not None and not callable(value):
        raise TypeError(f"{name}: expected a callable, a name or None, got {type(value).__name__}")
    return value


def initial_weight(
    value: Initializer | str | None,
    activation: Activation | None,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: DTypeLike,
) -> NDArray[Any]:
    """A weight by an initializer, or by the one that suits the following activation."""
    if value is None:
        rectifier = activation is not None and activation.rectifier
        value = initializers.he_uniform if rectifier else initializers.xavier_uniform
    elif isinstance(value, str):
        value = initializers.from_name(value)
    return np.asarray(value(shape, rng=rng, dtype=dtype))


class Dense(Layer):
    """A fully connected layer: y = activation(x @ weight + bias).

    Parameters
    ----------
    in_features, out_features : int
        The weight has shape (in_features, out_features), the bias (out_features,).
    activation : str, Activation or None
        A name of the registry (see `simdnn.functional`) with its default parameter, or an activation layer
        such as ``nn.LeakyReLU(0.2)``; None is linear.
    bias : bool
        True adds a bias, which is initialized to zero.
    init : str, callable or None
        The initializer of the weight: a name of `simdnn.init`, or a callable ``init(shape, rng=rng,
        dtype=dtype)``. None is `init.he_uniform` for rectifier-like activations (relu, leaky_relu, elu, silu,
        gelu ...), and `init.xavier_uniform` otherwise.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or the activation is not known.

    Notes
    -----
    The layer is applied to each time step of a sequence.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.Dense(8, 64, activation="relu")
    Dense(8, 64, activation='relu')
    """

    in_features: int

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str | Activation | None = None,
        bias: bool = True,
        init: Initializer | str | None = None,
    ) -> None:
        self.in_features = check_int("in_features", in_features)
        self.out_features = check_int("out_features", out_features)
        self.activation = activation
        self._activation = activation_of(activation)
        self.bias = check_flag("bias", bias)
        self.init = check_initializer(init)

    def _output(self, given: Shape) -> Shape:
        return Shape(self.out_features, given.sequence)

    def _native(self, given: Shape) -> dict[str, Any]:
        return native_fields("dense", self, activation=self._activation._registered())

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        shape = (self.in_features, self.out_features)
        values = {"weight": initial_weight(self.init, self._activation, shape, rng, dtype)}
        if self.bias:
            values["bias"] = initializers.zeros((self.out_features,), dtype=dtype)
        return values
