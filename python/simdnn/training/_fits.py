"""Native fits of trainers: their datasets, settings and results."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import _core
from .._utils.check import check_flag, check_int, check_real, check_size
from .._utils.progress import Progress, bar
from ..callbacks._patience import check_restore
from ..schedules import Schedule
from ._best import check_metric, check_observed
from ._history import History
from ._population import (
    Place,
    arrays_for_each,
    for_each,
    in_place,
    raise_first,
    rows_of_each,
    validation_of_each,
)
from ._rates import warn_if_frozen
from ._samples import targets
from ._trainer import Trainer


def prepared(
    members: list[Trainer],
    X: Any,
    y: Any,
    *,
    epochs: Any,
    batch_size: Any,
    indices: Any,
    validation: Any,
    patience: Any,
    restore_best: Any,
    monitor: Any,
    sample_weight: Any,
    shuffle: Any,
    scale: float,
) -> list[_core.Fit]:
    """The native fits for the arguments of `fit_many`, all of them checked; nothing is trained."""
    count = len(members)
    limits = for_each("epochs", epochs, count, check_size)
    sizes = for_each("batch_size", batch_size, count, _checked_size)
    shuffles = for_each("shuffle", shuffle, count, check_flag)
    limits_of_patience = for_each("patience", patience, count, _checked_patience)
    restores = for_each("restore_best", restore_best, count, check_restore)
    metrics = for_each("monitor", monitor, count, check_metric)
    rules = list(map(_stopping, limits_of_patience, restores, metrics))
    datasets = Datasets(check_real("scale", scale))
    sources = [
        arrays_for_each(name, value, count)
        for name, value in (("X", X), ("y", y), ("sample_weight", sample_weight))
    ]
    rows = rows_of_each("indices", indices, count)
    checks = validation_of_each(validation, count)
    fits = []
    for i, trainer in enumerate(members):
        if rules[i] is not None:
            where = "validation" if validation is None else f"validation[{i}]"
            use = "restore_best" if limits_of_patience[i] is None else "patience"
            check_observed(trainer, metrics[i], where, checks[i] is not None, use)
        settings = limits[i], sizes[i], shuffles[i], rules[i]
        with Place("trainers", i):
            dataset = datasets.of(trainer, *(source[i] for source in sources))
            held_out, held_out_rows = _validation_data(trainer, datasets, dataset, checks[i])
            fits.append(new_fit(trainer, dataset, rows[i], held_out, held_out_rows, *settings))
        samples = dataset.samples if rows[i] is None else len(rows[i])
        warn_if_frozen(trainer, limits[i], -(-samples // (sizes[i] or samples)), stacklevel=4)
    return fits


def _checked_size(name: str, value: Any) -> int | None:
    return None if value is None else check_size(name, value)


def _checked_patience(name: str, value: Any) -> int | None:
    return None if value is None else check_int(name, value, 0)


def _stopping(
    patience: int | None, restore_best: bool | Literal["first", "last"], metric: str
) -> _core.Stopping | None:
    """The rule of `EarlyStopping`, or None if there is nothing to stop or to restore."""
    if patience is None and not restore_best:
        return None
    limit = -1 if patience is None else patience
    return _core.Stopping(metric, limit, 0.0, False, bool(restore_best), restore_best == "last")


def _validation_data(trainer: Trainer, datasets: Datasets, dataset: Any, chosen: Any) -> tuple[Any, Any]:
    """The native dataset to evaluate and its rows, None for all."""
    if chosen is None:
        return None, None
    if not isinstance(chosen, tuple):
        return dataset, chosen
    return datasets.of(trainer, *chosen), None


class Datasets:
    """Native datasets by their arrays: trainers that read them in the same way share one."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._made: dict[tuple[Any, ...], list[Any]] = {}
        self._ready: dict[int, tuple[Any, Any]] = {}

    def of(self, trainer: Trainer, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """The dataset of these arrays for a trainer; the arrays must live as long as this object."""
        native = trainer._trainer
        made = self._made.setdefault((id(X), id(y), id(sample_weight), trainer.model.dtype), [])
        for dataset in made:
            if native.shares(dataset):
                return dataset
        if id(X) not in self._ready:
            self._ready[id(X)] = X, in_place(X)  # X is kept: another object cannot take over its id
        y = targets(trainer, y)
        made.append(native.dataset(self._ready[id(X)][1], y, sample_weight, self._scale))
        return made[-1]


def new_fit(
    trainer: Trainer,
    dataset: Any,
    rows: Any,
    validation: Any,
    validation_rows: Any,
    epochs: int,
    batch_size: int | None,
    shuffle: bool,
    stopping: _core.Stopping | None,
) -> _core.Fit:
    """The native fit of a trainer, to be run by `run`."""
    samples = dataset.samples if rows is None else len(rows)
    size = samples if batch_size is None else batch_size
    optimizer = trainer.optimizer
    hooks: tuple[Any, Any] = (None, None)
    if optimizer._schedule is not None and not isinstance(optimizer._schedule, Schedule):
        steps = -(-samples // size) if samples else 0
        hooks = (lambda: optimizer._provide_rates(steps)), optimizer._observe
    make = _core.Fit.f32 if trainer.model.dtype == np.float32 else _core.Fit.f64
    return make(
        trainer._trainer,
        dataset,
        rows,
        validation,
        validation_rows,
        epochs,
        size,
        shuffle,
        trainer.epochs_done,
        stopping,
        *hooks,
    )


def run(trainers: list[Trainer], fits: list[_core.Fit], threads: int, progress: Progress) -> list[History]:
    """Runs native fits of trainers, and raises the first error among them once all have ended."""
    histories, errors = trained(trainers, fits, threads, progress)
    raise_first(errors)
    return histories


def trained(
    trainers: list[Trainer], fits: list[_core.Fit], threads: int, progress: Progress
) -> tuple[list[History], list[Exception | None]]:
    """Runs native fits of trainers; returns the history and the error, if there was one, of each."""
    with bar(progress, len(fits), "training", "network") as shown:
        try:
            _core.run_fits(
                fits, threads, None if shown is None else lambda done: shown.update(done - shown.n)
            )
        finally:
            for trainer, fit in zip(trainers, fits, strict=True):
                trainer.epochs_done += fit.trained
        if shown is not None:
            shown.update(len(fits) - shown.n)
    histories = [_history(trainer, fit) for trainer, fit in zip(trainers, fits, strict=True)]
    return histories, [_error_of(fit) for fit in fits]


def _error_of(fit: _core.Fit) -> Exception | None:
    try:
        fit.raise_error()
    except Exception as error:
        return error
    return None


def _history(trainer: Trainer, fit: _core.Fit) -> History:
    """The metrics of a native fit."""
    history = History(loss=fit.loss, seconds=fit.seconds, steps=fit.steps, stopped=fit.stopped)
    if trainer.penalty == "sum":
        history.penalty = fit.penalty
    if fit.validates:
        history.val_loss = fit.val_loss
    if trainer._classifies:
        history.accuracy = fit.accuracy
        if fit.validates:
            history.val_accuracy = fit.val_accuracy
    return history
