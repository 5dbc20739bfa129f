"""The estimator for regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import check_consistent_length

from .._utils.estimators import Attempt, EvalSet, Scored, check_outputs, set_attributes
from .._utils.jsonable import only_keys
from .._utils.lazy import is_lazy, lazy_rows
from .._utils.progress import Progress
from .._utils.scores import r_squared
from ..config import limited_threads
from ..table import Target
from ._bag import Bag
from ._base import BaseTabular
from ._calibration import squared_error
from ._documentation import documented
from ._quantiles import QuantileHead, checked_levels, fit_head
from ._targets import Scaling, checked_numbers, checked_weights

Array = NDArray[Any]


@documented
class TabularRegressor(Scored, RegressorMixin, BaseTabular):  # type: ignore[misc]
    """A regressor for tables: a bag of small networks, each trained on all folds but one.

    {parameters}
    quantiles : bool, default=False
        True trains a second bag for ``predict(X, quantiles=...)``, which doubles the time of the fit.
    clip : bool, default=True
        Keep predictions in the range of the y of the fit.
    {extras}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn.tabular import TabularRegressor
    >>> X = np.random.default_rng(0).uniform(-2, 2, (80, 2))
    >>> model = TabularRegressor("fast", quantiles=True, random_state=0).fit(X, X[:, 0] ** 2 + X[:, 1])
    >>> mean, std = model.predict(X[:5], return_std=True)
    >>> mean.shape, std.shape, model.predict(X[:5], quantiles=[0.1, 0.5, 0.9]).shape
    ((5,), (5,), (5, 3))
    """

    _classes = False
    _parameter_constraints: ClassVar[dict[str, Any]] = BaseTabular._parameter_constraints | {
        "quantiles": ["boolean"],
        "clip": ["boolean"],
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
        quantiles: bool = False,
        clip: bool = True,
        random_state: Any = None,
        progress: Progress = "auto",
        warm_start: bool = False,
        n_threads: int | None = None,
    ) -> None:
        set_attributes(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet = None
    ) -> TabularRegressor:
        """Fit the columns and the networks.

        Parameters
        ----------
        X : table, shape (n, columns)
            Samples: at least two.
        y : array, shape (n,) or (n, outputs)
            Numbers to predict.
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
            given = checked_numbers(y, self)
            self._one_output, self._clip = given.ndim == 1, self.clip
            numbers = given.reshape(len(given), -1)
            if self.quantiles and numbers.shape[1] > 1:
                raise ValueError(f"quantiles: expected y of one column, got {numbers.shape[1]}")
            weight = checked_weights(sample_weight, len(numbers))
            self._scaling = Scaling.of(numbers, weight)
            outputs = self._train(table, self._scaling.encode(numbers), numbers.shape[1], weight, eval_set)
            found = self._scaling.decode(outputs, self._clip)
            self.oof_score_ = r_squared(numbers, found, weight)
            self.oof_prediction_ = self._shaped(found)
        return self

    def _numbers(self, y: Any) -> Array:
        """Numbers [n, outputs] of a y that comes after the fit."""
        numbers = checked_numbers(y, self)
        numbers = numbers.reshape(len(numbers), -1)
        check_outputs(numbers, len(self._scaling.mean))
        return numbers

    def _encoded(self, y: Any) -> Array:
        return self._scaling.encode(self._numbers(y))

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return squared_error(predictions, targets, weight)

    def _score(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        found = self._scaling.decode(predictions, self._clip)
        return r_squared(self._scaling.decode(targets, False), found, weight)

    def target(self, name: str) -> Target:
        if len(self._scaling.mean) > 1:
            raise ValueError(
                "target: expected one column of y; simdnn.onnx.export(estimator.ensemble_, path) writes the"
                " networks of several"
            )
        mean, scale, *seen = (float(getattr(self._scaling, one)[0]) for one in Scaling.NAMES)
        return Target(name, (), mean, scale, (seen[0], seen[1]) if self._clip else None)

    def _target_to_dict(self) -> dict[str, Any]:
        return self._scaling.to_dict() | {"one_output": self._one_output}

    def _target_from_dict(self, description: Any) -> None:
        found = only_keys(description, (*Scaling.NAMES, "one_output"), "target")
        self._one_output, self._clip = bool(found.pop("one_output")), self.clip
        self._scaling = Scaling.from_dict(found)

    def _shaped(self, values: Array) -> Array:
        """Values [n, outputs] in the shape of the y of the fit."""
        return values[:, 0] if self._one_output else values

    def predict(
        self, X: Any, quantiles: Sequence[float] | None = None, *, return_std: bool = False
    ) -> Array | tuple[Array, Array]:
        """Predicted values of each sample, or quantiles of them.

        Parameters
        ----------
        X : table, shape (n, columns)
            Samples as in `fit`.
        quantiles : sequence of float or None
            Levels between 0 and 1, such as ``[0.05, 0.5, 0.95]``; needs ``quantiles=True`` in the
            constructor. Quantiles never cross.
        return_std : bool
            True also returns the standard deviation over the members, which is large where they disagree.

        Returns
        -------
        array, shape (n,) or (n, outputs)
            Values; with `quantiles` of shape (n, levels).
        array of the same shape
            The standard deviation, only with `return_std`.

        Raises
        ------
        ValueError
            If X is unlike the samples of the fit, a level is not between 0 and 1, or `quantiles` comes
            together with `return_std` or without the networks for it.
        """
        if quantiles is not None:
            if return_std:
                raise ValueError("return_std: cannot be combined with quantiles, which tell the spread")
            return self._quantiles(X, checked_levels(quantiles))
        if not return_std:
            return self._values(X)
        if not is_lazy(X):
            return self._mean_and_std(X)
        found = self._values_and_std(X)
        return found[..., 0], found[..., 1]

    @lazy_rows
    def _values(self, X: Any) -> Array:
        """Predicted values, in the shape of the y of the fit."""
        outputs = self._predictions(X)
        return self._shaped(self._scaling.decode(outputs, self._clip))

    def _mean_and_std(self, X: Any) -> tuple[Array, Array]:
        """Predicted values and their standard deviation over the members."""
        table = self._table(X)
        with limited_threads(self.n_threads):
            members = self._members(self.columns_.transform(table), self._samples(table))
        mean = self._scaling.decode(members.mean(axis=0, dtype=np.float64), self._clip)
        std = members.std(axis=0, dtype=np.float64) * self._scaling.scale
        return self._shaped(mean), self._shaped(std)

    @lazy_rows
    def _values_and_std(self, X: Any) -> Array:
        """The arrays of `_mean_and_std` along a last axis."""
        return np.stack(self._mean_and_std(X), axis=-1)

    def _scored(self, X: Any, y: Any, sample_weight: Any) -> float:
        """The R² of the predictions, also of tiny numbers, whose squares are 0."""
        predictions, numbers = np.asarray(self.predict(X)), self._numbers(y)
        check_consistent_length(predictions, numbers)
        weight = checked_weights(sample_weight, len(numbers))
        return r_squared(numbers, predictions.reshape(numbers.shape), weight)

    @lazy_rows
    def _quantiles(self, X: Any, levels: Array) -> Array:
        """Quantiles [n, levels] of the target."""
        table = self._table(X)
        if self.head_ is None:
            raise ValueError("quantiles: need networks of their own; fit TabularRegressor(quantiles=True)")
        with limited_threads(self.n_threads):
            found = self.head_.predict(self.columns_.transform(table), levels)
        return found * self._scaling.scale + self._scaling.mean

    def _train_head(self, bag: Bag) -> QuantileHead | None:
        return fit_head(bag, bag.problem.targets[:, 0], self.progress) if self.quantiles else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
