"""The estimator for regression."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score

from .._utils.jsonable import only_keys
from .._utils.progress import Progress
from ._base import BaseTabular, EvalSet, set_attributes
from ._calibration import squared_error
from ._targets import Scaling, checked_numbers, checked_weights

Array = NDArray[Any]


class TabularRegressor(RegressorMixin, BaseTabular):  # type: ignore[misc]
    """Docs."""

    _classes = False
    _parameter_constraints: ClassVar[dict[str, Any]] = BaseTabular._parameter_constraints | {
        "clip": ["boolean"]
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
        """Fit the columns and the bag of networks."""
        table = self._begin(X)
        given = checked_numbers(y, self)
        self._one_output = given.ndim == 1
        numbers = given.reshape(len(given), -1)
        weight = checked_weights(sample_weight, len(numbers))
        self._scaling = Scaling.of(numbers, weight)
        outputs = self._train(table, self._scaling.encode(numbers), numbers.shape[1], weight, eval_set)
        found = self._scaling.decode(outputs, self.clip)
        self.oof_score_ = float(r2_score(numbers, found, sample_weight=weight))
        self.oof_prediction_ = self._shaped(found)
        return self

    def _encoded(self, y: Any) -> Array:
        numbers = checked_numbers(y, self)
        return self._scaling.encode(numbers.reshape(len(numbers), -1))

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        return squared_error(predictions, targets, weight)

    def _target_to_dict(self) -> dict[str, Any]:
        return self._scaling.to_dict() | {"one_output": self._one_output}

    def _target_from_dict(self, description: Any) -> None:
        found = only_keys(description, (*Scaling.NAMES, "one_output"), "target")
        self._one_output = bool(found.pop("one_output"))
        self._scaling = Scaling.from_dict(found)

    def _shaped(self, values: Array) -> Array:
        """Values [n, outputs] in the shape of the y of the fit."""
        return values[:, 0] if self._one_output else values

    def predict(self, X: Any) -> Array:
        """Predicted values of each sample, shape (n,) or (n, outputs)."""
        return self._shaped(self._scaling.decode(self._mean(X), self.clip))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
