"""The base class of the classifier and the regressor: parameters, fitting, arrays, pickling."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight

from .. import nn
from .._utils.check import check_callables, within_single
from .._utils.estimators import check_outputs, checked_numbers, naming, unpacked_eval_set
from .._utils.missing import plain_target
from ..config import MOST_THREADS, limited_threads
from ._compat import checked_data
from ._fitted import attempt_at, begun, check_resumable, check_same, fitted, forget, remember
from ._heads import Head
from ._inputs import check_range, checked_kinds
from ._lbfgs import LBFGSFit
from ._members import begin_members, has_members, wants_members
from ._network import (
    are_views,
    arrays_of,
    checked_arrays,
    dense_network,
    hidden_sizes,
    initialize,
    make_network,
    network_dtype,
    pretrain,
)
from ._optimizer import prepare
from ._run import Fit
from ._stochastic import Data, Metric, StochasticFit, hold_out

Array = NDArray[Any]

#: The largest number of networks of an estimator.
MOST_MEMBERS = 2**16
#: Megabytes of a sparse matrix that a prediction makes dense at a time.
DENSE_MEGABYTES = 16


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """The part of both estimators that does not depend on the kind of y."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, nn.Activation, list, tuple],
        "loss": [str, callable],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "init": [str, callable, None],
        "optimizer": "no_validation",
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "residual": ["boolean"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "clip_norm": [Interval(Real, 0, None, closed="left"), None],
        "pretrain": [str, dict, None],
        "callbacks": [list, tuple, None],
        "n_members": [Interval(Integral, 1, MOST_MEMBERS, closed="both")],
        "bagging": [StrOptions({"folds", "bootstrap"}), None],
        "dtype": "no_validation",
        "n_threads": [Interval(Integral, 1, MOST_THREADS, closed="both"), None],
    }

    def set_params(self, **params: Any) -> Any:
        """Set parameters, and settings of the optimizer by names such as ``optimizer__lr``.

        Parameters
        ----------
        **params
            Parameters of the estimator; they take effect in the next `fit` or `partial_fit`. In scikit-learn
            a `partial_fit` goes on with the first one's settings of the optimizer, such as the learning rate.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a name is not known, or the optimizer is no object that has such a setting.
        """
        nested = [name for name in params if name.startswith("optimizer__")]
        chosen = params.get("optimizer", self.optimizer)
        if nested and not hasattr(chosen, "set_params"):
            raise ValueError(
                f"{nested[0]}: needs an object such as optimizer=optim.Adam(), got {chosen!r}; the rate of an"
                " optimizer by name is learning_rate_init"
            )
        return super().set_params(**params)

    def _validate_params(self) -> None:
        """Checks all parameters as scikit-learn does, and that no number is a bool or beyond float32."""
        for name, value in checked_numbers(self):
            within_single(name, value)
        super()._validate_params()

    def _checked_input(self, X: Any, y: Any = "no_validation", **options: Any) -> Any:
        """X, and y if given, checked by scikit-learn; dtypes other than float32 and float64 are cast."""
        X = checked_kinds("X", X)
        dtypes = [np.float64, np.float32]
        estimator = [self, *vars(self).get("members_", [])][-1]
        fresh = options.get("reset", True) or "_model" not in vars(estimator)
        dtype = self._wanted_dtype() if fresh else estimator._model.dtype
        if dtype == np.float32:
            dtypes.reverse()
        return checked_data(self, X, y, accept_sparse=["csr", "csc"], dtype=dtypes, **options)

    def _checked_pair(self, X: Any, y: Any, first: bool) -> tuple[Any, Any]:
        """X and y checked; y of one column becomes a vector."""
        numeric = not is_classifier(self)
        y = plain_target(checked_kinds("y", y, dates=not numeric))
        X, y = self._checked_input(X, y, multi_output=True, y_numeric=numeric, reset=first)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _weights_of_rows(self, sample_weight: Any, X: Any) -> Array | None:
        """The weights of the samples X, checked."""
        weight = checked_kinds("sample_weight", sample_weight)
        return None if weight is None else np.asarray(_check_sample_weight(weight, X))

    def _wanted_dtype(self) -> np.dtype[Any] | None:
        """The parameter `dtype`, checked."""
        try:
            dtype = None if self.dtype is None else np.dtype(self.dtype)
        except (TypeError, ValueError):
            raise TypeError(f"dtype: expected float32, float64 or None, got {self.dtype!r}") from None
        if dtype not in (None, np.float32, np.float64):
            raise ValueError(f"dtype: expected float32, float64 or None, got {self.dtype!r}")
        return dtype

    def _network_dtype(self, X: Any) -> np.dtype[Any]:
        """The dtype of the network: `dtype`, or that of X."""
        return self._wanted_dtype() or np.dtype(X.dtype)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool = False, eval_set: Any = None
    ) -> Any:
        """Checks the data, prepares the network or the members, and runs the solver."""
        with attempt_at(self) as attempt:
            fit = self._begin(X, y, sample_weight, incremental, eval_set)
            begun(attempt)
            with limited_threads(self.n_threads):
                fit.run()
            return self._end()

    def _begin(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool = False,
        eval_set: Any = None,
        random: np.random.RandomState | None = None,
    ) -> Fit:
        """Checks the data and prepares a fit up to its first step; `random` replaces ``random_state``."""
        hidden_sizes(self.hidden_layer_sizes)
        check_callables("callbacks", self.callbacks or ())
        known = any(name in vars(self) for name in ("coefs_", "members_"))
        first = not known or not (self.warm_start or incremental)
        if not first:
            check_same(self, "n_members")
        X, Y, weight = self._validate_input(X, y, sample_weight, incremental, first)
        for name, values in (("X", X), ("y", Y)):
            check_range(name, values, self._network_dtype(X))
        self._random_state = check_random_state(self.random_state) if random is None else random
        data = Data(X, Y, weight)
        if wants_members(self) or (has_members(self) and not first):
            return begin_members(self, data, first, incremental, eval_set)
        return self._begin_network(data, first, incremental, eval_set)

    def _begin_network(
        self, data: Data, first: bool, incremental: bool, eval_set: Any, out_of_bag: Data | None = None
    ) -> Fit:
        """Prepares the network for a fit of checked data; the loss of `out_of_bag` may end it."""
        head = self._head(data.Y)
        if first:
            self._initialize(data.X, head)
        else:
            self._resume()
            if head.outputs != self._model.out_features:
                raise ValueError(
                    f"y: expected {self._model.out_features} columns, as fitted, got {head.outputs}"
                )
        self.n_outputs_ = head.outputs
        if self.solver != "lbfgs" or self.optimizer is not None:
            return self._begin_stochastic(head, data, incremental, eval_set, out_of_bag)
        if eval_set is not None:
            raise ValueError("eval_set: needs a stochastic solver (solver='sgd' or 'adam') or an optimizer")
        return LBFGSFit(self, head, data)

    def _end(self) -> Any:
        """Checks that the parameters stayed finite, and returns the estimator."""
        for estimator in vars(self).get("members_", [self]):
            if not np.isfinite(estimator._model.flat_parameters).all():
                raise ValueError(
                    "Solver produced non-finite parameter weights. The input data may contain large values"
                    " and need to be preprocessed."
                )
        return self

    def _initialize(self, X: Any, head: Head) -> None:
        """Makes a new network and sets the attributes to their values before the first epoch."""
        forget(self)
        self._model = make_network(self, X.shape[1], head, self._network_dtype(X))
        remember(self)
        self._expose_arrays()
        initialize(self, self.coefs_, self.intercepts_, self._random_state)
        self._seed = int(self._random_state.randint(2**31)) if self.dropout else 0
        if self.pretrain is not None:
            pretrain(self._model, X, self.pretrain, int(self._random_state.randint(2**31)))
        self._optimizer: Any = None
        self._trainer: Any = None
        self._optimizer_state: Any = None
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = head.activation

    def _begin_curves(self) -> None:
        """Sets the attributes that record the epochs; curves of an earlier fit are continued."""
        if not hasattr(self, "loss_curve_"):
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self.best_loss_ = None if self.early_stopping else np.inf
            self.validation_scores_: list[float] | None = None
            self.best_validation_score_: float | None = None
        if self.early_stopping and not hasattr(self, "_best"):
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
            self._best: Any = self._model.state_dict()
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf

    def _expose_arrays(self) -> None:
        """Makes ``coefs_`` and ``intercepts_`` views of the network's parameters."""
        self.coefs_, self.intercepts_ = arrays_of(self._model)
        self._arrays = [*self.coefs_, *self.intercepts_]

    def _synced(self) -> nn.Sequential:
        """The network, after copying into it the arrays that the user has assigned to the attributes."""
        model: nn.Sequential | None = vars(self).get("_model")
        views = vars(self).get("_arrays", ())
        if model is not None and are_views(views, self.coefs_, self.intercepts_):
            return model
        coefs, intercepts = checked_arrays(self)
        arrays = [*coefs, *intercepts]
        if model is None or [array.shape for array in arrays] != [view.shape for view in views]:
            model = dense_network(coefs, fitted(self, "activation"), network_dtype(coefs))
            views = [view for part in arrays_of(model) for view in part]
        names = [f"{name}[{i}]" for name in ("coefs_", "intercepts_") for i in range(len(coefs))]
        changed = [parts for parts in zip(names, views, arrays, strict=True) if parts[1] is not parts[2]]
        for name, _, array in changed:
            check_range(name, array, model.dtype)
        for _, view, array in changed:
            view[...] = array
        return model

    def _resume(self) -> None:
        """Continues with the fitted network, or with one for arrays that the user has assigned."""
        model = self._synced()
        if model is vars(self).get("_model"):
            check_resumable(self)
        else:
            self._model, self._trainer, self._optimizer, self._optimizer_state = model, None, None, None
            self._seed = 0
        self._expose_arrays()

    def _begin_stochastic(
        self, head: Head, data: Data, incremental: bool, eval_set: Any, out_of_bag: Data | None
    ) -> StochasticFit:
        """Prepares epochs of mini-batches, with early stopping and an evaluation set if asked for."""
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._begin_curves()
        prepare(self, head, fresh=not incremental)
        watched = out_of_bag
        if eval_set is not None:
            watched = self._evaluation(eval_set, data.Y.shape[1])
        validation = watched if self.early_stopping else None
        if self.early_stopping and watched is None:
            data, validation = hold_out(self, data)
        if watched is not None:
            self.validation_loss_curve_ = getattr(self, "validation_loss_curve_", [])
        metric: Metric = "val_score" if self.early_stopping else "loss" if out_of_bag is None else "val_loss"
        if metric == "val_loss":
            self._best = None
        return StochasticFit(self, head, data, validation, watched, metric, incremental)

    def _evaluation(self, eval_set: Any, columns: int) -> Data:
        """The samples of ``eval_set``, checked like those of `fit`."""
        X, y, sample_weight = unpacked_eval_set(eval_set)
        with naming("eval_set"):
            X, Y = self._validate_evaluation(X, y)
            weight = self._weights_of_rows(sample_weight, X)
            for name, values in (("X", X), ("y", Y), ("sample_weight", weight)):
                if values is not None:
                    check_range(name, values, self._model.dtype)
            if weight is not None and (weight < 0).any():
                raise ValueError(f"sample_weight: expected numbers >= 0, got {weight.min():g}")
            check_outputs(Y, columns)
            return Data(X, Y, weight)

    def _outputs(self, X: Any, checked: bool = False) -> Array:
        """Outputs of the network, shape (n, outputs); sparse samples are made dense block by block."""
        if not checked:
            X = self._checked_input(X, reset=False)
        model = self._synced()
        if model.out_features != vars(self).get("n_outputs_", model.out_features):
            raise ValueError(
                f"coefs_: expected {self.n_outputs_} outputs, as fitted, got {model.out_features}"
            )
        check_range("X", X, model.dtype)
        with limited_threads(self.n_threads):
            if not issparse(X):
                return np.asarray(model(X))
            X = X.tocsr()
            rows = max(1, DENSE_MEGABYTES * 2**20 // (8 * max(1, X.shape[1])))
            parts = [model(X[begin : begin + rows].toarray()) for begin in range(0, X.shape[0], rows)]
        return np.concatenate(parts)

    def __copy__(self) -> BaseMLP:
        """A copy with the parameters themselves, and a network of its own that goes on."""
        parameters = self.get_params(deep=False).values()
        return copy.deepcopy(self, {id(one): one for one in parameters})

    def __getstate__(self) -> dict[str, Any]:
        """The attributes to pickle; with the optimizer's state, a fit continues bit for bit."""
        state = dict(super().__getstate__())
        if "_model" in state and "coefs_" in state:
            state["_model"] = self._synced()
            for name in ("coefs_", "intercepts_", "_arrays"):
                state.pop(name, None)
            if state.get("_trainer") is not None:
                state["_optimizer_state"] = self._optimizer.state_dict()
            state["_trainer"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_model" in state:
            self._expose_arrays()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"multilabel" if is_classifier(self) else "multioutput": True}


def is_stochastic(estimator: Any) -> bool:
    """True if there is a `partial_fit`: with epochs and without bagging; raises AttributeError if not."""
    if estimator.solver == "lbfgs" and estimator.optimizer is None:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    if estimator.bagging is not None:
        raise AttributeError(f"partial_fit: bagging={estimator.bagging!r} needs all samples at once; use fit")
    return True


Callbacks = Iterable[Any] | None
