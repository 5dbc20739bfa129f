"""`fit_many` on a Dask cluster: parts of a population are tasks of its workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from .._utils.check import check_int
from .._utils.progress import Progress, bar
from ..config import MOST_THREADS
from ..training import History, Trainer
from ..training._fits import prepared, trained
from ..training._population import checked_trainers, is_list_of_arrays, is_rows, is_sequence, raise_first
from ._state import State, restore, state_of

#: Tasks for each thread of the cluster, so that a thread that is done early finds another one.
TASKS_PER_THREAD = 4
#: States of tasks that have run. Others ended because their data went with a worker: Dask repeats tasks, but
#: not what was sent to a worker.
HAVE_RUN = ("finished", "error")
#: Most times that the data are sent again.
MOST_LOSSES = 3


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
    client: Any = None,
) -> list[History]:
    """Train many networks on the workers of a Dask cluster, each with the bits of `simdnn.fit_many`.

    The trainers given have the trained parameters and the state of their training afterwards, as if they had
    been trained here. Arrays are sent to each worker once. If a worker dies, Dask trains its networks again
    on another one, from the start: the results are equal, whatever the number of workers and whichever of
    them live.

    Parameters
    ----------
    trainers, X, y
        As in `simdnn.fit_many`. Trainers have no `grad_hook`, which stays in its process.
    epochs, batch_size, indices, validation, patience, restore_best, monitor
        As in `simdnn.fit_many`.
    sample_weight, shuffle, scale, progress
        As in `simdnn.fit_many`.
    n_threads : int or None
        Threads of each task on its worker. None is 1: a worker runs as many tasks at once as Dask gives it
        threads, so that no more threads than these compute.
    client : dask.distributed.Client or None
        The client of the cluster; None is the client of this process.

    Returns
    -------
    list of History
        The metrics of each network.

    Raises
    ------
    TypeError, ValueError, IndexError
        As `simdnn.fit_many`: for wrong arguments before anything is sent, and for a network that fails in
        training when all others have finished.
    distributed.KilledWorker
        If workers die again and again on the same networks.
    ImportError
        If dask.distributed is missing: it comes with the extra ``[distributed]``.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import distributed, nn
    >>> def sweep(client):
    ...     x, y = np.eye(4, dtype=np.float32), np.arange(4)
    ...     models = [nn.Sequential(nn.Dense(4, 4), rng=seed) for seed in range(100)]
    ...     trainers = [simdnn.Trainer(model, seed=0) for model in models]
    ...     return distributed.fit_many(trainers, x, y, epochs=5, client=client)
    """
    members = checked_trainers(trainers)
    for i, trainer in enumerate(members):
        if trainer.grad_hook is not None:
            raise ValueError(f"trainers[{i}]: it has a grad_hook, which other processes cannot call")
    arguments = {
        "X": X,
        "y": y,
        "epochs": epochs,
        "batch_size": batch_size,
        "indices": indices,
        "validation": validation,
        "patience": patience,
        "restore_best": restore_best,
        "monitor": monitor,
        "sample_weight": sample_weight,
        "shuffle": shuffle,
        "scale": scale,
    }
    prepared(members, **arguments)  # raises for wrong arguments, before anything is sent
    threads = 1 if n_threads is None else check_int("n_threads", n_threads, 1, MOST_THREADS)
    return _Work(checked_client(client), members, arguments, threads).results(progress)


def checked_client(client: Any) -> Any:
    """The client, or that of this process."""
    try:
        from distributed import default_client
    except ImportError:
        raise ImportError("fit_many needs dask.distributed: pip install 'simdnn[distributed]'") from None
    if client is None:
        return default_client()
    if not hasattr(client, "submit") or not hasattr(client, "scatter"):
        raise TypeError(f"client: expected a dask.distributed.Client, got {type(client).__name__}")
    return client


class _Work:
    """A population on its way through a cluster."""

    def __init__(self, client: Any, members: list[Trainer], arguments: dict[str, Any], threads: int) -> None:
        self._client, self._members, self._threads = client, members, threads
        self._own = {name: value for name, value in arguments.items() if _is_for_each(name, value)}
        self._common = {name: value for name, value in arguments.items() if name not in self._own}

    def results(self, progress: Progress) -> list[History]:
        """Trains on the cluster, and brings the results into the trainers before it raises an error."""
        from distributed import as_completed

        count, client = len(self._members), self._client
        tasks = min(count, TASKS_PER_THREAD * max(1, sum(client.nthreads().values())))
        histories: list[Any] = [None] * count
        errors: list[Exception | None] = [None] * count
        sent = [self._scatter()]
        futures = {}
        try:
            for i in range(tasks):
                places = slice(count * i // tasks, count * (i + 1) // tasks)
                futures[self._submit(sent[0], places)] = places, len(sent)
            completed = as_completed(futures, loop=client.loop)
            with bar(progress, count, "training", "network") as shown:
                for future in completed:
                    places, version = futures[future]
                    if future.status not in HAVE_RUN and len(sent) <= MOST_LOSSES:
                        if version == len(sent):
                            sent.append(self._scatter())
                        again = self._submit(sent[-1], places)
                        futures[again] = places, len(sent)
                        completed.add(again)
                        continue
                    states, histories[places], errors[places] = future.result()
                    for trainer, state in zip(self._members[places], states, strict=True):
                        restore(trainer, state)
                    if shown is not None:
                        shown.update(len(states))
        finally:
            client.cancel([*futures, *sent])
        raise_first(errors)
        return histories

    def _scatter(self) -> Any:
        """Sends what is common to all networks to every worker."""
        return self._client.scatter([self._common], broadcast=True, hash=False)[0]

    def _submit(self, common: Any, places: slice) -> Any:
        own = {name: list(value)[places] for name, value in self._own.items()}
        return self._client.submit(_train, self._members[places], own, common, self._threads, pure=False)


def _is_for_each(name: str, value: Any) -> bool:
    """True if an argument of `fit_many` has a value for each network."""
    if name in ("X", "y", "sample_weight"):
        return is_list_of_arrays(value)
    if name in ("indices", "validation"):
        return not (value is None or isinstance(value, tuple) or is_rows(value))
    return is_sequence(value)


def _train(
    trainers: list[Trainer], own: dict[str, Any], common: dict[str, Any], threads: int
) -> tuple[list[State], list[History], list[Exception | None]]:
    """Trains a part of a population on a worker."""
    histories, errors = trained(trainers, prepared(trainers, **common, **own), threads, progress=False)
    return [state_of(trainer) for trainer in trainers], histories, errors
