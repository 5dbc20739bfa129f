"""The epochs that networks of folds keep."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..training import History

#: Standard errors by which the accuracy of an epoch may be below the best one, if it comes after that.
TOLERANCE = 0.25


class BestEpochs:
    """The parameters of each network after its best epoch.

    It is the last one with the lowest loss. If accuracy decides, which is coarse and good by chance on few
    rows, all networks keep one epoch: the last one in which their mean accuracy is as good as the best but
    for chance, as the rate falls from epoch to epoch.
    """

    def __init__(self, models: list[nn.Sequential], monitor: str, rows: int) -> None:
        self.models, self.monitor, self.rows = models, monitor, rows
        self.histories = [History() for _ in models]
        #: The number of the epoch that each network keeps, from 1 on.
        self.epochs = [0] * len(models)
        self._best = np.full(len(models), -np.inf)
        self._kept: list[NDArray[Any] | None] = [None for _ in models]

    def see(self, epoch: list[History]) -> float:
        """Adds an epoch of each network, keeps parameters where it is best, and returns the mean metric."""
        for history, new in zip(self.histories, epoch, strict=True):
            extend(history, new)
        metrics = np.array([getattr(new, self.monitor)[-1] for new in epoch])
        mean = float(metrics.mean())
        values = np.full(len(epoch), mean) if self.monitor == "val_accuracy" else -metrics
        self._best = np.fmax(self._best, values)
        for i in np.flatnonzero(values >= self._best - self._slack()):
            self._kept[i] = self.models[i].flat_parameters.copy()
            self.epochs[i] = self.histories[i].epochs
        return mean

    def _slack(self) -> Any:
        """The difference by which a metric may be below the best one."""
        if self.monitor != "val_accuracy":
            return 0.0
        return TOLERANCE * np.sqrt(self._best * (1 - self._best) / self.rows)

    def restore(self) -> None:
        """Gives the networks the parameters of their epochs; raises unless they are finite."""
        for model, best in zip(self.models, self._kept, strict=True):
            if best is None or not np.isfinite(best).all():
                raise ValueError(
                    "a network's parameters did not stay finite: columns may hold extreme numbers"
                )
            model.flat_parameters[...] = best


def extend(history: History, new: History) -> None:
    """Adds the epochs of a fit that went on to a history."""
    for field in fields(History):
        values = getattr(new, field.name)
        if isinstance(values, list):
            getattr(history, field.name).extend(values)
    history.steps += new.steps
