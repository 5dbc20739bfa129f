"""Holding every contestant to one level of instruction sets, by what each library reads when it loads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

#: v4 is AVX-512, v3 is AVX2.
LEVELS = ("v3", "v4")
#: MKL does PyTorch's exp and products; onnxruntime has no such switch, and numexpr has no vector code.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
LIST_AVX512 = """
from numpy._core import _multiarray_umath as core
names = [name for name in core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]
print(*[name for name in names if core.__cpu_features__.get(name)])
"""


def limit_level(level: str | None) -> None:
    """Set the environment for a level; before anything is imported. None leaves everybody free."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_level must be called before NumPy is imported")
    if level is None:
        return
    os.environ["SIMDNN_ISA"] = level
    if level != "v3":
        return  # nobody uses more
    if platform.machine() not in ("x86_64", "AMD64"):
        raise RuntimeError(f"--isa {level} is for x86-64, not {platform.machine()}")
    os.environ.update(AVX2)
    os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(numpy_avx512())
    os.environ["XLA_FLAGS"] = "--xla_cpu_max_isa=AVX2 " + os.environ.get("XLA_FLAGS", "")


def numpy_avx512() -> list[str]:
    """What NumPy dispatches to beyond AVX2 on this processor, in its own words, which change with versions.

    Asked in another process, for here it must not be loaded before it is told.
    """
    environment = {key: value for key, value in os.environ.items() if key != "NPY_DISABLE_CPU_FEATURES"}
    command = [sys.executable, "-c", LIST_AVX512]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
