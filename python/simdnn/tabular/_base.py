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
from .._utils.files import Path
from ..config import limited_threads
from ..table import Columns
from ..training import History
from . import _files
from ._bag import Problem, out_of_fold, train_bag
from ._calibration import blended, share
from ._folds import draw_folds
from ._frames import table_of
from ._recipe import PRESETS, Recipe, recipe_of
from ._targets import checked_weights
from ._trees import Trees, fit_trees, samples_of

Array = NDArray[Any]
EvalSet = tuple[ArrayLike, ...] | list[tuple[ArrayLike, ...]] | None


#: The largest number of categories of a column; rarer ones share an input.
MOST_CATEGORIES = 256


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

    #: True for classification.
    _classes: ClassVar[bool]
    columns_: Columns
    ensemble_: nn.Ensemble
    history_: list[History]
    oof_prediction_: Array
    oof_score_: float
    networks_share_: float
    trees_: Trees | None
    n_features_in_: int

    def _begin(self, X: Any) -> dict[str, Any]:
        """Checks settings and samples before anything is computed; returns the columns by name."""
        if self.warm_start:
            raise ValueError(
                f"warm_start: {type(self).__name__} trains its folds from the start, and cannot go on with"
                " them; fit it on all rows instead"
            )
        return table_of(self, X, reset=True)

    def _recipe(self, rows: int) -> Recipe:
        """The recipe of the preset, with the settings that the user has given."""
        given = {
            "members": self.n_members,
            "hidden": None if self.hidden_layer_sizes is None else tuple(map(int, self.hidden_layer_sizes)),
            "epochs": self.epochs,
            "batch": self.batch_size,
        }
        recipe = recipe_of(self.preset, self._classes, rows)
        return replace(recipe, **{name: value for name, value in given.items() if value is not None})

    def _train(
        self, table: dict[str, Any], targets: Array, outputs: int, weight: Array | None, eval_set: Any
    ) -> Array:
        """Fits columns, networks and trees; returns the predictions [n, outputs] of each row out of fold."""
        rows = len(targets)
        check_consistent_length(next(iter(table.values())), targets)
        used = np.arange(rows) if weight is None else np.flatnonzero(weight)
        if len(used) < 2:
            raise ValueError(f"expected at least 2 rows of a weight above zero, got n_samples = {len(used)}")
        recipe = self._recipe(len(used))
        random = check_random_state(self.random_state)
        folds = draw_folds(targets if self._classes else targets[:, 0], used, recipe.members, random)
        seeds = [int(seed) for seed in random.randint(2**31, size=len(folds))]
        with limited_threads(self.n_threads):
            self.columns_ = Columns.fit(
                table,
                rows=used,
                numbers="robust",
                bins=recipe.bins,
                binary=True,
                max_one_hot=MOST_CATEGORIES,
                max_categories=MOST_CATEGORIES,
                min_frequency=2,
            )
            problem = Problem(self._encode(table), targets, outputs, self._classes, weight)
            evaluation = None if eval_set is None else self._evaluation(eval_set)
            models, self.history_ = train_bag(recipe, problem, folds, seeds, evaluation, self.progress)
            found = self._calibrated(models, out_of_fold(models, problem, folds), targets, weight)
            self.ensemble_ = nn.Ensemble(models, average="probabilities" if self._classes else "outputs")
            self.trees_, self.networks_share_ = None, 1.0
            if recipe.trees:
                samples = samples_of(self.columns_, table)
                self.trees_ = fit_trees(self.columns_, samples, targets, outputs, weight, folds, seeds)
                others = self.trees_.out_of_fold(samples, folds)
                self.networks_share_ = share(found, others, lambda one: self._loss(one, targets, weight))
                found = blended(self.networks_share_, found, others)
        return found

    def _calibrated(self, models: list[nn.Sequential], outputs: Array, targets: Array, weight: Any) -> Array:
        """Predictions for outputs out of fold, which may change the networks' last layers."""
        return outputs

    def _mean(self, X: Any) -> Array:
        """Predictions [n, outputs]: the mean of the networks and trees."""
        table = self._table(X)
        with limited_threads(self.n_threads):
            found = self.ensemble_.predict(self._encode(table))
            if self.trees_ is None:
                return found
            others = self.trees_.predict_members(samples_of(self.columns_, table)).mean(axis=0)
        return blended(self.networks_share_, found, others)

    def _members(self, X: Any) -> Array:
        """Predictions [members, n, outputs] of the networks and trees of each fold."""
        table = self._table(X)
        with limited_threads(self.n_threads):
            found = self.ensemble_.predict_members(self._encode(table))
            if self.trees_ is None:
                return found
            others = self.trees_.predict_members(samples_of(self.columns_, table))
        return blended(self.networks_share_, found, others)

    def _evaluation(self, eval_set: Any) -> tuple[Any, ...]:
        """Inputs, targets and weights of ``eval_set``."""
        given = eval_set[0] if isinstance(eval_set, list) and len(eval_set) == 1 else eval_set
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            raise TypeError("eval_set: expected a pair (X, y), (X, y, sample_weight), or a list of one")
        inputs = self._encode(table_of(self, given[0], reset=False))
        targets = self._encoded(given[1])
        check_consistent_length(inputs, targets)
        weight = checked_weights(given[2] if len(given) == 3 else None, len(inputs))
        return (inputs, targets) if weight is None else (inputs, targets, weight.astype(np.float32))

    def _encoded(self, y: Any) -> Array:
        """The networks' targets of a y in the terms of the fit."""
        raise NotImplementedError

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        """The loss of predictions [n, outputs] by which networks and trees are weighted."""
        raise NotImplementedError

    def _target_to_dict(self) -> dict[str, Any]:
        """The description of the target for a file."""
        raise NotImplementedError

    def _target_from_dict(self, description: Any) -> None:
        """Sets the attributes that `_target_to_dict` has described."""
        raise NotImplementedError

    def _table(self, X: Any) -> dict[str, Any]:
        """The columns of samples to predict."""
        check_is_fitted(self)
        return table_of(self, X, reset=False)

    def _encode(self, table: dict[str, Any]) -> NDArray[np.float32]:
        """Inputs of the networks for columns."""
        inputs, encoded = self.columns_.transform(table), self.columns_.encoded
        if not encoded:
            return inputs
        codes = np.clip(
            inputs[:, :encoded, np.newaxis] - np.arange(self.columns_.bins, dtype=np.float32), 0, 1
        )
        return np.hstack([codes.reshape(len(inputs), -1), inputs[:, encoded:]])

    def save(self, path: Path) -> None:
        """Write the fitted estimator to a safetensors file, which `simdnn.tabular.load` reads.

        Parameters
        ----------
        path : str or os.PathLike
            An existing file is replaced atomically.

        Raises
        ------
        TypeError
            If classes are of a type that JSON cannot hold.
        OSError
            If the file cannot be written.
        ImportError
            If safetensors is not installed or, for ``preset="best"``, skops.
        """
        check_is_fitted(self)
        _files.save(self, path)

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
