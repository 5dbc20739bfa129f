"""Frozen networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array

if TYPE_CHECKING:
    from ._sequential import Sequential


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
        self._input, self._output = model._input, model._output
        self.dtype = model.dtype

    def predict(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The output for `x`, as `Sequential.forward` has it.

        Parameters
        ----------
        x : array
        out : array of the output's shape, or None
            Receives the output: C-contiguous and writeable, of the model's dtype. None makes a new array.

        Returns
        -------
        array
            `out` where it is given.

        Raises
        ------
        TypeError, ValueError
            If an array is of another kind or shape.
        """
        if out is not None:
            self._predictor.predict_into(x, out)
            return out
        x = as_cpu_array("x", x)
        whole = not self._input.sequence or self._output.sequence
        out = np.empty((*x.shape[: -1 if whole else -2], self._output.features), self.dtype)
        self._predictor.predict_into(x, out)
        return out

    def reset_states(self) -> None:
        """Stateful layers begin the next batch anew, which may be of any size."""
        self._predictor.reset_states()
