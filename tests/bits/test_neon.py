"""The kernels give equal bits on aarch64, emulated if a cross compiler is installed."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.processes import ROOT

FLAGS = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
CROSS, EMULATOR, NATIVE = "aarch64-linux-gnu-g++", "qemu-aarch64", os.environ.get("CXX", "g++")


def hashes(folder: Path, compiler: str, level: str, flags: list[str], runner: list[str]) -> str:
    """Hashes that tests/bits/levels.cpp prints for an ISA level; each core compiles a file at a time."""
    program = folder / level
    defines = [f"-DSIMDNN_LEVEL={level}", f"-DTABLE=kernels_{level}"]
    parts = [path for path in (ROOT / "cpp/kernels").glob("*.cpp") if path.stem != "amx"]
    kernels = sorted(parts, key=lambda path: -path.stat().st_size)
    sources = [*kernels, ROOT / "cpp/kernels.cpp", ROOT / "tests/bits/levels.cpp"]

    def compiled(source: Path) -> str:
        made = folder / f"{level}-{source.stem}.o"
        subprocess.run([compiler, *FLAGS, *flags, *defines, "-c", source, "-o", made], check=True)
        return str(made)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sources))
    subprocess.run([compiler, "-static", *objects, "-o", program], check=True)
    return subprocess.run([*runner, str(program)], check=True, capture_output=True, text=True).stdout


def test_neon_kernels_give_the_bits_of_x86(tmp_path: Path) -> None:
    lacking = [tool for tool in (CROSS, EMULATOR, NATIVE) if shutil.which(tool) is None]
    if lacking or os.uname().machine != "x86_64":
        pytest.skip(f"needs an x86-64 machine with {CROSS} and {EMULATOR}; lacks {', '.join(lacking)}")
    x86 = hashes(tmp_path, NATIVE, "v2", ["-O1", "-march=x86-64-v2"], [])
    neon = hashes(tmp_path, CROSS, "neon", ["-O3"], [EMULATOR])
    assert neon.splitlines() == x86.splitlines()
    assert "product of bf16" in x86
