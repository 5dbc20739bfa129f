"""Arrays next to pages that nobody may read or write: a kernel that leaves its array ends the process."""

import ctypes
import mmap
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Bytes next to an array that are checked for writes.
MARGIN = 256
FILL = 0xA5


class Guarded:
    """Memory between two pages without any access, which holds one array at a time, at either end."""

    def __init__(self, pages: int = 16) -> None:
        page = mmap.PAGESIZE
        self._size = pages * page
        self._map = mmap.mmap(-1, self._size + 2 * page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for edge in (address, address + page + self._size):
            if protect(edge, page, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        whole = np.frombuffer(self._map, np.uint8)
        self._bytes = whole[page : page + self._size]
        self._bytes[...] = FILL
        self._begin = self._end = 0

    def hold(self, array: Array, end: bool) -> Array:
        """A copy of a contiguous array that ends where the memory ends, or begins where it begins."""
        self._bytes[self._begin : self._end] = FILL
        self._begin = self._size - array.nbytes if end else 0
        self._end = self._begin + array.nbytes
        held = self._bytes[self._begin : self._end].view(array.dtype).reshape(array.shape)
        held[...] = array
        return held

    def intact(self) -> bool:
        """True if the memory next to the array is as it was."""
        before = self._bytes[max(0, self._begin - MARGIN) : self._begin]
        behind = self._bytes[self._end : self._end + MARGIN]
        return bool((before == FILL).all() and (behind == FILL).all())


class Guards:
    """Memory for each argument of a call."""

    def __init__(self, count: int = 6, pages: int = 16) -> None:
        self._free = [Guarded(pages) for _ in range(count)]
        self._used: list[Guarded] = []

    def hold(self, array: Any, end: bool) -> Any:
        """A guarded copy of an array."""
        self._used.append(self._free.pop())
        return self._used[-1].hold(np.ascontiguousarray(array), end)

    def release(self) -> None:
        """Raises if there was a write next to one of the arrays, and takes the memory back."""
        intact = [one.intact() for one in self._used]
        self._free += self._used
        self._used = []
        assert all(intact), "a write beyond an array"
