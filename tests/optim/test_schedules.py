"""Schedules: their formulas, chained schedules, and optimizers that follow them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import _core, optim, schedules

#: Schedules, and the formulas of their sources.
FORMULAS: dict[str, tuple[schedules.Schedule, Callable[[int], float]]] = {
    "constant": (schedules.constant(0.3), lambda t: 0.3),
    "step": (schedules.step(0.3, 7, 0.5), lambda t: 0.3 * 0.5 ** (t // 7)),
    "exponential": (schedules.exponential(0.3, 0.97), lambda t: 0.3 * 0.97**t),
    "inverse_scaling": (schedules.inverse_scaling(0.3, 0.7), lambda t: 0.3 / (1 + t) ** 0.7),
    "inverse_power": (
        schedules.inverse_power(0.3, 0.2, 2, 0.01),
        lambda t: max(0.01, 0.3 / (1 + 0.2 * t) ** 2),
    ),
    "linear": (schedules.linear(0.1, 0.3, 13), lambda t: 0.1 + 0.2 * min(t / 13, 1)),
    "cosine": (
        schedules.cosine(0.3, 50, 0.1),
        lambda t: 0.1 + 0.2 * (1 + math.cos(math.pi * min(t / 50, 1))) / 2,
    ),
    "coslog4": (
        schedules.coslog4(0.3, 150),
        lambda t: 0.3 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(t / 150, 1)))) / 2,
    ),
    "flat_cos": (
        schedules.flat_cos(0.3, 160, 0.25),
        lambda t: 0.3 * (1 + math.cos(math.pi * min(max(t / 160 - 0.25, 0) / 0.75, 1))) / 2,
    ),
}


@pytest.mark.parametrize("row", _core.schedules(), ids=lambda row: row["name"])
def test_every_kind_has_a_formula_and_a_function(row: dict[str, Any]) -> None:
    assert row["name"] in FORMULAS, f"add a row for {row['name']} to FORMULAS in this file"
    assert row["name"] in schedules.__all__, f"add a function {row['name']} to python/simdnn/schedules/"
    assert row["formula"].strip()
    assert row["source"].strip()


def test_equal_schedules_have_equal_hashes() -> None:
    first, second = schedules.inverse_power(1.0, 1.0), schedules.inverse_power(1, 1)
    assert first == second
    assert hash(first) == hash(second)
    whole = schedules.sequence([first, schedules.constant(0.5)], [3])
    other = schedules.sequence([second, schedules.constant(0.5)], [3])
    assert {whole: "one"}[other] == "one"
    assert first != whole


@pytest.mark.parametrize("name", FORMULAS)
def test_schedule_matches_its_formula(name: str) -> None:
    schedule, formula = FORMULAS[name]
    steps = np.arange(200)
    assert np.allclose(schedule(steps), [formula(int(t)) for t in steps], rtol=1e-14, atol=1e-15)
    assert [schedule(int(t)) for t in steps] == schedule(steps).tolist()
    assert isinstance(schedule(3), float)
    assert eval(repr(schedule), vars(schedules)) == schedule


def test_cosine_is_exact_where_it_can_be() -> None:
    assert schedules.cosine(1.0, 4)([0, 2, 4, 5]).tolist() == [1.0, 0.5, 0.0, 0.0]
    x = np.arange(10_001)
    found = 2 * schedules.cosine(1.0, 10_000)(x) - 1
    assert np.abs(found - np.cos(np.pi * x / 10_000)).max() < 1e-15


def test_coslog4_has_four_cycles_between_powers_of_two() -> None:
    schedule = schedules.coslog4(1.0, 15)
    assert schedule([0, 1, 3, 7, 15, 20]) == pytest.approx([0.0] * 6, abs=1e-28)
    assert schedules.coslog4(1.0, 3000)(np.arange(3001)).max() == pytest.approx(1.0, abs=1e-5)


def test_flat_cos_is_flat_and_then_a_cosine() -> None:
    schedule = schedules.flat_cos(0.5, 100)
    assert set(schedule(np.arange(51)).tolist()) == {0.5}
    assert schedule(np.arange(50, 120)).tolist() == schedules.cosine(0.5, 50)(np.arange(70)).tolist()
    assert schedules.flat_cos(0.5, 10, 0.0) == schedules.cosine(0.5, 10)
    assert schedules.flat_cos(0.5, 10, 1.0)([0, 9, 10, 99]).tolist() == [0.5, 0.5, 0.0, 0.0]


def test_a_sequence_begins_each_part_at_its_own_zero() -> None:
    parts = [schedules.linear(0.0, 1.0, 5), schedules.exponential(1.0, 0.9), schedules.cosine(0.5, 10)]
    joined = schedules.sequence(parts, [5, 20])
    wanted = [parts[0](t) if t < 5 else parts[1](t - 5) if t < 20 else parts[2](t - 20) for t in range(40)]
    assert joined(np.arange(40)).tolist() == wanted
    nested = schedules.sequence([joined, schedules.constant(0.1)], [7])
    assert nested(np.arange(10)).tolist() == [*wanted[:7], 0.1, 0.1, 0.1]


def test_warm_up_leads_to_where_the_rest_begins() -> None:
    schedule = schedules.warm_up(4, schedules.step(0.8, 2, 0.5), start=0.4)
    assert np.allclose(schedule(np.arange(8)), [0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.4, 0.4], rtol=1e-15)


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_one_cycle_goes_up_and_down(anneal: Any) -> None:
    rates = schedules.one_cycle(1.0, 100, anneal=anneal)(np.arange(120))
    assert rates[0] == pytest.approx(0.04)
    assert rates.argmax() == 29
    assert rates[29] == 1.0
    assert rates[99] == pytest.approx(4e-6)
    assert np.all(rates[99:] == rates[99])
    assert np.all(np.diff(rates[:30]) > 0)
    assert np.all(np.diff(rates[29:100]) < 0)


def test_reduce_on_plateau_waits_and_falls() -> None:
    schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=2, cooldown=1, min_lr=0.2)
    seen = []
    for loss in [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]:
        schedule.observe(loss)
        seen.append(schedule(0))
    assert seen == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2]


def test_reduce_on_plateau_takes_a_nan_for_no_improvement() -> None:
    schedule = schedules.reduce_on_plateau(1.0, mode="max", factor=0.5, patience=0)
    for metric in (float("nan"), 0.5, float("nan")):
        schedule.observe(metric)
    assert schedule.lr == 0.25
    assert schedule.best == 0.5


@pytest.mark.parametrize("name", FORMULAS)
def test_an_optimizer_follows_a_schedule(name: str) -> None:
    schedule, _ = FORMULAS[name]
    for given in (schedule, lambda step: schedule(step)):
        p = np.zeros(1)
        optimizer = optim.SGD([p], lr=given)
        for t in range(30):
            before = p[0]
            assert optimizer.current_lr == schedule(t)
            optimizer.step([[1.0]])
            assert before - p[0] == pytest.approx(schedule(t), rel=1e-13)
        assert optimizer.lr is given


def test_a_number_takes_the_place_of_a_schedule() -> None:
    p = np.zeros(1)
    optimizer = optim.SGD([p], lr=lambda step: 1.0)
    optimizer.step([[1.0]])
    optimizer.lr = 0.5
    optimizer.step([[1.0]])
    optimizer.lr = schedules.constant(0.25)
    optimizer.step([[1.0]])
    assert p[0] == -1.75


def test_a_refused_step_does_not_count() -> None:
    p = np.zeros(1)
    optimizer = optim.SGD([p], lr=schedules.exponential(1.0, 0.5), skip_nonfinite=True)
    for g in (1.0, float("nan"), 1.0):
        optimizer.step([[g]])
    assert p[0] == -1.5


@pytest.mark.parametrize(
    ("call", "exception", "message"),
    [
        (lambda: schedules.constant(-1), ValueError, "lr: .*-1"),
        (lambda: schedules.constant(float("nan")), ValueError, "lr: .*nan"),
        (lambda: schedules.constant("fast"), TypeError, "lr: .*str"),
        (lambda: schedules.step(1.0, 0), ValueError, "step_size: .*0"),
        (lambda: schedules.cosine(1.0, 2.5), TypeError, "steps: .*float"),
        (lambda: schedules.exponential(1.0, float("inf")), ValueError, "gamma: .*inf"),
        (lambda: schedules.one_cycle(1.0, 10, pct_start=2), ValueError, "pct_start: .*from 0 to 1"),
        (lambda: schedules.one_cycle(1.0, 10, div_factor=0), ValueError, "div_factor: "),
        (lambda: schedules.one_cycle(1.0, 10, anneal="sine"), ValueError, "anneal: .*sine"),
        (lambda: schedules.warm_up(3, 0.5), TypeError, "then: .*float"),
        (lambda: schedules.sequence([schedules.constant(1.0)], [3]), ValueError, "milestones: "),
        (lambda: schedules.sequence([0.1, 0.2], [3]), TypeError, r"schedules\[0\]"),
        (lambda: schedules.reduce_on_plateau(1.0, factor=1.0), ValueError, "factor: "),
        (lambda: schedules.reduce_on_plateau(1.0, mode="up"), ValueError, "mode: .*up"),
        (lambda: optim.SGD([np.ones(1)], lr=lambda step: -1.0).step([[1.0]]), ValueError, "lr: .*-1"),
        (
            lambda: optim.SGD([np.ones(1)], lr=dict.fromkeys(range(1), "x").__getitem__).step([[1.0]]),
            TypeError,
            "lr: .*str",
        ),
    ],
)
def test_bad_schedules_are_refused(call: Any, exception: Any, message: str) -> None:
    with pytest.raises(exception, match=message):
        call()


COUNTS = {
    "step_size": lambda n: schedules.step(1.0, n),
    "steps": lambda n: schedules.cosine(1.0, n),
    "steps ": lambda n: schedules.linear(0.0, 1.0, n),
    "steps  ": lambda n: schedules.warm_up(n, schedules.constant(1.0)),
    "steps   ": lambda n: schedules.one_cycle(1.0, n),
    r"milestones\[0\]": lambda n: schedules.sequence([schedules.constant(1.0), schedules.constant(0.5)], [n]),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_steps_are_those_that_float64_tells_apart(name: str) -> None:
    for count in (10**30, 10**400, 2**53 + 1, np.uint64(2**64 - 1)):
        with pytest.raises(ValueError, match=rf"{name.strip()}: expected an integer .* to {2**53}"):
            COUNTS[name](count)
    assert np.isfinite(COUNTS[name](2**53)([0, 2**53 - 1, 2**53])).all()


@pytest.mark.parametrize("step", [2**64, 10**30, 10**400, -(10**30)])
def test_a_step_beyond_64_bits_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match=r"step: expected integers of at most 64 bits, got -?1"):
        schedules.constant(1.0)(step)


@pytest.mark.parametrize("factors", [{"div_factor": 1e-300}, {"final_div_factor": 5e-324}])
def test_the_ends_of_a_cycle_are_finite(factors: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"div_factor, final_div_factor: .* inf .* must be finite"):
        schedules.one_cycle(1e308, 10, **factors)
