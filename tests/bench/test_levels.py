"""At a level, the bound is that level's own, and every peer that is said to be held to it is held to it."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("bench", reason="bench/ is not in this checkout")
from bench import floor, harness, levels, native, peers, report, results, vectors
from tests.support.processes import LEVELS, missing, run, without_sanitizer

pytestmark = pytest.mark.skipif("v3" not in LEVELS, reason="levels are those of x86-64")


def _skip_without(level: str) -> None:
    if reason := missing(level):
        pytest.skip(reason)
    if native.load("vectors.cpp", *vectors.FLAGS) is None:
        pytest.skip("needs a C++ compiler")


def _multiply(level: str) -> Callable[[], object]:
    library = floor.library(level)
    assert library is not None
    return functools.partial(library.floor_multiply_float32, ctypes.c_double(1e6))


@pytest.mark.parametrize("level", levels.LEVELS)
def test_the_bound_of_a_level_multiplies_with_its_vectors(level: str) -> None:
    _skip_without(level)
    assert vectors.level_of(_multiply(level)) == level


def test_the_bound_follows_the_level_of_simdnn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMDNN_ISA", "v3")
    assert floor.library() is floor.library("v3")
    assert "at level v3" in floor.describe()
    monkeypatch.delenv("SIMDNN_ISA")
    assert floor.library() is not floor.library("v3")


@without_sanitizer
@pytest.mark.parametrize("level", ["v2", "v3"])
def test_simdnn_is_held_to_a_level(level: str) -> None:
    """The function has no fma, which v2 takes from the C library, whose version needs v3 where it can."""
    _skip_without(level)
    script = f"""
from bench import levels
levels.limit_level({level!r})
import numpy as np, simdnn.functional as F
from bench import vectors
x = np.linspace(-4, 4, 100_000, dtype="float32")
print(vectors.level_of(lambda: F.relu(x)))
"""
    assert run(script).strip() == level


def test_xla_reads_every_flag() -> None:
    script = """
from bench import harness, levels
levels.limit_level("v3")
harness.limit_threads(1)
import os
print(os.environ["XLA_FLAGS"])
"""
    words = run(script, XLA_FLAGS="--xla_cpu_enable_fast_math=false").split()
    assert "--xla_cpu_max_isa=AVX2" in words
    assert "--xla_cpu_enable_fast_math=false" in words
    assert all(word.startswith("--") for word in words), "XLA ignores what follows a word without dashes"


@pytest.mark.peers
@pytest.mark.parametrize("peer", ["NumPy", "PyTorch", "JAX", "scikit-learn", "numexpr"])
def test_a_peer_is_held_to_avx2(peer: str) -> None:
    pytest.importorskip(peers.module_of(peer), reason="needs the extra [peers]")
    use = vectors.measure(peer, "v3")
    assert use is not None
    assert use.level <= "v3", use.work


def test_the_limit_of_each_peer_is_named() -> None:
    uses = {
        "NumPy": vectors.Use("v3", "products"),
        "numexpr": vectors.Use("v2", "exp(x)"),
        "onnxruntime": vectors.Use("v4", "prediction"),
        "JAX": None,
    }
    expected = (
        "peers held to AVX2: NumPy, numexpr; not held: onnxruntime (AVX-512 in prediction); not checked: JAX"
    )
    assert vectors.describe("v3", uses) == expected
    assert vectors.describe("v2", {"NumPy": vectors.Use("v3", "exp")}) == (
        "peers held to SSE: none; not held: NumPy (AVX2 in exp)"
    )
    assert vectors.describe(None, {}) == vectors.describe("v4", {}) == "peers: no limit of instructions"
    assert vectors.check_peers(None) == {}


def test_every_table_says_what_the_peers_were_allowed() -> None:
    measured = [
        harness.Result(harness.Case(group, "x", list), rounds=3, disturbed=0.0, median={"simdnn": 1.0})
        for group in ("a", "b")
    ]
    machine: dict[str, Any] = {
        "isa_of_peers": "v3",
        "vectors_of_peers": {"NumPy": vectors.Use("v3", "products")},
        **dict.fromkeys(("date", "isa", "compiler"), "..."),
        "threads": 1,
        "versions": {},
    }
    allowed = "peers held to AVX2: NumPy"
    for markdown in (False, True):
        assert report.tables(measured, report.allowance(machine), markdown=markdown).count(allowed) == 2
    assert results.provenance(machine, "python -m bench").endswith(allowed)
