"""`Monitor`: a callback that examines a network while it trains, and warns in words."""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array, is_sparse
from .._utils.check import check_int, check_nonnegative
from .._utils.sparse import checked_csr
from ..callbacks import Callback
from ._report import Report, examine
from ._rules import RULES, Findings

if TYPE_CHECKING:
    from ..training import Trainer

#: Number of the latest epochs whose losses are compared, as often.
EPOCHS = 10
#: Rows of the data that a search reads at once.
CHUNK = 4096


class TrainingWarning(UserWarning):
    """Warning of a `Monitor` about a problem of a training.

    Examples
    --------
    >>> import warnings
    >>> from simdnn import diagnostics
    >>> warnings.simplefilter("always", diagnostics.TrainingWarning)
    """


def _check_every(name: str, value: Any) -> int:
    return check_int(name, value)


class Monitor(Callback):
    """Callback of `Trainer.fit` that examines the network by `report`, and warns once of each problem.

    It examines before the first epoch and then every few epochs, with some of the samples of the fit, as long
    as it stays within its share of the time. It judges the losses after each ten epochs and at the end. The
    training has the same bits as without it.

    Parameters
    ----------
    every : int
        Number of epochs between examinations, >= 1.
    samples : int
        Largest number of samples of an examination, >= 1, evenly spaced in X.
    budget : float
        Largest fraction of the time since the beginning of the fit that examinations take, the one before the
        first epoch and that of a loss that is not finite left out of account; math.inf is no limit.

    Attributes
    ----------
    report : Report or None
        The latest examination; None before the first.
    problems : dict
        Description of each problem of this fit when it was first seen, by the names of `Report`.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.

    Notes
    -----
    A problem is a `TrainingWarning`: ``warnings.simplefilter("error", TrainingWarning)`` ends the training at
    the first one. Without samples, as in a fit on blocks of data or on several machines, it judges the losses
    alone.

    Examples
    --------
    >>> import warnings, numpy as np, simdnn
    >>> from simdnn import diagnostics, nn, optim
    >>> x, y = np.eye(8, dtype=np.float32), np.arange(8)
    >>> hidden = [nn.Dense(8, 8, activation="sigmoid") for _ in range(10)]
    >>> trainer = simdnn.Trainer(nn.Sequential(*hidden, nn.Dense(8, 8), rng=0), seed=0)
    >>> monitor = diagnostics.Monitor(every=5)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     history = trainer.fit(x, y, epochs=2, callbacks=[monitor])
    >>> print(str(caught[0].message).split(":")[0])
    vanishing gradients before the first epoch
    """

    _checks: ClassVar = {"every": _check_every, "samples": _check_every, "budget": check_nonnegative}

    def __init__(self, every: int = 1, *, samples: int = 128, budget: float = 0.01) -> None:
        self.every, self.samples, self.budget = every, samples, budget
        self._data: tuple[Any, Any, float] | None = None
        self._begin()

    def _begin(self) -> None:
        """Resets the state to that before the first epoch."""
        self.report: Report | None = None
        self.problems: dict[str, str] = {}
        self._losses: list[float] = []
        self._start, self._spent, self._latest = time.perf_counter(), 0.0, 0.0

    def on_fit_data(self, trainer: Trainer, X: Any, y: Any, scale: float) -> None:
        """Keep the data of a fit until its end."""
        self._data = (X, y, scale)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Reset the state of an earlier fit, and examine the network."""
        self._begin()
        self._examine(trainer, "before the first epoch")
        self._start, self._spent = time.perf_counter(), 0.0

    def __call__(self, trainer: Trainer, logs: dict[str, float]) -> None:
        """Judge the losses of the latest epochs and examine the network, as often as the budget allows."""
        losses = self._losses
        losses.append(logs["loss"])
        broken = not math.isfinite(losses[-1]) and (len(losses) == 1 or math.isfinite(losses[-2]))
        if not broken and len(losses) % self.every and len(losses) % EPOCHS:
            return
        start = time.perf_counter()
        affordable = self._spent + self._latest <= self.budget * (start - self._start)
        if broken or (len(losses) % self.every == 0 and affordable):
            self._examine(trainer, f"after epoch {len(losses)}", everything=broken)
            self._spent += time.perf_counter() - start
        if broken or len(losses) % EPOCHS == 0:
            self._judge()

    def on_fit_end(self, trainer: Trainer) -> None:
        """Judge the last losses, and let go of the data."""
        self._data = None
        self._judge()

    def _judge(self) -> None:
        """Warns if the losses of the latest epochs rise or oscillate."""
        rule = RULES["rate_high"]
        seen = rule.find(Findings(losses=tuple(self._losses[-EPOCHS:]), of="epochs"))
        if seen is not None and not self.problems.keys() & rule.unless:
            self._warn({rule.name: seen}, f"after epoch {len(self._losses)}")

    def _examine(self, trainer: Trainer, when: str, everything: bool = False) -> None:
        """Reports on some samples, after a search in all of them for numbers that are not finite."""
        if self._data is None:
            return
        start = time.perf_counter()
        X, y, scale = self._data
        count = X.shape[0] if hasattr(X, "shape") else len(X)
        rows = _spread(np.arange(count), self.samples)
        if everything:
            rows = np.union1d(rows, _first_not_finite(X, y, count)).astype(np.intp)
        if count:
            self.report = self._reported(trainer, X, y, scale, rows)
            if "ignored" in self.report.problems and len(others := _counted(y, rows[0])):
                self.report = self._reported(trainer, X, y, scale, _spread(others, self.samples))
            if not everything and self.report.problems.keys() & {"inputs", "targets"}:
                self._examine(trainer, when, everything=True)
            else:
                self._warn(self.report.problems, when)
        self._latest = time.perf_counter() - start

    def _reported(self, trainer: Trainer, X: Any, y: Any, scale: float, rows: NDArray[np.intp]) -> Report:
        """The report on some rows of the data."""
        x = _rows("X", X, rows)
        if scale != 1:
            x = x.astype(trainer.model.dtype) * np.asarray(scale, trainer.model.dtype)
        targets = tuple(_rows("y", part, rows) for part in y) if isinstance(y, tuple) else _rows("y", y, rows)
        return examine(trainer.model, trainer, x, targets, trainer.loss, 1, rows)

    def _warn(self, problems: dict[str, str], when: str) -> None:
        """Warns of the problems that are new in this fit."""
        for name, seen in problems.items():
            if name not in self.problems:
                self.problems[name] = seen
                words = f"{RULES[name].words} {when}: {seen}. {RULES[name].remedy}"
                warnings.warn(words, TrainingWarning, stacklevel=2)


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """The rows, or `most` of them that are evenly spaced."""
    chosen: NDArray[np.intp] = rows[
        np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp))
    ]
    return chosen


def _counted(y: Any, ignored: int) -> NDArray[np.intp]:
    """The rows of labels that differ from those of a row whose labels are all ignored."""
    labels = as_cpu_array("y", y)
    labels = labels.reshape(len(labels), -1)
    return np.flatnonzero((labels != labels[ignored, 0]).any(axis=1))


def _first_not_finite(X: Any, y: Any, count: int) -> NDArray[np.intp]:
    """The first rows of X and of y with numbers that are not finite, if there are any."""
    found = []
    for values in (X, *(y if isinstance(y, tuple) else (y,))):
        for begin in range(0, count, CHUNK):
            part = _rows("X", values, np.arange(begin, min(begin + CHUNK, count)))
            if part.dtype.kind == "f" and not np.isfinite(part).all():
                wrong = ~np.isfinite(part.reshape(len(part), -1)).all(axis=1)
                found.append(begin + int(wrong.argmax()))
                break
    return np.array(found, np.intp)


def _rows(name: str, values: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    """Some rows of an array or of a sparse matrix of SciPy, as an array."""
    if is_sparse(values):
        return np.asarray(checked_csr(name, values)[rows].toarray())
    return as_cpu_array(name, values)[rows]
