"""`Display`: a plot of targets and predictions, which a model and samples may give as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import functional as F
from ..nn import Ensemble, Predictor, Sequential
from ..training import Trainer

P = ParamSpec("P")


class Display(Generic[P]):
    """A plotting function of (y_true, predictions, ...) with the two constructors of scikit-learn.

    ``plot(y_true, y_pred)`` is ``plot.from_predictions(y_true, y_pred)``.
    """

    def __init__(
        self,
        plot: Callable[Concatenate[ArrayLike, ArrayLike, P], Any],
        predict: Callable[[Any, ArrayLike], NDArray[Any]],
    ) -> None:
        update_wrapper(self, plot)
        self._plot, self._predict = plot, predict

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self._plot(y_true, y_pred, *args, **kwargs)

    def from_predictions(
        self, y_true: ArrayLike, y_pred: ArrayLike, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """Plot targets and predictions.

        Parameters
        ----------
        y_true, y_pred : array
            Targets and predictions.
        **kwargs
            The keywords of the plot.
        """
        return self._plot(y_true, y_pred, *args, **kwargs)

    def from_estimator(
        self, estimator: Any, X: ArrayLike, y: ArrayLike, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """Plot the predictions of a model for samples.

        Parameters
        ----------
        estimator : Sequential, Predictor, Ensemble, Trainer or estimator of scikit-learn
            The model; outputs of a network are logits, or values of a regression.
        X, y : array
            Samples and targets.
        **kwargs
            The keywords of the plot.
        """
        return self._plot(y, self._predict(estimator, X), *args, **kwargs)


def outputs_of(model: Any, X: ArrayLike) -> NDArray[Any] | None:
    """The outputs of a network [rows, features]; None for an estimator of scikit-learn."""
    network = model.model if isinstance(model, Trainer) else model
    if isinstance(network, Predictor | Ensemble):
        return np.asarray(network.predict(X))
    return network.forward(X) if isinstance(network, Sequential) else None


def _estimated(model: Any, X: ArrayLike, method: str) -> NDArray[Any]:
    """The result of a method of an estimator."""
    if not callable(function := getattr(model, method, None)):
        kind = type(model).__name__
        raise TypeError(f"estimator: expected a network, or an estimator with {method}, got {kind}")
    return np.asarray(function(X))


def classes_of(model: Any, X: ArrayLike) -> NDArray[Any]:
    """The predicted class of each sample; one logit decides between the classes 0 and 1."""
    outputs = outputs_of(model, X)
    if outputs is None:
        return _estimated(model, X, "predict")
    if outputs.shape[-1] == 1:
        return (outputs[..., 0] > 0).astype(np.int64)
    return np.asarray(outputs.argmax(axis=-1))


def probabilities_of(model: Any, X: ArrayLike) -> NDArray[Any]:
    """The probabilities of the classes [rows, classes]; from logits by softmax, or by the sigmoid of one."""
    outputs = outputs_of(model, X)
    if outputs is None:
        return _estimated(model, X, "predict_proba")
    if outputs.shape[-1] == 1:
        positive = np.asarray(F.sigmoid(outputs.astype(np.float64)))
        return np.concatenate([1 - positive, positive], axis=1)
    return np.asarray(F.softmax(outputs.astype(np.float64)))


def values_of(model: Any, X: ArrayLike) -> NDArray[Any]:
    """The predicted values of a regression."""
    outputs = outputs_of(model, X)
    return _estimated(model, X, "predict") if outputs is None else outputs
