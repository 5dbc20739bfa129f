"""The processes of a communicator: collective calls that end in time, and errors that all ranks learn of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._watchdog import Watchdog


class Ranks:
    """The ranks of an MPI communicator, or this process alone; `timeout` is the longest wait in seconds."""

    def __init__(self, comm: Any, timeout: float) -> None:
        if comm is not None and not hasattr(comm, "Get_rank"):
            raise TypeError(f"comm: expected a communicator of mpi4py or None, got {type(comm).__name__}")
        self._comm = comm
        self.rank: int = 0 if comm is None else comm.Get_rank()
        self.size: int = 1 if comm is None else comm.Get_size()
        self._waiting = Watchdog(self.rank, timeout) if self.size > 1 else None
        self._in_place: Any = None
        if self.size > 1:
            from mpi4py import MPI

            self._in_place = MPI.IN_PLACE

    def gather(self, value: Any, doing: str) -> list[Any]:
        """A picklable value of each rank, on every rank."""
        if self._waiting is None:
            return [value]
        with self._waiting.at(doing):
            return list(self._comm.allgather(value))

    def broadcast(self, arrays: list[NDArray[Any]], doing: str) -> None:
        """Overwrites the arrays by those of rank 0."""
        if self._waiting is None:
            return
        with self._waiting.at(doing):
            for array in arrays:
                self._comm.Bcast(array)

    def add(self, array: NDArray[Any], doing: str) -> None:
        """Replaces an array by its sum over the ranks, in one call in place."""
        if self._waiting is None:
            return
        with self._waiting.at(doing):
            self._comm.Allreduce(self._in_place, array)

    def ordered_sum(self, rows: NDArray[Any], doing: str) -> NDArray[Any]:
        """The sum of the rows [parts, n] of all ranks, added one after another: rank 0's rows, rank 1's, ...

        Each rank adds a piece of all rows, and all gather the sums: every number is added in the order in
        which one process with all of the rows adds them.
        """
        if self._waiting is None:
            return fold(rows)
        (parts, n), size = rows.shape, self.size
        width = -(-n // size)
        padded = np.zeros((parts, size * width), rows.dtype)
        padded[:, :n] = rows
        sent = np.ascontiguousarray(padded.reshape(parts, size, width).transpose(1, 0, 2))
        received = np.empty_like(sent)
        total = np.empty(size * width, rows.dtype)
        with self._waiting.at(doing):
            self._comm.Alltoall(sent, received)
            self._comm.Allgather(fold(received.reshape(size * parts, width)), total)
        return total[:n]

    def agree(self, error: BaseException | None, doing: str, facts: Mapping[str, Any] | None = None) -> None:
        """Raises on every rank if one of them has an error, or a fact on one differs from that on rank 0."""
        text = None if error is None else f"{type(error).__name__}: {error}"
        found = self.gather((text, facts), doing)
        if error is not None:
            raise error
        if failures := [
            f"rank {rank}: {other}" for rank, (other, _) in enumerate(found) if other is not None
        ]:
            raise RuntimeError(f"{doing}: {'; '.join(failures)}")
        first = found[0][1] or {}
        for rank, (_, others) in enumerate(found):
            for name, value in (others or {}).items():
                wanted = first.get(name)
                if value != wanted:
                    raise ValueError(
                        f"{name}: rank {rank} has {value!s:.200}, rank 0 has {wanted!s:.200}; these must"
                        " be equal on all ranks"
                    )


def fold(rows: NDArray[Any]) -> NDArray[Any]:
    """The sum of rows, added one after another."""
    total: NDArray[Any] = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total
