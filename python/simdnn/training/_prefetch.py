"""Blocks that are loaded on a background thread while the ones before them are in use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from .._utils.blocks import located

T = TypeVar("T")

_END: Any = object()


class Prefetcher(Generic[T]):
    """Loads the next block while the caller works: at most that one and the caller's are in memory.

    Parameters
    ----------
    name : str
        Name of the blocks, which error messages begin with: ``name[3]: ...`` for the block 3.
    blocks : iterable
        Blocks to load.
    prepare : function
        Function that checks and converts a block, also on the background thread.
    """

    def __init__(self, name: str, blocks: Iterable[Any], prepare: Callable[[Any], T]) -> None:
        self._name, self._prepare, self._count = name, prepare, 0
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._ready: SimpleQueue[tuple[T, BaseException | None]] = SimpleQueue()
        run = copy_context().run  # blocks may depend on it, as those of Dask do on the current client
        self._thread = threading.Thread(
            target=run, args=(self._run, blocks), name="simdnn blocks", daemon=True
        )

    def __enter__(self) -> Prefetcher[T]:
        try:
            self._thread.start()
        except RuntimeError as error:  # Python has no other word for memory that has run out
            raise MemoryError(f"{self._name}: {error}") from None
        self._wanted.put(True)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread, without waiting for the block that it may be loading."""
        self._wanted.put(False)

    def take(self) -> T | None:
        """The next block, while the one after it begins to load; None after the last one.

        The caller has let go of the block before it.
        """
        block, error = self._ready.get()
        if error is not None:
            raise located(error, f"{self._name}[{self._count}]") from error
        if block is _END:
            return None
        self._count += 1
        self._wanted.put(True)
        return block

    def _run(self, blocks: Iterable[Any]) -> None:
        """Loads a block for each True that comes."""
        iterator: Iterator[Any] = iter(())
        try:
            iterator = iter(blocks)
            while self._wanted.get():
                block = next(iterator, _END)
                if block is _END:
                    self._ready.put((_END, None))
                    return
                self._ready.put((self._prepare(block), None))
                del block
        except BaseException as error:
            self._ready.put((_END, error))
        finally:
            if hasattr(iterator, "close"):
                iterator.close()
