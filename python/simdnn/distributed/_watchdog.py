"""A watchdog over collective calls: MPI itself waits for a lost process without end."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import weakref
from types import TracebackType


class Watchdog:
    """Ends this process, and so the job, when a call of ``with watchdog.at(doing)`` takes longer than
    `timeout` s.

    A collective call of MPI cannot be left, not even by an exception; so each rank that waits in vain says on
    stderr where, and ends. mpiexec ends the other processes of a job if one of them ends without
    MPI_Finalize.
    """

    def __init__(self, rank: int, timeout: float) -> None:
        self._state = _State(rank, timeout)
        weakref.finalize(self, self._state.over.set)
        threading.Thread(target=self._state.watch, name="simdnn-watchdog", daemon=True).start()

    def at(self, doing: str) -> _State:
        """The context of one call; `doing` is for the message."""
        self._state.doing = doing
        return self._state


class _State:
    """The deadline of the call at which a rank is."""

    def __init__(self, rank: int, timeout: float) -> None:
        self.rank, self.timeout, self.doing = rank, timeout, ""
        self.over = threading.Event()
        self._deadline = math.inf

    def __enter__(self) -> None:
        self._deadline = time.monotonic() + self.timeout

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadline = math.inf

    def watch(self) -> None:
        """Looks at the deadline now and then."""
        while not self.over.wait(min(self.timeout / 4, 1.0)):
            if time.monotonic() > self._deadline:
                print(
                    f"simdnn.distributed: rank {self.rank}: {self.doing}: another rank has not come for"
                    f" {self.timeout:g} s; it has died, or makes other calls. This rank ends.",
                    file=sys.stderr,
                    flush=True,
                )
                sys.stdout.flush()
                time.sleep(min(self.timeout / 2, 1.0))  # until the other waiting ranks have said so, too
                os._exit(1)
