"""How cases are timed: pinned, checked, then round-robin over the contestants; medians of many rounds."""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: A sample repeats its call until it lasts this long.
SAMPLE_SECONDS = 500e-6
#: Before each sample its contestant runs untimed for this long. The others have emptied the caches, which
#: makes the first call of a Python library up to eight times as slow; nobody trains like that.
WARM_SECONDS = 3e-3
#: The same with threads: a processor that has slept is some milliseconds late for its first tasks.
TEAM_SAMPLE_SECONDS, TEAM_WARM_SECONDS = 20e-3, 50e-3
#: The pools of others spin on after their last task, OpenBLAS's for a tenth of a second. A sample with
#: threads waits until the process has used next to nothing of such an interval, or so many of them. What
#: other threads used is known a tick late, 4 ms or 10.
REST_SECONDS = 12e-3
RESTING = 0.05
MOST_RESTS = 16
#: A sample during which this process had the CPU for less than this share is taken again, so many times.
UNDISTURBED = 0.95
ATTEMPTS = 5
OURS = "simdnn"


class Effort(NamedTuple):
    """How long to time a case; ``least_rounds_when_slow`` is for calls of `SLOW_SECONDS` or more."""

    seconds: float
    least_rounds: int
    least_rounds_when_slow: int
    most_rounds: int


SLOW_SECONDS = 10e-3
THOROUGH = Effort(seconds=2.0, least_rounds=25, least_rounds_when_slow=7, most_rounds=301)
QUICK = Effort(seconds=0.2, least_rounds=3, least_rounds_when_slow=2, most_rounds=51)


class Sample(NamedTuple):
    """One timing, and whether another process took the CPU meanwhile."""

    microseconds: float
    disturbed: bool


@dataclass(frozen=True)
class Contestant:
    """One way to do what a case asks.

    ``run`` does it once, or ``steps`` times over; ``check`` asserts that the answer is right; both happen
    within ``context()``, whose entry is not timed.
    """

    name: str
    run: Callable[[], object]
    check: Callable[[], object]
    steps: int = 1
    context: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext


class Goal(NamedTuple):
    """The best of ``peers``, or of all if empty, should take at least ``ratio`` times as long as ``ours``."""

    peers: tuple[str, ...]
    ratio: float
    ours: str = OURS


#: No slower than anybody else.
BEST = Goal((), 1.0)


@dataclass(frozen=True)
class Case:
    """A row of a table. ``build`` makes the contestants, simdnn first, when the case is about to run.

    A ``note``, or what it returns when the table is printed, stands under it once.
    """

    group: str
    name: str
    build: Callable[[], Iterable[Contestant]]
    goals: tuple[Goal, ...] = ()
    note: str | Callable[[], str] = ""


@dataclass(frozen=True)
class Result:
    """Microseconds per step of each contestant of a case, the medians and the best.

    ``disturbed`` is the share of samples that other processes slowed however often they were taken.
    """

    case: Case
    rounds: int
    disturbed: float
    median: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """How many times as long as simdnn this contestant takes."""
        return self.median[name] / self.median[OURS]

    def best_peer(self, goal: Goal) -> str | None:
        """The fastest of those that a goal speaks of, or None where none of them is installed."""
        rivals = [name for name in goal.peers or self.median if name in self.median and name != OURS]
        return min(rivals, key=self.ratio, default=None)

    def reached(self, goal: Goal) -> float | None:
        """The ratio that a goal speaks of, or None where none of its peers is installed."""
        best = self.best_peer(goal)
        return None if best is None else self.median[best] / self.median[goal.ours]

    def as_dict(self) -> dict[str, Any]:
        """What the JSON file holds of it."""
        return {
            "group": self.case.group,
            "case": self.case.name,
            "rounds": self.rounds,
            "disturbed": self.disturbed,
            "median_us": self.median,
            "best_us": self.best,
            "ratio": {name: self.ratio(name) for name in self.median},
            "goals": [{**goal._asdict(), "reached": self.reached(goal)} for goal in self.case.goals],
        }


def available_cpus() -> int:
    """CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(threads: int) -> None:
    """Pin this process to ``threads`` CPUs and hold every peer to as many; before any of them is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_threads must be called before NumPy is imported")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR", "BLIS"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    eigen = "true" if threads > 1 else "false"
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads} "
        + os.environ.get("XLA_FLAGS", "")
    )
    os.environ["JAX_PLATFORMS"] = "cpu"
    import simdnn

    simdnn.set_num_threads(threads)


def run(case: Case, effort: Effort) -> Result:
    """Check every contestant, then time them in turn."""
    contestants = list(case.build())
    for contestant in contestants:
        try:
            with contestant.context():
                contestant.check()
        except AssertionError as error:
            where = f"{case.group} {case.name}, {contestant.name}"
            raise AssertionError(f"{where}: wrong answer\n{error}") from error
    gc.collect()
    gc.disable()
    try:
        calls = [_calls(contestant) for contestant in contestants]
        repeats = [call.repeats for call in calls]
        slow = max(call.seconds for call in calls) > SLOW_SECONDS
        least = effort.least_rounds_when_slow if slow else effort.least_rounds
        samples: list[list[Sample]] = [[] for _ in contestants]
        order = list(range(len(contestants)))
        start = time.perf_counter()
        while _needs_more(len(samples[0]), least, time.perf_counter() - start, effort):
            for index in order:
                samples[index].append(_sample(contestants[index], repeats[index]))
            order = order[1:] + order[:1]  # nobody always runs after the same neighbor
    finally:
        gc.enable()
    times = {
        contestant.name: [sample.microseconds for sample in taken]
        for contestant, taken in zip(contestants, samples, strict=True)
    }
    return Result(
        case,
        rounds=len(samples[0]),
        disturbed=statistics.mean(sample.disturbed for taken in samples for sample in taken),
        median={name: statistics.median(values) for name, values in times.items()},
        best={name: min(values) for name, values in times.items()},
    )


def _needs_more(rounds: int, least: int, seconds: float, effort: Effort) -> bool:
    return rounds < least or (seconds < effort.seconds and rounds < effort.most_rounds)


class Calls(NamedTuple):
    """How many calls fill a sample, and how long one takes, roughly."""

    repeats: int
    seconds: float


def _calls(contestant: Contestant) -> Calls:
    repeats = 1
    least = SAMPLE_SECONDS if available_cpus() == 1 else TEAM_SAMPLE_SECONDS
    with contestant.context():
        contestant.run()
        while (seconds := _time(contestant.run, repeats)) < least:
            repeats = max(repeats + 1, round(repeats * min(10.0, 1.1 * least / seconds)))
    return Calls(repeats, seconds / repeats)


def _sample(contestant: Contestant, repeats: int) -> Sample:
    """Time per step, of the first attempt without disturbance or the shortest of all."""
    shortest = float("inf")
    alone = available_cpus() == 1
    if not alone:
        _let_pools_sleep()
    with contestant.context():
        for _ in range(ATTEMPTS):
            warm = time.perf_counter() + (WARM_SECONDS if alone else TEAM_WARM_SECONDS)
            contestant.run()
            while time.perf_counter() < warm:
                contestant.run()
            cpu = time.process_time()
            seconds = _time(contestant.run, repeats)
            disturbed = time.process_time() - cpu < UNDISTURBED * seconds
            shortest = min(shortest, seconds) if disturbed else seconds
            if not disturbed:
                break
    return Sample(shortest / (repeats * contestant.steps) * 1e6, disturbed)


def _let_pools_sleep() -> None:
    """Wait until no other thread of this process computes."""
    for _ in range(MOST_RESTS):
        cpu = time.process_time()
        time.sleep(REST_SECONDS)
        if time.process_time() - cpu < RESTING * REST_SECONDS:
            return


def _time(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return time.perf_counter() - start
