"""Micro-batches: parts of a batch, one after another on one rank or at once on several."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array, is_sparse
from .._utils.sparse import checked_csr


class MicroBatch(NamedTuple):
    """Samples of one rank."""

    arrays: tuple[Any, Any, Any]  #: x, y, sample_weight
    offset: int  #: samples of the batch that come before, on this rank and others
    empty: bool  #: True if the arrays are one sample that stands for none, whose gradient counts as 0

    @property
    def weighs(self) -> bool:
        """True if a sample has a weight other than 0."""
        weight = self.arrays[2]
        return not self.empty and (weight is None or bool(np.any(weight)))


class Data:
    """Samples, targets and weights whose rows are taken batch by batch; raises if their lengths differ."""

    def __init__(self, x: Any, y: Any, weight: Any) -> None:
        self.x = checked_csr("X", x) if is_sparse(x) else as_cpu_array("X", x)
        pair = isinstance(y, tuple)
        self.y = tuple(as_cpu_array("y", part) for part in y) if pair else as_cpu_array("y", y)
        self.weight = None if weight is None else as_cpu_array("sample_weight", weight)
        parts = [("y", part) for part in self._targets()]
        if self.weight is not None:
            parts.append(("sample_weight", self.weight))
        if self.x.ndim < 2:
            raise ValueError(f"X: expected shape (n, features), got {self.x.shape}")
        self.samples: int = self.x.shape[0]
        for name, part in parts:
            if part.shape[:1] != (self.samples,):
                raise ValueError(f"{name}: expected {self.samples} rows as in X, got shape {part.shape}")

    def _targets(self) -> tuple[NDArray[Any], ...]:
        return self.y if isinstance(self.y, tuple) else (self.y,)

    def micro_batch(self, rows: Any, offset: int) -> MicroBatch:
        """The samples of these rows; without any, one sample that stands for none."""
        x, targets = self.x[rows], [part[rows] for part in self._targets()]
        weight = None if self.weight is None else self.weight[rows]
        empty = x.shape[0] == 0
        if empty:
            x, targets, weight = one_of(self.x), [one_of(part) for part in self._targets()], None
        return MicroBatch((x, tuple(targets) if len(targets) > 1 else targets[0], weight), offset, empty)

    def facts(self) -> dict[str, Any]:
        """Facts that are equal on ranks with equal samples: targets, weights and some rows of X, hashed."""
        digest = hashlib.blake2b(digest_size=8)
        some = self.x[:: max(1, self.samples // 64)]
        rows = some.toarray() if hasattr(some, "toarray") else some
        for part in (rows, *self._targets(), self.weight):
            if part is not None:
                digest.update(np.ascontiguousarray(part).data)
        return {"number of samples": self.samples, "hash of X, y and sample_weight": digest.hexdigest()}


def one_of(rows: Any) -> Any:
    """The first row, or a row of zeros if there is none."""
    return rows[:1] if rows.shape[0] else np.zeros((1, *rows.shape[1:]), rows.dtype)


def bounds(count: int, parts: int) -> list[tuple[int, int]]:
    """Begin and end of each of the parts of `count` samples; the first ones may have one more."""
    small, more = divmod(count, parts)
    begins = [i * small + min(i, more) for i in range(parts + 1)]
    return list(itertools.pairwise(begins))
