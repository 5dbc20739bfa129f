"""The benchmark of many processes: its programs give right answers, and its model follows formulas."""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Any

import pytest

from tests.distributed.launch import needs_mpi
from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not next to tests/")


@pytest.fixture
def model() -> ModuleType:
    return importlib.import_module("bench.step_model")


@pytest.mark.parametrize(("ranks", "rounds"), [(2, 1), (4, 2), (5, 3), (64, 6), (1024, 10)])
def test_a_short_sum_takes_a_latency_for_each_round(model: ModuleType, ranks: int, rounds: int) -> None:
    assert model.allreduce(ranks, 8, model.Link("slow", 2.0, 0.0), 0.0) == 2.0 * rounds


@pytest.mark.parametrize("ranks", [2, 4, 8, 1024])
def test_a_long_sum_sends_less_than_twice_its_bytes(model: ModuleType, ranks: int) -> None:
    wanted = min(math.log2(ranks) * 100 * (3 + 1), (ranks - 1) / ranks * 100 * (2 * 3 + 1))
    assert model.allreduce(ranks, 100, model.Link("narrow", 0.0, 3.0), 1.0) == pytest.approx(wanted)


def test_only_samples_are_divided(model: ModuleType) -> None:
    """A rank's share of 32 samples is rounded up; the rest of a step is on every rank."""
    network = model.Network((3, 4, 2), 32, 1)
    cost = model.Cost(network, alone=330.0, fixed=10.0, sample=10.0, pair=0.0)
    free, dear = model.Link("free", 0.0, 0.0), model.Link("dear", 1e9, 0.0)
    for ranks, samples in ((2, 16), (3, 11), (32, 1), (1024, 1)):
        assert model.step(cost, ranks, free, 0.0) == 10.0 + 10.0 * samples
    assert model.fastest(cost, free, 0.0) == (32, 330.0 / 20.0)
    assert model.fastest(cost, dear, 0.0) == (1, 1.0)
    assert model.well_used(cost, free, 0.0) == 32  # 330 / 20 / 32 is more than a half
    assert model.well_used(cost, dear, 0.0) == 1


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2.0 s"), (0.0114, "11 ms"), (0.0009, "900 us"), (4.5e-6, "4.5 us")]
)
def test_times_have_their_unit(model: ModuleType, value: float, text: str) -> None:
    assert model.seconds(value) == text


def test_the_page_has_the_tables_of_the_model(model: ModuleType) -> None:
    page = (ROOT / "docs" / "guides" / "distributed.md").read_text()
    for table in model.tables(model.MEASURED).split("\n\n"):
        assert table in page, "paste the tables of python -m bench.step_model"


@needs_mpi
def test_every_step_and_sum_is_right() -> None:
    cases = importlib.import_module("bench.cases.scaling")
    for contestant in cases._steps(cases.step_model.Network((3, 5, 2), 8, 4), "weak"):
        contestant.check()
    for contestant in cases._sums(100):
        contestant.check()
        assert 0 < contestant.run() < 60


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("backend", ["fit_many", "threading", "scikit-learn"])
def test_every_sweep_has_the_losses_of_one_worker(backend: str) -> None:
    sweeps = importlib.import_module("bench.sweeps")
    small: dict[str, Any] = {"fits": 3, "workers": 2, "epochs": 2, "sweeps": 1}
    found, wanted = sweeps.sweep(backend, **small), sweeps.sweep("one worker", **small)
    tolerance = 1e-9 if backend == "scikit-learn" else 0.0
    assert found["losses"] == pytest.approx(wanted["losses"], rel=tolerance, abs=0.0)
    assert found["seconds"] > 0


def test_failed_jobs_say_why() -> None:
    jobs = importlib.import_module("bench.jobs")
    with pytest.raises(RuntimeError, match=r"(?s)bench.sweeps loky ended with status 1.*workers"):
        jobs.run_sweep("loky", fits=3)
