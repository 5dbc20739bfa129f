"""The C functions of activations have the bits of the kernels, over all numbers of a stride."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import _core
from simdnn.c_code._functions import needed

from tests.support.c_programs import Array, assert_same_bits, compile_c, every_compiler
from tests.support.registry import ACTIVATIONS, FLOATS, mixed_bits, parameters_of

NAMES = {np.float32: "float", np.float64: "double"}
#: Numbers at which a formula changes, or an exponent overflows.
SPECIAL = (0.0, np.inf, np.nan, 1e-45, 1e-310, 1e-30, 0.5, 0.625, 1.0, 3.0, 6.0, 11.0, 40.0, 88.8, 1e30)


def numbers(dtype: Any) -> Array:
    """Numbers of all magnitudes, NaN among them, and special ones of both signs."""
    if dtype == np.float32:
        found = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        found = mixed_bits(100_000, np.uint64).view(np.float64)
    near = np.linspace(-50, 50, 100_001)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate([found, near, SPECIAL, np.negative(SPECIAL)]).astype(dtype)


def library(folder: Path, compiler: str, precision: str) -> ctypes.CDLL:
    """All activations as functions of arrays."""
    blocks = needed([f"simdnn_{name}_value" for name in ACTIVATIONS], precision, exact=True)
    lines = ["#include <float.h>", "#include <math.h>", "#include <stdint.h>", *blocks]
    for name in ACTIVATIONS:
        count = len(parameters_of(name))
        given = "".join(f", {precision} p{i}" for i in range(count))
        head = f"void each_{name}(const {precision} *x, long n, {precision} *y{given})"
        call = f"simdnn_{name}_value(x[i]{''.join(f', p{i}' for i in range(count))})"
        lines += [f"{head};", f"{head} {{", f"  for (long i = 0; i < n; ++i) y[i] = {call};", "}"]
    source, made = folder / "activations.c", folder / "activations.so"
    source.write_text("\n".join([*lines, ""]))
    compile_c(compiler, "-shared", "-fPIC", source, "-o", made, "-lm")
    return ctypes.CDLL(str(made))


@every_compiler
@pytest.mark.parametrize("dtype", FLOATS)
def test_activations_have_the_bits_of_the_kernels(compiler: str, dtype: Any, tmp_path: Path) -> None:
    made, x = library(tmp_path, compiler, NAMES[dtype]), numbers(dtype)
    kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    for name in ACTIVATIONS:
        defaults = parameters_of(name)
        for parameters in {defaults, tuple(0.3 + one for one in defaults)}:
            y = np.empty_like(x)
            pointers = [ctypes.c_void_p(one.ctypes.data) for one in (x, y)]
            given = [kind(one) for one in parameters]
            getattr(made, f"each_{name}")(pointers[0], ctypes.c_long(x.size), pointers[1], *given)
            with np.errstate(all="ignore"):
                wanted = getattr(_core, name)(x, *(dtype(one) for one in parameters))
            assert_same_bits(y, wanted)
