"""The benchmark of a monitor trains the same network with it and without."""

import importlib

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not next to tests/")


def test_every_contestant_is_right() -> None:
    module = importlib.import_module("bench.cases.monitor")
    assert all(case.goals for case in module.cases())
    for contestant in module.contestants(module.Network((3, 5, 4), 8, 4), 2):
        with contestant.context():
            contestant.run()
            contestant.check()
