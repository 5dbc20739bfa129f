"""Stochastic solvers: epochs of native steps, until nothing improves."""

from __future__ import annotations

import copy
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .. import Trainer, optim
from .._utils.check import check_name
from ._heads import Head

Array = NDArray[Any]

LEAST_RATE = 1e-6  # below it an adaptive learning rate falls no further


class Data(NamedTuple):
    """Samples, their targets in columns, and their weights."""

    X: Any
    Y: Array
    weight: Array | None = None


def native_input(X: Any) -> Any:
    """What a trainer's batch takes: an array, or the parts of a CSR matrix."""
    if not issparse(X):
        return X
    X = X.tocsr()
    return X.data, X.indices, X.indptr, X.shape


def make_optimizer(estimator: Any) -> optim.Optimizer:
    """The solver's rule with scikit-learn's variants, or the one that was asked for."""
    chosen, rate = estimator.optimizer, estimator.learning_rate_init
    made: optim.Optimizer
    if isinstance(chosen, optim.Optimizer):
        made = copy.deepcopy(chosen)
    elif chosen is not None:
        kind: Any = optim.BY_NAME[check_name("optimizer", chosen, optim.BY_NAME)]
        made = kind(lr=rate)
    elif estimator.solver == "sgd":
        momentum = estimator.momentum
        nesterov = bool(estimator.nesterovs_momentum and momentum > 0)
        made = optim.SGD(lr=rate, momentum=momentum, nesterov=nesterov, lr_in_velocity=True)
    else:
        betas = (estimator.beta_1, estimator.beta_2)
        made = optim.Adam(lr=rate, betas=betas, eps=estimator.epsilon, eps_mode="hat")
    made._adopt({"l1": estimator.l1, "l2": estimator.alpha, "clip_norm": estimator.clip_norm})
    made.penalize_bias = False
    return made


def make_trainer(model: Any, head: Head, optimizer: optim.Optimizer, seed: int) -> Trainer:
    """One whose penalties are of a batch's summed losses, as scikit-learn's alpha is."""
    loss: Any = head.loss
    trainer = Trainer(model, loss=loss, optimizer=optimizer, seed=seed)
    trainer._trainer.sums_penalty = True
    return trainer


def hold_out(estimator: Any, data: Data) -> tuple[Data, Data]:
    """A part to train on and one to validate, drawn as scikit-learn draws them."""
    two_classes = data.Y.dtype == bool and data.Y.shape[1] == 1
    stratify = data.Y if two_classes else None  # it takes no account of more classes
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
    """A fit of an estimator by epochs over `train`; `validation` is what early stopping looks at."""

    def __init__(self, estimator: Any, head: Head, train: Data, validation: Data | None) -> None:
        self.estimator, self.head = estimator, head
        self.train, self.validation = train, validation
        self.native = estimator._trainer._trainer
        self.batch = self.batch_of(train)
        self.constant = head.constant(train.Y, train.weight)
        self.count = train.Y.shape[0]
        self.size = self.batch_size()
        self.order = np.arange(self.count)
        self.curve: tuple[Any, float] | None = None

    def batch_of(self, data: Data) -> Any:
        """Samples as the native trainer reads them."""
        targets = self.head.targets(data.Y, self.estimator._model.dtype)
        return self.native.dataset(native_input(data.X), targets, data.weight, 1.0)

    def batch_size(self) -> int:
        """Of ``batch_size="auto"``, and never more than there are samples."""
        wanted = self.estimator.batch_size
        if wanted == "auto":
            return min(200, int(self.count))
        if wanted > self.count:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
        return int(min(wanted, self.count))

    def watch(self, data: Data) -> None:
        """Adds the loss of these samples after each epoch to ``validation_loss_curve_``."""
        self.curve = self.batch_of(data), self.head.constant(data.Y, data.weight)

    def run(self, epochs: int, incremental: bool) -> None:
        """Epochs, until the last one or the patience is over."""
        estimator = self.estimator
        estimator.n_iter_ = 0
        try:
            for _ in range(epochs):
                logs = self.epoch()
                stop = [call(estimator, logs) for call in estimator.callbacks or ()]
                if self.patience_is_over() or any(stop) or incremental:
                    break
                if estimator.n_iter_ == epochs:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization"
                        " hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=2,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.validation is not None:
            estimator._restore_best()

    def epoch(self) -> dict[str, float]:
        """One pass in a fresh order, and what is noted of it."""
        estimator, optimizer = self.estimator, self.estimator._optimizer
        if estimator.shuffle:  # as sklearn.utils.shuffle draws it
            places = np.arange(self.count)
            estimator._random_state.shuffle(places)
            self.order = self.order[places]
        optimizer._provide_rates(-(-self.count // self.size))
        loss, _, _, _, penalty = self.native.epoch_in_order(self.batch, self.size, self.order)
        estimator.n_iter_ += 1
        estimator.t_ += self.count
        estimator.loss_ = loss / self.head.divisor + self.constant + penalty
        estimator.loss_curve_.append(estimator.loss_)
        logs = {"loss": estimator.loss_}
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        if self.curve is not None:
            batch, constant = self.curve
            logs["val_loss"] = self.native.evaluate(batch)[0] / self.head.divisor + constant
            estimator.validation_loss_curve_.append(logs["val_loss"])
        if self.validation is not None:
            logs["val_score"] = self.record_score(self.validation)
        else:
            self.record_loss()
        optimizer._observe(logs.get("val_loss", estimator.loss_))
        if self.follows("invscaling"):
            optimizer.lr = estimator.learning_rate_init / (estimator.t_ + 1) ** estimator.power_t
        return logs

    def follows(self, schedule: str) -> bool:
        """Whether this is scikit-learn's SGD with that schedule."""
        estimator = self.estimator
        return (
            estimator.optimizer is None
            and estimator.solver == "sgd"
            and bool(estimator.learning_rate == schedule)
        )

    def record_score(self, validation: Data) -> float:
        """Early stopping: remembers the best parameters."""
        estimator = self.estimator
        score = estimator._validation_score(self.head, validation)
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        self.count_stalled_epochs(score < estimator.best_validation_score_ + estimator.tol)
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._keep_best()
        return float(score)

    def record_loss(self) -> None:
        """Without early stopping the training loss decides."""
        estimator = self.estimator
        self.count_stalled_epochs(estimator.loss_ > estimator.best_loss_ - estimator.tol)
        estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)

    def count_stalled_epochs(self, stalled: bool) -> None:
        """Counts epochs without improvement."""
        estimator = self.estimator
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalled else 0

    def patience_is_over(self) -> bool:
        """Whether to stop; an adaptive learning rate falls instead, as long as it can."""
        estimator = self.estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Validation score" if self.validation is not None else "Training loss"
        message = (
            f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change}"
            " consecutive epochs."
        )
        rate = estimator._optimizer.current_lr
        falls = self.follows("adaptive") and rate > LEAST_RATE
        if falls:
            estimator._optimizer.lr = rate / 5
            estimator._no_improvement_count = 0
            message += f" Setting learning rate to {rate / 5:f}"
        elif self.follows("adaptive"):
            message += " Learning rate too small. Stopping."
        else:
            message += " Stopping."
        if estimator.verbose:
            print(message)
        return not falls
