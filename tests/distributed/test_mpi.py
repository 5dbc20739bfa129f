"""`DataParallel` on two and three ranks of mpiexec: laws, errors, lost ranks. Needs [distributed]."""

from __future__ import annotations

from pathlib import Path

import pytest
import simdnn

from tests.distributed.launch import needs_mpi, passed, program

pytestmark = needs_mpi
ranks = pytest.mark.parametrize("ranks", [2, 3])


@ranks
def test_ranks_train_as_one_process(ranks: int) -> None:
    passed(program(ranks, "laws"), ranks)


@ranks
def test_saved_run_goes_on_bit_for_bit(ranks: int, tmp_path: Path) -> None:
    passed(program(ranks, "resume", tmp_path / "trainer.safetensors"), ranks)


@ranks
def test_errors_name_the_rank_on_every_rank(ranks: int, tmp_path: Path) -> None:
    passed(program(ranks, "errors", tmp_path), ranks)


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
