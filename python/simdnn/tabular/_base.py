"""The base class of the classifier and the regressor: settings, fitting, files, exports."""

from __future__ import annotations

import functools
import time
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

from .. import nn, onnx
from .._utils.check import check_int
from .._utils.estimators import checked_numbers, naming, unpacked_eval_set
from .._utils.files import Path
from .._utils.hints import points_out_keywords
from ..config import MOST_THREADS, limited_threads
from ..table import Columns, Target
from ..training import History
from . import _files
from ._bag import Bag, Problem, probabilities
from ._bins import with_target_bins
from ._budget import within
from ._calibration import blended, share
from ._folds import draw_folds
from ._frames import names_of, point_out_words, table_of
from ._importance import KeptRows, permutation_importance, places_of_columns, ranges_of
from ._quantiles import QuantileHead
from ._recipe import PRESETS, Recipe, recipe_of
from ._screening import screened
from ._targets import checked_weights
from ._trees import Trees, fit_trees, samples_of, width_of

Array = NDArray[Any]


#: The largest number of permutations of a column.
MOST_REPEATS = 100_000
#: Options of the columns' encoding. scikit-learn's trees take 255 categories of a column at most.
COLUMNS: dict[str, Any] = {
    "numbers": "robust",
    "binary": True,
    "max_categories": 255,
    "max_one_hot": 64,
    "min_frequency": 2,
    "dates": True,
}


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
        "n_threads": [Interval(Integral, 1, MOST_THREADS, closed="both"), None],
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
    head_: QuantileHead | None
    n_features_in_: int
    _kept: KeptRows
    _epochs_kept: list[int]

    def _validate_params(self) -> None:
        """Checks all parameters as scikit-learn does, and that no number is a bool or a Fraction."""
        checked_numbers(self)
        super()._validate_params()

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
            "shapes": self._shapes(),
            "epochs": self.epochs,
            "batch": self.batch_size,
            "smoothing": getattr(self, "label_smoothing", None),
        }
        recipe = recipe_of(self.preset, self._classes, rows, self.n_features_in_)
        found = replace(recipe, **{name: value for name, value in given.items() if value is not None})
        # A column may decide the spread of a target alone, which tells nothing about its mean.
        return replace(found, screening=None) if getattr(self, "quantiles", False) else found

    def _shapes(self) -> tuple[tuple[int, ...]] | None:
        """The widths of the hidden layers that the user has given, for all networks."""
        if self.hidden_layer_sizes is None:
            return None
        if not len(self.hidden_layer_sizes):
            raise ValueError("hidden_layer_sizes: expected at least one layer, got none")
        return (tuple(check_int("hidden_layer_sizes", size) for size in self.hidden_layer_sizes),)

    def _train(
        self, table: dict[str, Any], targets: Array, outputs: int, weight: Array | None, eval_set: Any
    ) -> Array:
        """Fits columns, networks and trees; returns the predictions [n, outputs] of each row out of fold."""
        begin = time.perf_counter()
        check_consistent_length(next(iter(table.values())), targets)
        used = np.arange(len(targets)) if weight is None else np.flatnonzero(weight)
        if len(used) < 2:
            raise ValueError(f"expected at least 2 rows of a weight above zero, got n_samples = {len(used)}")
        recipe, random = self._recipe(len(used)), check_random_state(self.random_state)
        with limited_threads(self.n_threads):
            self.columns_ = Columns.fit(table, rows=used, **dict(COLUMNS, bins=recipe.bins))
            if recipe.bins_by_target:
                self.columns_ = with_target_bins(self.columns_, table, targets, used)
            point_out_words(self.columns_, table)
            problem = Problem(self.columns_.transform(table), targets, outputs, self._classes, weight)
            evaluation = None if eval_set is None else self._evaluation(eval_set)
            order = targets if self._classes else targets[:, 0]
            columns = screened(recipe, self.columns_, problem, order, used, random, self.time_limit)
            if columns.left_out:
                kept = places_of_columns(self.columns_, columns.names)
                inputs = sorted(place for places in kept for place in places)
                problem = replace(problem, inputs=problem.inputs.take(inputs, axis=1))
                if evaluation is not None:
                    evaluation = (evaluation[0].take(inputs, axis=1), *evaluation[1:])
                self.columns_ = columns
            if self.time_limit is not None:
                bags = 1 + bool(getattr(self, "quantiles", False))
                fold = draw_folds(order, used, recipe.members, np.random.RandomState(0))[0]
                recipe = within(recipe, self.time_limit, begin, self.columns_, problem, fold, bags)
            folds = draw_folds(order, used, recipe.members, random)
            seeds = [int(seed) for seed in random.randint(2**31, size=len(folds))]
            bag = Bag(recipe, self.columns_, problem, folds, seeds)
            models, self.history_, self._epochs_kept = bag.train(evaluation, self.progress)
            self._kept = KeptRows.of(folds, problem.inputs, targets, weight)
            found = self._calibrated(models, bag.out_of_fold(models), targets, weight)
            self.ensemble_ = nn.Ensemble(models, average="probabilities" if self._classes else "outputs")
            if len(others := bag.in_no_fold):
                found[others] = self.ensemble_.predict(problem.inputs[others])
            self.head_ = self._train_head(bag)
            if not recipe.trees:
                self.trees_, self.networks_share_ = None, 1.0
                return found
            left = None if self.time_limit is None else self.time_limit - (time.perf_counter() - begin)
            return self._train_trees(bag, table, found, left)

    def _train_head(self, bag: Bag) -> QuantileHead | None:
        """Fits further networks for quantiles on the same folds, if they are wanted."""
        return None

    def _train_trees(self, bag: Bag, table: dict[str, Any], found: Array, seconds: float | None) -> Array:
        """Fits trees on the folds of the bag; returns the predictions out of fold of both together."""
        samples, targets, weight = samples_of(self.columns_, table), bag.problem.targets, bag.problem.weight
        self._kept = replace(self._kept, samples=samples[self._kept.rows])
        self.trees_ = fit_trees(self.columns_, samples, bag.problem, bag.folds, bag.seeds, seconds)
        others = self.trees_.out_of_fold(samples, bag.folds)
        self.networks_share_ = share(found, others, lambda one: self._loss(one, targets, weight))
        return blended(self.networks_share_, found, others)

    def _calibrated(self, models: list[nn.Sequential], outputs: Array, targets: Array, weight: Any) -> Array:
        """Predictions for outputs out of fold, which may change the networks' last layers."""
        return outputs

    def _predictions(self, X: Any) -> Array:
        """Predictions [n, outputs] for samples."""
        table = self._table(X)
        with limited_threads(self.n_threads):
            return self._mean(self.columns_.transform(table), self._samples(table))

    def _samples(self, table: dict[str, Any]) -> Array | None:
        """The columns as the trees read them, if there are trees."""
        return None if self.trees_ is None else samples_of(self.columns_, table)

    def _mean(self, inputs: Array, samples: Array | None = None) -> Array:
        """The mean [n, outputs] of the networks and trees."""
        found = self.ensemble_.predict(inputs)
        if self.trees_ is None or samples is None:
            return found
        return blended(self.networks_share_, found, self.trees_.predict_members(samples).mean(axis=0))

    def _out_of_fold(self, fold: Array, inputs: Array, samples: Array | None = None) -> Array:
        """Predictions [n, outputs] of each row by the networks and trees of its fold."""
        found = np.empty((len(inputs), self.ensemble_.out_features))
        for i, model in enumerate(self.ensemble_):
            rows = np.flatnonzero(fold == i)
            assert isinstance(model, nn.Sequential)
            part = model(inputs[rows])
            found[rows] = probabilities(part) if self._classes else part
            if self.trees_ is not None and samples is not None and len(rows):
                trees = self.trees_.predict_fold(i, samples[rows])
                found[rows] = blended(self.networks_share_, found[rows], trees)
        return found

    def _members(self, inputs: Array, samples: Array | None) -> Array:
        """Predictions [members, n, outputs] of the networks and trees of each fold."""
        found = self.ensemble_.predict_members(inputs)
        if self.trees_ is None or samples is None:
            return found
        return blended(self.networks_share_, found, self.trees_.predict_members(samples))

    def _evaluation(self, eval_set: Any) -> tuple[Any, ...]:
        """Inputs, targets and weights of ``eval_set``."""
        X, y, sample_weight = unpacked_eval_set(eval_set)
        with naming("eval_set"):
            inputs = self.columns_.transform(table_of(self, X, reset=False))
            targets = self._encoded(y)
            check_consistent_length(inputs, targets)
            weight = checked_weights(sample_weight, len(inputs))
        return (inputs, targets) if weight is None else (inputs, targets, weight.astype(np.float32))

    def _encoded(self, y: Any) -> Array:
        """The networks' targets of a y in the terms of the fit."""
        raise NotImplementedError

    def _loss(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        """The loss of predictions [n, outputs] by which networks and trees are weighted."""
        raise NotImplementedError

    def _score(self, predictions: Array, targets: Array, weight: Array | None) -> float:
        """The score of predictions [n, outputs], as of `score`."""
        raise NotImplementedError

    def target(self, name: str) -> Target:
        """The target as `simdnn.onnx.export` and `simdnn.export_c` take it together with ``ensemble_``.

        Parameters
        ----------
        name : str
            Name of the target.

        Returns
        -------
        table.Target

        Raises
        ------
        ValueError
            If the networks have several numbers as outputs.
        """
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

    @staticmethod
    def _blank_row(shape: tuple[int, ...], _: Any) -> Array:
        """Samples of missing values, which columns of every kind take, for `blockwise`."""
        return np.full(shape, None, dtype=object)

    @classmethod
    def _own_kind(cls) -> type[BaseTabular]:
        """The class of this package that a user's subclass comes from."""
        return next(one for one in cls.__mro__ if BaseTabular in one.__bases__)

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the fitted estimator to a safetensors file, which `simdnn.tabular.load` reads.

        A subclass is written as the estimator that it comes from, with the parameters of that.

        Parameters
        ----------
        path : str or os.PathLike
            An existing file is replaced atomically.
        metadata : dict, optional
            Your own data, of types that JSON can hold; `simdnn.load_metadata` reads them.

        Raises
        ------
        TypeError
            If classes or `metadata` are of a type that JSON cannot hold.
        ValueError
            If the name of the file ends like that of another format, such as .pkl.
        OSError
            If the file cannot be written.
        ImportError
            If safetensors is not installed or, for ``preset="best"``, skops.
        """
        check_is_fitted(self)
        _files.save(self, path, metadata)

    def to_onnx(self, path: Path, *, target: str = "y", opset: int = 17) -> None:
        """Write columns, networks and target as one graph of ONNX.

        Each column is an input [n, 1]: numbers as float64 with NaN for missing ones, words as strings, dates
        as int64, microseconds since 1970 in UTC, with the smallest int64 for missing ones.

        Parameters
        ----------
        path : str or os.PathLike
            File to write; an existing one is replaced atomically.
        target : str
            Name of the output, which no column may have. That of a classifier is the class as a string, and
            ``P(name)`` are the probabilities.
        opset : int
            Version of the ONNX operator set, >= 17.

        Raises
        ------
        TypeError
            If `target` is no string.
        ValueError
            If the networks have several numbers as outputs, a column is named like an output, or trees take
            part in the predictions: ``simdnn.onnx.export(estimator.ensemble_, path)`` writes the networks
            alone.
        OSError
            If the file cannot be written.
        ImportError
            If onnx is missing: it comes with the extra ``[onnx]``.
        """
        check_is_fitted(self)
        if self.trees_ is not None and self.networks_share_ < 1:
            raise ValueError(
                "preset='best' predicts with trees, which neither ONNX nor C gets; export the networks alone"
                " with simdnn.onnx.export(estimator.ensemble_, path), or fit preset='default'"
            )
        onnx.export(self.ensemble_, path, opset, columns=self.columns_, target=self.target(target))

    @points_out_keywords
    def permutation_importance(
        self,
        X: Any = None,
        y: ArrayLike | None = None,
        *,
        n_repeats: int = 5,
        random_state: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """The score that the estimator loses where the values of a column are shuffled.

        Many permuted copies of the samples, encoded once, are predicted in one native call; the result is
        that of ``sklearn.inspection.permutation_importance``. Without X and y, it is that of rows of the
        fit, each predicted by the member that has not trained on it (out of fold), so that columns of noise
        have about 0.

        Parameters
        ----------
        X, y, sample_weight
            Samples that the estimator has not seen, as in `score`; or None for rows of the fit, 5,000 of them
            at most, which an estimator from a file does not have.
        n_repeats : int
            Number of permutations of each column.
        random_state : int, RandomState or None
            Generator of the permutations.

        Returns
        -------
        Bunch
            ``importances`` [columns, n_repeats], and ``importances_mean`` and ``importances_std`` [columns].

        Raises
        ------
        ValueError
            If X or y is missing, or X is unlike the samples of the fit.

        References
        ----------
        Breiman 2001, "Random forests".
        """
        check_is_fitted(self)
        repeats = check_int("n_repeats", n_repeats, 1, MOST_REPEATS)
        kept = self._rows_of_importance(X, y, sample_weight)
        names = names_of(self)
        parts = [(kept.inputs, places_of_columns(self.columns_, names))]
        if kept.samples is not None:
            parts.append((kept.samples, ranges_of(self.columns_, names, width_of)))

        def scores(arrays: list[Array]) -> list[float]:
            copies = len(arrays[0]) // len(kept.targets)
            predict = functools.partial(self._out_of_fold, np.tile(kept.fold, copies))
            found = (self._mean if len(kept.fold) == 0 else predict)(*arrays)
            return [self._score(one, kept.targets, kept.weight) for one in np.split(found, copies)]

        with limited_threads(self.n_threads):
            return permutation_importance(parts, scores, repeats, check_random_state(random_state))

    def _rows_of_importance(self, X: Any, y: Any, sample_weight: Any) -> KeptRows:
        """The rows of the fit, or new ones, which are in no fold."""
        if X is None and y is None and sample_weight is None:
            if "_kept" not in vars(self):
                raise ValueError("X, y: a file does not hold the rows of the fit; give samples and their y")
            return self._kept
        if X is None or y is None:
            raise ValueError("X, y: expected both, or neither for the rows of the fit")
        table = self._table(X)
        inputs, targets = self.columns_.transform(table), self._encoded(y)
        check_consistent_length(inputs, targets)
        weight, none = checked_weights(sample_weight, len(inputs)), np.empty(0, np.intp)
        return KeptRows(none, none, inputs, targets, weight, self._samples(table))

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
