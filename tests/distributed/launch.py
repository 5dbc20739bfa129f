"""Programs of many processes, started by mpiexec on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.processes import ROOT

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or MPIEXEC is None,
    reason="mpi4py or mpiexec is missing: install the extra [distributed]",
)
needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="dask.distributed is missing: install the extra [distributed]",
)


class Ended(NamedTuple):
    """End of a program: its exit status, all it has written, and the seconds it took."""

    status: int
    text: str
    seconds: float


def mpiexec(ranks: int, *arguments: object, timeout: float = 60.0) -> Ended:
    """Runs ``mpiexec -n ranks python arguments``, with one thread for each rank."""
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    return Ended(done.returncode, done.stdout, time.monotonic() - begin)


def program(ranks: int, name: str, *arguments: object, through: str | None = None) -> Ended:
    """Runs a function of `tests.distributed.programs` on all ranks; `through` is a module that runs it."""
    runner = () if through is None else ("-m", through)
    return mpiexec(ranks, *runner, "-m", "tests.distributed.programs", name, *arguments)


def passed(ended: Ended, ranks: int) -> None:
    """Raises unless every rank has come to the end of its program."""
    assert ended.status == 0, ended.text
    assert ended.text.count("passed") == ranks, ended.text
