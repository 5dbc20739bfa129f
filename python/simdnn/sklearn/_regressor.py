"""The estimator for regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .. import functional as F
from .. import optim
from .._utils.estimators import EvalSet, Scored, set_attributes
from .._utils.lazy import lazy_rows
from ._base import BaseMLP, is_stochastic
from ._documentation import documented
from ._heads import Head, regressor_head
from ._members import has_members, mean_of
from ._stochastic import Data

Array = NDArray[Any]


@documented
class MLPRegressor(Scored, RegressorMixin, BaseMLP):  # type: ignore[misc]
    """Multilayer perceptron for regression: scikit-learn's `MLPRegressor` on simdnn.

    {parameters}
    loss : str, function or functools.partial, default="squared_error"
        "squared_error" is half the mean squared error. "poisson" is half the Poisson deviance of exp(output),
        and predictions are exp(output). Any other loss of values that a `Trainer` takes is given by name or
        function: "huber", "l1", "log_cosh", ``partial(F.quantile_loss, q=0.9)``, ...
    {extras}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from simdnn.sklearn import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regressor = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X, y)
    >>> regressor.predict(X[:2]).shape
    (2,)
    >>> regressor.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
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

    def _head(self, Y: Array) -> Head:
        """The head for as many outputs as Y has columns."""
        return regressor_head(self.loss, Y.shape[1])

    def _validate_input(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, first: bool
    ) -> tuple[Any, Array, Array | None]:
        """X, y as columns, and the weight of each sample."""
        X, y = self._checked_pair(X, y, first)
        return X, y.reshape(len(y), -1), self._weights_of_rows(sample_weight, X)

    def _validate_evaluation(self, X: Any, y: Any) -> tuple[Any, Array]:
        """X and y as columns of ``eval_set``."""
        return self._validate_input(X, y, None, True, False)[:2]

    def _validation_score(self, head: Head, data: Data) -> float:
        """R^2 of the predictions; NaN if one is not finite."""
        predictions = self._predictions(self._outputs(data.X, checked=True))
        if not np.isfinite(predictions).all():
            return float("nan")
        return float(r2_score(data.Y, predictions, sample_weight=data.weight))

    def _predictions(self, z: Array) -> Array:
        """Predictions from outputs z of the network: z or exp(z)."""
        return np.asarray(F.exp(z)) if self.out_activation_ == "exp" else z

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet = None
    ) -> MLPRegressor:
        """Fit a new network, or with ``warm_start`` continue, until convergence or ``max_iter`` epochs.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)
            Samples; float32 and float64 are kept, other dtypes cast.
        y : array, shape (n,) or (n, outputs)
            Values to predict.
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
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MLPRegressor:
        """Train one epoch on these samples, from the current parameters and optimizer state.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As in `fit`.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _scores(self, X: Any, checked: bool = False) -> Array:
        """Predicted values, shape (n, outputs); those of members averaged."""
        if has_members(self):
            X = X if checked else self._checked_input(X, reset=False)
            return mean_of([member._scores(X, checked=True) for member in self.members_])
        return self._predictions(self._outputs(X, checked))

    @lazy_rows
    def predict(self, X: ArrayLike) -> Array:
        """Predicted values of each sample, shape (n,) or (n, outputs); the mean of members."""
        check_is_fitted(self)
        predictions = self._scores(X)
        return predictions.ravel() if predictions.shape[1] == 1 else predictions
