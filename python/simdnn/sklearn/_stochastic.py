"""Stochastic solvers: epochs of mini-batches until convergence."""

from __future__ import annotations

import warnings
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from .. import Trainer
from ..callbacks import Patience
from ..schedules import Schedule
from ..training import Epochs
from ._heads import Head
from ._optimizer import decayed_rate, follows
from ._run import Fit

Array = NDArray[Any]
Metric = Literal["loss", "val_loss", "val_score"]

#: Names of the metrics that end a fit.
METRICS = {"loss": "Training loss", "val_loss": "Out-of-bag loss", "val_score": "Validation score"}

#: The epochs that native code can count; `max_iter` and `n_iter_no_change` may be larger.
MOST_EPOCHS = 2**62
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
    check_weights(train, "train the network")
    check_weights(validation, "are held out for early stopping")
    if validation.Y.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return train, validation


def check_weights(data: Data, use: str) -> None:
    """Raises if the rows of a part have no weight above 0."""
    if data.weight is not None and not data.weight.any():
        rows = data.Y.shape[0]
        raise ValueError(
            f"sample_weight: expected a weight above 0 among the {rows} rows that {use}, got zeros"
        )


class StochasticFit(Fit):
    """A fit of an estimator by epochs over `samples`, for one epoch if it is `incremental`.

    The loss of the samples in `watched`, if any, is added to ``validation_loss_curve_`` after each epoch. The
    `metric` that ends the fit is the training "loss", the "val_loss" of the watched samples or the
    "val_score" of those in `validation`; with the last two, the best epoch's parameters are kept.
    """

    def __init__(
        self,
        estimator: Any,
        head: Head,
        samples: Data,
        validation: Data | None,
        watched: Data | None,
        metric: Metric,
        incremental: bool,
    ) -> None:
        self.estimator, self.head, self.metric = estimator, head, metric
        self.samples, self.validation, self.watched = samples, validation, watched
        self.incremental = incremental
        self.constant = head.constant(samples.Y, samples.weight)
        self.count = samples.Y.shape[0]
        self.size = self.batch_size()
        self.order = np.arange(self.count)
        self.trained_order = self.order
        self.patience = self.resumed_patience()
        self.improved = False
        self.trained = 0

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
        estimator, scored = self.estimator, self.metric == "val_score"
        limit = estimator.n_iter_no_change
        epochs = None if limit > MOST_EPOCHS else limit
        patience = Patience(epochs, estimator.tol, "max" if scored else "min", like="sklearn")
        patience.best = estimator.best_validation_score_ if scored else estimator.best_loss_
        patience.waited = estimator._no_improvement_count
        return patience

    def run(self) -> None:
        try:
            self.train()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)

    def train(self) -> None:
        if (epochs := self.epochs()) is None:
            self.train_by_epochs()
            return
        try:
            epochs.run()
        finally:
            self.learn_from(epochs)

    def epochs(self) -> Epochs | None:
        estimator = self.estimator
        if self.incremental or not self.is_native():
            return None
        constant, watched = self.constant, self.watched
        if watched is not None and self.metric == "val_loss":
            constant = self.head.constant(watched.Y, watched.weight)
        return Epochs(
            estimator._trainer,
            self.arrays_of(self.samples),
            None if watched is None else self.arrays_of(watched),
            epochs=min(estimator.max_iter, MOST_EPOCHS),
            batch_size=self.size,
            random=estimator._random_state if estimator.shuffle else None,
            patience=self.patience,
            metric="val_loss" if self.metric == "val_loss" else "loss",
            divisor=self.head.divisor,
            constant=constant,
        )

    def is_native(self) -> bool:
        """True if no epoch needs Python, as do callbacks, scores, rates, or a generator of the process."""
        estimator = self.estimator
        rate = estimator._optimizer.lr
        random = estimator._random_state
        return not (
            estimator.callbacks
            or estimator.verbose
            or self.metric == "val_score"
            or follows(estimator, "invscaling")
            or follows(estimator, "adaptive")
            or (callable(rate) and not isinstance(rate, Schedule))
            or (self.head.poisson and self.samples.weight is not None)
            or random is check_random_state(None)
            or random.get_state(legacy=False)["bit_generator"] != "MT19937"
        )

    def learn_from(self, epochs: Epochs) -> None:
        for logs in epochs.logs:
            self.record(self.estimator._trainer, logs)
        self.warn_unless(epochs.stopped)

    def train_by_epochs(self) -> None:
        """Trains with Python between the epochs."""
        estimator = self.estimator
        X, y, weight = self.arrays_of(self.samples)
        try:
            history = estimator._trainer.fit(
                X,
                y,
                epochs=1 if self.incremental else min(estimator.max_iter, MOST_EPOCHS),
                batch_size=self.size,
                sample_weight=weight,
                validation_data=None if self.watched is None else self.arrays_of(self.watched),
                callbacks=[
                    self.record,
                    self.keep_best,
                    *map(self.adapted, estimator.callbacks or ()),
                    self.has_converged,
                ],
                progress=False,
                order=self.sample_order,
            )
        finally:
            if self.metric != "loss" and estimator._best is not None:
                estimator._model.load_state_dict(estimator._best)
        self.warn_unless(history.stopped or self.incremental)

    def warn_unless(self, converged: bool) -> None:
        """Warns that the epochs were not enough."""
        epochs = self.estimator.max_iter
        if converged or self.trained < epochs:
            return
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization"
            " hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )

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
        data = self.samples
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
        self.trained += 1
        estimator.n_iter_ = self.trained
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
        elif self.metric == "val_loss":
            estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)
            self.improved = self.patience.observe(logs["val_loss"])
        else:
            self.patience.observe(estimator.loss_)
            estimator.best_loss_ = self.patience.best
        estimator._no_improvement_count = self.patience.waited
        if follows(estimator, "invscaling"):
            trainer.optimizer.lr = decayed_rate(estimator)

    def record_score(self, validation: Data) -> float:
        """Records the validation score."""
        estimator = self.estimator
        score = float(estimator._validation_score(self.head, validation))
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        self.improved = self.patience.observe(score)
        if self.improved:
            estimator.best_validation_score_ = score
        return score

    def keep_best(self, trainer: Trainer, logs: dict[str, float]) -> None:
        """Keeps the parameters if those of this epoch are the best."""
        if self.improved:
            self.estimator._best = self.estimator._model.state_dict()

    def has_converged(self, trainer: Trainer, logs: dict[str, float]) -> bool:
        """True if training has converged; an adaptive learning rate is lowered first, while it can be."""
        estimator = self.estimator
        if not self.patience.over:
            return False
        message = (
            f"{METRICS[self.metric]} did not improve more than tol={estimator.tol:f} for"
            f" {estimator.n_iter_no_change} consecutive epochs."
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
