"""The base class of callbacks, and the metrics that they watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .._utils.attributes import Attributes
from .._utils.check import check_name

if TYPE_CHECKING:
    from ..training import Trainer

Logs = dict[str, float]
Mode = Literal["auto", "min", "max"]

#: Endings of the names of metrics for which larger is better.
MAXIMIZED = ("accuracy", "score", "auc", "f1", "r2")


def direction(monitor: str, mode: str) -> Literal["min", "max"]:
    """The direction in which a metric is better, taken from its name where `mode` is "auto"."""
    if not isinstance(monitor, str):
        raise TypeError(f"monitor: expected a name, got {type(monitor).__name__}")
    if check_name("mode", mode, ("auto", "min", "max")) == "auto":
        return "max" if monitor.endswith(MAXIMIZED) else "min"
    return "max" if mode == "max" else "min"


def monitored(monitor: str, logs: Mapping[str, float]) -> float:
    """The metric with this name in the logs of an epoch; raises ValueError if it is missing."""
    if monitor in logs:
        return float(logs[monitor])
    unvalidated = monitor.startswith("val_") and not any(name.startswith("val_") for name in logs)
    hint = "; give fit validation_data" if unvalidated else ""
    raise ValueError(f"monitor: {monitor!r} is not in the logs; there are {', '.join(logs)}{hint}")


def model_of(trainer: Trainer) -> Any:
    """The model that is trained; an RBM trains itself."""
    return getattr(trainer, "model", trainer)


class Callback(Attributes):
    """Base class of callbacks that act before or after a fit as well as after each epoch.

    A subclass overrides the methods that it needs. `Trainer.fit` calls these methods of any object that has
    them.

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

    def on_fit_data(self, trainer: Trainer, X: Any, y: Any, scale: float) -> None:
        """Run before `on_fit_begin`, with the data and the factor of X that were given to `Trainer.fit`.

        It is not run if the data come in blocks.
        """

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Run before the first epoch of a `Trainer.fit`."""

    def __call__(self, trainer: Trainer, logs: Logs) -> Any:
        """Run after each epoch; a true return value ends the training.

        Parameters
        ----------
        trainer : Trainer
            The trainer after the epoch.
        logs : dict
            Metrics of the epoch by name: "loss" and, where they apply, "accuracy", "penalty", "val_loss" and
            "val_accuracy".
        """

    def on_fit_end(self, trainer: Trainer) -> None:
        """Run once at the end of a `Trainer.fit`: after its last epoch, a stop, an error or Ctrl-C."""
