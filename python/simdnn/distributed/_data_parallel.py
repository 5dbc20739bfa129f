"""`DataParallel`: one network, trained by all processes of an MPI job on parts of each batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.check import check_flag, check_int, check_positive, check_size
from .._utils.files import Path
from .._utils.progress import Progress
from ..training import History, Trainer
from ..training._epochs import Callback, Report, run_epochs
from ..training._samples import targets
from ._averaging import average
from ._callbacks import AgreedCallbacks
from ._exchange import GradientExchange, check_weighs
from ._handshake import broadcast, check_equal, check_no_hook, check_progress, checked_trainer, facts_of
from ._micro_batches import Data, MicroBatch, bounds
from ._ranks import Ranks
from ._state import arrays_of
from ._sums import EpochSums

#: The largest number of micro-batches of a step.
MOST_PARTS = 2**16


class DataParallel:
    """Trains a network on all ranks of an MPI communicator, each with a part of every batch.

    All ranks begin with the state of rank 0. In each step a rank computes the gradient of its samples; one
    in-place ``Allreduce`` of the trainer's flat gradient buffer makes of them the gradient of the mean loss
    over the samples of all ranks, weighted as in `Trainer.step`, and every rank takes the same step: the
    optimizer's state is equal everywhere, and ``clip_norm`` clips by the global norm. Running statistics of
    batch normalization are those of a rank's samples, and are averaged after each epoch and by `save`.

    Every rank makes the same calls, as with MPI itself: ``mpiexec -n 4 python train.py``.

    Parameters
    ----------
    trainer : Trainer
        A trainer of each rank, all made with the same arguments and ``seed``, without `grad_hook`. Rank 0's
        may come from a file, those of the others too or not: the state of rank 0 is sent to all.
    comm : mpi4py.MPI.Comm or None
        The communicator, such as ``MPI.COMM_WORLD``. None is this process alone.
    accumulate : int
        Number of micro-batches that a rank divides its batch into; their gradients add up to one step.
    average_every : int or None
        Number of steps that each rank takes by itself until parameters, running statistics and the
        optimizer's state are averaged over the ranks: local SGD, for slow networks. None averages the
        gradient of each step.
    deterministic : bool
        True adds the gradients of all micro-batches in the order of ranks, so that the bits do not depend on
        the number of ranks: n ranks have those of one with ``accumulate=n``. Each rank then exchanges as many
        gradients as it has micro-batches. False leaves the order of addition to MPI.
    check_every : int
        Number of steps between two checks that all ranks are equal, by a hash of parameters and optimizer
        state.
    timeout : float
        Longest time in seconds that a rank waits for the others in one call, validation and callbacks of
        other ranks included. A rank that has waited in vain says so on stderr and ends, and with it the job.

    Attributes
    ----------
    trainer : Trainer
        The argument; equal on all ranks after each step, or after each averaging with `average_every`.

    Raises
    ------
    TypeError, ValueError
        On every rank, if an argument is wrong on one of them; if versions, models, losses, optimizers, seeds
        or settings differ; or if a rank has a different number of epochs and steps than rank 0: a stale
        checkpoint.

    Notes
    -----
    An exception on one rank, or a gradient with NaN or infinities, raises an error on every rank in the same
    step, which names the rank; nothing is updated. With `average_every` it does so at the next averaging,
    from which the ranks go on by themselves: load a checkpoint. If a process dies, mpiexec ends the others
    within about a second; by ``mpiexec -n 4 python -m mpi4py train.py`` an uncaught exception ends the job at
    once, too. All other waiting ends after `timeout`.

    The first samples of a batch are rank 0's, the next ones rank 1's. Random layers draw the numbers that
    they draw in one process with the whole batch. Ranks on one machine share its processors: give each its
    part of them by ``OMP_NUM_THREADS`` or mpiexec's option ``-bind-to``.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import distributed, nn
    >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)
    >>> parallel = distributed.DataParallel(trainer, comm=None)  # with MPI: comm=MPI.COMM_WORLD
    >>> parallel.fit(x, y, epochs=3, batch_size=2).steps
    6

    Source: Li et al. 2020, "PyTorch distributed" (gradient averaging); Stich 2019 (local SGD).
    """

    def __init__(
        self,
        trainer: Trainer,
        comm: Any = None,
        *,
        accumulate: int = 1,
        average_every: int | None = None,
        deterministic: bool = False,
        check_every: int = 100,
        timeout: float = 300.0,
    ) -> None:
        self._ranks = ranks = Ranks(comm, check_positive("timeout", timeout))
        error, facts = None, {}
        try:
            self.trainer = checked_trainer(trainer)
            self._accumulate = check_int("accumulate", accumulate, 1, MOST_PARTS)
            self._average_every = None if average_every is None else check_int("average_every", average_every)
            self._ordered = check_flag("deterministic", deterministic)
            self._check_every = check_int("check_every", check_every)
            self._check_settings()
            facts = facts_of(trainer) | {
                "accumulate": accumulate,
                "average_every": average_every,
                "deterministic": self._ordered,
                "check_every": check_every,
            }
        except Exception as problem:
            error = problem
        ranks.agree(error, "DataParallel", facts)
        check_progress(trainer, ranks)
        broadcast(trainer, ranks)
        self._steps = self._unaveraged = 0  # all steps, and those since the last averaging
        self._exchange = GradientExchange(trainer, ranks, self._accumulate, self._ordered)

    def _check_settings(self) -> None:
        if self._accumulate > 1 and self._average_every is not None:
            raise ValueError("accumulate: expected 1 with average_every, whose ranks take steps of their own")
        if self._accumulate > 1 and self.trainer.model.buffers():
            raise ValueError(
                "accumulate: expected 1 for a model with batch normalization, whose running statistics follow"
                " one batch at a time"
            )

    def step(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Update the parameters once, from the samples of all ranks.

        Parameters
        ----------
        x, y, sample_weight
            The samples of this rank, as in `Trainer.step`. Ranks may have different numbers of samples, even
            none: ``x[:0], y[:0]``.

        Returns
        -------
        float
            The mean loss over the samples of all ranks before the update; of this rank with `average_every`.

        Raises
        ------
        TypeError, ValueError, IndexError
            As `Trainer.step`, on the rank whose argument is wrong; on every rank, if none has a sample of a
            weight above 0, which ranks with `average_every` do not know of each other.
        RuntimeError
            If another rank has failed; the message has its number and its error.
        FloatingPointError
            If a gradient is not finite, unless the optimizer has ``skip_nonfinite=True``.
        """
        return self._step(lambda: self._divided(x, y, sample_weight), needs_weight=True)

    def _divided(self, x: Any, y: Any, weight: Any) -> Iterator[MicroBatch]:
        """The micro-batches of a rank's samples; other ranks are taken to have equally many."""
        data = Data(x, targets(self.trainer, y), weight)
        for begin, end in bounds(data.samples, self._accumulate):
            yield data.micro_batch(slice(begin, end), self._ranks.rank * data.samples + begin)

    def _step(self, micro_batches: Any, needs_weight: bool) -> float:
        """One step on this rank's micro-batches, an iterable that the function returns."""
        native = self.trainer._trainer
        take = self._global_step if self._average_every is None else self._local_step
        try:
            loss = take(micro_batches, needs_weight)
        finally:
            native.random_offset, native.part_of_batch = 0, False
        self._count_step()
        return loss

    def _global_step(self, micro_batches: Any, needs_weight: bool) -> float:
        """One step of all ranks together."""
        exchange = self._exchange
        exchange.begin(needs_weight)
        try:
            check_no_hook(self.trainer)
            self.trainer._trainer.part_of_batch = True
            return self._accumulated(list(micro_batches()))
        except BaseException as error:
            if not exchange.done:
                exchange.fail(error)
            raise

    def _accumulated(self, micro_batches: list[MicroBatch]) -> float:
        native = self.trainer._trainer
        for one in micro_batches[:-1]:
            native.random_offset = one.offset
            native.gradient(native.dataset(*one.arrays, 1.0, part=True))
            self._exchange.micro_batch = one
            self._exchange.add()
        self._exchange.micro_batch = micro_batches[-1]
        return self._updated(micro_batches[-1], self._exchange)

    def _updated(self, one: MicroBatch, hook: Any) -> float:
        """A step of the trainer; running statistics do not see a sample that stands for none."""
        native = self.trainer._trainer
        native.random_offset = one.offset
        kept = self.trainer.model._model.buffers.copy() if one.empty else None
        native.set_gradient_hook(hook, self._exchange.gradient)
        try:
            loss = self.trainer.step(*one.arrays)
        finally:
            native.set_gradient_hook(None, None)
        if kept is not None:
            self.trainer.model._model.buffers[:] = kept
        return loss

    def _local_step(self, micro_batches: Any, needs_weight: bool) -> float:
        """One step of this rank alone; after some of them the ranks are averaged."""
        native = self.trainer._trainer
        try:
            check_no_hook(self.trainer)
            (one,) = micro_batches()
            check_weighs(one.weighs or not needs_weight or self._ranks.size > 1)
            native.part_of_batch = not one.weighs
            loss = self._updated(one, zero if one.empty else None)
        except BaseException as error:
            self._unaveraged = 0
            average(arrays_of(self.trainer), self._ranks, self._ordered, error)
            raise
        if one.empty:
            native.batch = (0.0, 0.0, 0, 0, 0.0)
        return loss

    def _count_step(self) -> None:
        """Counts a step; averages and checks the ranks when it is time."""
        self._steps += 1
        self._unaveraged += 1
        if self._unaveraged == self._average_every:
            self._average()
        if self._steps % self._check_every == 0 and (self._average_every is None or self._unaveraged == 0):
            check_equal(self.trainer, self._ranks, f"step {self._steps}")

    def _average(self) -> None:
        """Averages what the steps since the last averaging have made different on each rank."""
        local = self._average_every is not None
        arrays = arrays_of(self.trainer) if local else [self.trainer.model._model.buffers]
        needed, self._unaveraged = self._unaveraged > 0 and any(array.size for array in arrays), 0
        if needed:
            average(arrays, self._ranks, self._ordered)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int,
        batch_size: int | None = 32,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ...] | None = None,
        callbacks: Iterable[Callback] = (),
        progress: Progress = "auto",
        shuffle: bool = True,
    ) -> History:
        """Train for a number of epochs: every batch of a shuffled epoch is divided among the ranks.

        Parameters
        ----------
        X, y, sample_weight
            All samples, on every rank, as in `Trainer.fit`; a rank reads its part of each batch, so that a
            ``numpy.memmap`` of one file may serve all.
        epochs : int
            Number of epochs, >= 1.
        batch_size : int or None
            Samples of all ranks per step; None is all samples.
        validation_data : (X, y), (X, y, sample_weight) or None
            Data that every rank evaluates after each epoch, so that all have the same metrics.
        callbacks : iterable of callables
            As in `Trainer.fit`, called on every rank with the metrics of all ranks. Training ends on all
            ranks if a callback returns a true value, or raises, on one. Those that write files are for one
            rank: give them if ``comm.rank == 0``, and others to all ranks.
        progress : bool or "auto"
            As in `Trainer.fit`, on rank 0.
        shuffle : bool
            Draw the order of an epoch from the trainer's `seed` and `epochs_done`, as `Trainer.fit` does.

        Returns
        -------
        History
            Equal on all ranks but for `seconds`.

        Raises
        ------
        TypeError, ValueError, IndexError
            If an argument is wrong, or differs between the ranks.
        RuntimeError, FloatingPointError
            As `step`; and if a check finds that the ranks are no longer equal.
        """
        error, facts = None, {}
        try:
            check_no_hook(self.trainer)
            epochs, shuffle = check_int("epochs", epochs), check_flag("shuffle", shuffle)
            data = Data(X, targets(self.trainer, y), sample_weight)
            self.trainer._trainer.dataset(
                data.x, data.y, data.weight, 1.0
            )  # raises for what no rank can train on
            size = data.samples if batch_size is None else check_size("batch_size", batch_size, data.samples)
            validation = self.trainer._validation(validation_data, 1.0)
            facts = {"epochs": epochs, "batch_size": size, "shuffle": shuffle, **data.facts()}
            facts["validation_data"] = validation is not None
        except Exception as problem:
            error = problem
        self._ranks.agree(error, "fit", facts)
        watchers = [AgreedCallbacks(callbacks, self._ranks)]
        shown = progress if self._ranks.rank == 0 else False
        history = run_epochs(
            self.trainer, epochs, lambda: self._epoch(data, size, shuffle), validation, watchers, shown
        )
        check_equal(self.trainer, self._ranks, "fit")
        return history

    def _epoch(self, data: Data, size: int, shuffle: bool) -> Report:
        """Trains one epoch and returns the report of all ranks."""
        trainer = self.trainer
        n, epoch = data.samples, trainer.epochs_done
        order = _core.shuffled_order(n, trainer.seed, epoch) if shuffle else np.arange(n)
        sums = EpochSums(trainer)
        for begin in range(0, n, size):
            rows = order[begin : begin + size]
            self._step(lambda rows=rows: self._share(data, rows), needs_weight=False)
            sums.add(len(rows))
        self._average()
        own = self._average_every is not None  # sums of this rank alone
        return sums.report((lambda array: self._ranks.add(array, "fit")) if own else None)

    def _share(self, data: Data, rows: Any) -> Iterator[MicroBatch]:
        """This rank's micro-batches of a batch of all ranks, whose samples are those rows of the data."""
        k, rank = self._accumulate, self._ranks.rank
        for begin, end in bounds(len(rows), self._ranks.size * k)[rank * k : (rank + 1) * k]:
            yield data.micro_batch(rows[begin:end], begin)

    def save(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the trainer to a file, on rank 0, as `Trainer.save` does; all ranks call it.

        To resume bit for bit, make a trainer by ``Trainer.load(path)`` on every rank, and a `DataParallel` of
        it with the same settings and number of ranks. The file is replaced atomically: if a rank dies, the
        last file is whole.

        Parameters
        ----------
        path, metadata
            As in `Trainer.save`.

        Raises
        ------
        TypeError, OSError, ImportError
            As `Trainer.save`, on rank 0; the other ranks raise a RuntimeError with its message.
        """
        self._average()
        check_equal(self.trainer, self._ranks, "save")
        error = None
        if self._ranks.rank == 0:
            try:
                self.trainer.save(path, metadata)
            except Exception as problem:
                error = problem
        self._ranks.agree(error, "save")


def zero(gradient: Any) -> None:
    """The gradient of a sample that stands for none."""
    gradient[:] = 0
