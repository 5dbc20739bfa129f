"""`fit_many` and `step_many`: many networks trained at once, each on one thread at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.hints import points_out_keywords
from .._utils.progress import Progress
from ..config import checked_threads
from ._fits import prepared, run
from ._history import History
from ._population import Place, arrays_for_each, checked_trainers, renamed
from ._samples import targets
from ._trainer import Trainer


@points_out_keywords
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
    restore_best: bool | Literal["first", "last"] | Sequence[bool | Literal["first", "last"]] = False,
    monitor: str | Sequence[str] = "val_loss",
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
        Number of epochs in a row without improvement of the metric `monitor` after which a network stops, by
        the rule of `callbacks.EarlyStopping`. None is no limit.
    restore_best : bool, "first" or "last", or list of these
        Give a network the parameters and buffers of its best epoch when its training ends, however it ends;
        as in `Trainer.fit`.
    monitor : "val_loss", "val_accuracy" or "loss", or list of these
        The metric that tells which epochs are better.
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

    Warns
    -----
    UserWarning
        If the rate of a schedule is 0 from a step in the first half of a fit on: schedules count steps.

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
        monitor=monitor,
        sample_weight=sample_weight,
        shuffle=shuffle,
        scale=scale,
    )
    return run(members, fits, threads, progress)


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
        if isinstance(error, TypeError):  # nothing was changed
            classes = [targets(trainer, y) for trainer, y in zip(members, batches[1], strict=True)]
            if any(new is not y for new, y in zip(classes, batches[1], strict=True)):
                return step_many(members, xs, classes, sample_weights, n_threads=n_threads)
        raise (renamed(error, f"trainers[{place[0]}]") if place else error) from error
    return np.array(losses)
