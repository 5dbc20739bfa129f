"""The base class of callbacks, and the metrics that they watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .._utils.check import check_name

if TYPE_CHECKING:
    from ..training import Trainer

Logs = dict[str, float]
Mode = Literal["auto", "min", "max"]

#: Endings of the names of metrics that are better the larger they are.
RISING = ("accuracy", "score", "auc", "f1", "r2")


def direction(monitor: str, mode: str) -> Literal["min", "max"]:
    """The direction in which a metric is better, taken from its name where `mode` is "auto"."""
    if check_name("mode", mode, ("auto", "min", "max")) == "auto":
        return "max" if monitor.endswith(RISING) else "min"
    return "max" if mode == "max" else "min"


def monitored(monitor: str, logs: Mapping[str, float]) -> float:
    """The metric of that name in the logs of an epoch."""
    if monitor in logs:
        return float(logs[monitor])
    hint = "; give fit validation_data" if monitor.startswith("val_") else ""
    raise ValueError(f"monitor: {monitor!r} is not in the logs; there are {', '.join(logs)}{hint}")


class Callback:
    """Base class of callbacks that want to know where a training begins and ends.

    A subclass overrides what it needs. `Trainer.fit` calls the same methods of any object that has them.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> class Count(callbacks.Callback):
    ...     def on_fit_begin(self, trainer):
    ...         self.epochs = 0
    ...
    ...     def __call__(self, trainer, logs):
    ...         self.epochs += 1
    ...         return self.epochs == 3
    >>> x, y, count = np.eye(4, dtype=np.float32), np.arange(4), Count()
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
    >>> trainer.fit(x, y, epochs=10, callbacks=[count]).epochs
    3
    """

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Called once before the first epoch of a `Trainer.fit`."""

    def __call__(self, trainer: Trainer, logs: Logs) -> Any:
        """Called after each epoch; a true answer ends the training.

        Parameters
        ----------
        trainer : Trainer
        logs : dict
            The numbers of the epoch: "loss", and "accuracy", "penalty", "val_loss", "val_accuracy" as there
            are.
        """

    def on_fit_end(self, trainer: Trainer) -> None:
        """Called once when a `Trainer.fit` ends: after its last epoch, early, by an error or by Ctrl-C."""
