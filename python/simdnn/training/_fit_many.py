"""`fit_many` and `step_many`: many networks trained at once, each on one thread at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_int, check_real
from .._utils.progress import Progress, bar
from ..config import checked_threads
from ..schedules import Schedule
from ._history import History
from ._population import (
    Place,
    arrays_for_each,
    checked_trainers,
    for_each,
    in_place,
    one_each,
    renamed,
)
from ._trainer import Trainer


def fit_many(
    trainers: Sequence[Trainer],
    X: Any,
    y: Any,
    *,
    epochs: int | Sequence[int],
    batch_size: int | Sequence[int | None] | None = 32,
    indices: Any = None,
    validation: Any = None,
    patience: int | Sequence[int | None] | None = None,
    restore_best: bool | Sequence[bool] = False,
    sample_weight: Any = None,
    shuffle: bool | Sequence[bool] = True,
    scale: float = 1.0,
    progress: Progress = "auto",
    n_threads: int | None = None,
) -> list[History]:
    """Train many networks at once: folds, seeds, grids, ensembles, one model per shop.

    Each network is trained by one thread at a time, the longest fits first, and a free thread takes the next
    one. All epochs of all networks are one native call without the GIL. Every network gets exactly the bits
    that its own `Trainer.fit` would give it, whatever the others do and however many threads there are.

    Parameters
    ----------
    trainers : sequence of Trainer
        Trainers, each with a model of its own; losses, optimizers, schedules, seeds, architectures and dtypes
        may differ.
    X, y, sample_weight : array, or list of arrays
        As in `Trainer.fit`: an array that all networks share, or a list of arrays, one for each network.
    epochs, batch_size, shuffle : value, or list of values
        As in `Trainer.fit`, for all networks or one for each.
    indices : array of int, list of such arrays, or None
        Rows of `X` that a network trains on, such as those of a fold or a bootstrap sample, which may repeat;
        one array for all, or one (or None) for each. `X` is not copied. None is all rows.
    validation : array of int, tuple, list of these, or None
        Data to evaluate after each epoch: rows of `X`, or ``(X, y)`` or ``(X, y, sample_weight)``; for all
        networks, or one (or None) for each.
    patience : int or None, or list of these
        Number of epochs in a row without a lower validation loss after which a network stops, by the rule of
        `callbacks.EarlyStopping`. None is no limit.
    restore_best : bool, or list of bool
        Give a network the parameters and buffers of the epoch with the lowest validation loss when its
        training ends, however it ends.
    scale : float
        As in `Trainer.fit`.
    progress : bool or "auto"
        Show a tqdm bar over the networks; "auto" shows it on a terminal if tqdm is installed.
    n_threads : int or None
        Number of threads; None is `simdnn.get_num_threads()`.

    Returns
    -------
    list of History
        The metrics of each network; `History.stopped` is True where early stopping ended the training.

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument has a wrong type, shape or value: nothing is trained, and the message names the place,
        as in "trainers[3]" or "indices[3]". An error of one network in training, such as one of its schedule,
        harms no other: it is raised with its place when all others have finished.
    KeyboardInterrupt
        On Ctrl-C, within 100 ms; each model has the parameters of a complete step, or of its best epoch.

    Notes
    -----
    Learning rates that are Python functions, and `schedules.reduce_on_plateau`, take the GIL once an epoch.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> models = [nn.Sequential(nn.Dense(4, 4), rng=seed) for seed in range(3)]
    >>> trainers = [simdnn.Trainer(model, seed=seed) for seed, model in enumerate(models)]
    >>> folds, held_out = [[1, 2, 3], [0, 2, 3], [0, 1, 3]], [[0], [1], [2]]
    >>> histories = simdnn.fit_many(
    ...     trainers, x, y, epochs=5, batch_size=2, indices=folds, validation=held_out
    ... )
    >>> [(history.steps, len(history.val_loss)) for history in histories]
    [(10, 5), (10, 5), (10, 5)]
    """
    members, threads = checked_trainers(trainers), checked_threads(n_threads)
    fits = prepared(
        members,
        X,
        y,
        epochs=epochs,
        batch_size=batch_size,
        indices=indices,
        validation=validation,
        patience=patience,
        restore_best=restore_best,
        sample_weight=sample_weight,
        shuffle=shuffle,
        scale=scale,
    )
    return run(members, fits, threads, progress)


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
    sample_weight: Any,
    shuffle: Any,
    scale: float,
) -> list[_core.Fit]:
    """The native fits for the arguments of `fit_many`, all of them checked; nothing is trained."""
    count = len(members)
    limits = for_each("epochs", epochs, count, check_int)
    sizes = for_each("batch_size", batch_size, count, _checked_size)
    shuffles = for_each("shuffle", shuffle, count, check_flag)
    rules = [
        _stopping(i, *rule)
        for i, rule in enumerate(
            zip(
                for_each("patience", patience, count, _checked_patience),
                for_each("restore_best", restore_best, count, check_flag),
                strict=True,
            )
        )
    ]
    datasets = Datasets(check_real("scale", scale))
    sources = [
        arrays_for_each(name, value, count)
        for name, value in (("X", X), ("y", y), ("sample_weight", sample_weight))
    ]
    rows = _rows_of_each("indices", indices, count)
    checks = _validation_of_each(validation, count)
    fits = []
    for i, trainer in enumerate(members):
        if rules[i] is not None and checks[i] is None:
            raise ValueError(f"validation[{i}]: early stopping needs validation data, got None")
        settings = limits[i], sizes[i], shuffles[i], rules[i]
        with Place("trainers", i):
            dataset = datasets.of(trainer, *(source[i] for source in sources))
            held_out, held_out_rows = _validation_data(trainer, datasets, dataset, checks[i])
            fits.append(new_fit(trainer, dataset, rows[i], held_out, held_out_rows, *settings))
    return fits


def step_many(
    trainers: Sequence[Trainer],
    xs: Any,
    ys: Any,
    sample_weights: Any = None,
    *,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Update each of many networks once, from a batch of its own, as `Trainer.step` does.

    Parameters
    ----------
    trainers : sequence of Trainer
        Trainers, each with a model of its own.
    xs, ys, sample_weights : list of arrays, or array
        The batch of each network, as in `Trainer.step`; an array is shared by all.
    n_threads : int or None
        Number of threads; None is `simdnn.get_num_threads()`. A network stays on one thread.

    Returns
    -------
    array of float64, shape (networks,)
        The mean loss of each batch before the update, the same bits as of `Trainer.step`.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `Trainer.step`, with the place in the message. Nothing is changed, unless a network refuses its
        labels in training: then the others have been updated.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn
    >>> trainers = [simdnn.Trainer(nn.Sequential(nn.Dense(2, 2), rng=seed)) for seed in range(3)]
    >>> xs = [np.ones((4, 2), np.float32)] * 3
    >>> simdnn.step_many(trainers, xs, [np.array([0, 1, 1, 0])] * 3).shape
    (3,)
    """
    members = checked_trainers(trainers)
    count = len(members)
    batches = (
        arrays_for_each("xs", xs, count),
        arrays_for_each("ys", ys, count),
        arrays_for_each("sample_weights", sample_weights, count),
    )
    threads = checked_threads(n_threads)
    for i, trainer in enumerate(members):
        if trainer.optimizer._schedule is not None:
            with Place("trainers", i):
                trainer.optimizer._provide_rates(1)
    place: list[int] = []
    try:
        losses = _core.run_steps([trainer._trainer for trainer in members], *batches, threads, place)
    except Exception as error:
        raise (renamed(error, f"trainers[{place[0]}]") if place else error) from error
    return np.array(losses)


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


def raise_first(errors: Sequence[Exception | None]) -> None:
    """Raises the first error of a population, if there is one, with its place."""
    failed = [(i, error) for i, error in enumerate(errors) if error is not None]
    if failed:
        place, first = failed[0]
        others = f" (and {len(failed) - 1} others)" if len(failed) > 1 else ""
        raise renamed(first, f"trainers[{place}]{others}") from first


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


def _checked_size(name: str, value: Any) -> int | None:
    return None if value is None else check_int(name, value)


def _checked_patience(name: str, value: Any) -> int | None:
    return None if value is None else check_int(name, value, 0)


def _stopping(place: int, patience: int | None, restore_best: bool) -> _core.Stopping | None:
    """The rule of `EarlyStopping`, or None if there is nothing to stop or to restore."""
    if patience is None and not restore_best:
        return None
    return _core.Stopping("val_loss", -1 if patience is None else patience, 0.0, False, restore_best)


def _checked_rows(name: str, value: Any) -> NDArray[np.intp] | None:
    """Rows of a dataset as an array of indices, or None for all; their range is checked by native code."""
    if value is None:
        return None
    rows = as_cpu_array(name, value)
    if rows.size == 0:
        raise ValueError(f"{name}: expected at least one row")
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers of shape (n,), got {rows.dtype} of shape {rows.shape}")
    return rows.astype(np.intp, copy=False)


def is_rows(value: Any) -> bool:
    """True for one array or list of row numbers, False for a list of them."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype != object
    return isinstance(value, list) and not any(each is None or hasattr(each, "__len__") for each in value)


def _rows_of_each(name: str, value: Any, count: int) -> list[Any]:
    if value is None or is_rows(value):
        return [_checked_rows(name, value)] * count
    if not isinstance(value, list | np.ndarray):
        raise TypeError(f"{name}: expected integers, or a list of arrays of them, got {type(value).__name__}")
    return [_checked_rows(f"{name}[{i}]", each) for i, each in enumerate(one_each(name, list(value), count))]


def _validation_of_each(value: Any, count: int) -> list[Any]:
    """The validation of each network: None, an array of rows, or a tuple of data."""
    if value is None or isinstance(value, tuple) or is_rows(value):
        checked = value if value is None or isinstance(value, tuple) else _checked_rows("validation", value)
        return [checked] * count
    if not isinstance(value, list | np.ndarray):
        raise TypeError(f"validation: expected rows, a pair (X, y) or a list, got {type(value).__name__}")
    each = one_each("validation", list(value), count)
    return [
        one if isinstance(one, tuple) else _checked_rows(f"validation[{i}]", one)
        for i, one in enumerate(each)
    ]


def _validation_data(trainer: Trainer, datasets: Datasets, dataset: Any, chosen: Any) -> tuple[Any, Any]:
    """The native dataset to evaluate and its rows, None for all."""
    if chosen is None:
        return None, None
    if not isinstance(chosen, tuple):
        return dataset, chosen
    if len(chosen) not in (2, 3):
        raise TypeError("validation: expected rows, a pair (X, y) or a triple (X, y, sample_weight)")
    return datasets.of(trainer, *chosen), None
