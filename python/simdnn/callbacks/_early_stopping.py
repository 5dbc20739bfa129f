"""`EarlyStopping`: the end of training by a metric that stops improving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from numpy.typing import NDArray

from .._utils.hints import points_out_keywords
from ._callback import Callback, Logs, Mode, direction, model_of, monitored
from ._patience import CHECKS, Patience, check_restore

if TYPE_CHECKING:
    from ..training import Trainer


class EarlyStopping(Callback):
    """Ends the training when a metric stops improving, and restores the best parameters.

    Parameters
    ----------
    monitor : str
        Name of a metric in the logs: "val_loss", "val_accuracy", "loss", "accuracy", or one that an earlier
        callback has added.
    patience : int or None
        Number of epochs in a row without improvement that ends the training; None is no limit, and 0 acts
        like 1.
    min_delta : float
        Change, >= 0, by more than which a value must be better than the best one to be an improvement.
    restore_best : bool, "first" or "last"
        Restore the parameters and buffers of the best epoch when the training ends, be it by patience, after
        the last epoch, by an exception or by Ctrl-C: of the first or the last one, if several have the best
        value, as error rates often do; True is "first". The optimizer keeps its state.
    mode : "auto", "min" or "max"
        Whether smaller or larger values of the metric are better; "auto" is "max" for names that end with
        "accuracy", "score", "auc", "f1" or "r2", and "min" for others.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value; in `fit`, if the metric is not in the logs.

    Attributes
    ----------
    best : float
        Best value of the metric.
    best_epoch : int or None
        Epoch of `best`, counted from 0 within the fit, so that it indexes the lists of `History`; None before
        the first finite value.
    stopped_epoch : int or None
        Epoch after which this callback ended the training, counted in the same way; None if it did not.

    Notes
    -----
    Each `fit` starts without a best value. If the metric or the training loss is NaN, training ends at once
    and the best parameters before that are restored.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), optimizer="sgd", seed=0)
    >>> stopping = callbacks.EarlyStopping(monitor="val_loss", patience=3, min_delta=1e-3)
    >>> history = trainer.fit(x, y, epochs=1000, validation_data=(x, y), callbacks=[stopping])
    >>> history.epochs < 1000 and stopping.best == history.val_loss[stopping.best_epoch]
    True

    Source: Prechelt 1998, "Early stopping, but when?"; names and rule as in Keras, where `restore_best` is
    ``restore_best_weights``.
    """

    _kept = frozenset({"monitor", "mode"})
    _checks: ClassVar = CHECKS | {"restore_best": check_restore}

    @points_out_keywords
    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int | None = 10,
        min_delta: float = 0.0,
        restore_best: bool | Literal["first", "last"] = True,
        *,
        mode: Mode = "auto",
    ) -> None:
        self.monitor, self.mode = monitor, direction(monitor, mode)
        self.patience, self.min_delta = patience, min_delta
        self.restore_best = restore_best
        self._begin()

    def _begin(self) -> None:
        """Resets the state to that before the first epoch."""
        ties: Literal["first", "last"] = "last" if self.restore_best == "last" else "first"
        self._patience = Patience(self.patience, self.min_delta, self.mode, ties=ties)
        self._epoch = 0
        self._best_state: tuple[NDArray[Any], ...] | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None

    @property
    def best(self) -> float:
        """Best value of the metric; before the first epoch inf for "min", -inf for "max"."""
        return self._patience.best

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Reset the state of an earlier fit."""
        self._begin()

    def __call__(self, trainer: Trainer, logs: Logs) -> bool:
        """Observe the metric of an epoch; True ends the training."""
        value = monitored(self.monitor, logs)
        self._patience.patience, self._patience.min_delta = self.patience, self.min_delta
        if self._patience.observe(value):
            self.best_epoch = self._epoch
            if self.restore_best:
                self._best_state = model_of(trainer)._snapshot()
        ends = self._patience.over or math.isnan(value) or math.isnan(logs.get("loss", 0.0))
        if ends:
            self.stopped_epoch = self._epoch
        self._epoch += 1
        return ends

    def on_fit_end(self, trainer: Trainer) -> None:
        """Restore the best parameters."""
        if self._best_state is not None:
            model_of(trainer)._restore(*self._best_state)
        self._best_state = None
