"""Limits of the instruction set level of every library, by the variables that it reads when it loads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

#: Levels of x86-64: v3 has AVX2, v4 has AVX-512.
LEVELS = ("v3", "v4")
#: Variables that limit libraries to AVX2. PyTorch computes exp and products with MKL. onnxruntime has no such
#: variable, and numexpr has no vector code.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
#: Program that prints the features beyond AVX2 that NumPy dispatches to.
LIST_AVX512 = """
from numpy._core import _multiarray_umath as core
names = [name for name in core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]
print(*[name for name in names if core.__cpu_features__.get(name)])
"""


def limit_level(level: str | None) -> None:
    """Sets the environment for a level before NumPy is imported; None sets no limit."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_level must be called before NumPy is imported")
    if level is None:
        return
    os.environ["SIMDNN_ISA"] = level
    if level != "v3":
        return  # no library uses more than AVX-512
    if platform.machine() not in ("x86_64", "AMD64"):
        raise RuntimeError(f"--isa {level} is for x86-64, not {platform.machine()}")
    os.environ.update(AVX2)
    os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(numpy_avx512())
    os.environ["XLA_FLAGS"] = "--xla_cpu_max_isa=AVX2 " + os.environ.get("XLA_FLAGS", "")


def numpy_avx512() -> list[str]:
    """Names of the features beyond AVX2 that NumPy dispatches to here; they vary with its version.

    Another process prints them, because NumPy must not be loaded here before the environment is set.
    """
    environment = {key: value for key, value in os.environ.items() if key != "NPY_DISABLE_CPU_FEATURES"}
    command = [sys.executable, "-c", LIST_AVX512]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
