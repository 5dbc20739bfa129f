"""Every order of a product's loops, with the sizes of every processor, gives one chain of FMAs per output."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]


def test_every_order_is_one_chain(isa: str, tmp_path: Path) -> None:
    if not (ROOT / "cpp").is_dir() or shutil.which(COMPILER) is None:
        pytest.skip(f"needs the sources and {COMPILER}")
    program = tmp_path / "products"
    level = [f"-DSIMDNN_LEVEL={isa}"] + ([f"-march=x86-64-{isa}"] if isa.startswith("v") else [])
    source = ROOT / "tests/bits/products.cpp"
    subprocess.run([COMPILER, *FLAGS, *level, str(source), "-o", str(program)], check=True)
    *wrong, orders = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    assert not wrong
    assert all(int(count) >= 8 for count in orders.split()[1:]), orders
