"""Layers in sequence: a network that trains and predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _core
from .._check import integer
from ._layer import Layer, chain_initial, chain_native, chain_output, check_layers, input_shape
from ._predictor import Predictor


class Sequential:
    """A network of layers, one after the other.

    Parameters
    ----------
    *layers : Layer
        The outputs of each are the inputs of the next.
    dtype : dtype
        float32 or float64: of the parameters and of all arithmetic.
    rng : numpy.random.Generator, int or None
        Draws the initial weights, and the seed of random layers in `forward`; an int is a seed.
    in_features : int or None
        Needed where no layer says how many features it takes, as in ``Sequential(nn.ReLU())``.

    Raises
    ------
    TypeError, ValueError
        If a layer is not a layer, two do not fit (the message has the place and both shapes), or the dtype
        is another.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4, activation="tanh"), nn.Dense(4, 2), rng=0)
    >>> model(np.zeros((5, 3), np.float32)).shape
    (5, 2)
    >>> {name: value.shape for name, value in model.parameters().items()}
    {'0.weight': (3, 4), '0.bias': (4,), '1.weight': (4, 2), '1.bias': (2,)}
    """

    def __init__(
        self,
        *layers: Layer,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | int | None = None,
        in_features: int | None = None,
    ) -> None:
        if not layers:
            raise ValueError("layers: expected at least one layer, got none")
        check_layers(layers)
        shape = input_shape(layers, None if in_features is None else integer("in_features", in_features))
        if shape is None:
            raise ValueError("in_features: no layer says how many features it takes, so this argument must")
        self.layers = layers
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {self.dtype}")
        self._input, self._output = shape, chain_output(layers, shape)
        chain = chain_native(layers, shape)
        generator = np.random.default_rng(rng)
        values = chain_initial(layers, shape, generator, self.dtype)
        make = _core.ModelF32 if self.dtype == np.float32 else _core.ModelF64
        self._seed = int(generator.integers(2**63))
        self._model = make(chain, self._seed)
        self.load_state_dict(values)

    @property
    def in_features(self) -> int:
        """Features of a sample, or of a time step."""
        return self._input.features

    @property
    def out_features(self) -> int:
        """Numbers of an output."""
        return self._output.features

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))}, dtype={self.dtype.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.state_dict(), self._seed, self._model.passes)
        return _rebuild, (self.layers, self.dtype, self.in_features, *state)

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """The output for `x`: `forward` without training."""
        return self.forward(x)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray[Any]:
        """The output for a batch.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Real numbers; cast to the model's dtype. Without `training` also one sample, without the first
            axis.
        training : bool
            As in a training step: keep what `backward` needs, drop at random, take statistics of the batch.

        Returns
        -------
        array, shape (n, out_features) or, of sequences, (n, time, out_features)

        Raises
        ------
        TypeError, ValueError
            If `x` is not made of real numbers, or has another shape.
        """
        if training:
            return self._model.forward(x)
        single = np.ndim(x) == 1 + self._input.sequence
        out = self._model.predict(np.asarray(x)[np.newaxis] if single else x)
        return out[0] if single else out

    def backward(self, dy: ArrayLike) -> NDArray[Any]:
        """The gradient with respect to the last ``forward(x, training=True)``'s x, given that of its output.

        The parameters' gradients are then in `gradients`.

        Parameters
        ----------
        dy : array, shape (n, out_features)

        Returns
        -------
        array, shape (n, in_features)

        Raises
        ------
        ValueError
            If there was no such forward pass, or the shape is another.
        """
        return self._model.backward(dy)

    @property
    def flat_parameters(self) -> NDArray[Any]:
        """All parameters in one writeable array, in the order of `parameters`."""
        return self._model.values

    @property
    def flat_gradients(self) -> NDArray[Any]:
        """All gradients in one writeable array, in the order of `parameters`."""
        return self._model.gradients

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Writeable views of the parameters: ``"0.weight"``, ``"0.bias"``, ... by position."""
        return _views(self.flat_parameters, self._model.parameter_blocks)

    def gradients(self) -> dict[str, NDArray[Any]]:
        """Views of the gradients of the last backward pass or training step, named as `parameters`."""
        return _views(self.flat_gradients, self._model.parameter_blocks)

    def buffers(self) -> dict[str, NDArray[Any]]:
        """Writeable views of what layers keep beside parameters, such as running means."""
        return _views(self._model.buffers, self._model.buffer_blocks)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of the parameters and buffers, by name."""
        return {name: value.copy() for name, value in (self.parameters() | self.buffers()).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Sets all parameters and buffers; nothing is changed if a name or a shape does not fit.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        ValueError
            If a shape is another.
        """
        views = self.parameters() | self.buffers()
        if views.keys() != state.keys():
            missing = sorted(views.keys() - state.keys())
            unknown = sorted(state.keys() - views.keys())
            raise KeyError(f"state: missing {missing}, unknown {unknown}")
        arrays = {name: np.asarray(value, dtype=self.dtype) for name, value in state.items()}
        for name, value in arrays.items():
            if value.shape != views[name].shape:
                raise ValueError(f"{name}: expected shape {views[name].shape}, got {value.shape}")
        for name, value in arrays.items():
            views[name][...] = value

    def _restore_streams(self, seed: int, passes: int) -> None:
        """Random layers go on as they would have in the model that this one is a copy of."""
        self._seed = seed
        self._model.seed = seed
        self._model.passes = passes

    def freeze(self) -> Predictor:
        """A predictor with a copy of the parameters as they are now."""
        return Predictor(self)


def _views(flat: NDArray[Any], blocks: list[tuple[str, int, tuple[int, ...]]]) -> dict[str, NDArray[Any]]:
    return {
        name: flat[offset : offset + int(np.prod(shape))].reshape(shape) for name, offset, shape in blocks
    }


def _rebuild(
    layers: tuple[Layer, ...],
    dtype: DTypeLike,
    in_features: int,
    state: dict[str, NDArray[Any]],
    seed: int,
    passes: int,
) -> Sequential:
    model = Sequential(*layers, dtype=dtype, rng=0, in_features=in_features)
    model.load_state_dict(state)
    model._restore_streams(seed, passes)
    return model
