"""A training that stops at any step and goes on elsewhere has the bits of one that never stopped."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import resume
from tests.support.processes import LEVELS, missing, output_of
from tests.support.registry import FLOATS, OPTIMIZERS, label, with_threads
from tests.support.sweep import LONG, times

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

#: The steps before which a training stops.
STOPS = list(range(resume.STEPS)) if LONG else [0, 23, 48]


def trainings(folder: Path, dtype: Any) -> dict[str, str]:
    """Files of all optimizers at some of the steps, and the hashes at their ends."""
    found: dict[str, str] = {}
    for row in range(len(OPTIMIZERS)):
        stops = STOPS if LONG else [STOPS[row % len(STOPS)]]
        found |= with_threads(1, lambda row=row, stops=stops: resume.write(folder, row, dtype, stops))
    return found


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", range(len(OPTIMIZERS)), ids=[label(name, o) for name, _, o in OPTIMIZERS])
def test_a_training_may_stop_at_any_step(row: int, dtype: Any, tmp_path: Path) -> None:
    wanted = resume.write(tmp_path, row, dtype, STOPS)
    assert len(set(wanted.values())) == len(STOPS)
    unstopped = resume.write(tmp_path, row, dtype, [0])
    assert unstopped.items() <= wanted.items(), "saving has changed the training"
    assert {name: resume.finish(tmp_path / name) for name in wanted} == wanted


@pytest.mark.parametrize("level", LEVELS if LONG else LEVELS[:1])
@pytest.mark.parametrize("dtype", FLOATS if LONG else FLOATS[:1])
def test_it_may_go_on_at_another_level_with_other_threads(level: str, dtype: Any, tmp_path: Path) -> None:
    if reason := missing(level):
        pytest.skip(f"level {level}: {reason}")
    wanted = trainings(tmp_path, dtype)
    printed = output_of(
        ["-m", "tests.support.resume", str(tmp_path), "2"], timeout=times(120, 900), SIMDNN_ISA=level
    )
    assert json.loads(printed) == wanted
    assert len(wanted) == len(OPTIMIZERS) * (len(STOPS) if LONG else 1)
    assert np.dtype(dtype).name in next(iter(wanted))
