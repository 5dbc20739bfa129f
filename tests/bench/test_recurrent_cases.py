"""The contestants of the recurrent benchmark compute the same losses."""

import importlib

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not next to tests/")


@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_every_recurrent_step_is_right(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    module = importlib.import_module("bench.cases.recurrent")
    monkeypatch.setattr(module.peers, "torch", lambda: None)
    monkeypatch.setattr(module.peers, "threads", lambda: 1)
    monkeypatch.setattr(module.floor, "step_floor", lambda *_: None)
    for contestant in module.contestants(module.Row(cell, 4, 6, 3, 5, 1)):
        contestant.check()
    assert {row.cell for row in module.ROWS} == {"RNN", "LSTM", "GRU"}
