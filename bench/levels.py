"""Limits of the instruction set level of every library, by the variables that it reads when it loads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
#: Levels of x86-64: v2 has SSE4.2, v3 has AVX2, v4 has AVX-512.
LEVELS = ("v2", "v3", "v4")
#: Names of levels for ``--isa``; amx is v4 with the matrix unit, for products of bfloat16 numbers.
CHOICES = (*LEVELS, "amx")
VECTORS = {"v2": "SSE", "v3": "AVX2", "v4": "AVX-512"}


class Limit(NamedTuple):
    """Values by which libraries are held to a level, and the features that NumPy may still dispatch to."""

    variables: Mapping[str, str]
    xla_flags: str
    numpy_levels: tuple[str, ...]


#: XLA gives matrix products and sums to YNNPACK, which asks the processor itself. Without it, products are
#: oneDNN's, which ONEDNN_MAX_CPU_ISA limits.
WITHOUT_YNNPACK = "--xla_cpu_experimental_ynn_fusion_type=-individual_dot,-individual_convolution,-reduce"
#: Limits below v4, the highest level. scikit-learn computes with NumPy and OpenBLAS, numexpr has no vector
#: code of its own, and onnxruntime has no such variable. `vectors` finds out which libraries obey.
LIMITS = {
    "v3": Limit(
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
        f"--xla_cpu_max_isa=AVX2 {WITHOUT_YNNPACK}",
        ("X86_V2", "X86_V3", "AVX2", "FMA3"),
    ),
    "v2": Limit(
        {
            "ATEN_CPU_CAPABILITY": "default",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_CORETYPE": "Nehalem",
        },
        f"--xla_cpu_max_isa=SSE4_2 {WITHOUT_YNNPACK}",
        ("X86_V2",),
    ),
}
#: Program that prints the features of this processor that NumPy dispatches to.
LIST_FEATURES = """
from numpy._core import _multiarray_umath as core
print(*[name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)])
"""


def limit_level(level: str | None) -> None:
    """Sets the environment for a level before NumPy is imported; None sets no limit."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_level must be called before NumPy is imported")
    if level is None:
        return
    if platform.machine() not in ("x86_64", "AMD64"):
        raise RuntimeError(f"--isa {level} is for x86-64, not {platform.machine()}")
    os.environ["SIMDNN_ISA"] = level
    if level == "v4":
        os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_FP16"  # all but the matrix unit
    if level not in LIMITS:
        return  # no library uses more vectors than those of AVX-512
    limit = LIMITS[level]
    os.environ.update(limit.variables)
    os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(
        name for name in numpy_features() if name not in limit.numpy_levels
    )
    os.environ["XLA_FLAGS"] = f"{limit.xla_flags} {os.environ.get('XLA_FLAGS', '')}".strip()


def numpy_features() -> list[str]:
    """Names of the features that NumPy dispatches to here; they vary with its version.

    Another process prints them, because NumPy must not be loaded here before the environment is set.
    """
    environment = {key: value for key, value in os.environ.items() if key != "NPY_DISABLE_CPU_FEATURES"}
    command = [sys.executable, "-c", LIST_FEATURES]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
