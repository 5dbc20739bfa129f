"""The code of the matrix unit with tile registers in software, which processors without the unit can run."""

import shutil
import subprocess
from pathlib import Path

import pytest
import simdnn

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "-std=c++20",
    "-ffp-contract=off",
    "-DSIMDNN_LEVEL=amx",
    "-march=x86-64-v4",
    "-mamx-tile",
    "-mamx-bf16",
)


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiles a program: needs g++")
@pytest.mark.skipif("v4" not in simdnn.show_config("dicts")["isa_available"], reason="runs AVX-512")
@pytest.mark.parametrize(
    "options", [("-O2",), ("-O1", "-fsanitize=address,undefined")], ids=["O2", "sanitized"]
)
def test_tiles_have_the_bits_of_float32_arithmetic(options: tuple[str, ...], tmp_path: Path) -> None:
    program = tmp_path / "tiles"
    source = ROOT / "tests/bits/software_tiles.cpp"
    subprocess.run(
        ["g++", *FLAGS, *options, f"-I{ROOT}/cpp", source, "-o", program], check=True, capture_output=True
    )
    done = subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr[-2000:]
