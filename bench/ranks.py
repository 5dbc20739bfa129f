"""Programs of one rank of an MPI job: ``mpiexec -n 2 python -m bench.ranks allreduce '{"size": 1000}'``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import jobs

TIMEOUT = 120.0
#: Seconds and number of repetitions at least, of which the shortest counts.
SECONDS, LEAST = 0.5, 5


def main() -> int:
    """Runs the program of the command line, and prints its answer on rank 0."""
    from mpi4py import MPI

    comm, (program, arguments) = MPI.COMM_WORLD, sys.argv[1:]
    jobs.pin(comm.rank)
    programs: dict[str, Callable[..., dict[str, Any]]] = {"steps": steps, "allreduce": allreduce, "add": add}
    found = programs[program](comm, **json.loads(arguments))
    if comm.rank == 0:
        jobs.answer(**found)
    return 0


def steps(comm: Any, network: list[Any], epochs: int = 2, alone: bool = False) -> dict[str, Any]:
    """The time of a step of `DataParallel`, or of `Trainer.fit` if `alone`, and the losses of its epochs."""
    from simdnn.distributed import DataParallel

    from bench.problems import Network, make_problem

    problem = make_problem(Network(*network))
    trainer = make_trainer(problem)
    fitted: Any = trainer if alone else DataParallel(trainer, comm, timeout=TIMEOUT)
    settings = {"batch_size": problem.batch_size, "progress": False}
    losses = fitted.fit(problem.x, problem.y, epochs=epochs, **settings).loss
    times: list[float] = []
    begin = time.perf_counter()
    while True:
        history = fitted.fit(problem.x, problem.y, epochs=2, **settings)
        times += history.seconds
        done = len(times) >= LEAST and time.perf_counter() - begin > SECONDS
        if comm.bcast(done):
            break
    return {"seconds": min(times) / len(problem.batches()), "losses": losses}


def make_trainer(problem: Any) -> Any:
    """The trainer of a problem, the same on every rank."""
    import simdnn
    from simdnn import optim

    from bench.problems import make_model

    return simdnn.Trainer(make_model(problem), loss="cross_entropy", optimizer=optim.Adam(lr=1e-3), seed=0)


def allreduce(comm: Any, size: int, kind: str = "simdnn") -> dict[str, Any]:
    """The time of a sum over the ranks, the largest of all ranks, and the relative error of the sum."""
    array = np.empty(size, np.float32)
    mine = np.arange(size, dtype=np.float32) % 7 * (comm.rank + 1)
    added = adder(comm, kind)
    times = []
    begin = time.perf_counter()
    while True:
        array[:] = mine
        comm.Barrier()
        start = time.perf_counter()
        result = added(array)
        times.append(time.perf_counter() - start)
        done = len(times) >= LEAST and time.perf_counter() - begin > SECONDS
        if (len(times) % 16 == 0 or len(times) < 16) and comm.bcast(done):
            break
    expected = np.arange(size) % 7 * (comm.size * (comm.size + 1) // 2)
    error = float(np.abs(result - expected).max())
    slowest = max(comm.allgather(min(times)))
    return {"seconds": slowest, "error": max(comm.allgather(error))}


def add(comm: Any, size: int) -> dict[str, Any]:
    """The time of adding a byte of an array to another one."""
    one, other = np.zeros(size, np.float32), np.ones(size, np.float32)
    times = []
    for _ in range(100):
        start = time.perf_counter()
        one += other
        times.append(time.perf_counter() - start)
    return {"seconds": min(times) / one.nbytes}


def adder(comm: Any, kind: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The sum of an array over the ranks, as `DataParallel` or mpi4py forms it."""
    from mpi4py import MPI
    from simdnn.distributed._ranks import Ranks

    ranks = Ranks(comm, TIMEOUT)

    def by_mpi(array: NDArray[Any]) -> NDArray[Any]:
        comm.Allreduce(MPI.IN_PLACE, array)
        return array

    def by_simdnn(array: NDArray[Any]) -> NDArray[Any]:
        ranks.add(array, "sum")
        return array

    kinds = {
        "simdnn": by_simdnn,
        "mpi4py": by_mpi,
        "deterministic": lambda array: ranks.ordered_sum(array[np.newaxis], "sum"),
    }
    return kinds[kind]


if __name__ == "__main__":
    sys.exit(main())
