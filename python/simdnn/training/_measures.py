"""Loss, accuracy and gradient of a trainer's model on given samples, without training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.attributes import Attributes
from .._utils.check import check_real
from .._utils.hints import points_out_keywords
from ..nn import Sequential
from ._epochs import data_of, evaluated
from ._samples import copied_gradients, set_parameters, targets

if TYPE_CHECKING:
    from ._trainer import Trainer


class Measures(Attributes):
    """Base of `Trainer` with what it measures."""

    model: Sequential
    _trainer: _core.TrainerF32 | _core.TrainerF64
    _classifies: bool

    @points_out_keywords
    def evaluate(
        self,
        X: ArrayLike | Iterable[Any],
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        scale: float = 1.0,
    ) -> tuple[float, float]:
        """Compute the mean loss and the accuracy without training.

        Parameters
        ----------
        X, y, sample_weight, scale
            As in `fit`. Weights count in the loss, not in the accuracy.

        Returns
        -------
        loss, accuracy : float
            The accuracy is in [0, 1], and NaN for losses that are not of classes.

        Raises
        ------
        TypeError, ValueError, IndexError
            If an argument has a wrong type, shape or value.
        """
        trainer = cast("Trainer", self)
        data = data_of(trainer, X, y, sample_weight, check_real("scale", scale))
        loss, accuracy, *_ = evaluated(trainer, data)
        return loss, accuracy if self._classifies else float("nan")

    @points_out_keywords
    def objective(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, scale: float = 1.0
    ) -> Callable[[NDArray[Any]], tuple[float, NDArray[Any]]]:
        """The mean loss over all samples and its gradient, as a function of the model's parameters.

        The function serves full-batch optimizers: ``scipy.optimize.minimize(f, start, jac=True)``.

        Parameters
        ----------
        X, y, sample_weight, scale
            As in `fit`; they are checked once, by this method.

        Returns
        -------
        function
            It takes parameters in the layout of `Sequential.flat_parameters`, writes them into the model, and
            returns the loss and its gradient w.r.t. them, shape (parameters,), without the penalties.

        Raises
        ------
        TypeError, ValueError, IndexError
            If an argument has a wrong type, shape or value.

        Examples
        --------
        >>> import numpy as np, simdnn
        >>> from simdnn import nn
        >>> model = nn.Sequential(nn.Dense(2, 2), rng=0)
        >>> f = simdnn.Trainer(model).objective(np.eye(2, dtype=np.float32), [0, 1])
        >>> loss, gradient = f(np.zeros(6))
        >>> round(loss, 4), gradient.shape
        (0.6931, (6,))
        """
        trainer = cast("Trainer", self)
        dataset = self._trainer.dataset(X, targets(trainer, y), sample_weight, check_real("scale", scale))

        def value_and_gradient(parameters: NDArray[Any]) -> tuple[float, NDArray[Any]]:
            set_parameters(self.model, parameters)
            loss = self._trainer.gradient(dataset)[0]
            return loss, copied_gradients(self.model)

        return value_and_gradient
