"""`CSVLogger` and `LearningRateLogger`: records of each epoch."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any, ClassVar

from .._utils.check import check_flag
from .._utils.files import Path, check_writable, path_name
from ._callback import Callback, Logs

if TYPE_CHECKING:
    from ..training import Trainer


def end_last_line(path: Path) -> None:
    """Adds a newline to a file whose last line has none."""
    with open(path, "ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read() not in (b"\n", b"\r"):
                file.write(b"\n")


class CSVLogger(Callback):
    """Writes the metrics of each epoch as a line of a CSV file.

    Parameters
    ----------
    path : str or path
        File to write.
    append : bool
        Append to an existing file; False overwrites it at each `fit`.

    Raises
    ------
    ValueError
        In `fit`, if the metrics of an epoch are not those of the header.
    OSError
        In `fit`, if the file cannot be written, or is no regular file.

    Notes
    -----
    The columns are "epoch", the trainer's `epochs_done`, and the metrics of the logs, including those that
    callbacks before this one have added. Each line is in the file before the next epoch begins.

    Examples
    --------
    >>> import os, tempfile, numpy as np, simdnn
    >>> from simdnn import callbacks, nn
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "epochs.csv")
    ...     history = trainer.fit(x, y, epochs=2, callbacks=[callbacks.CSVLogger(path)])
    ...     with open(path) as file:
    ...         file.readline()
    'epoch,loss,accuracy\\n'

    Source: names as in Keras, `CSVLogger`.
    """

    _checks: ClassVar = {"append": check_flag}

    def __init__(self, path: Path, append: bool = False) -> None:
        self.path, self.append = path_name(path), append
        self._columns: list[str] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Create the file, or read the header of the one to append to and end its last line."""
        check_writable(self.path)
        with open(self.path, "a+" if self.append else "w+", newline="", encoding="utf-8") as file:
            file.seek(0)
            self._columns = next(csv.reader(file), [])
        if self.append:
            end_last_line(self.path)

    def __call__(self, trainer: Trainer, logs: Logs) -> None:
        """Write the line of an epoch, below a header if it is the first."""
        names = ["epoch", *logs]
        rows: list[list[Any]] = [[trainer.epochs_done, *logs.values()]]
        if not self._columns:
            self._columns = names
            rows.insert(0, names)
        if names != self._columns:
            wanted, found = ", ".join(self._columns), ", ".join(names)
            raise ValueError(f"{self.path}: the header is {wanted}, but the metrics are {found}")
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


class LearningRateLogger(Callback):
    """Records the learning rate of each epoch's last step, and adds it to the logs as "lr".

    A `CSVLogger` after it in the list of callbacks writes the rate to its file.

    Attributes
    ----------
    rates : list of float
        Learning rate of each epoch of the last fit.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import callbacks, nn, optim, schedules
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> optimizer = optim.SGD(lr=schedules.exponential(1.0, gamma=0.5))
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), optimizer=optimizer, seed=0)
    >>> logger = callbacks.LearningRateLogger()
    >>> history = trainer.fit(x, y, epochs=3, callbacks=[logger])
    >>> logger.rates
    [1.0, 0.5, 0.25]
    """

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Clear the rates of an earlier fit."""
        self.rates = []

    def __call__(self, trainer: Trainer, logs: Logs) -> None:
        """Record the learning rate of an epoch."""
        rate = trainer.optimizer.lr
        if callable(rate):
            rate = rate(max(0, trainer.optimizer.steps - 1))
        logs["lr"] = float(rate)
        self.rates.append(float(rate))
