"""Lower bounds of step times: operations at the measured peak, bytes at the measured bandwidth."""

from __future__ import annotations

import ctypes
import functools
import os
import time
from collections.abc import Callable

import numpy as np

from bench import levels, native

FLAGS = ("-O3", "-mprefer-vector-width=512", "-fno-math-errno")


def library(level: str | None = None) -> ctypes.CDLL | None:
    """`floor.cpp` compiled for a level, by default simdnn's, or None without a C++ compiler.

    Without a limit the code is for this processor.
    """
    level = level or os.environ.get("SIMDNN_ISA")
    machine = (f"-march=x86-64-{level}", "-mtune=native") if level in levels.LEVELS else ("-march=native",)
    return native.load("floor.cpp", *FLAGS, *machine)


def slower_floor(
    size: int, buffers: int, roots: int, divisions: int, dtype: str = "float32"
) -> Callable[[], object] | None:
    """The slower of reading and writing an update's memory, and of its square roots and divisions alone.

    Parameters
    ----------
    size : int
        Number of parameters.
    buffers : int
        Number of state buffers of the optimizer, which are read and written like the parameters; the gradient
        is read.
    roots, divisions : int
        Number of square roots and divisions per parameter.
    dtype : str
        "float32" or "float64".

    Returns
    -------
    function or None
        A function that does this work; None without a C++ compiler.
    """
    native = library()
    if native is None:
        return None
    # Nonzero values, because the system maps all pages of a zero array to a single one.
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
    """Square roots and divisions of data in the L1 cache; an empty list if there are none."""
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
    """The arithmetic of a training step: products at the peak, then Adam's update, then activations.

    Parameters
    ----------
    flops : float
        Number of operations of the matrix products.
    parameters : int
        Number of parameters that Adam updates.
    divided : int
        Number of divisions of the activations.
    dtype : str
        "float32" or "float64".

    Returns
    -------
    function or None
        A function that does this work; None without a C++ compiler.
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


#: Bytes that fit into each level of a common cache hierarchy, and into none.
CACHES = {"L1": 16 << 10, "L2": 512 << 10, "L3": 8 << 20, "memory": 256 << 20}


@functools.cache
def describe() -> str:
    """A text with the measured peak of multiply-adds and the read bandwidth of one core."""
    native = library()
    if native is None:
        return "no C++ compiler, so no floor"
    flops = 2e6
    peaks = {
        dtype: flops / seconds(functools.partial(native[f"floor_multiply_{dtype}"], ctypes.c_double(flops)))
        for dtype in ("float32", "float64")
    }
    rates = {level: _bandwidth(native, size) for level, size in CACHES.items()}
    peak = ", ".join(f"{dtype} {rate / 1e9:.0f}" for dtype, rate in peaks.items())
    bandwidth = ", ".join(f"{level} {rate / 1e9:.0f}" for level, rate in rates.items())
    level = os.environ.get("SIMDNN_ISA")
    core = f"one core at level {level}" if level else "one core"
    return f"{core}, GFLOP/s: {peak}; reading, GB/s: {bandwidth}"


def _bandwidth(native: ctypes.CDLL, size: int) -> float:
    """Bytes per second of repeatedly reading an array of this size."""
    array = np.ones(size // 4, np.float32)
    repeats = max(1, CACHES["L3"] // size)
    read, address = native.floor_read_float32, ctypes.c_void_p(array.ctypes.data)
    run = functools.partial(read, address, ctypes.c_ssize_t(array.size), ctypes.c_ssize_t(repeats))
    return repeats * size / seconds(run)


def seconds(call: Callable[[], object]) -> float:
    """The shortest time per call of a few timings."""
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
