"""The kernels give equal bits on aarch64, emulated if a cross compiler is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT

FLAGS = ["-std=c++20", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-static"]
CROSS, EMULATOR, NATIVE = "aarch64-linux-gnu-g++", "qemu-aarch64", os.environ.get("CXX", "g++")


def hashes(folder: Path, compiler: str, level: str, flags: list[str], runner: list[str]) -> str:
    """Hashes that tests/bits/levels.cpp prints for an ISA level."""
    program = folder / level
    defines = [f"-DSIMDNN_LEVEL={level}", f"-DTABLE=kernels_{level}"]
    kernels = [ROOT / "cpp/kernels.cpp", *sorted((ROOT / "cpp/kernels").glob("*.cpp"))]
    sources = [*map(str, kernels), str(ROOT / "tests/bits/levels.cpp")]
    subprocess.run([compiler, *FLAGS, *flags, *defines, *sources, "-o", str(program)], check=True)
    return subprocess.run([*runner, str(program)], check=True, capture_output=True, text=True).stdout


def test_neon_kernels_give_the_bits_of_x86(tmp_path: Path) -> None:
    lacking = [tool for tool in (CROSS, EMULATOR, NATIVE) if shutil.which(tool) is None]
    if lacking or os.uname().machine != "x86_64":
        pytest.skip(f"needs an x86-64 machine with {CROSS} and {EMULATOR}; lacks {', '.join(lacking)}")
    x86 = hashes(tmp_path, NATIVE, "v2", ["-march=x86-64-v2"], [])
    neon = hashes(tmp_path, CROSS, "neon", [], [EMULATOR])
    assert neon.splitlines() == x86.splitlines()
    assert "product" in x86
