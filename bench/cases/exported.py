"""One sample by the C of `export_c`, compiled for this processor, beside `Predictor.predict`."""

from __future__ import annotations

import ctypes
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simdnn

from bench import native
from bench.cases.serve import NETWORKS
from bench.harness import OURS, Case, Contestant, Goal
from bench.problems import Network, make_model, make_problem

FLAGS = ("-x", "c", "-std=c99", "-O3", "-march=native", "-ffp-contract=off")
#: Predictions of one call, which hide the time that Python takes to call C.
COUNT = 100
PREDICT = "Predictor.predict"
SOURCE = """#include "network.h"
void repeat(int count, const float *x, float *y) {
  while (count-- > 0) {
    __asm__ volatile("" : : "r"(x), "r"(y) : "memory");
    network_predict(x, y);
  }
}
"""
NOTE = "simdnn is the exported header here, without Python, by -O3 -march=native; the outputs have equal bits"


def cases() -> Iterator[Case]:
    """A row per network."""
    for network in NETWORKS:
        contestants = functools.partial(_contestants, network)
        yield Case("exported C", network.shape(), contestants, (Goal((PREDICT,), 1 / 3),), NOTE)


def _contestants(network: Network) -> Iterator[Contestant]:
    problem = make_problem(network._replace(batches=1))
    model, sample = make_model(problem), problem.x[:1]
    predictor, library = model.freeze(), compiled(model)
    exported, out = np.empty((2, 1, problem.widths[-1]), np.float32)
    count, x, y = ctypes.c_int(COUNT), *(ctypes.c_void_p(one.ctypes.data) for one in (sample, exported))

    def check() -> None:
        library.repeat(count, x, y)
        np.testing.assert_array_equal(exported, predictor.predict(sample))

    yield Contestant(OURS, lambda: library.repeat(count, x, y), check, steps=COUNT)
    yield Contestant(PREDICT, lambda: predictor.predict(sample, out), lambda: None)


def compiled(model: simdnn.nn.Sequential) -> ctypes.CDLL:
    """A library whose function `repeat` predicts a sample several times."""
    with tempfile.TemporaryDirectory() as folder:
        simdnn.export_c(model, Path(folder) / "network.h")
        source = Path(folder) / "repeat.c"
        source.write_text(SOURCE)
        library = native.load(str(source), *FLAGS)
    if library is None:
        raise RuntimeError("exported C needs a compiler: none was found")
    return library
