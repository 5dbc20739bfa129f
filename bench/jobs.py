"""Jobs: programs of one or more processes that time themselves and print what they found as JSON."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import harness, levels

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
#: Longest time of a job in seconds.
TIMEOUT = 300.0
#: Mark before the line with the answer.
ANSWER = "answer: "


def has_mpi() -> bool:
    """True if mpi4py and mpiexec are installed."""
    return MPIEXEC is not None and importlib.util.find_spec("mpi4py") is not None


def run_ranks(ranks: int, program: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a program of `bench.ranks` on processes with a CPU and a thread each."""
    if MPIEXEC is None:
        raise RuntimeError("mpiexec is missing: pip install '.[distributed]'")
    return _answer([MPIEXEC, "-n", str(ranks)], "bench.ranks", program, arguments)


def run_sweep(backend: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a backend of `bench.sweeps`."""
    return _answer([], "bench.sweeps", backend, arguments)


def answer(**found: Any) -> None:
    """Prints the answer of this process."""
    print(f"{ANSWER}{json.dumps(found)}", flush=True)


def pin(rank: int | None = None) -> None:
    """Lets this process run on all CPUs of the benchmark, or on that of its rank."""
    cpus = json.loads(os.environ.get("BENCH_CPUS", json.dumps(harness.CPUS)))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus if rank is None else {cpus[rank % len(cpus)]})


def _answer(launcher: list[str], module: str, program: str, arguments: dict[str, Any]) -> dict[str, Any]:
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    quiet = {"PYTHONWARNINGS": "ignore"}  # fits of sweeps end before they converge
    done = subprocess.run(
        [*launcher, sys.executable, "-m", module, program, json.dumps(arguments)],
        cwd=levels.ROOT,
        env=os.environ | one_thread | quiet | {"BENCH_CPUS": json.dumps(harness.CPUS)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if done.returncode != 0 or len(lines) != 1:
        raise RuntimeError(f"{module} {program} ended with status {done.returncode}\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(lines[0].removeprefix(ANSWER))
    return found
