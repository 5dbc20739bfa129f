"""The least time a step could take here: operations at the measured peak, bytes at the measured bandwidth."""

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


def slower_floor(
    size: int, buffers: int, roots: int, divisions: int, dtype: str = "float32"
) -> Callable[[], object] | None:
    """The walk over memory, or the roots and divisions alone: whichever takes longer here.

    Parameters
    ----------
    size : int
        Parameters.
    buffers : int
        State buffers beside the parameters; the gradient is read too.
    roots, divisions : int
        Of each element.
    dtype : str
        "float32" or "float64".
    """
    native = library()
    if native is None:
        return None
    # Written to, for else all their pages would be one page of zeros.
    arrays = [np.full(size, 1e-3, dtype) for _ in range(1 + buffers)]
    gradient = np.full(size, 1e-9, dtype)
    pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    length, gradient_at, count = ctypes.c_ssize_t(size), ctypes.c_void_p(gradient.ctypes.data), len(arrays)
    walk, kept = native[f"floor_walk_{dtype}"], (arrays, gradient)

    def over_memory(kept: object = kept) -> None:
        walk(pointers, count, gradient_at, length)

    return max((over_memory, *_divisions(native, size, roots, divisions, dtype)), key=seconds)


def _divisions(
    native: ctypes.CDLL, size: int, roots: int, divisions: int, dtype: str
) -> list[Callable[[], object]]:
    """Roots and divisions in the first-level cache; nothing where there are none."""
    if not (size and (roots or divisions)):
        return []
    block = np.full(1024, 2.0, dtype)
    divide, block_at, length = native[f"floor_divide_{dtype}"], ctypes.c_void_p(block.ctypes.data), size

    def divide_alone(kept: object = block) -> None:
        divide(block_at, roots, divisions, ctypes.c_ssize_t(length))

    return [divide_alone]


def step_floor(
    flops: float, parameters: int, divided: int, dtype: str = "float32"
) -> Callable[[], object] | None:
    """A training step that does nothing but its arithmetic: products at the peak, then Adam's walk.

    Parameters
    ----------
    flops : float
        Of the matrix products.
    parameters : int
        What Adam updates.
    divided : int
        Divisions of the activations.
    dtype : str
        "float32" or "float64".
    """
    native = library()
    update = slower_floor(parameters, 2, 1, 1, dtype)
    if native is None or update is None:
        return None
    multiply, count = native[f"floor_multiply_{dtype}"], ctypes.c_double(flops)
    rest = [update, *_divisions(native, divided, 0, 1, dtype)]

    def step() -> None:
        multiply(count)
        for part in rest:
            part()

    return step


#: Bytes that fit each level of a common cache hierarchy, and none.
LEVELS = {"L1": 16 << 10, "L2": 512 << 10, "L3": 8 << 20, "memory": 256 << 20}


@functools.cache
def describe() -> str:
    """The peak of multiply-adds and the bandwidth of reading, one core, as measured now."""
    native = library()
    if native is None:
        return "no C++ compiler, so no floor"
    flops = 2e6
    peaks = {
        dtype: flops / seconds(functools.partial(native[f"floor_multiply_{dtype}"], ctypes.c_double(flops)))
        for dtype in ("float32", "float64")
    }
    rates = {level: _bandwidth(native, size) for level, size in LEVELS.items()}
    peak = ", ".join(f"{dtype} {rate / 1e9:.0f}" for dtype, rate in peaks.items())
    bandwidth = ", ".join(f"{level} {rate / 1e9:.0f}" for level, rate in rates.items())
    return f"one core, GFLOP/s: {peak}; reading, GB/s: {bandwidth}"


def _bandwidth(native: ctypes.CDLL, size: int) -> float:
    """Bytes a second of reading an array of this size over and over."""
    array = np.ones(size // 4, np.float32)
    repeats = max(1, LEVELS["L3"] // size)
    read, address = native.floor_read_float32, ctypes.c_void_p(array.ctypes.data)
    run = functools.partial(read, address, ctypes.c_ssize_t(array.size), ctypes.c_ssize_t(repeats))
    return repeats * size / seconds(run)


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
