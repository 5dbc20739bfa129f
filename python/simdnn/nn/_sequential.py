"""Layers in sequence: a network for training and prediction."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import _core
from .._utils.attributes import Attributes
from .._utils.check import check_dtype, check_flag, check_generator, check_int
from .._utils.hints import points_out_names
from ._describe import layer_to_dict, sequential_arguments
from ._layer import Layer, chain_initial, chain_native, chain_output, check_layers, input_shape
from ._precision import Precision, check_precision, described_precision, shown_precision
from ._predictor import Predictor
from ._profile import ModelProfile, model_profile
from ._show import sequential_html
from ._state import Arrays, State, cast_state, check_shapes, lerp, named_views, write

__all__ = ["Sequential"]


@points_out_names
class Sequential(Attributes):
    """A network of layers in sequence.

    Parameters
    ----------
    *layers : Layer
        The layers; the output of each is the input of the next.
    dtype : dtype
        float32 or float64, the dtype of the parameters and of all arithmetic.
    rng : numpy.random.Generator, int or None
        The source of the initial weights, and of the seed of random layers in `forward`; an int is a seed.
    in_features : int or None
        The number of input features, needed only if no layer fixes it, as in ``Sequential(nn.ReLU())``.
    precision : {"float32", "bf16"} or None
        ``"bf16"`` rounds the operands of the products in `Dense`, `Maxout` and `LargeMarginSoftmax`, nested
        ones too, to bfloat16 and sums in float32; all else is float32. None is the dtype's own.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a layer, two layers do not fit (the message has the place and both shapes), or
        the dtype or its precision is another.

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

    _kept = frozenset({"layers", "dtype", "precision"})
    _made = _kept | {"_input", "_output", "_seed", "_model"}

    def __init__(
        self,
        *layers: Layer,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | int | None = None,
        in_features: int | None = None,
        precision: Precision | None = None,
    ) -> None:
        chain = self._prepare(layers, dtype, in_features, precision)
        generator = check_generator("rng", rng)
        values = chain_initial(layers, self._input, generator, self.dtype)
        self._allocate(chain, int(generator.integers(2**63)))
        self.load_state_dict(values)

    def _prepare(
        self,
        layers: Sequence[Layer],
        dtype: DTypeLike,
        in_features: int | None = None,
        precision: Precision | None = None,
    ) -> dict[str, Any]:
        """Checks the arguments and returns the native description, without allocating memory."""
        if not layers:
            raise ValueError("layers: expected at least one layer, got none")
        check_layers(layers)
        shape = input_shape(layers, None if in_features is None else check_int("in_features", in_features))
        if shape is None:
            raise ValueError("in_features: no layer says how many features it takes, so this argument must")
        self.layers = tuple(layers)
        self.dtype = check_dtype("dtype", dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype: expected float32 or float64, got {self.dtype}")
        self.precision = check_precision(precision, self.dtype)
        self._input, self._output = shape, chain_output(layers, shape)
        return chain_native(layers, shape)

    def _allocate(self, chain: dict[str, Any], seed: int, passes: int = 0) -> None:
        """Makes the native network, with `passes` forward passes for training counted before."""
        make = _core.ModelF32 if self.dtype == np.float32 else _core.ModelF64
        self._seed = seed
        self._model = make(chain, seed, self.precision == "bf16")
        self._model.passes = passes

    @classmethod
    def _restored(
        cls, arguments: Mapping[str, Any], state: State, seed: int, passes: int, carried: Arrays = ()
    ) -> Sequential:
        """A model with this state, without random numbers; a state that does not fit allocates no memory."""
        model = cls.__new__(cls)
        chain = model._prepare(**arguments)
        check_shapes(_core.parameter_shapes(chain), {name: np.shape(value) for name, value in state.items()})
        model._allocate(chain, seed, passes)
        model.load_state_dict(state)
        model._model.states = list(carried)
        return model

    @classmethod
    def _blank(cls, arguments: Mapping[str, Any]) -> Sequential:
        """A model whose parameters are all 0."""
        model = cls.__new__(cls)
        model._allocate(model._prepare(**arguments), 0)
        return model

    @property
    def in_features(self) -> int:
        """The number of features of a sample, or of a time step."""
        return self._input.features

    @property
    def out_features(self) -> int:
        """The number of features of an output, or of its time steps."""
        return self._output.features

    def __repr__(self) -> str:
        precision = shown_precision(self.precision)
        return f"Sequential({', '.join(map(repr, self.layers))}, dtype={self.dtype.name}{precision})"

    def _repr_html_(self) -> str:
        return sequential_html(self)

    @property
    def _arguments(self) -> dict[str, Any]:
        """The arguments of `_prepare`."""
        return {name: getattr(self, name) for name in ("layers", "dtype", "in_features", "precision")}

    def __reduce__(self) -> tuple[Any, ...]:
        with self._model.locked():
            state = self.state_dict(), self._seed, self._model.passes, self._model.states
        return type(self)._restored, (self._arguments, *state), self._added()

    def to_dict(self) -> dict[str, Any]:
        """A description of the network that JSON can hold: layers, dtype and in_features, without weights.

        Returns
        -------
        dict
            The arguments of `Sequential` by name, each layer as `layer_to_dict` describes it; the precision
            only if it is ``"bf16"``.

        Examples
        --------
        >>> from simdnn import nn
        >>> nn.Sequential(nn.Dropout(0.1), in_features=3).to_dict()
        {'layers': [{'layer': 'Dropout', 'p': 0.1}], 'dtype': 'float32', 'in_features': 3}
        """
        layers = [layer_to_dict(layer) for layer in self.layers]
        description = {"layers": layers, "dtype": self.dtype.name, "in_features": self.in_features}
        return description | described_precision(self.precision)

    @classmethod
    def from_dict(
        cls, description: Mapping[str, Any], rng: np.random.Generator | int | None = None
    ) -> Sequential:
        """A new model from a description.

        Parameters
        ----------
        description : dict
            A result of `to_dict`; dtype, in_features and precision are optional.
        rng : numpy.random.Generator, int or None
            The source of the initial weights, see `Sequential`.

        Returns
        -------
        Sequential

        Raises
        ------
        TypeError, ValueError
            If a layer or a setting is not known or not valid.

        Examples
        --------
        >>> from simdnn import nn
        >>> nn.Sequential.from_dict({"layers": [{"layer": "Tanh"}], "in_features": 3})
        Sequential(Tanh(), dtype=float32)
        """
        arguments = sequential_arguments(description)
        return cls(*arguments.pop("layers"), **arguments, rng=rng)

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """The output for `x`, see `forward`."""
        return self._model.predict(x)

    def forward(self, x: ArrayLike, training: bool = False) -> NDArray[Any]:
        """The output for a batch.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Real numbers, which are cast to the model's dtype. Without `training`, one sample may be without
            the first axis.
        training : bool
            True runs the forward pass of a training step: random layers are random, batch normalization uses
            the statistics of the batch, and `backward` may follow.

        Returns
        -------
        array, shape (n, out_features) or, of sequences, (n, time, out_features)

        Raises
        ------
        TypeError, ValueError
            If `x` has a different shape, does not consist of real numbers, or has a finite one beyond the
            dtype. NaN and infinity pass through.
        """
        training = check_flag("training", training)
        return self._model.forward(x) if training else self._model.predict(x)

    @overload
    def backward(self, dy: ArrayLike, input_gradient: Literal[True] = True) -> NDArray[Any]: ...
    @overload
    def backward(self, dy: ArrayLike, input_gradient: Literal[False]) -> None: ...
    def backward(self, dy: ArrayLike, input_gradient: bool = True) -> NDArray[Any] | None:
        """Backpropagates the gradient w.r.t. the output of the last ``forward(x, training=True)``.

        The gradients w.r.t. the parameters are then in `gradients`. Threads that share a model take turns: if
        the last forward pass was another thread's, with other shapes, this is a ValueError.

        Parameters
        ----------
        dy : array, shape (n, out_features) or, of sequences, (n, time, out_features)
            The gradient w.r.t. the output.
        input_gradient : bool
            False saves the work for the gradient w.r.t. x, and returns None.

        Returns
        -------
        array of the shape of x, or None
            The gradient w.r.t. x.

        Raises
        ------
        TypeError, ValueError
            If there was no such forward pass, or `dy` has another shape or is not made of real numbers.
        """
        return self._model.backward(dy, check_flag("input_gradient", input_gradient))  # type: ignore[no-any-return]

    @property
    def flat_parameters(self) -> NDArray[Any]:
        """All parameters in one writeable array, in the order of `parameters()`."""
        return self._model.values

    @property
    def flat_gradients(self) -> NDArray[Any]:
        """All gradients in one writeable array, in the order of `parameters()`."""
        return self._model.gradients

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Writeable views of the parameters by name: ``"0.weight"``, ``"0.bias"``, ... by position."""
        return named_views(self.flat_parameters, self._model.parameter_blocks)

    def gradients(self) -> dict[str, NDArray[Any]]:
        """Views of the gradients of the last backward pass or training step, with the names of parameters."""
        return named_views(self.flat_gradients, self._model.parameter_blocks)

    def buffers(self) -> dict[str, NDArray[Any]]:
        """Writeable views of the buffers by name: state that is not trained, such as running means."""
        return named_views(self._model.buffers, self._model.buffer_blocks)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of the parameters and buffers, by name."""
        with self._model.locked():
            return {name: value.copy() for name, value in (self.parameters() | self.buffers()).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Sets all parameters and buffers; an error changes nothing.

        Parameters
        ----------
        state : mapping of str to array
            The names and shapes of `state_dict`; values are cast to the model's dtype.

        Raises
        ------
        KeyError
            If names are missing or unknown.
        TypeError
            If an array does not consist of real numbers, or is masked.
        ValueError
            If an array has a different shape, a number is beyond the model's dtype, or a variance negative.
        """
        views = self.parameters() | self.buffers()
        arrays = cast_state(state, self.dtype)
        wanted = {name: view.shape for name, view in views.items()}
        check_shapes(wanted, {name: value.shape for name, value in arrays.items()})
        with self._model.locked():
            write(arrays, views, (self.flat_parameters, self._model.buffers))

    def _snapshot(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of all parameters and all buffers, for `_restore`."""
        with self._model.locked():
            return self.flat_parameters.copy(), self._model.buffers.copy()

    def _restore(self, parameters: NDArray[Any], buffers: NDArray[Any]) -> None:
        """Sets all parameters and buffers to those of a snapshot."""
        with self._model.locked():
            self.flat_parameters[:], self._model.buffers[:] = parameters, buffers

    def copy(self, precision: Precision | None = None) -> Sequential:
        """An independent network with equal layers, parameters, buffers, carried states and random numbers.

        Parameters
        ----------
        precision : {"float32", "bf16"} or None
            The precision of the copy; None is that of this network.

        Returns
        -------
        Sequential
            A new network of this class's layers, as ``copy.deepcopy`` gives.

        Raises
        ------
        TypeError, ValueError
            If the dtype has no such precision.

        Examples
        --------
        >>> from simdnn import nn
        >>> model = nn.Sequential(nn.Dense(2, 2), rng=0)
        >>> target = model.copy()
        >>> bool((target.flat_parameters == model.flat_parameters).all())
        True
        """
        if precision is None:
            return copy.copy(self)
        wanted = check_precision(precision, self.dtype)
        restore, (arguments, *state), added = self.__reduce__()
        made: Sequential = restore(arguments | {"precision": wanted}, *state)
        vars(made).update(added or {})
        return made

    def lerp_(self, source: Sequential, tau: float) -> Sequential:
        """Moves all parameters and buffers towards those of another network: Polyak averaging.

        Each number p becomes p + tau * (q - p), where q is that of `source`; with `tau` 1 it becomes q.

        Parameters
        ----------
        source : Sequential
            A network with parameters and buffers of the same names, shapes and dtype.
        tau : float
            The share of `source`, in [0, 1].

        Returns
        -------
        Sequential
            This network.

        Raises
        ------
        TypeError, ValueError
            If `source` is no such network, or `tau` is out of range; nothing is changed.

        Examples
        --------
        >>> from simdnn import nn
        >>> model = nn.Sequential(nn.Dense(2, 2), rng=0)
        >>> target, start = model.copy(), model.flat_parameters.copy()
        >>> model.flat_parameters[:] = start + 1
        >>> (target.lerp_(model, 0.25).flat_parameters - start).round(3)
        array([0.25, 0.25, 0.25, 0.25, 0.25, 0.25], dtype=float32)

        Source: Polyak & Juditsky 1992; Lillicrap et al. 2016, arXiv:1509.02971, algorithm 1.
        """
        lerp(self, source, tau)
        return self

    def profile(self, batch_size: int, time_steps: int = 1) -> ModelProfile:
        """The cost of each layer in a training step: counted, predicted and measured, without the update.

        A copy of the network is timed, for about a tenth of a second, so that this one does not change.

        Parameters
        ----------
        batch_size : int
            Samples of a step.
        time_steps : int
            The length of a sample, if the network reads sequences.

        Returns
        -------
        ModelProfile
            The costs, with a row for each layer; ``print`` shows a table.

        Raises
        ------
        TypeError, ValueError
            If an argument is not an integer of at least 1.

        Examples
        --------
        >>> from simdnn import nn
        >>> model = nn.Sequential(nn.Dense(8, 64, activation="relu"), nn.Dense(64, 4), rng=0)
        >>> found = model.profile(batch_size=32)
        >>> [(row.layer, row.parameters, row.flops) for row in found.rows]
        [("Dense(8, 64, activation='relu')", 576, 65536.0), ('Dense(64, 4)', 260, 49152.0)]
        """
        samples, count = check_int("batch_size", batch_size), check_int("time_steps", time_steps)
        rows = self._model.profile(samples, count if self._input.sequence else 1)
        return model_profile(self.layers, rows, samples, self.dtype.name)

    def reset_states(self) -> None:
        """Resets the states of stateful layers, so that the next batch may have any size."""
        self._model.reset_states()

    def freeze(self, precision: Precision | None = None) -> Predictor:
        """A predictor with a copy of the current parameters; stateful layers begin with initial states.

        Parameters
        ----------
        precision : {"float32", "bf16"} or None
            The precision of the predictor; ``"bf16"`` keeps the weights of such products in half the memory.
            None is that of this network.

        Returns
        -------
        Predictor

        Raises
        ------
        TypeError, ValueError
            If the dtype has no such precision.
        """
        return Predictor(self, precision)
