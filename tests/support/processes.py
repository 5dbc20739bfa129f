"""Scripts in fresh Python processes, with a time limit."""

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Instruction-set levels in a build for this kind of machine.
LEVELS = {"x86_64": ("v2", "v3", "v4", "amx"), "aarch64": ("neon",)}.get(os.uname().machine, ())

#: Factor of all time limits, for an emulator or sanitizer.
PATIENCE = float(os.environ.get("SIMDNN_TEST_PATIENCE", "1"))

#: Tests of memory, of vector code and of crashes, all of which AddressSanitizer changes.
without_sanitizer = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="AddressSanitizer needs memory, has other code, and reports crashes itself",
)


def start(
    arguments: list[str], timeout: float, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs Python from the root of the checkout; a process that hangs is killed and fails the test."""
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            timeout=timeout * PATIENCE,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        printed = [text.decode() for text in (error.stdout, error.stderr) if text]
    pytest.fail("\n".join([f"hung: killed after {timeout * PATIENCE:g} s", *printed]), pytrace=False)


def output_of(arguments: list[str], timeout: float = 60, **environment: str) -> str:
    """Output of a process; an exit status other than 0 fails the test."""
    done = start(arguments, timeout, environment)
    if done.returncode != 0:
        pytest.fail(f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def run(script: str, timeout: float = 60, **environment: str) -> str:
    """Output of a script. A line that begins with SKIP skips the test and gives the reason."""
    printed = output_of(["-c", script], timeout, **environment)
    for line in printed.splitlines():
        if line.startswith("SKIP"):
            pytest.skip(line.removeprefix("SKIP").strip())
    return printed


def missing(level: str) -> str:
    """The reason why this machine cannot run an ISA level; empty if it can."""
    done = start(["-c", "import simdnn"], 60, {"SIMDNN_ISA": level})
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def control_word() -> int:
    """Floating-point modes from the C library's fegetenv: rounding, traps, flushing of subnormals."""
    environment = (ctypes.c_uint32 * 16)()
    word, flags = {"x86_64": (7, 0x3F), "aarch64": (0, 0)}[platform.machine()]
    ctypes.CDLL(None).fegetenv(environment)
    return environment[word] & ~flags


#: Sticky flags of MXCSR: a subnormal operand (DE), an inexact result below the normal numbers (UE).
FLAGS = {"DE": 0x02, "UE": 0x10}


def raised_flags(call: Callable[[], object]) -> str:
    """The flags of FLAGS that a call raises in this thread; they do not depend on the processor's speed.

    Skips the test where the C library's environment does not hold an MXCSR.
    """
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        pytest.skip("reads MXCSR by the fegetenv of glibc on x86-64")
    library, environment = ctypes.CDLL(None), (ctypes.c_uint32 * 16)()
    library.fegetenv(environment)
    environment[7] &= ~0x3F
    library.fesetenv(environment)
    call()
    library.fegetenv(environment)
    return " ".join(name for name, bit in FLAGS.items() if environment[7] & bit)
