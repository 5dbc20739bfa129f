"""Two processes: data parallel training by MPI, its sums over the ranks, and sweeps of many small fits."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import harness, jobs, peers, step_model
from bench.harness import OURS, Case, Contestant, Goal
from bench.problems import Network, make_problem

RANKS = 2
ALONE, ONE_RANK = "Trainer.fit", "one rank"
#: The least speed-ups of two ranks that are goals, by network: with as many samples in a step (strong), and
#: with twice as many (weak).
SPEED_UPS: dict[tuple[int, ...], tuple[float | None, float | None]] = {
    (784, 512, 512, 10): (1.4, 1.6),
    (784, 2048, 2048, 10): (1.6, 1.7),
}
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MPI, ORDERED = "mpi4py", "simdnn, deterministic"
FITS = 40
ONE_WORKER, THREADS, SKLEARN = "one worker", "joblib threading", "scikit-learn, joblib"
#: Name of each contestant of a sweep, and its backend in `bench.sweeps`.
SWEEPS = {
    OURS: "fit_many",
    ONE_WORKER: "one worker",
    "joblib processes": "loky",
    THREADS: "threading",
    "Dask processes": "dask",
    SKLEARN: "scikit-learn",
}
STEP_NOTE = (
    f"time of a step of {RANKS} ranks with one thread each; strong: the ranks share the batch; weak: each"
    " rank has such a batch, as the other columns have, so that equal times are perfect"
)
SUM_NOTE = f"time of a sum over {RANKS} ranks on this machine, in place, the shortest of a job"
SWEEP_NOTE = f"time of a fit; {FITS} fits on {RANKS} workers, which have started before, one thread each"


def cases() -> Iterator[Case]:
    """Rows for every network, every size of a message, and a sweep, on a machine with two CPUs or more."""
    if len(harness.CPUS) < RANKS:
        return
    if jobs.has_mpi():
        yield from _of_ranks()
    if peers.is_installed("sklearn") and peers.is_installed("joblib"):
        goals = [
            Goal((ONE_WORKER,), 1.8, ours="joblib processes"),
            Goal((ONE_WORKER,), 1.85, ours=THREADS),
            Goal((SKLEARN,), 2.0),
        ]
        yield Case("sweep", f"{FITS} x digits, 64, batch 200", _sweeps, tuple(goals), SWEEP_NOTE)


def _of_ranks() -> Iterator[Case]:
    """Rows of MPI."""
    for network in step_model.NETWORKS:
        speed_ups = SPEED_UPS.get(network.widths, (None, None))
        for kind, ratio in zip(("strong", "weak"), speed_ups, strict=True):
            goals = [] if ratio is None else [Goal((ALONE,), _goal(kind, ratio))]
            name = f"{kind}, {network.shape()}, batch {network.batch_size}"
            yield Case(
                "data parallel", name, functools.partial(_steps, network, kind), tuple(goals), STEP_NOTE
            )
    for size in SIZES:
        build = functools.partial(_sums, size)
        yield Case("Allreduce", f"{size:.0e} floats".replace("e+0", "e"), build, (), SUM_NOTE)


def _goal(kind: str, ratio: float) -> float:
    """The ratio of times that is a speed-up of this kind: a weak step has the samples of each rank."""
    return ratio if kind == "strong" else ratio / RANKS


def _steps(network: Network, kind: str) -> Iterator[Contestant]:
    """Two ranks, one of them, and one process without MPI, which must all have the losses of a trainer."""
    shared = network if kind == "strong" else network._replace(batch_size=network.batch_size * RANKS)
    yield _step(OURS, RANKS, shared)
    yield _step(ONE_RANK, 1, network)
    yield _step(ALONE, 1, network, alone=True)


def _step(name: str, ranks: int, network: Network, alone: bool = False) -> Contestant:
    program = functools.partial(jobs.run_ranks, ranks, "steps", network=network, alone=alone)

    def check() -> None:
        from bench.ranks import make_trainer

        problem = make_problem(network)
        settings = {"epochs": 2, "batch_size": network.batch_size, "progress": False}
        expected = make_trainer(problem).fit(problem.x, problem.y, **settings)
        np.testing.assert_allclose(program()["losses"], expected.loss, rtol=1e-4)

    return _job(name, program, check)


def _sums(size: int) -> Iterator[Contestant]:
    """The sum as `DataParallel` forms it, that of mpi4py, and one in the order of the ranks."""
    for name, kind in ((OURS, "simdnn"), (MPI, "mpi4py"), (ORDERED, "deterministic")):
        program = functools.partial(jobs.run_ranks, RANKS, "allreduce", size=size, kind=kind)

        def check(program: Any = program) -> None:
            np.testing.assert_equal(program()["error"], 0.0)

        yield _job(name, program, check)


def _sweeps() -> Iterator[Contestant]:
    """Every backend, with the losses of one worker; scikit-learn has them to rounding."""
    expected = functools.cache(lambda: _sweep("one worker")["losses"])
    for name, backend in SWEEPS.items():
        if backend == "dask" and not peers.is_installed("distributed"):
            continue
        program = functools.partial(_sweep, backend)

        def check(program: Any = program, name: str = name) -> None:
            tolerance = 1e-9 if name == SKLEARN else 0.0
            np.testing.assert_allclose(program()["losses"], expected(), rtol=tolerance)

        yield _job(name, program, check, FITS)


def _sweep(backend: str) -> dict[str, Any]:
    return jobs.run_sweep(backend, fits=FITS, workers=RANKS)


def _job(name: str, program: Any, check: Any, steps: int = 1) -> Contestant:
    """A contestant whose processes have timed themselves."""
    return Contestant(name, lambda: program()["seconds"], check, steps, elsewhere=True, timed=True)
