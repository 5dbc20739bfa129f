"""Networks that are frozen for prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.attributes import Attributes
from .._utils.hints import points_out_names
from ._precision import Precision, check_precision, shown_precision

__all__ = ["Predictor"]

if TYPE_CHECKING:
    from ._sequential import Sequential


@points_out_names
class Predictor(Attributes):
    """A frozen network for prediction, a result of `Sequential.freeze`.

    Parameters
    ----------
    model : Sequential
        The network whose parameters are copied.
    precision : {"float32", "bf16"} or None
        See `Sequential.freeze`.

    Notes
    -----
    A copy or pickle is independent of the original and gives the same bits; it has the parameters, and the
    states that stateful layers carry.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> predictor = nn.Sequential(nn.Dense(3, 2), rng=0).freeze()
    >>> predictor.predict(np.zeros((4, 3), np.float32)).shape
    (4, 2)
    """

    _kept = frozenset({"dtype", "precision"})
    _made = _kept | {"_predictor", "_input", "_output", "_model", "_arguments"}

    def __init__(self, model: Sequential, precision: Precision | None = None) -> None:
        if not hasattr(model, "flat_parameters") or isinstance(model, type):
            raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
        make = _core.PredictorF32 if model.dtype == np.float32 else _core.PredictorF64
        self.dtype = model.dtype
        self.precision = check_precision(model.precision if precision is None else precision, model.dtype)
        self._predictor = make(model._model, self.precision == "bf16")
        self._input, self._output = model._input, model._output
        self._model = type(model)
        self._arguments = model._arguments | {"precision": self.precision}

    @property
    def in_features(self) -> int:
        """The number of features of a sample, or of a time step."""
        return self._input.features

    @property
    def out_features(self) -> int:
        """The number of features of an output, or of its time steps."""
        return self._output.features

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self._arguments["layers"]))
        return f"Predictor({layers}, dtype={self.dtype.name}{shown_precision(self.precision)})"

    def __reduce__(self) -> tuple[Any, ...]:
        native = self._predictor
        arrays = native.values.copy(), native.buffers.copy(), native.states, native.rounded.copy()
        return _restored, (type(self), self._model, self._arguments, *arrays), self._added()

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The output for `x`, see `predict`."""
        return self.predict(x, out)

    def predict(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The output for a batch or one sample, equal to that of `Sequential.forward`.

        Where batch normalization was folded into the layer before it, the two differ by rounding.

        Parameters
        ----------
        x : array, shape (n, in_features) or, of sequences, (n, time, in_features)
            Real numbers, which are cast to the model's dtype; one sample may be without the first axis.
        out : array of the output's shape, or None
            A C-contiguous, aligned, writeable array of the model's dtype for the output, which may share
            memory with `x`. None makes a new array.

        Returns
        -------
        array, shape (n, out_features) or, of sequences, (n, time, out_features)
            `out`, if it is given.

        Raises
        ------
        TypeError, ValueError
            If an array has a different dtype or shape.
        """
        return self._predictor.predict(x, out)

    def reset_states(self) -> None:
        """Resets the states of stateful layers, so that the next batch may have any size."""
        self._predictor.reset_states()


def _restored(
    kind: type[Predictor],
    model: type[Sequential],
    arguments: dict[str, Any],
    values: NDArray[Any],
    buffers: NDArray[Any],
    states: list[NDArray[Any]],
    rounded: NDArray[Any],
) -> Predictor:
    """The predictor of a network with these layers, with folded parameters of its own."""
    predictor = kind.__new__(kind)
    Predictor.__init__(predictor, model._blank(arguments))
    predictor._predictor.values[:] = values
    predictor._predictor.rounded[:] = rounded
    predictor._predictor.buffers[:] = buffers
    predictor._predictor.states = states
    return predictor
