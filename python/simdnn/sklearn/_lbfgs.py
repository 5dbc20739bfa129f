"""L-BFGS through SciPy, with the loss and the gradients of the native network."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from .. import nn, optim
from ._heads import Head
from ._network import arrays_of
from ._optimizer import make_trainer
from ._run import Fit
from ._stochastic import Data

Array = NDArray[Any]


class Objective:
    """Mean loss over all samples plus penalty, as a function of all parameters in float64."""

    def __init__(self, estimator: Any, head: Head, data: Data) -> None:
        layers = estimator._model.layers
        self.model = nn.Sequential(*layers, dtype=np.float64, rng=0)
        self.model.flat_parameters[:] = estimator._model.flat_parameters
        self.head = head
        self.constant = head.constant(data.Y, data.weight)
        targets = head.targets(data.Y, np.float64)
        trainer = make_trainer(self.model, head, optim.SGD(), 0)
        self.loss = trainer.objective(data.X, targets, data.weight)
        total = data.Y.shape[0] if data.weight is None else data.weight.sum()
        self.decay = self.weight_mask() * (estimator.alpha / total)

    def weight_mask(self) -> Array:
        """1 for each weight, which alpha penalizes, and 0 for each bias."""
        before = self.model.flat_parameters.copy()
        self.model.flat_parameters[:] = 0
        for coef in arrays_of(self.model)[0]:
            coef[...] = 1
        mask = self.model.flat_parameters.copy()
        self.model.flat_parameters[:] = before
        return mask

    def __call__(self, parameters: Array) -> tuple[float, Array]:
        """The objective and its gradient w.r.t. the parameters."""
        loss, gradient = self.loss(parameters)
        shrinkage = self.decay * parameters
        return loss + 0.5 * float(parameters @ shrinkage), gradient + shrinkage

    def reported(self, parameters: Array, value: float) -> float:
        """The loss that scikit-learn reports for this value of the objective."""
        penalty = 0.5 * float(parameters @ (self.decay * parameters))
        return (value - penalty) / self.head.divisor + self.constant + penalty


class LBFGSFit(Fit):
    """A fit of an estimator by L-BFGS over all samples at once."""

    def __init__(self, estimator: Any, head: Head, data: Data) -> None:
        for name in ("l1", "dropout", "batch_norm", "clip_norm", "callbacks"):
            if getattr(estimator, name) or (name == "clip_norm" and estimator.clip_norm is not None):
                raise ValueError(
                    f"{name}: needs a stochastic solver (solver='sgd' or 'adam') or an optimizer"
                )
        self.estimator = estimator
        self.objective = Objective(estimator, head, data)

    def train(self) -> None:
        """Minimizes the objective and keeps what was found."""
        estimator, objective = self.estimator, self.objective
        result = scipy.optimize.minimize(
            objective,
            objective.model.flat_parameters.copy(),
            method="L-BFGS-B",
            jac=True,
            options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
        )
        estimator._model.flat_parameters[:] = result.x
        estimator.n_iter_ = min(int(result.nit), estimator.max_iter)
        estimator.loss_ = objective.reported(result.x, float(result.fun))
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        if result.status != 0:
            warnings.warn(
                f"lbfgs failed to converge after {estimator.n_iter_} iteration(s) (status={result.status}):\n"
                f"{result.message}\n\nYou might also want to scale the data as shown in:\n"
                "    https://scikit-learn.org/stable/modules/preprocessing.html",
                ConvergenceWarning,
                stacklevel=2,
            )
