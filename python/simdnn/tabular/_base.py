"""The base class of the classifier and the regressor: settings, fitting, files, exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from .. import nn
from ..config import limited_threads
from ..table import Columns
from ..training import History
from ._bag import Problem, divide_outputs, out_of_fold, train_bag
from ._folds import draw_folds
from ._frames import table_of
from ._recipe import PRESETS, Recipe, recipe_of
from ._targets import checked_weights

Array = NDArray[Any]
EvalSet = tuple[ArrayLike, ...] | list[tuple[ArrayLike, ...]] | None


def set_attributes(estimator: Any, arguments: Mapping[str, Any]) -> None:
    """Stores the arguments of a constructor as attributes, as scikit-learn requires."""
    vars(estimator).update({key: arguments[key] for key in arguments if key not in ("self", "__class__")})


class BaseTabular(BaseEstimator):  # type: ignore[misc]
    """The part of both estimators that does not depend on the kind of y."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "preset": [StrOptions(set(PRESETS))],
        "n_members": [Interval(Integral, 2, None, closed="left"), None],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "hidden_layer_sizes": ["array-like", None],
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "progress": ["boolean", Options(str, {"auto"})],
        "warm_start": ["boolean"],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    columns_: Columns
    ensemble_: nn.Ensemble
    history_: list[History]
    oof_prediction_: Array
    oof_score_: float
    n_features_in_: int

    def _begin(self, X: Any) -> dict[str, Any]:
        """Checks settings and samples before anything is computed; returns the columns by name."""
        if self.warm_start:
            raise ValueError(
                f"warm_start: {type(self).__name__} trains its folds from the start, and cannot go on with"
                " them; fit it on all rows instead"
            )
        return table_of(self, X, reset=True)

    def _recipe(self, classes: bool, rows: int) -> Recipe:
        """The recipe of the preset, with the settings that the user has given."""
        given = {
            "members": self.n_members,
            "hidden": None if self.hidden_layer_sizes is None else tuple(map(int, self.hidden_layer_sizes)),
            "epochs": self.epochs,
            "batch": self.batch_size,
        }
        recipe = recipe_of(self.preset, classes, rows)
        return replace(recipe, **{name: value for name, value in given.items() if value is not None})

    def _train(
        self, table: dict[str, Any], targets: Array, outputs: int, weight: Array | None, eval_set: Any
    ) -> Array:
        """Fits the columns and the bag; returns the outputs of each row out of fold."""
        rows = len(targets)
        check_consistent_length(next(iter(table.values())), targets)
        used = np.arange(rows) if weight is None else np.flatnonzero(weight)
        if len(used) < 2:
            raise ValueError(f"expected at least 2 rows of a weight above zero, got n_samples = {len(used)}")
        classes = targets.ndim == 1
        recipe = self._recipe(classes, len(used))
        random = check_random_state(self.random_state)
        folds = draw_folds(targets if classes else targets[:, 0], used, recipe.members, random)
        seeds = [int(seed) for seed in random.randint(2**31, size=len(folds))]
        with limited_threads(self.n_threads):
            self.columns_ = Columns.fit(table, rows=used)
            problem = Problem(self.columns_.transform(table), targets, outputs, classes, weight)
            evaluation = None if eval_set is None else self._evaluation(eval_set)
            models, self.history_ = train_bag(recipe, problem, folds, seeds, evaluation, self.progress)
            found = out_of_fold(models, problem, folds)
            divisor = self._divisor(found, targets, weight)
            for model in models:
                divide_outputs(model, divisor)
        self.ensemble_ = nn.Ensemble(models, average="probabilities" if classes else "outputs")
        self._rows_of_folds = [fold.held_out for fold in folds]
        return found / np.float32(divisor)

    def _divisor(self, outputs: Array, targets: Array, weight: Array | None) -> float:
        """The number that all outputs are divided by, chosen by those out of fold."""
        return 1.0

    def _evaluation(self, eval_set: Any) -> tuple[Any, ...]:
        """Inputs, targets and weights of ``eval_set``."""
        given = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            raise TypeError("eval_set: expected a pair (X, y), (X, y, sample_weight), or a list of one")
        inputs = self.columns_.transform(table_of(self, given[0], reset=False))
        targets = self._encoded(given[1])
        check_consistent_length(inputs, targets)
        weight = checked_weights(given[2] if len(given) == 3 else None, len(inputs))
        return (inputs, targets) if weight is None else (inputs, targets, weight.astype(np.float32))

    def _encoded(self, y: Any) -> Array:
        """The networks' targets of a y in the terms of the fit."""
        raise NotImplementedError

    def _inputs(self, X: Any) -> NDArray[np.float32]:
        """Inputs of the networks for samples."""
        check_is_fitted(self)
        return self.columns_.transform(table_of(self, X, reset=False))

    def __sklearn_is_fitted__(self) -> bool:
        return "ensemble_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"allow_nan": True, "X_types": ["2darray", "string", "categorical"]}
