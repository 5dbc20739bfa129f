"""The least time an update could take here: its bytes at the measured bandwidth, its roots and divisions."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("floor.cpp")
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-fno-math-errno", "-shared", "-fPIC"]


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled walks, or None without a C++ compiler."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        return None
    path = Path(tempfile.mkdtemp()) / "floor.so"
    subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


def slower_floor(size: int, buffers: int, roots: int, divisions: int) -> Callable[[], object] | None:
    """The walk over memory, or the roots and divisions alone: whichever takes longer here.

    Parameters
    ----------
    size : int
        Parameters.
    buffers : int
        State buffers beside the parameters; the gradient is read too.
    roots, divisions : int
        Of each element.
    """
    native = library()
    if native is None:
        return None
    # Written to, for else all their pages would be one page of zeros.
    arrays = [np.full(size, 1e-3, np.float32) for _ in range(1 + buffers)]
    gradient = np.full(size, 1e-9, np.float32)
    pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    block = np.full(1024, 2.0, np.float32)
    length = ctypes.c_ssize_t(size)
    gradient_at, block_at = ctypes.c_void_p(gradient.ctypes.data), ctypes.c_void_p(block.ctypes.data)
    walk, divide, count = native.floor_walk, native.floor_divide, len(arrays)
    kept = (arrays, gradient, block)

    def over_memory(kept: object = kept) -> None:
        walk(pointers, count, gradient_at, length)

    def divisions_alone(kept: object = kept) -> None:
        divide(block_at, roots, divisions, length)

    return max((over_memory, divisions_alone) if roots or divisions else (over_memory,), key=seconds)


def seconds(call: Callable[[], object]) -> float:
    """The least of a few timings of many calls."""
    start = time.perf_counter()
    call()
    repeats = max(1, round(300e-6 / (time.perf_counter() - start)))
    found = []
    for _ in range(9):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        found.append((time.perf_counter() - start) / repeats)
    return min(found)
