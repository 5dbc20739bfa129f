"""Training and evaluation on blocks of samples, such as data that are larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import _core
from .._utils.arrays import is_sparse
from .._utils.blocks import Arrays, as_block, check_form, joined, rows_of
from .._utils.check import check_size
from ._prefetch import Prefetcher
from ._samples import targets

if TYPE_CHECKING:
    from ._epochs import Report
    from ._trainer import Trainer

#: The hint for blocks of which nothing comes.
ONCE = "an iterator gives its blocks only once"


class Block(NamedTuple):
    """A checked block: its arrays, and the native dataset that reads them."""

    arrays: Arrays
    dataset: Any


class Blocks:
    """Blocks of samples for a trainer, which can be trained and evaluated again and again.

    Mini-batches go over the borders of blocks: the samples at the end of a block that fill no batch wait for
    those of the next one. So all results have the bits of one array of all samples, whatever the blocks.
    """

    def __init__(self, trainer: Trainer, name: str, blocks: Iterable[Any], scale: float) -> None:
        self.trainer, self.name, self.blocks, self.scale = trainer, name, blocks, scale
        self.form: list[str] | None = None

    def train(self, size: int) -> Report:
        """Trains one epoch in mini-batches of `size`; returns its report."""
        if hasattr(self.blocks, "set_epoch"):
            self.blocks.set_epoch(self.trainer.epochs_done)
        sums, rest = _core.LossSums(), Rest()
        for block in self:
            rows, begin = block.dataset.samples, 0
            if rest.rows:
                begin = min(size - rest.rows, rows)
                rest.add(block.arrays, 0, begin)
                if rest.rows < size:
                    continue
                self.train_part(self.dataset(rest.take()), 0, size, size, sums)
            end = begin + (rows - begin) // size * size
            self.train_part(block.dataset, begin, end, size, sums)
            rest.add(block.arrays, end, rows)
        if rest.rows:
            count = rest.rows
            self.train_part(self.dataset(rest.take()), 0, count, count, sums)
        return sums.report()

    def train_part(self, dataset: Any, begin: int, end: int, size: int, sums: _core.LossSums) -> None:
        """Trains some samples of a dataset."""
        if begin < end:
            self.trainer.optimizer._provide_rates(-(-(end - begin) // size))
            self.trainer._trainer.part_of_epoch(dataset, size, begin, end, sums)

    def evaluate(self) -> Report:
        """The report of an evaluation of all samples."""
        sums = _core.LossSums()
        for block in self:
            self.trainer._trainer.part_of_evaluation(block.dataset, sums)
        return sums.report()

    def __iter__(self) -> Iterator[Block]:
        """The checked blocks; the one after each is loaded while it is in use."""
        self.form = None
        with Prefetcher(self.name, self.blocks, self.checked) as prefetcher:
            block = prefetcher.take()
            if block is None:
                raise ValueError(f"{self.name}: expected at least one block; {ONCE}")
            while block is not None:
                yield block
                del block
                block = prefetcher.take()

    def checked(self, given: Any) -> Block:
        """A block with its dataset; raises unless it fits the model and the blocks before it."""
        arrays = as_block(given)
        block = Block(arrays, self.dataset(arrays))
        self.form = check_form(arrays, self.form, self.name)
        return block

    def dataset(self, arrays: Arrays) -> Any:
        """The native dataset of some samples."""
        x, y, weight = arrays
        return self.trainer._trainer.dataset(x, targets(self.trainer, y), weight, self.scale, True)


class Rest:
    """Samples that wait for those of the next block, as copies."""

    def __init__(self) -> None:
        self.rows = 0
        self.parts: list[Arrays] = []

    def add(self, arrays: Arrays, begin: int, end: int) -> None:
        """Adds the samples of a block from begin to end."""
        if begin < end:
            self.parts.append(tuple(rows_of(one, slice(begin, end)) for one in arrays))
            self.rows += end - begin

    def take(self) -> Arrays:
        """All samples that wait, which wait no more."""
        parts, self.parts, self.rows = self.parts, [], 0
        return tuple(joined(list(one)) for one in zip(*parts, strict=True))


def blocks_of(
    trainer: Trainer, name: str, given: Any, scale: float, sample_weight: Any = None, epochs: int = 1
) -> Blocks:
    """Blocks that come in the place of X, without y; raises for anything else."""
    arrays = hasattr(given, "__array__") or hasattr(given, "__dlpack__") or is_sparse(given)
    if arrays or hasattr(given, "__dask_graph__") or not isinstance(given, Iterable):
        raise TypeError(
            f"y: expected targets, got None; only an iterable of blocks (X, y) comes without, but {name} is"
            f" of type {type(given).__name__}"
        )
    if epochs > 1 and iter(given) is given:
        raise ValueError(
            f"{name}: {ONCE}, got a {type(given).__name__} for {epochs} epochs: give a list of blocks, or an"
            " object whose __iter__ begins again"
        )
    if isinstance(given, Sized) and not len(given):
        raise ValueError(f"{name}: expected at least one block, got {given!r:.80}")
    if sample_weight is not None:
        raise TypeError("sample_weight: blocks bring their own, as (X, y, sample_weight)")
    return Blocks(trainer, name, given, scale)


def size_for_blocks(batch_size: Any, order: Any) -> int:
    """The size of mini-batches of blocks; raises for options that need all samples at once."""
    if order is not None:
        raise TypeError("order: blocks come in an order of their own; see simdnn.data.shuffled")
    if batch_size is None:
        raise TypeError("batch_size: expected an integer for blocks, which are never in memory together")
    return check_size("batch_size", batch_size)
