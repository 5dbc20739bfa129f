"""`shuffled`: blocks in random order, their rows mixed within a window of several blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.arrays import is_sparse
from .._utils.blocks import Arrays, as_block, check_form, joined, length_of, located, rows_of
from .._utils.check import check_count, check_int, check_sequence

Order = NDArray[np.intp]


def shuffled(blocks: Sequence[Any], *, window: int = 8, seed: int = 0) -> Shuffled:
    """Blocks in random order, with their rows mixed within a window of several blocks.

    Parameters
    ----------
    blocks : sequence of blocks
        A source such as `from_arrays` makes, a list, or any object with ``len(blocks)`` and ``blocks[i]``.
    window : int
        Number of blocks whose rows are in memory to be mixed. With ``window >= len(blocks)`` each order of
        the rows is equally probable.
    seed : int
        Seed of the order, which also depends on the epoch: `Trainer.fit` passes it to ``set_epoch``.

    Returns
    -------
    iterable of blocks
        Each row comes once in an epoch, in blocks as long as those that are read. The same seed and epoch
        give the same order on every machine.

    Raises
    ------
    TypeError
        If `blocks` has no length or no items, or a number is no integer.
    ValueError
        If there are no blocks, or a number is out of its range.

    Notes
    -----
    The blocks are read in a random order, a permutation of all of them. The window begins with the first
    blocks of that order. Each next block that is read takes the places of rows drawn at random from the
    window, as many as it has, and these come out. So a row stays in the window for `window` more blocks on
    average, and may stay for many more; a mini-batch has rows of all blocks of the window and some before.
    Two rows of different blocks meet in a mini-batch as often as after a complete shuffle, two rows of one
    block ``len(blocks) / (2 * window)`` times as often.

    Small blocks mix better than large ones for the same memory, and are read in smaller pieces.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import data
    >>> x = np.arange(12.0).reshape(12, 1)
    >>> blocks = data.shuffled(data.from_arrays(x, np.arange(12), rows=2), window=3, seed=0)
    >>> blocks.set_epoch(0)
    >>> order = [int(label) for _, y in blocks for label in y]
    >>> sorted(order) == list(range(12)), order != list(range(12))
    (True, True)
    """
    return Shuffled(blocks, check_int("window", window), check_int("seed", seed, 0, 2**64 - 1))


class Shuffled:
    """Shuffled blocks, in the order of the seed and the epoch."""

    def __init__(self, blocks: Sequence[Any], window: int, seed: int) -> None:
        check_sequence("blocks", blocks, "a sequence of blocks")
        if len(blocks) == 0:
            raise ValueError("blocks: expected at least one block")
        self.blocks, self.window, self.seed, self.epoch = blocks, window, seed, 0

    def __len__(self) -> int:
        return len(self.blocks)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of this epoch for the next iteration."""
        self.epoch = check_count("epoch", epoch)

    def __iter__(self) -> Iterator[Any]:
        draw, forms = Draws(self.seed, self.epoch), Forms()
        order = draw(len(self.blocks), len(self.blocks))
        window = Window(min(self.window, len(order)))
        rest = iter(order)
        for count, i in enumerate(rest, 1):
            window.add(self.read(i, forms))
            if window.rows and count >= self.window:
                break
        if window.rows == 0:
            raise ValueError("blocks: expected at least one row")
        for i in rest:
            block = self.read(i, forms)
            for begin in range(0, length_of(block), window.rows):
                new = block
                if length_of(block) > window.rows:
                    new = tuple(rows_of(one, slice(begin, begin + window.rows)) for one in block)
                yield window.exchange(new, draw(length_of(new), window.rows))
        last, size = draw(window.rows, window.rows), -(-window.rows // window.count)
        for begin in range(0, window.rows, size):
            yield window.take(last[begin : begin + size])

    def read(self, i: Any, forms: Forms) -> Arrays:
        """The block i; raises, with its number, if it cannot be read or has another form than the others."""
        try:
            block = as_block(self.blocks[int(i)])
            length_of(block)
            forms.check(block)
        except Exception as error:
            raise located(error, f"blocks[{i}]") from error
        return block


class Forms:
    """The forms of the arrays of the first block, which all others have."""

    def __init__(self) -> None:
        self.first: list[str] | None = None

    def check(self, block: Arrays) -> None:
        self.first = check_form(block, self.first, "the first block that was read")


class Window:
    """Rows of several blocks, which are mixed."""

    def __init__(self, blocks: int) -> None:
        self.blocks, self.count, self.rows = blocks, 0, 0
        self.arrays: Any = None

    def add(self, block: Arrays) -> None:
        """Adds the rows of a block, in memory that the first one has reserved if they fit there."""
        rows = length_of(block)
        if rows == 0:
            return
        if self.arrays is None:
            self.arrays = tuple(reserved(one, rows * self.blocks) for one in block)
        self.arrays = tuple(
            extended(one, self.rows, new) for one, new in zip(self.arrays, block, strict=True)
        )
        self.rows, self.count = self.rows + rows, self.count + 1

    def take(self, places: Order) -> tuple[Any, ...]:
        """A block of copies of the rows at these places."""
        return without_none(tuple(rows_of(one, places) for one in self.arrays))

    def exchange(self, new: Any, places: Order) -> tuple[Any, ...]:
        """A block of the rows at these places, which the new ones take."""
        out = self.take(places)
        self.arrays = tuple(
            exchanged(one, of, places, self.rows) for one, of in zip(self.arrays, new, strict=True)
        )
        return out


class Draws:
    """Random choices, one after the other, as the seed and the epoch determine them."""

    def __init__(self, seed: int, epoch: int) -> None:
        self.seed, self.stream = seed, (epoch << 32) % 2**64

    def __call__(self, count: int, among: int) -> Order:
        """Indices of `count` of all, in random order."""
        found = _core.random_choice(count, among, self.seed, self.stream)
        self.stream += 1
        return found


def reserved(array: Any, rows: int) -> Any:
    """Memory for rows like those of an array, or of each of a pair; None for a sparse matrix."""
    if isinstance(array, tuple):
        return tuple(reserved(one, rows) for one in array)
    if array is None or is_sparse(array):
        return None
    return np.empty((rows, *array.shape[1:]), array.dtype)


def extended(array: Any, rows: int, new: Any) -> Any:
    """The array with new rows after its first ones."""
    if isinstance(new, tuple):
        return tuple(extended(one, rows, of) for one, of in zip(array, new, strict=True))
    if new is None or array is None:
        return new
    end = rows + new.shape[0]
    if is_sparse(new) or end > len(array):
        return joined([array[:rows], new])
    array[rows:end] = new
    return array


def exchanged(array: Any, new: Any, places: Order, rows: int) -> Any:
    """The array with new rows at these places."""
    if isinstance(new, tuple):
        return tuple(exchanged(one, of, places, rows) for one, of in zip(array, new, strict=True))
    if is_sparse(new):
        order = np.arange(rows)
        order[places] = rows + np.arange(len(places))
        return joined([array, new])[order]
    if new is not None:
        array[places] = new
    return array


def without_none(block: tuple[Any, ...]) -> tuple[Any, ...]:
    """A block without the weights that it does not have."""
    return block if block[2] is not None else block[:2]
