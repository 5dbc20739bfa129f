"""A short form of the soak: random networks, trainings and operations agree with their float64 formulas."""

from tests.tools.soak import CHECKS, soak


def test_random_networks_agree_with_their_formulas() -> None:
    report = soak(seed=2, seconds=60, rounds=60)
    assert not report.faults, report.faults[0]
    assert all(report.counts[check.__name__] for check in CHECKS)
