"""Early stopping."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ._callback import Callback, Logs, Mode, direction, monitored
from ._patience import Patience

if TYPE_CHECKING:
    from ..training import Trainer


class EarlyStopping(Callback):
    """Ends the training when a metric stops improving, and puts the best parameters back.

    Parameters
    ----------
    monitor : str
        Name of a number in the logs: "val_loss", "val_accuracy", "loss", "accuracy", or one that a callback
        before this one has added.
    patience : int or None
        Epochs in a row without improvement that end the training; None never does, and 0 is 1.
    min_delta : float
        Change above which a value is an improvement, >= 0.
    restore_best : bool
        Put back the parameters and buffers of the best epoch when the training ends, in whatever way: by
        patience, after the last epoch, by an error or by Ctrl-C. The optimizer keeps its state.
    mode : "auto", "min" or "max"
        Direction in which the metric is better; "auto" is "max" for names that end with "accuracy", "score",
        "auc", "f1" or "r2", and else "min".

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind or out of its range; in `fit`, if the metric is not in the logs.

    Attributes
    ----------
    best : float
        Best value of the metric.
    best_epoch : int or None
        Epoch of `best`, counted from 0 within the fit, so that it is a place in the lists of `History`; None
        before the first value that is a number.
    stopped_epoch : int or None
        Epoch after which this callback ended the training, counted alike; None if it did not.

    Notes
    -----
    Each `fit` begins without a best value. A metric or a training loss that is NaN ends the training at once;
    the best parameters before it are put back.

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

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int | None = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
        *,
        mode: Mode = "auto",
    ) -> None:
        self.monitor, self.mode = monitor, direction(monitor, mode)
        self.patience, self.min_delta, self.restore_best = patience, min_delta, bool(restore_best)
        self._begin()

    def _begin(self) -> None:
        """The state before the first epoch."""
        self._patience = Patience(self.patience, self.min_delta, self.mode)
        self._epoch = 0
        self._best_state: dict[str, Any] | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None

    @property
    def best(self) -> float:
        """The best value of the metric; infinite, in the worse direction, before the first."""
        return self._patience.best

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Forget the training before."""
        self._begin()

    def __call__(self, trainer: Trainer, logs: Logs) -> bool:
        """Take in an epoch; True ends the training."""
        value = monitored(self.monitor, logs)
        if self._patience.observe(value):
            self.best_epoch = self._epoch
            if self.restore_best:
                self._best_state = trainer.model.state_dict()
        ends = self._patience.over or math.isnan(value) or math.isnan(logs.get("loss", 0.0))
        if ends:
            self.stopped_epoch = self._epoch
        self._epoch += 1
        return ends

    def on_fit_end(self, trainer: Trainer) -> None:
        """Put the best parameters back."""
        if self._best_state is not None:
            trainer.model.load_state_dict(self._best_state)
        self._best_state = None
