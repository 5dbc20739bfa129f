"""Schedules of any settings: their formulas in float64, their ends, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simdnn import _core, optim, schedules
from simdnn.schedules._describe import schedule_from_dict, schedule_to_dict

RATES = st.floats(0.0, 1e3, allow_subnormal=False)
LENGTHS = st.integers(1, 300)
few = settings(max_examples=60, deadline=None)


def cosine(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` to `end` at a share of its length."""
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def line(start: float, end: float, share: float) -> float:
    return start + (end - start) * min(share, 1.0)


def near(found: Any, wanted: Any, scale: float) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14 * scale)


@few
@given(RATES, RATES, LENGTHS)
def test_lines_and_cosines_begin_and_end_exactly(start: float, end: float, steps: int) -> None:
    for schedule, formula in (
        (schedules.linear(start, end, steps), line),
        (schedules.cosine(start, steps, end), cosine),
    ):
        found = schedule(np.arange(steps + 5))
        near(found, [formula(start, end, t / steps) for t in range(steps + 5)], max(start, end))
        assert found[0] == start
        assert set(found[steps:].tolist()) == {end}
        low, high = min(start, end), max(start, end)
        assert found.min() >= low * (1 - 1e-15)
        assert found.max() <= high * (1 + 1e-15)


@few
@given(RATES, LENGTHS, st.floats(0.0, 1.0), st.floats(1.0, 100.0), st.floats(1.0, 1e5), st.booleans())
def test_one_cycle_reaches_its_top_and_its_end(
    top: float, steps: int, share: float, div: float, final_div: float, cos: bool
) -> None:
    anneal: Any = "cos" if cos else "linear"
    schedule = schedules.one_cycle(top, steps, share, div, final_div, anneal)
    found = schedule(np.arange(steps + 3))
    formula = cosine if cos else line
    peak, low, last = share * steps - 1, top / div, top / div / final_div
    wanted = []
    for t in range(steps):
        if t <= peak:
            wanted.append(formula(low, top, t / peak if peak else 1.0))
        else:
            wanted.append(formula(top, last, (t - peak) / (steps - 1 - peak)))
    near(found[:steps], wanted, top)
    assert set(found[steps - 1 :].tolist()) == {last if peak < steps - 1 else top}
    if peak >= 0 and peak == int(peak):
        assert found[int(peak)] == top


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_cycles_with_a_phase_of_no_length(anneal: Any) -> None:
    rise = schedules.one_cycle(1.0, 5, pct_start=1.0, anneal=anneal)
    assert rise([0, 4, 5, 100]).tolist() == [1 / 25, 1.0, 1.0, 1.0]
    fall = schedules.one_cycle(1.0, 5, pct_start=0.2, anneal=anneal)
    assert fall([0, 4, 5]).tolist() == [1.0, 1 / 25 / 1e4, 1 / 25 / 1e4]
    single = schedules.one_cycle(1.0, 1, pct_start=1.0, anneal=anneal)
    assert single([0, 1]).tolist() == [1.0, 1.0]
    none = schedules.one_cycle(1.0, 4, pct_start=0.0, anneal="linear")
    near(none([0, 1, 2, 3]), 1 + (4e-6 - 1) * np.arange(1, 5) / 4, 1.0)


@few
@example(2, 1, 0.9999999999999999)
@example(2, 2, 0.5000000000000001)
@example(2, 2, 0.9999999999999999)
@example(2**40, 1, 0.9999999999999999)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.0, 1.0))
def test_a_cycle_in_a_sequence_begins_at_its_milestone(before: int, steps: int, share: float) -> None:
    cycle = schedules.one_cycle(1.0, steps, share)
    joined = schedules.sequence([schedules.constant(7.0), cycle], [before])
    near(joined(before + np.arange(-1, steps)), [7.0, *cycle(np.arange(steps))], 1.0)


@few
@given(RATES, st.integers(0, 20), st.floats(0.0, 1.0))
def test_warm_up_of_any_length_reaches_the_schedule(lr: float, steps: int, start: float) -> None:
    then = schedules.cosine(lr, 10)
    schedule = schedules.warm_up(steps, then, start)
    if steps == 0:
        assert schedule == then
    else:
        near(schedule(np.arange(steps)), [line(start, lr, t / steps) for t in range(steps)], max(lr, 1.0))
    assert schedule(np.arange(steps, steps + 15)).tolist() == then(np.arange(15)).tolist()


@few
@given(RATES, st.floats(0.0, 1.2), st.integers(1, 50))
def test_decays_match_their_formulas(lr: float, gamma: float, size: int) -> None:
    steps = np.arange(120)
    near(schedules.step(lr, size, gamma)(steps), lr * np.float64(gamma) ** (steps // size), lr)
    near(schedules.exponential(lr, gamma)(steps), lr * np.float64(gamma) ** steps, lr)
    near(schedules.inverse_scaling(lr, gamma)(steps), lr / (1.0 + steps) ** gamma, lr)
    for power in (0, 1, 3):
        wanted = np.maximum(0.01, lr / (1 + gamma * steps) ** power)
        near(schedules.inverse_power(lr, gamma, power, 0.01)(steps), wanted, lr)


def plateau_by_hand(metrics: list[float], chosen: dict[str, Any]) -> list[float]:
    """The rates of the rule as its documentation says it."""
    sign = 1 if chosen["mode"] == "min" else -1
    lr, best, bad, cooling, rates = 1.0, math.inf, 0, 0, []
    for value in (sign * metric for metric in metrics):
        relative = chosen["threshold_mode"] == "rel" and math.isfinite(best)
        needed = chosen["threshold"] * (abs(best) if relative else 1.0)
        if (math.isinf(best) and value < best) or value < best - needed:
            best, bad = value, 0
        else:
            bad += 1
        if cooling:
            cooling, bad = cooling - 1, 0
        if bad > chosen["patience"]:
            cooling, bad = chosen["cooldown"], 0
            lower = max(lr * chosen["factor"], chosen["min_lr"])
            lr = lower if lr - lower > chosen["eps"] else lr
        rates.append(lr)
    return rates


@few
@given(
    st.lists(st.integers(-8, 8), min_size=1, max_size=60),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["min", "max"]),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "threshold": st.sampled_from([0.0, 0.25, 0.5, 1.5]),
            "factor": st.sampled_from([0.0, 0.1, 0.5]),
            "patience": st.integers(0, 4),
            "cooldown": st.integers(0, 4),
            "min_lr": st.sampled_from([0.0, 0.2, 2.0]),
            "eps": st.sampled_from([0.0, 1e-8, 0.3]),
        }
    ),
)
def test_plateaus_of_any_settings(metrics: list[int], chosen: dict[str, Any]) -> None:
    schedule = schedules.reduce_on_plateau(1.0, **chosen)
    rates = []
    for metric in metrics:
        schedule.observe(metric)
        rates.append(schedule(0))
    assert rates == plateau_by_hand([float(metric) for metric in metrics], chosen)


def test_a_plateau_keeps_infinite_and_missing_metrics_apart() -> None:
    for mode, better in (("min", -math.inf), ("max", math.inf)):
        schedule = schedules.reduce_on_plateau(1.0, mode=mode, factor=0.5, patience=0)
        for metric in (-better, math.nan):
            schedule.observe(metric)
        assert (schedule.lr, schedule.best) == (0.25, -better)
        schedule.observe(better)
        assert (schedule.lr, schedule.best) == (0.25, better)
        schedule.observe(3.0)
        assert (schedule.lr, schedule.best) == (0.125, better)
        with pytest.raises(TypeError, match="metric: "):
            schedule.observe("3.0")


@pytest.mark.parametrize("step", [-1, -0.5, 0.5, math.nan, math.inf, [0, -1], np.int8(-3)])
def test_steps_that_do_not_exist_are_refused(step: Any) -> None:
    for schedule in (schedules.constant(1.0), schedules.cosine(1.0, 4), schedules.one_cycle(1.0, 4)):
        with pytest.raises(ValueError, match="step: expected integers >= 0"):
            schedule(step)


@pytest.mark.parametrize("step", ["3", None, True, 1j, [True], np.array("3")])
def test_steps_of_other_types_are_refused(step: Any) -> None:
    with pytest.raises(TypeError, match="step: "):
        schedules.constant(1.0)(step)


def test_steps_of_any_kind_of_number() -> None:
    schedule = schedules.linear(0.0, 1.0, 4)
    assert [schedule(step) for step in (2, 2.0, np.int64(2), np.uint8(2), np.array(2))] == [0.5] * 5
    assert schedule([]).tolist() == []
    assert schedule(2**62) == 1.0


WRONG: list[tuple[str, list[Any]]] = [
    ("constant", [-1.0]),
    ("constant", [math.nan]),
    ("constant", [1.0, 2.0]),
    ("constant", []),
    ("constant", [1.0] * 9),
    ("step", [1.0, 0.0, 0.5]),
    ("step", [1.0, 2.5, 0.5]),
    ("step", [1.0, 2.0, -0.5]),
    ("exponential", [1.0, -0.5]),
    ("inverse_scaling", [1.0, -0.5]),
    ("inverse_power", [1.0, 1.0, 1e9, 0.0]),
    ("inverse_power", [1.0, 1.0, 0.5, 0.0]),
    ("inverse_power", [1.0, 1.0, math.nan, 0.0]),
    ("inverse_power", [1.0, -1.0, 1.0, 0.0]),
    ("linear", [1.0, -1.0, 5.0]),
    ("cosine", [1.0, 0.0, -5.0]),
]


@pytest.mark.parametrize(("kind", "values"), WRONG, ids=str)
def test_pieces_out_of_range_are_refused(kind: str, values: list[Any]) -> None:
    """In the class, in files, and in the native module."""
    pieces = [(kind, 0.0, values)]
    calls = [
        lambda: schedules.Schedule(pieces, "x"),
        lambda: schedule_from_dict({"schedule": [[kind, 0.0, values]], "text": "x"}, "lr"),
        lambda: _core.schedule_rates(pieces, np.zeros(1)),
        lambda: optim.SGD()._config.set_schedule(pieces),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"schedule: {kind}"):
            call()


def test_a_learning_rate_is_finite() -> None:
    pieces = [("constant", 0.0, [math.inf])]
    for call in (
        lambda: schedules.Schedule(pieces, "x"),
        lambda: schedule_from_dict({"schedule": [["constant", 0.0, [math.inf]]], "text": "x"}, "lr"),
    ):
        with pytest.raises(ValueError, match="schedule: constant, lr: expected a finite number"):
            call()


@pytest.mark.parametrize("begins", [[1.0], [0.0, 0.0], [0.0, 5.0, 3.0], [math.nan], [0.0, math.inf], [-2.0]])
def test_pieces_begin_one_after_another(begins: list[float]) -> None:
    pieces = [("constant", begin, [1.0]) for begin in begins]
    with pytest.raises(ValueError, match="schedule: expected pieces that begin one after another"):
        schedules.Schedule(pieces, "x")


@few
@given(LENGTHS, st.floats(0.0, 1.0), st.integers(1, 20))
def test_descriptions_give_the_same_schedule(steps: int, share: float, length: int) -> None:
    cycle = schedules.one_cycle(1.0, steps, share)
    for schedule in (cycle, schedules.warm_up(length, cycle), schedules.inverse_power(1.0, 0.5, 2)):
        assert schedule_from_dict(schedule_to_dict(schedule), "lr") == schedule
