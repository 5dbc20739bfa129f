"""`display`: plots of targets and predictions that take a model and samples as well."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import functional as F
from .._utils.arrays import refuse_masked
from ..nn import Ensemble, Predictor, Sequential
from ..training import Trainer

P = ParamSpec("P")


class Display(Protocol[P]):
    """A function of (y_true, predictions, ...) with the two constructors of scikit-learn's displays."""

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, /, *args: P.args, **kwargs: P.kwargs) -> Any: ...

    def from_predictions(
        self, y_true: ArrayLike, y_pred: ArrayLike, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """The function itself."""

    def from_estimator(
        self, estimator: Any, X: ArrayLike, y: ArrayLike, /, *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """The function for the predictions of a model."""


def display(
    predict: Callable[[Any, ArrayLike], NDArray[Any]],
) -> Callable[[Callable[Concatenate[ArrayLike, ArrayLike, P], Any]], Display[P]]:
    """Decorator that gives a plot of predictions the attributes `from_predictions` and `from_estimator`."""

    def decorate(plot: Callable[Concatenate[ArrayLike, ArrayLike, P], Any]) -> Display[P]:
        def from_estimator(estimator: Any, X: ArrayLike, y: ArrayLike, /, **kwargs: Any) -> Any:
            refuse_masked("X", X)
            return cast("Any", plot)(y, predict(estimator, X), **kwargs)

        name = plot.__name__
        signature = inspect.signature(plot)
        first = list(inspect.signature(from_estimator).parameters.values())[:3]
        rest = list(signature.parameters.values())[2:]
        found: Any = plot
        found.from_predictions, found.from_estimator = plot, from_estimator
        found.from_estimator.__signature__ = signature.replace(parameters=[*first, *rest])
        found.from_estimator.__name__ = "from_estimator"
        found.from_estimator.__qualname__ = f"{name}.from_estimator"
        found.from_estimator.__module__ = plot.__module__
        found.from_estimator.__doc__ = ESTIMATOR.format(name=name)
        return cast("Display[P]", found)

    return decorate


#: Documentation of `from_estimator`.
ESTIMATOR = """Plot `{name}` for the predictions of a model.

Parameters
----------
estimator : Sequential, Predictor, Ensemble, Trainer or estimator of scikit-learn
    The model; the outputs of a network are logits, or the values of a regression.
X, y : array
    Samples and targets.
**kwargs
    Keywords of `{name}`.

Returns
-------
matplotlib.axes.Axes
"""


def outputs_of(model: Any, X: ArrayLike) -> NDArray[Any] | None:
    """The outputs of a network [rows, features]; None for an estimator of scikit-learn."""
    network = model.model if isinstance(model, Trainer) else model
    if isinstance(network, Predictor | Ensemble):
        return _without_nan(np.asarray(network.predict(X)))
    return _without_nan(network.forward(X)) if isinstance(network, Sequential) else None


def _without_nan(outputs: NDArray[Any]) -> NDArray[Any]:
    """The outputs of an estimator; raises if a number is NaN, of which no picture tells."""
    if outputs.dtype.kind == "f" and (found := np.isnan(outputs)).any():
        row = int(np.argmax(found.reshape(len(outputs), -1).any(axis=1)))
        raise ValueError(f"estimator: expected outputs that are numbers, got nan for X[{row}]")
    return outputs


def _estimated(model: Any, X: ArrayLike, method: str) -> NDArray[Any]:
    """The result of a method of an estimator."""
    if not callable(function := getattr(model, method, None)):
        kind = type(model).__name__
        raise TypeError(f"estimator: expected a network, or an estimator with {method}, got {kind}")
    return _without_nan(np.asarray(function(X)))


def check_classes(**given: NDArray[Any]) -> None:
    """Raises for classes that are None or NaN, and unless all are words or none is: such never agree."""
    words = set()
    for name, values in given.items():
        each = values.tolist() if values.dtype.kind == "O" else []
        missing = any(one is None or (isinstance(one, float) and one != one) for one in each)
        if missing or (values.dtype.kind == "f" and np.isnan(values).any()):
            raise ValueError(f"{name}: expected classes, got None or NaN")
        kinds = {isinstance(one, str | bytes) for one in each} if each else {values.dtype.kind in "US"}
        words |= kinds if values.size else set()
    if len(words) > 1:
        raise ValueError(f"{', '.join(given)}: expected words alone or numbers alone, got both")


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
