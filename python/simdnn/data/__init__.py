"""Blocks of samples for `Trainer.fit`: data that are larger than memory, read piece by piece, and shuffled.

A source of blocks is a sequence: ``source[i]`` reads the block i, a tuple ``(X, y)`` or
``(X, y, sample_weight)``, and `Trainer.fit` takes it in the place of X. Each list of blocks is one too.
"""

from ._arrays import from_arrays
from ._shuffled import shuffled
from ._tables import from_tables

__all__ = ["from_arrays", "from_tables", "shuffled"]
