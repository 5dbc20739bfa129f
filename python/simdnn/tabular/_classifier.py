"""The estimator for classification."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions

from .. import nn
from .._utils.class_weight import weights_of_column
from .._utils.estimators import Attempt, EvalSet, Scored, set_attributes
from .._utils.lazy import lazy_rows
from .._utils.progress import Progress
from ..table import Target
from . import _files
from ._bag import divide_outputs, probabilities
from ._base import BaseTabular
from ._calibration import log_loss, temperature
from ._documentation import documented
from ._targets import checked_labels, checked_weights, within_range

Array = NDArray[Any]


@documented
class TabularClassifier(Scored, ClassifierMixin, BaseTabular):  # type: ignore[misc]
    """A classifier for tables: a bag of small networks, each trained on all folds but one.

    {parameters}
    label_smoothing : float or None, default=None
        Share of each target that is spread over all classes; None is 0.05, or 0.1 for "best". It lowers the
        error and, as `temperature_` takes it back, the log loss.
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, as in scikit-learn. "balanced" counts a row of weight w as w rows; scores have the
        weights of rows alone.
    {extras}

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The classes, in the order of probabilities.
    temperature_ : float
        The number by which logits are divided (Guo et al. 2017), so that probabilities out of fold have the
        lowest log loss.
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn.tabular import TabularClassifier
    >>> x = np.linspace(-2, 2, 60)
    >>> kind = np.where(np.arange(60) % 3 == 0, "a", "b").astype(object)
    >>> X, y = {"x": x, "kind": kind}, np.where((x > 0) == (kind == "a"), "yes", "no")
    >>> model = TabularClassifier("fast", random_state=0).fit(X, y)
    >>> model.predict({"x": [-1.5, 1.5], "kind": ["a", None]}).shape
    (2,)
    """

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
        """Fit the columns and the networks.

        Parameters
        ----------
        X : table, shape (n, columns)
            Samples: at least two.
        y : array, shape (n,)
            One class per sample: numbers, words or booleans, at least two of them.
        sample_weight : array, shape (n,), or None
            Weights of the samples; rows of weight 0 are left out.
        eval_set : (X, y), (X, y, sample_weight) or None
            Samples that decide the epoch that each network keeps, instead of its fold.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type, shape or value, before anything is trained; nothing is changed.
        """
        with Attempt(self):
            table = self._begin(X)
            labels = checked_labels(y)
            check_consistent_length(next(iter(table.values())), labels)
            self.classes_, targets = np.unique(labels, return_inverse=True)
            if len(self.classes_) < 2:
                only = self.classes_.tolist()[0]
                raise ValueError(f"y: expected at least two classes, got only one class, {only!r}")
            own = checked_weights(sample_weight, len(targets))
            weight = self._weights(own, targets)
            if weight is not None and len(np.unique(targets[weight > 0])) < 2:
                only = self.classes_.tolist()[targets[np.argmax(weight > 0)]]
                raise ValueError(
                    f"y: expected two classes of a weight above zero, got only one class, {only!r}"
                )
            self.oof_prediction_ = self._train(table, targets, len(self.classes_), weight, eval_set)
            self.oof_score_ = self._score(self.oof_prediction_, targets, own)
            self._kept = self._kept.weighted(own)
        return self

    def _weights(self, own: Array | None, targets: Array) -> Array | None:
        """The own weights of rows times those of their classes."""
        if self.class_weight is None:
            return own
        weight = weights_of_column(self.class_weight, self.classes_, self.classes_[targets], own)
        with np.errstate(over="ignore"):
            return within_range("class_weight", weight if own is None else weight * own)

    def _calibrated(self, models: list[nn.Sequential], outputs: Array, targets: Array, weight: Any) -> Array:
        self.temperature_ = temperature(outputs, targets, weight)
        for model in models:
            divide_outputs(model, self.temperature_)
        return probabilities(outputs / np.float32(self.temperature_))

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return log_loss(predictions, targets, weight)

    def _score(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return float(np.average(predictions.argmax(axis=1) == targets, weights=weight))

    def target(self, name: str) -> Target:
        return Target(name, tuple(map(str, self.classes_.tolist())))

    def _target_to_dict(self) -> dict[str, Any]:
        return _files.classes_to_dict(self.classes_)

    def _target_from_dict(self, description: Any) -> None:
        self.classes_ = _files.classes_from_dict(description)

    def _encoded(self, y: Any) -> Array:
        labels = checked_labels(y)
        try:
            places = np.searchsorted(self.classes_, labels)
            unknown = self.classes_[np.minimum(places, len(self.classes_) - 1)] != labels
        except TypeError:  # words and numbers, which have no order
            unknown = ~np.isin(labels, self.classes_)
        if unknown.any():
            other = labels[unknown].tolist()[0]
            raise ValueError(f"y: expected classes of the fit, got {other!r}")
        return places

    @lazy_rows
    def predict_proba(self, X: Any) -> Array:
        """Probability of each class, shape (n, n_classes), in the order of ``classes_``."""
        return self._predictions(X)

    @lazy_rows
    def predict(self, X: Any) -> Array:
        """Predicted class of each sample, shape (n,)."""
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])
