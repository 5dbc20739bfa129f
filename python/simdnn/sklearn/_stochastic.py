"""Stochastic solvers: epochs of mini-batches until convergence."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .. import Trainer
from ..callbacks import Patience
from ._heads import Head
from ._optimizer import decayed_rate, follows

Array = NDArray[Any]

#: An adaptive learning rate is not lowered further below this value.
MIN_ADAPTIVE_RATE = 1e-6


class Data(NamedTuple):
    """Samples X, their encoded targets Y [n, columns], and their weights."""

    X: Any
    Y: Array
    weight: Array | None = None


def hold_out(estimator: Any, data: Data) -> tuple[Data, Data]:
    """Samples to train on and samples held out for validation, split as scikit-learn does."""
    two_classes = data.Y.dtype == bool and data.Y.shape[1] == 1
    stratify = data.Y if two_classes else None  # scikit-learn stratifies only binary problems
    arrays = [part for part in data if part is not None]
    parts = train_test_split(
        *arrays,
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=stratify,
    )
    train, validation = Data(*parts[::2]), Data(*parts[1::2])
    if validation.Y.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return train, validation


class StochasticFit:
    """A fit of an estimator by epochs over `train`; early stopping scores the samples of `validation`.

    The loss of the samples in `watched`, if set, is added to ``validation_loss_curve_`` after each epoch.
    """

    def __init__(self, estimator: Any, head: Head, train: Data, validation: Data | None) -> None:
        self.estimator, self.head = estimator, head
        self.train, self.validation = train, validation
        self.constant = head.constant(train.Y, train.weight)
        self.count = train.Y.shape[0]
        self.size = self.batch_size()
        self.order = np.arange(self.count)
        self.trained_order = self.order
        self.watched: Data | None = None
        self.patience = self.resumed_patience()

    def arrays_of(self, data: Data) -> tuple[Any, ...]:
        """Samples, targets and weights in the form that `Trainer.fit` takes."""
        return data.X, self.head.targets(data.Y, self.estimator._model.dtype), data.weight

    def batch_size(self) -> int:
        """The estimator's batch size, at most the number of samples."""
        wanted = self.estimator.batch_size
        if wanted == "auto":
            return min(200, int(self.count))
        if wanted > self.count:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(min(wanted, self.count))

    def resumed_patience(self) -> Patience:
        """A count of epochs without improvement that continues that of an earlier fit."""
        estimator, scored = self.estimator, self.validation is not None
        epochs = None if estimator.n_iter_no_change == np.inf else estimator.n_iter_no_change
        patience = Patience(epochs, estimator.tol, "max" if scored else "min", like="sklearn")
        patience.best = estimator.best_validation_score_ if scored else estimator.best_loss_
        patience.waited = estimator._no_improvement_count
        return patience

    def run(self, epochs: int, incremental: bool) -> None:
        """Trains until convergence, for at most this number of epochs, or for one if `incremental`."""
        estimator = self.estimator
        estimator.n_iter_ = 0
        X, y, weight = self.arrays_of(self.train)
        try:
            history = estimator._trainer.fit(
                X,
                y,
                epochs=1 if incremental else epochs,
                batch_size=self.size,
                sample_weight=weight,
                validation_data=None if self.watched is None else self.arrays_of(self.watched),
                callbacks=[self.record, *map(self.adapted, estimator.callbacks or ()), self.has_converged],
                progress=False,
                order=self.sample_order,
            )
            if not (history.stopped or incremental):
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization"
                    " hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=2,
                )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.validation is not None:
            estimator._model.load_state_dict(estimator._best)

    def sample_order(self, epoch: int) -> Array:
        """The order of the samples in an epoch, drawn as by `sklearn.utils.shuffle`."""
        if self.estimator.shuffle:
            permutation = np.arange(self.count)
            self.estimator._random_state.shuffle(permutation)
            self.order = self.order[permutation]
        self.trained_order = self.order
        return self.order

    def batches_constant(self) -> float:
        """The constant of the loss, in which each batch counts by its samples, as in scikit-learn's curve."""
        data = self.train
        if data.weight is None or not self.head.poisson:
            return float(self.constant)
        total, counted = 0.0, 0
        for begin in range(0, self.count, self.size):
            rows = self.trained_order[begin : begin + self.size]
            if (weight := data.weight[rows]).any():
                total += self.head.constant(data.Y[rows], weight) * len(rows)
                counted += len(rows)
        return total / max(counted, 1)

    def adapted(self, callback: Any) -> Any:
        """A user's callback for `Trainer.fit`; a plain function gets the estimator instead of the trainer."""
        if hasattr(callback, "on_fit_begin") or hasattr(callback, "on_fit_end"):
            return callback
        return lambda trainer, logs: callback(self.estimator, logs)

    def record(self, trainer: Trainer, logs: dict[str, float]) -> None:
        """Converts the losses of an epoch to scikit-learn's scale and records them."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.count
        estimator.loss_ = logs["loss"] / self.head.divisor + self.batches_constant() + logs["penalty"]
        logs["loss"] = estimator.loss_
        estimator.loss_curve_.append(estimator.loss_)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        if self.watched is not None:
            constant = self.head.constant(self.watched.Y, self.watched.weight)
            logs["val_loss"] = logs["val_loss"] / self.head.divisor + constant
            estimator.validation_loss_curve_.append(logs["val_loss"])
        if self.validation is not None:
            logs["val_score"] = self.record_score(self.validation)
        else:
            self.patience.observe(estimator.loss_)
            estimator.best_loss_ = self.patience.best
        estimator._no_improvement_count = self.patience.waited
        if follows(estimator, "invscaling"):
            trainer.optimizer.lr = decayed_rate(estimator)

    def record_score(self, validation: Data) -> float:
        """Records the validation score, and keeps the parameters if it is the best."""
        estimator = self.estimator
        score = float(estimator._validation_score(self.head, validation))
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        if self.patience.observe(score):
            estimator.best_validation_score_ = score
            estimator._best = estimator._model.state_dict()
        return score

    def has_converged(self, trainer: Trainer, logs: dict[str, float]) -> bool:
        """True if training has converged; an adaptive learning rate is lowered first, while it can be."""
        estimator = self.estimator
        if not self.patience.over:
            return False
        metric = "Validation score" if self.validation is not None else "Training loss"
        message = (
            f"{metric} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change}"
            " consecutive epochs."
        )
        rate = trainer.optimizer.current_lr
        falls = follows(estimator, "adaptive") and rate > MIN_ADAPTIVE_RATE
        if falls:
            trainer.optimizer.lr = rate / 5
            self.patience.waited = estimator._no_improvement_count = 0
            message += f" Setting learning rate to {rate / 5:f}"
        elif follows(estimator, "adaptive"):
            message += " Learning rate too small. Stopping."
        else:
            message += " Stopping."
        if estimator.verbose:
            print(message)
        return not falls
