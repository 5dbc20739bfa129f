"""Orders of a product's loops, compiled by themselves: each gives the one result, whatever the processor."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import simdnn

from tests.support.processes import ROOT

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]


def printed(source: str, level: str, folder: Path) -> list[str]:
    """The lines that a program for a level prints."""
    if not (ROOT / "cpp").is_dir() or shutil.which(COMPILER) is None:
        pytest.skip(f"needs the sources and {COMPILER}")
    program = folder / "program"
    options = [f"-DSIMDNN_LEVEL={level}"] + ([f"-march=x86-64-{level}"] if level.startswith("v") else [])
    subprocess.run(
        [COMPILER, *FLAGS, *options, str(ROOT / "tests/bits" / source), "-o", str(program)], check=True
    )
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


def test_every_order_is_one_chain(isa: str, tmp_path: Path) -> None:
    *wrong, orders = printed("products.cpp", "v4" if isa == "amx" else isa, tmp_path)
    assert not wrong
    assert all(int(count) >= 8 for count in orders.split()[1:]), orders


def test_products_by_tiles_in_software_have_the_same_bits(tmp_path: Path) -> None:
    """The code for the matrix unit without one: its packing, borders, order and use of registers."""
    if "v4" not in (simdnn.show_config("dicts") or {})["isa_available"]:
        pytest.skip("needs a processor of x86-64-v4, whose vectors pack the tiles")
    *wrong, products = printed("tiles.cpp", "v4", tmp_path)
    assert not wrong
    assert int(products) > 10_000
