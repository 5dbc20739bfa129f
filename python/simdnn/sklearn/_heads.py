"""Heads of networks: a loss, the encoding of its targets, and the meaning of the outputs."""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import functional as F
from .. import losses

Array = NDArray[Any]

#: Losses that the estimators cannot train on, with the reason.
REFUSED = {
    "nll": "it takes log-probabilities; use 'cross_entropy'",
    "distillation": "it needs a teacher's logits",
    "binary_cross_entropy": "it takes probabilities; use 'binary_cross_entropy_with_logits'",
    "kl_div": "it takes log-probabilities; use 'cross_entropy'",
}
#: Losses of values whose targets are classes, so that a regressor refuses them.
FOR_CLASSES = ("hinge", "squared_hinge", "binary_cross_entropy_with_logits")


class Head(NamedTuple):
    """A loss, the encoding of its targets, and the meaning of the outputs.

    The reported loss is the native one over `divisor`: scikit-learn reports the squared error as a mean over
    outputs, but uses the gradient of the sum over outputs. Labels are `exclusive` in multiclass problems,
    where a sample has exactly one.
    """

    loss: losses.Loss
    outputs: int
    activation: Literal["softmax", "logistic", "identity", "exp"]
    coding: Literal["codes", "zero_one", "signs", "values"]
    exclusive: bool = False
    divisor: float = 1.0
    poisson: bool = False

    @property
    def threshold(self) -> float:
        """Value above which an output of a binary or multilabel problem means 1."""
        return 0.5 if self.activation == "identity" and self.coding == "zero_one" else 0.0

    def targets(self, Y: Array, dtype: Any) -> Array:
        """Targets of the loss from encoded labels or values Y [n, columns]."""
        if self.coding == "codes":
            return Y[:, 0].astype(np.int64)
        values = (np.arange(self.outputs) == Y if self.exclusive else Y).astype(dtype, order="C")
        return values * 2 - 1 if self.coding == "signs" else values

    def constant(self, Y: Array, weight: Array | None) -> float:
        """Mean of y log y - y, which scikit-learn's Poisson deviance adds to exp(z) - y z; else 0."""
        if not self.poisson:
            return 0.0
        logarithm = np.log(Y, out=np.zeros(Y.shape), where=Y > 0)
        return float(np.average((Y * logarithm - Y).sum(axis=1), weights=weight))

    def decisions(self, z: Array) -> Array:
        """Outputs z, where the two logits of a binary problem become their difference."""
        return z[:, 1:] - z[:, :1] if self.coding == "codes" and self.outputs == 2 else z

    def correct(self, z: Array, Y: Array) -> Array:
        """True for each sample whose labels are all right."""
        if self.exclusive:
            return np.asarray(z.argmax(axis=1) == Y[:, 0])
        return np.asarray(((self.decisions(z) > self.threshold) == Y).all(axis=1))

    def probabilities(self, z: Array) -> Array:
        """Probability of each class."""
        if self.activation == "softmax":
            return np.asarray(F.softmax(z))
        p = np.asarray(F.sigmoid(z))
        if self.outputs == 1:
            return np.concatenate([1 - p, p], axis=1)
        return np.asarray(p / p.sum(axis=1, keepdims=True)) if self.exclusive else p

    def log_probabilities(self, z: Array) -> Array:
        """Logarithm of the probability of each class, finite even where a probability underflows to 0."""
        if self.activation == "softmax":
            return np.asarray(F.log_softmax(z))
        z = np.concatenate([-z, z], axis=1) if self.outputs == 1 else z
        p = np.asarray(F.sigmoid(z))
        logs = np.where(p > 0.5, F.log(p), F.log_sigmoid(z))  # log(1) is exactly 0
        return np.asarray(logs - F.logsumexp(logs)[:, np.newaxis] if self.exclusive else logs)


def classifier_head(loss: Any, kind: str, outputs: int) -> Head:
    """The head for labels of this kind; `outputs` counts one for a binary problem, else one per class."""
    exclusive = kind == "multiclass"
    if isinstance(loss, str) and loss == "log_loss":
        if exclusive:
            return Head(losses.make("cross_entropy", (0.0, 0.0)), outputs, "softmax", "codes", True)
        native = losses.make("binary_cross_entropy_with_logits", factor=outputs)
        return Head(native, outputs, "logistic", "zero_one")
    native = checked(loss)
    if losses.TARGETS[native.name] != "values":
        if kind.startswith("multilabel"):
            raise ValueError(f"loss: {name_of(loss)!r} takes one class per sample, but y is multilabel")
        return Head(native, outputs if exclusive else 2, "softmax", "codes", exclusive)
    if "hinge" in native.name:
        return Head(native, outputs, "identity", "signs", exclusive)
    logistic = native.name == "binary_cross_entropy_with_logits"
    return Head(native, outputs, "logistic" if logistic else "identity", "zero_one", exclusive)


def regressor_head(loss: Any, columns: int) -> Head:
    """The head for this number of columns of values."""
    if isinstance(loss, str) and loss == "squared_error":
        native = losses.make("mse", factor=0.5 * columns)
        return Head(native, columns, "identity", "values", divisor=float(columns))
    if isinstance(loss, str) and loss == "poisson":
        native = losses.make("poisson_nll", (1.0, 0.0, 1e-8), factor=float(columns))
        return Head(native, columns, "exp", "values", poisson=True)
    native = checked(loss)
    if losses.TARGETS[native.name] != "values" or native.name in FOR_CLASSES:
        raise ValueError(f"loss: {name_of(loss)!r} is a loss for classification; use an MLPClassifier")
    settings = loss.keywords if isinstance(loss, functools.partial) else {}
    exponential = native.name == "poisson_nll" and settings.get("log_input", True)
    return Head(native, columns, "exp" if exponential else "identity", "values")


def checked(loss: Any) -> losses.Loss:
    """The native loss; raises for one that the estimators cannot train on."""
    native = losses.resolve(loss)
    if native.name in REFUSED:
        raise ValueError(f"loss: {name_of(loss)!r} cannot be used here: {REFUSED[native.name]}")
    return native


def name_of(loss: Any) -> str:
    """The name of a loss as it was given: a string, a function, or a partial one."""
    function = loss.func if isinstance(loss, functools.partial) else loss
    return function if isinstance(function, str) else str(getattr(function, "__name__", function))
