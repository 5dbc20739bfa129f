"""Training on the blocks of Dask arrays: the next block is loaded while one trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_callables, check_flag, check_int
from .._utils.lazy import is_lazy
from .._utils.progress import Progress
from ..training import History, Trainer
from ..training._epochs import Callback, Report, run_epochs
from ._micro_batches import Data
from ._sums import EpochSums


def fit_blocks(
    trainer: Trainer,
    X: Any,
    y: Any,
    *,
    epochs: int,
    batch_size: int = 32,
    sample_weight: Any = None,
    validation_data: tuple[ArrayLike, ...] | None = None,
    callbacks: Iterable[Callback] = (),
    progress: Progress = "auto",
    shuffle: bool = True,
) -> History:
    """Train on Dask arrays or data frames that need not fit into memory: block by block, in every epoch.

    Dask computes the next block, by its threads or on its cluster, while one trains: at most two are in
    memory. The rows that a block leaves over join the first batch of the next one, so that all batches but
    the last have `batch_size` samples, and the results are those of `Trainer.fit` for the same order of all
    rows.

    Parameters
    ----------
    trainer : Trainer
        The trainer.
    X, y, sample_weight : dask arrays or data frames
        Samples, targets and weights, as in `Trainer.fit`, with equal blocks of rows, whose sizes need not be
        known.
    epochs, batch_size
        As in `Trainer.fit`.
    validation_data, callbacks, progress
        As in `Trainer.fit`; the validation data are in memory.
    shuffle : bool
        Draw a new order of the blocks for each epoch, and of the rows in each block, from the trainer's
        `seed` and `epochs_done`. Rows of two blocks share a batch only where one block ends and the other
        begins: if the rows are sorted, shuffle them once when they are written.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument has a wrong type or value; before a step, if its batch does.

    Examples
    --------
    >>> import dask.array, numpy as np, simdnn
    >>> from simdnn import distributed, nn
    >>> x = dask.array.random.default_rng(0).random((1000, 4), chunks=(200, 4), dtype=np.float32)
    >>> y = (x.sum(axis=1) > 2).astype(int)
    >>> trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 2), rng=0), seed=0)
    >>> distributed.fit_blocks(trainer, x, y, epochs=2, batch_size=64).steps
    32
    """
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer: expected a Trainer, got {type(trainer).__name__}")
    epochs, size = check_int("epochs", epochs), check_int("batch_size", batch_size)
    shuffle = check_flag("shuffle", shuffle)
    blocks = Blocks(X, y, sample_weight)
    validation = trainer._validation(validation_data, 1.0)
    watchers = check_callables("callbacks", callbacks)
    return run_epochs(
        trainer, epochs, lambda: _epoch(trainer, blocks, size, shuffle), validation, watchers, progress
    )


class Blocks:
    """Blocks of rows of X, y and weights, each computed when it is wanted."""

    def __init__(self, X: Any, y: Any, weight: Any) -> None:
        named = {"X": X, "y": y} | ({} if weight is None else {"sample_weight": weight})
        self._parts = []
        for name, value in named.items():
            if not is_lazy(value):
                kind = type(value).__name__
                raise TypeError(f"{name}: expected an array or a data frame of Dask, got {kind}")
            array = value.to_dask_array() if hasattr(value, "to_dask_array") else value
            array = array.rechunk(dict.fromkeys(range(1, array.ndim), -1)) if array.ndim > 1 else array
            self._parts.append(array.to_delayed().ravel())
            if len(self._parts[-1]) != len(self._parts[0]):
                wanted, got = len(self._parts[0]), len(self._parts[-1])
                raise ValueError(f"{name}: expected {wanted} blocks of rows as in X, got {got}")

    def __len__(self) -> int:
        return len(self._parts[0])

    def load(self, i: int) -> Data:
        """Computes a block."""
        import dask

        x, y, *weight = dask.compute(*(part[i] for part in self._parts))
        try:
            return Data(x, y, weight[0] if weight else None)
        except ValueError as error:
            raise ValueError(f"block {i}: {error}") from None

    def loaded(self, order: Iterable[int]) -> Iterator[tuple[int, Data]]:
        """Blocks in an order; while the caller works on one, the next one is computed."""
        places = [int(i) for i in order]
        with ThreadPoolExecutor(1, "simdnn-blocks") as loader:
            coming = loader.submit(copy_context().run, self.load, places[0])  # by the caller's Dask client
            for i, following in zip(places, [*places[1:], None], strict=True):
                block = coming.result()
                if following is not None:
                    coming = loader.submit(copy_context().run, self.load, following)
                yield i, block


def _epoch(trainer: Trainer, blocks: Blocks, size: int, shuffle: bool) -> Report:
    """Trains one epoch and returns its report."""
    sums, epoch = EpochSums(trainer), trainer.epochs_done
    order = _core.shuffled_order(len(blocks), trainer.seed, epoch) if shuffle else range(len(blocks))
    rest: Data | None = None
    for i, block in blocks.loaded(order):
        rows: NDArray[Any] = np.arange(block.samples)
        if shuffle:
            np.random.default_rng([trainer.seed, epoch, i]).shuffle(rows)
        block = block.taken(rows) if rest is None else rest.joined(block.taken(rows))
        whole = block.samples - block.samples % size
        for begin in range(0, whole, size):
            _step(trainer, block.taken(slice(begin, begin + size)), sums)
        rest = block.taken(slice(whole, None))
    if rest is not None and rest.samples:
        _step(trainer, rest, sums)
    return sums.report()


def _step(trainer: Trainer, batch: Data, sums: EpochSums) -> None:
    trainer.step(batch.x, batch.y, batch.weight)
    sums.add(batch.samples)
