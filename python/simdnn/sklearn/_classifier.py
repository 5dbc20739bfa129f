"""The estimator for classification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from .. import optim
from .._utils.estimators import Attempt, EvalSet, Scored, set_attributes
from .._utils.lazy import lazy_rows
from .._utils.missing import plain_target
from ._base import BaseMLP, is_stochastic
from ._class_weight import weights_of_samples
from ._documentation import documented
from ._fitted import fitted
from ._heads import Head, classifier_head
from ._inputs import checked_kinds
from ._labels import Labels
from ._members import has_members, mean_of
from ._stochastic import Data

Array = NDArray[Any]


def has_probabilities(estimator: Any) -> bool:
    """True for losses whose outputs are logits; raises AttributeError for others, such as hinge and mse."""
    if hasattr(estimator, "out_activation_"):
        known = estimator.out_activation_ in ("softmax", "logistic")
    else:
        try:
            known = classifier_head(estimator.loss, "binary", 1).activation in ("softmax", "logistic")
        except (TypeError, ValueError) as error:
            raise AttributeError(str(error)) from error
    if not known:
        loss = fitted(estimator, "loss")
        raise AttributeError(f"probabilities are not available when loss={loss!r}; use decision_function")
    return True


def has_scores_alone(estimator: Any) -> bool:
    """True for losses without probabilities; raises AttributeError for others."""
    try:
        has_probabilities(estimator)
    except AttributeError:
        return True
    loss = fitted(estimator, "loss")
    raise AttributeError(f"decision_function is not available when loss={loss!r}; use predict_proba")


@documented
class MLPClassifier(Scored, ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """Multilayer perceptron for classification: scikit-learn's `MLPClassifier` on simdnn.

    {parameters}
    loss : str, function or functools.partial, default="log_loss"
        "log_loss" is the cross-entropy of a softmax, or of a sigmoid for two classes and for multilabel y.
        Any other loss that a `Trainer` takes is given by name or function and has one output per class:
        "cross_entropy", ``partial(F.cross_entropy, label_smoothing=0.1)``, "focal", "hinge",
        "large_margin_softmax", "mse", ... The targets of hinge losses are -1 and 1, those of other losses of
        values 0 and 1. `predict_proba` exists only for losses of logits, `decision_function` only for others.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, which multiply ``sample_weight``, as in scikit-learn's other classifiers. A
        class that a dict does not name has the weight 1, and "balanced" counts a sample of weight w as w
        samples. For multilabel y a dict has the weights of 0 and 1 in each column, and a list one dict for
        each.
    {extras}

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        Sorted labels of the classes.
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from simdnn.sklearn import MLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> classifier = MLPClassifier(random_state=1, max_iter=300, tol=1e-3).fit(X, y)
    >>> classifier.predict(X[:5])
    array([1, 1, 1, 0, 0])
    >>> classifier.predict_proba(X[:1]).shape
    (1, 2)
    """

    _parameter_constraints = BaseMLP._parameter_constraints | {
        "class_weight": [StrOptions({"balanced"}), dict, list, None]
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        init: Any = None,
        optimizer: optim.Optimizer | str | None = None,
        dropout: float = 0.0,
        batch_norm: bool = False,
        residual: bool = False,
        l1: float = 0.0,
        clip_norm: float | None = None,
        pretrain: Any = None,
        callbacks: Any = None,
        n_members: int = 1,
        bagging: str | None = None,
        dtype: Any = None,
        n_threads: int | None = None,
    ) -> None:
        set_attributes(self, locals())

    def _head(self, Y: Array | None = None) -> Head:
        """The head for the classes of this fit."""
        return classifier_head(self.loss, self._labels.kind, self._labels.outputs)

    def _fitted_head(self) -> Head:
        """The head of the fitted network."""
        return classifier_head(fitted(self, "loss"), self._labels.kind, self._labels.outputs)

    def _validate_input(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, first: bool
    ) -> tuple[Any, Array, Array | None]:
        """X, the encoded labels, and the weight of each sample by itself and by its class."""
        X, y = self._checked_pair(X, y, first)
        labels = Labels.of(y)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._labels = labels
            self.classes_ = labels.classes
        elif self.warm_start and set(labels.classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit."
                f" Previously got {self.classes_}, `y` has {labels.classes}"
            )
        self._labels.check(labels)
        weight = self._weights(y, self._weights_of_rows(sample_weight, X), incremental)
        return X, self._labels.encode(y), weight

    def _validate_evaluation(self, X: Any, y: Any) -> tuple[Any, Array]:
        """X and the encoded labels of ``eval_set``."""
        X, y = self._checked_pair(X, y, False)
        self._labels.check(Labels.of(y))
        return X, self._labels.encode(y)

    def _weights(self, y: Any, own: Array | None, incremental: bool) -> Array | None:
        """The own weight of each sample times that of its classes, or None."""
        if self.class_weight is None:
            return own
        if incremental and isinstance(self.class_weight, str):
            raise ValueError("class_weight: 'balanced' needs all samples at once; give partial_fit a dict")
        weight = weights_of_samples(self.class_weight, self._labels, y, own)
        return weight if own is None else weight * own

    def _validation_score(self, head: Head, data: Data) -> float:
        """Accuracy: the fraction of samples with all labels right."""
        correct = head.correct(self._outputs(data.X, checked=True), data.Y)
        return float(np.average(correct, weights=data.weight))

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet = None
    ) -> MLPClassifier:
        """Fit a new network, or with ``warm_start`` continue, until convergence or ``max_iter`` epochs.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)
            Samples; float32 and float64 are kept, other dtypes cast.
        y : array, shape (n,) or (n, labels)
            One class per sample, or for multilabel data zeros and ones.
        sample_weight : array, shape (n,), or None
            Weights of the samples; None gives each the weight 1.
        eval_set : (X, y), (X, y, sample_weight) or None
            Samples whose loss after each epoch, without penalties, is appended to
            ``validation_loss_curve_``. With ``early_stopping``, their score replaces that of samples held out
            from X.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type, shape or value, or the parameters did not stay finite. The
            estimator stays as it was, but a fit that continues keeps what it has learned.
        """
        self._fit(X, y, sample_weight, eval_set=eval_set)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> MLPClassifier:
        """Train one epoch on these samples, from the current parameters and optimizer state.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array, shape (n_classes,)
            All classes of the data to come; needed only in the first call.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As in `fit`, or if ``classes`` is missing in the first call or different in a later one.
        """
        y, classes = (
            plain_target(checked_kinds(name, values, dates=True))
            for name, values in (("y", y), ("classes", classes))
        )
        with Attempt(self) as attempt:
            self._set_classes(y, classes)
            attempt.begun("classes_")
            self._fit(X, y, sample_weight, incremental=True)
        return self

    def _set_classes(self, y: ArrayLike, classes: ArrayLike | None) -> None:
        """Sets ``classes_`` in the first call of `partial_fit`, and checks them in later ones."""
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = unique_labels(classes)
            self._labels = Labels.among(self.classes_, y)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit,"
                f" was: {self.classes_!r}"
            )

    def _scores(self, X: Any, checked: bool = False) -> Array:
        """Probabilities, or decisions above the threshold of a loss that has none; the mean of members."""
        if has_members(self):
            X = X if checked else self._checked_input(X, reset=False)
            return mean_of([member._scores(X, checked=True) for member in self.members_])
        head, z = self._fitted_head(), self._outputs(X, checked)
        if head.activation in ("softmax", "logistic"):
            return head.probabilities(z)
        return head.decisions(z) - head.threshold

    @lazy_rows
    def predict(self, X: ArrayLike) -> Any:
        """Predicted class of each sample, shape (n,), or multilabel zeros and ones, shape (n, labels)."""
        check_is_fitted(self)
        head = self._fitted_head()
        if not has_members(self):
            return self._labels.decode(head.decisions(self._outputs(X)), head.threshold)
        scores = self._scores(X)
        if head.activation == "identity":
            return self._labels.decode(scores, 0.0)
        binary = self._labels.kind == "binary"
        return self._labels.decode(scores[:, 1:] if binary else scores, 0.5)

    @available_if(has_scores_alone)  # type: ignore[untyped-decorator]
    @lazy_rows
    def decision_function(self, X: ArrayLike) -> Array:
        """Scores of the classes, for losses without probabilities, such as "hinge" and "mse".

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)

        Returns
        -------
        array, shape (n,), (n, n_classes) or (n, labels)
            Of two classes the score of the second, which is predicted above 0; of several the score of each,
            the largest of which is predicted; of multilabel y the score of each label, predicted above 0. The
            scores of members are averaged.
        """
        check_is_fitted(self)
        scores = self._scores(X)
        return scores[:, 0] if self._labels.kind == "binary" else scores

    @available_if(has_probabilities)  # type: ignore[untyped-decorator]
    @lazy_rows
    def predict_proba(self, X: ArrayLike) -> Array:
        """Probability of each class, shape (n, n_classes), in the order of ``classes_``; members' mean."""
        check_is_fitted(self)
        return self._scores(X)

    @available_if(has_probabilities)  # type: ignore[untyped-decorator]
    @lazy_rows
    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithm of `predict_proba`, shape (n, n_classes); finite also where one is rounded to 0."""
        check_is_fitted(self)
        if not has_members(self):
            return self._fitted_head().log_probabilities(self._outputs(X))
        X = self._checked_input(X, reset=False)
        logs = [member._fitted_head().log_probabilities(member._outputs(X, True)) for member in self.members_]
        return np.asarray(np.logaddexp.reduce(logs) - np.log(logs[0].dtype.type(len(logs))))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
