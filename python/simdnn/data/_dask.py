"""Blocks of Dask's arrays and data frames."""

from __future__ import annotations

from typing import Any

from ._sequence import BlockSequence, Samples


class DaskBlocks(BlockSequence):
    """The blocks of rows of Dask's collections, each computed by Dask's scheduler when it is asked for."""

    def __init__(self, collections: list[Any]) -> None:
        arrays = [one.to_dask_array() if hasattr(one, "to_dask_array") else one for one in collections]
        arrays = [one.rechunk(dict.fromkeys(range(1, one.ndim), -1)) for one in arrays]
        counts = {one.numblocks[0] for one in arrays}
        sizes = {one.chunks[0] for one in arrays if not any(size != size for size in one.chunks[0])}
        if len(counts) > 1 or len(sizes) > 1:
            raise ValueError(
                "X, y, sample_weight: expected equal blocks of rows; see Dask's rechunk and repartition"
            )
        self.blocks: int
        self.arrays, self.blocks = arrays, int(counts.pop())

    def __len__(self) -> int:
        return self.blocks

    def read(self, i: int) -> Samples:
        import dask

        found: Samples = dask.compute(*(one.blocks[i] for one in self.arrays))
        return found

    def __iter__(self) -> Any:
        """The blocks that have rows: a partition of a data frame may be empty."""
        return (block for block in map(self.read, range(self.blocks)) if len(block[0]))
