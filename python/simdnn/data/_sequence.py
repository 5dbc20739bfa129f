"""The base of all sources of blocks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from operator import index
from typing import Any

Samples = tuple[Any, ...]


class BlockSequence(Sequence[Samples]):
    """A sequence of blocks, each of which is read when it is asked for."""

    @abstractmethod
    def read(self, i: int) -> Samples:
        """The block i, 0 <= i < len(self)."""

    def __getitem__(self, i: Any) -> Any:
        try:
            at = index(i)
        except TypeError:
            raise TypeError(f"blocks: expected an integer as index, got {type(i).__name__}") from None
        at += len(self) if at < 0 else 0
        if not 0 <= at < len(self):
            raise IndexError(f"blocks: {i} is out of range for {len(self)} blocks")
        return self.read(at)
