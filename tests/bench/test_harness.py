"""Rounds end early where the medians are known, and never before the least number of them."""

import itertools
from collections.abc import Iterator

import pytest

pytest.importorskip("bench", reason="bench/ is not in this checkout")
from bench import harness

EFFORT = harness.Effort(seconds=60, least_rounds=4, least_rounds_when_slow=2, error=0.01, attempts=1)


class Clock:
    """Contestants whose samples are given, and the number of samples that each of them has taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **times: Iterator[float]) -> None:
        self.taken = dict.fromkeys(times, 0)
        self.seconds = 1e-3
        self.contestants = [harness.Contestant(name, lambda: None, lambda: None) for name in times]
        calls = lambda contestant: harness.Calls(1, self.seconds)  # noqa: E731

        def sample(contestant: harness.Contestant, calls: harness.Calls, attempts: int) -> harness.Sample:
            self.taken[contestant.name] += 1
            return harness.Sample(next(times[contestant.name]), disturbed=False)

        monkeypatch.setattr(harness, "_calls", calls)
        monkeypatch.setattr(harness, "_sample", sample)

    def run(self) -> dict[str, int]:
        harness.run(harness.Case("a", "b", lambda: self.contestants), EFFORT)
        return self.taken


def test_equal_times_take_the_least_number_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, simdnn=itertools.repeat(1.0), NumPy=itertools.repeat(2.0))
    assert clock.run() == {"simdnn": 4, "NumPy": 4}


def test_long_calls_take_fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, simdnn=itertools.repeat(1.0), NumPy=itertools.repeat(2.0))
    clock.seconds = 2 * harness.SLOW_SECONDS
    assert clock.run() == {"simdnn": 2, "NumPy": 2}


def test_times_that_spread_take_more_rounds_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = itertools.cycle([1.0, 1.1, 1.2])
    taken = Clock(monkeypatch, simdnn=itertools.repeat(1.0), NumPy=noisy).run()
    assert taken["simdnn"] == taken["NumPy"]
    # The quartiles are 0.1 to 0.2 apart, so that 1 % needs 0.93 * 0.1 / 1.1 / 0.01 squared rounds or more.
    assert 70 < taken["simdnn"] < 300


def test_a_peer_that_is_far_behind_takes_the_least_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = itertools.cycle([1.0, 1.1, 1.2])
    taken = Clock(monkeypatch, simdnn=noisy, numexpr=itertools.repeat(20.0)).run()
    assert taken["simdnn"] > 70
    assert taken["numexpr"] == 4


def test_a_far_peer_that_spreads_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = itertools.cycle([20.0, 30.0, 40.0])
    assert Clock(monkeypatch, simdnn=itertools.repeat(1.0), numexpr=noisy).run() == {
        "simdnn": 4,
        "numexpr": 4,
    }


def test_a_wrong_answer_is_never_timed() -> None:
    def wrong() -> None:
        raise AssertionError("1 is not 2")

    case = harness.Case("group", "row", lambda: [harness.Contestant("NumPy", lambda: None, wrong)])
    with pytest.raises(AssertionError, match="group row, NumPy: wrong result"):
        harness.run(case, EFFORT)


def test_the_error_of_the_median_shrinks_with_the_samples() -> None:
    few = [harness.Sample(time, disturbed=False) for time in (9.0, 10.0, 11.0)]
    assert harness.relative_error(few[:1]) == float("inf")
    assert harness.relative_error(few * 4) == pytest.approx(harness.relative_error(few * 16) * 2, rel=0.3)


def test_processes_that_time_themselves_are_called_once_for_a_sample() -> None:
    calls = itertools.count()
    contestant = harness.Contestant(
        "simdnn", lambda: 3e-3 + 0 * next(calls), lambda: None, steps=30, elsewhere=True, timed=True
    )
    result = harness.run(harness.Case("a", "b", lambda: [contestant]), EFFORT._replace(error=1.0))
    assert result.median == {"simdnn": pytest.approx(100.0)}
    assert next(calls) == result.rounds == EFFORT.least_rounds_when_slow
