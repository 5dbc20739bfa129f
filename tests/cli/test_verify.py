"""``simdnn verify``: the bits on record, at every level, with any number of threads on either layer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn.cli import _verify, _verify_jobs, main
from simdnn.losses import NAMED
from simdnn.optim import BY_NAME

LEVELS = (simdnn.show_config("dicts") or {})["isa_available"]


def hashes(**environment: str) -> dict[str, str]:
    """The hashes that another process prints."""
    command = [sys.executable, "-m", "simdnn", "verify", "--json"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_gives_the_bits_on_record(level: str) -> None:
    assert hashes(SIMDNN_ISA=level) == _verify.record()


@pytest.mark.parametrize("layer", ["pool", "openmp"])
@pytest.mark.parametrize("threads", [1, 3, 4])
def test_threads_do_not_change_bits(layer: str, threads: int) -> None:
    assert hashes(SIMDNN_THREADING=layer, OMP_NUM_THREADS=str(threads)) == _verify.record()


def test_table_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(_verify_jobs.JOBS)]] == list(_verify_jobs.JOBS)
    assert _verify.combined(_verify.record()) in lines[-3]
    assert lines[-1].startswith("equal, bit for bit")


def test_another_bit_is_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    *found, last = list(_verify_jobs.layers())
    last.ravel()[-1] = np.nextafter(last.ravel()[-1], last.dtype.type(9))
    monkeypatch.setitem(_verify_jobs.JOBS, "layers", lambda: iter([*found, last]))
    assert main(["verify"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("DIFFERENT") == 1
    assert "not the bits on record" in printed


def test_every_registered_optimizer_and_loss_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = list[Any]()
    real = _verify_jobs.trainer

    def watched(*layers: Any, **options: Any) -> simdnn.Trainer:
        trained.append(options)
        return real(*layers, **options)

    monkeypatch.setattr(_verify_jobs, "trainer", watched)
    list(_verify_jobs.optimizers())
    assert {type(o["optimizer"]) for o in trained} == set(BY_NAME.values())
    trained.clear()
    list(_verify_jobs.objectives())
    assert {o["loss"] for o in trained} == NAMED.keys() - {"zero_one"}
