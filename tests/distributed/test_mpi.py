"""`DataParallel` on two and three ranks of mpiexec: laws, errors, lost ranks. Needs [distributed]."""

from __future__ import annotations

from pathlib import Path

import pytest
import simdnn

from tests.distributed.launch import needs_mpi, passed, program

pytestmark = needs_mpi


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_train_as_one_process(ranks: int, tmp_path: Path) -> None:
    """Laws of steps and fits, saved runs that go on bit for bit, errors that name the rank everywhere."""
    passed(program(ranks, "laws", tmp_path), ranks)


@pytest.mark.parametrize(
    ("ranks", "way"), [(3, "killed"), (3, "hangs"), (2, "ends early")], ids=["killed", "hangs", "ends early"]
)
def test_lost_rank_ends_the_job_in_time(ranks: int, way: str, tmp_path: Path) -> None:
    """mpiexec ends the others of a killed rank; those that wait for a living one say so in time."""
    path = tmp_path / "trainer.safetensors"
    ended = program(ranks, "dies", path, way)
    assert ended.status != 0
    assert ended.seconds < 30
    assert "rank 1 leaves" in ended.text
    waiting = [rank for rank in range(ranks) if rank != 1]
    for rank in waiting if way != "killed" else ():
        place = "callbacks" if way == "hangs" else "step"
        assert f"rank {rank}: {place}: another rank has not come for 2 s" in ended.text
    assert simdnn.Trainer.load(path).epochs_done == (5 if way == "ends early" else 3)


def test_uncaught_exception_ends_the_job_at_once_by_mpi4py() -> None:
    ended = program(2, "raises", through="mpi4py")
    assert ended.status != 0
    assert "RuntimeError: no more disk" in ended.text
    assert "another rank has not come" not in ended.text
