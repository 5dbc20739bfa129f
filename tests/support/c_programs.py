"""C compilers of this machine, and exported models as functions of Python."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn

from tests.support.registry import same_bits

Array = np.ndarray[Any, Any]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
#: Options with which headers must compile.
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-ffp-contract=off")

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs a C compiler: gcc or clang")
every_compiler = pytest.mark.parametrize("compiler", COMPILERS or [pytest.param("gcc", marks=needs_compiler)])


def compile_c(compiler: str, *arguments: object) -> None:
    """Runs a compiler; raises an AssertionError with its messages."""
    command = [compiler, *STRICT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    assert done.returncode == 0, done.stderr


def run_test(header: Path, compiler: str, *options: str, emulator: tuple[str, ...] = ()) -> str:
    """Compiles the test of a header, runs it, and returns what it says; raises if an output differs."""
    program = header.with_suffix(f".{compiler}")
    compile_c(compiler, *options, f"-D{header.stem.upper()}_TEST", "-x", "c", header, "-o", program, "-lm")
    done = subprocess.run([*emulator, str(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout


def wrapper(name: str, model: Any) -> str:
    """The source of functions that a shared library exports for a header."""
    real = "float" if model.dtype == np.float32 else "double"
    stateful = "stateful=True" in repr(model)
    state = "&state, " if stateful else ""
    call = f"{name}_predict({state}x, {'steps, ' if model._input.sequence else ''}y)"
    lines = [f'#include "{name}.h"', f"int predict_{name}(const {real} *x, int steps, {real} *y, int fresh);"]
    lines.append(f"int predict_{name}(const {real} *x, int steps, {real} *y, int fresh) {{")
    if stateful:
        lines += [f"  static {name}_state state;", f"  if (fresh) {name}_reset(&state);"]
    lines += ["  (void)steps;", "  (void)fresh;", f"  return {call};", "}"]
    return "\n".join([*lines, ""])


class Library:
    """Exported models in one shared library."""

    def __init__(
        self, folder: Path, compiler: str, models: Mapping[str, Any], *options: str, exact: bool = True
    ) -> None:
        self.models = models
        for name, model in models.items():
            simdnn.export_c(model, folder / f"{name}.h", exact=exact)
        source, library = folder / f"all_{compiler}.c", folder / f"all_{compiler}.so"
        source.write_text("\n".join(wrapper(name, model) for name, model in models.items()))
        compile_c(compiler, *options, "-shared", "-fPIC", source, "-o", library, "-lm")
        self._library = ctypes.CDLL(str(library))

    def call(self, name: str, x: Array, y: Array, fresh: bool = True) -> int:
        """Predicts one sample; `fresh` begins with the initial states. Returns the status."""
        function = getattr(self._library, f"predict_{name}")
        pointers = (ctypes.c_void_p(one.ctypes.data) for one in (x, y))
        first, second = pointers
        return int(function(first, ctypes.c_int(x.shape[0]), second, ctypes.c_int(fresh)))

    def predict(self, name: str, x: Array) -> Array:
        """The outputs for samples [n, (time,) features], sample by sample."""
        model = self.models[name]
        steps = (x.shape[1],) if model._output.sequence else ()
        y = np.full((len(x), *steps, model.out_features), np.nan, model.dtype)
        x = np.ascontiguousarray(x, model.dtype)
        for i in range(len(x)):
            assert self.call(name, x[i], y[i]) == 0
        return y


def assert_same_bits(found: Array, wanted: Array) -> None:
    """Raises unless two arrays are equal in every bit, where NaN equals NaN."""
    assert same_bits(found, wanted), np.max(np.abs(found - wanted))
