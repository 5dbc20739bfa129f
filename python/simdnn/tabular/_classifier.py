"""The estimator for classification."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight

from .. import nn
from .._utils.progress import Progress
from ..table import Target
from . import _files
from ._bag import divide_outputs, probabilities
from ._base import BaseTabular, EvalSet, set_attributes
from ._calibration import log_loss, temperature
from ._targets import checked_labels, checked_weights

Array = NDArray[Any]


class TabularClassifier(ClassifierMixin, BaseTabular):  # type: ignore[misc]
    """Docs."""

    _classes = True
    _parameter_constraints: ClassVar[dict[str, Any]] = BaseTabular._parameter_constraints | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        preset: Literal["fast", "default", "best"] = "default",
        *,
        n_members: int | None = None,
        time_limit: float | None = None,
        hidden_layer_sizes: ArrayLike | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        label_smoothing: float | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        progress: Progress = "auto",
        warm_start: bool = False,
        n_threads: int | None = None,
    ) -> None:
        set_attributes(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet = None
    ) -> TabularClassifier:
        """Fit the columns and the bag of networks."""
        table = self._begin(X)
        labels = checked_labels(y)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y: expected at least two classes, got only one class, {self.classes_[0]!r}")
        weight = self._weights(sample_weight, targets)
        self.oof_prediction_ = self._train(table, targets, len(self.classes_), weight, eval_set)
        self.oof_score_ = self._score(self.oof_prediction_, targets, weight)
        return self

    def _weights(self, sample_weight: Any, targets: Array) -> Array | None:
        """The weights of rows by themselves and by their classes."""
        weight = checked_weights(sample_weight, len(targets))
        if self.class_weight is None:
            return weight
        each = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[targets])
        return np.asarray(each[targets] if weight is None else weight * each[targets])

    def _calibrated(self, models: list[nn.Sequential], outputs: Array, targets: Array, weight: Any) -> Array:
        self.temperature_ = temperature(outputs, targets, weight)
        for model in models:
            divide_outputs(model, self.temperature_)
        return probabilities(outputs / np.float32(self.temperature_))

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return log_loss(predictions, targets, weight)

    def _score(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return float(np.average(predictions.argmax(axis=1) == targets, weights=weight))

    def _target(self, name: str) -> Target:
        return Target(name, tuple(map(str, self.classes_.tolist())))

    def _target_to_dict(self) -> dict[str, Any]:
        return _files.classes_to_dict(self.classes_)

    def _target_from_dict(self, description: Any) -> None:
        self.classes_ = _files.classes_from_dict(description)

    def _encoded(self, y: Any) -> Array:
        labels = checked_labels(y)
        places = np.searchsorted(self.classes_, labels)
        unknown = self.classes_[np.minimum(places, len(self.classes_) - 1)] != labels
        if unknown.any():
            raise ValueError(f"eval_set: y has a class that the fit has not, {labels[unknown][0]!r}")
        return places

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class, shape (n, n_classes), in the order of ``classes_``."""
        return self._predictions(X)

    def predict(self, X: Any) -> Array:
        """Predicted class of each sample, shape (n,)."""
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])
