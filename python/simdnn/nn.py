"""Networks: layers in sequence, compiled into one native plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _core, init
from ._check import integer, known_name

__all__ = ["Dense", "Predictor", "Sequential"]

Initializer = Callable[..., NDArray[Any]]

_ACTIVATIONS = {row["name"]: row for row in _core.activations()}


def initializer(value: Any) -> Initializer | None:
    """A function of initial weights from itself or its name."""
    if value is None or callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        return init.from_name(value)
    raise TypeError(f"init: expected a callable, a name or None, got {type(value).__name__}")


class Dense:
    """A fully connected layer: y = activation(x @ weight + bias).

    Parameters
    ----------
    in_features, out_features : int
        The weight has shape (in_features, out_features), the bias (out_features,).
    activation : str or None
        A name of the registry (see `simdnn.functional`), with its default parameter; None is linear.
    bias : bool
    init : str, callable or None
        A name of `simdnn.init`, or called as ``init(shape, rng=rng, dtype=dtype)``, for the weight. None
        chooses `init.he_uniform` for activations that pass a large positive x on (relu, leaky_relu, elu,
        silu, gelu ...), and `init.xavier_uniform` otherwise.
        A bias begins at zero.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or the activation is not known.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.Dense(8, 64, activation="relu")
    Dense(8, 64, activation='relu')
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str | None = None,
        bias: bool = True,
        init: Initializer | str | None = None,
    ) -> None:
        self.in_features = integer("in_features", in_features)
        self.out_features = integer("out_features", out_features)
        self.activation = None if activation is None else known_name("activation", activation, _ACTIVATIONS)
        self.bias = bool(bias)
        self.init = initializer(init)

    def __repr__(self) -> str:
        activation = f", activation={self.activation!r}" if self.activation else ""
        bias = "" if self.bias else ", bias=False"
        return f"Dense({self.in_features}, {self.out_features}{activation}{bias})"

    def _native(self) -> dict[str, Any]:
        """What the native network is told."""
        activation = self.activation or "identity"
        return {
            "inputs": self.in_features,
            "outputs": self.out_features,
            "bias": self.bias,
            "activation": activation,
            "parameters": list(_ACTIVATIONS[activation]["parameters"].values()),
        }

    def _initial(self, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        """First values of its parameters, by name."""
        rectifier = self.activation is not None and _ACTIVATIONS[self.activation]["rectifier"]
        default = init.he_uniform if rectifier else init.xavier_uniform
        shape = (self.in_features, self.out_features)
        values = {"weight": np.asarray((self.init or default)(shape, rng=rng, dtype=dtype))}
        if self.bias:
            values["bias"] = init.zeros((self.out_features,), dtype=dtype)
        return values


class Sequential:
    """A network of layers, one after the other.

    Parameters
    ----------
    *layers : Dense
        The outputs of each are the inputs of the next.
    dtype : dtype
        float32 or float64: of the parameters and of all arithmetic.
    rng : numpy.random.Generator, int or None
        Draws the initial weights; an int is a seed.

    Raises
    ------
    TypeError, ValueError
        If a layer is not a layer, two do not fit, or the dtype is another.

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
        *layers: Dense,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        if not layers:
            raise ValueError("layers: expected at least one layer, got none")
        for i, layer in enumerate(layers):
            if not isinstance(layer, Dense):
                raise TypeError(f"layers[{i}]: expected a layer such as nn.Dense, got {type(layer).__name__}")
            if i and layer.in_features != layers[i - 1].out_features:
                raise ValueError(
                    f"layers[{i}]: expected {layers[i - 1].out_features} in_features, the out_features of"
                    f" layers[{i - 1}], got {layer.in_features}"
                )
        self.layers = layers
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {self.dtype}")
        make = _core.ModelF32 if self.dtype == np.float32 else _core.ModelF64
        self._model = make([layer._native() for layer in layers])
        generator = np.random.default_rng(rng)
        values: dict[str, NDArray[Any]] = {}
        for i, layer in enumerate(layers):
            values |= {f"{i}.{name}": value for name, value in layer._initial(generator, self.dtype).items()}
        self.load_state_dict(values)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))}, dtype={self.dtype.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.layers, self.dtype, self.state_dict())

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """The output for `x`, of shape (n, in_features) or (in_features,)."""
        return self.forward(x)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray[Any]:
        """The output for a batch.

        Parameters
        ----------
        x : array, shape (n, in_features) or, without `training`, (in_features,)
            Real numbers; cast to the model's dtype.
        training : bool
            Keep what `backward` needs.

        Returns
        -------
        array, shape (n, out_features) or (out_features,)

        Raises
        ------
        TypeError, ValueError
            If `x` is not made of real numbers, or has another shape.
        """
        if training:
            return self._model.forward(x)
        single = np.ndim(x) == 1
        out = self._model.predict(np.asarray(x)[np.newaxis] if single else x)
        return out.reshape(-1) if single else out

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
        return self._views(self.flat_parameters)

    def gradients(self) -> dict[str, NDArray[Any]]:
        """Views of the gradients of the last backward pass or training step, named as `parameters`."""
        return self._views(self.flat_gradients)

    def _views(self, flat: NDArray[Any]) -> dict[str, NDArray[Any]]:
        blocks = self._model.blocks
        return {
            name: flat[offset : offset + int(np.prod(shape))].reshape(shape) for name, offset, shape in blocks
        }

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of the parameters, by name."""
        return {name: value.copy() for name, value in self.parameters().items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Sets all parameters; nothing is changed if a name or a shape does not fit.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        ValueError
            If a shape is another.
        """
        parameters = self.parameters()
        if parameters.keys() != state.keys():
            missing = sorted(parameters.keys() - state.keys())
            unknown = sorted(state.keys() - parameters.keys())
            raise KeyError(f"state: missing {missing}, unknown {unknown}")
        arrays = {name: np.asarray(value, dtype=self.dtype) for name, value in state.items()}
        for name, value in arrays.items():
            if value.shape != parameters[name].shape:
                raise ValueError(f"{name}: expected shape {parameters[name].shape}, got {value.shape}")
        for name, value in arrays.items():
            parameters[name][...] = value

    def freeze(self) -> Predictor:
        """A predictor with a copy of the parameters as they are now."""
        return Predictor(self)


def _rebuild(layers: tuple[Dense, ...], dtype: DTypeLike, state: dict[str, NDArray[Any]]) -> Sequential:
    model = Sequential(*layers, dtype=dtype, rng=0)
    model.load_state_dict(state)
    return model


class Predictor:
    """A frozen network, for prediction alone; made by `Sequential.freeze`.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> predictor = nn.Sequential(nn.Dense(3, 2), rng=0).freeze()
    >>> predictor.predict(np.zeros((4, 3), np.float32)).shape
    (4, 2)
    """

    def __init__(self, model: Sequential) -> None:
        make = _core.PredictorF32 if model.dtype == np.float32 else _core.PredictorF64
        self._predictor = make(model._model)
        self.dtype = model.dtype

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """The output for `x`, of shape (n, in_features) or (in_features,), in a new array."""
        x = np.asarray(x)
        out = np.empty((*x.shape[:-1], self._predictor.outputs), self.dtype)
        self._predictor.predict_into(x, out)
        return out

    def predict_into(self, x: ArrayLike, out: NDArray[Any]) -> None:
        """The output for `x`, of shape (n, in_features) or (in_features,), written into `out`.

        Parameters
        ----------
        x : array
        out : array, shape (n, out_features) or (out_features,)
            C-contiguous and writeable, of the model's dtype.

        Raises
        ------
        TypeError, ValueError
            If an array is of another kind or shape.
        """
        self._predictor.predict_into(x, out)
