"""Timing of cases: pinned CPUs, checked results, round-robin over contestants, medians over rounds."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Shortest time of a sample, which repeats its call accordingly.
SAMPLE_SECONDS = 500e-6
#: Time that a contestant runs untimed before each sample. The other contestants have evicted its data from
#: the caches, so that the first call of a Python library takes up to eight times as long as in a loop.
WARM_SECONDS = 3e-3
#: Values with more than one thread, because idle CPUs need some milliseconds to wake up.
TEAM_SAMPLE_SECONDS, TEAM_WARM_SECONDS = 20e-3, 50e-3
#: Thread pools of other libraries keep spinning after their last task, OpenBLAS's for 0.1 s. A sample with
#: threads waits for an interval of REST_SECONDS in which the process uses less than the fraction RESTING of a
#: CPU, for at most MOST_RESTS intervals. The system reports CPU time with a delay of a tick, 4 or 10 ms.
REST_SECONDS = 12e-3
RESTING = 0.05
MOST_RESTS = 16
#: A sample in which this process had the CPU for less than this fraction is repeated.
UNDISTURBED = 0.95
OURS = "simdnn"
#: CPUs of this process before `limit_threads` pins it to some of them.
CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


class Effort(NamedTuple):
    """Time and rounds for a case.

    Rounds end when the medians are known within the fraction ``error``, or after ``seconds``, but not before
    ``least_rounds``, or ``least_rounds_when_slow`` with calls of `SLOW_SECONDS` or more. A sample that
    another process disturbs is taken up to ``attempts`` times.
    """

    seconds: float
    least_rounds: int
    least_rounds_when_slow: int
    error: float
    attempts: int


#: A call of this length needs no warm-up, because it evicts its own data from the caches.
SLOW_SECONDS = 10e-3
THOROUGH = Effort(seconds=1.2, least_rounds=11, least_rounds_when_slow=5, error=0.0075, attempts=5)
QUICK = Effort(seconds=0.2, least_rounds=3, least_rounds_when_slow=1, error=0.03, attempts=2)
#: A contestant that takes this many times as long as simdnn is only timed in the least number of rounds.
FAR = 8.0


class Sample(NamedTuple):
    """A timing; `disturbed` is True if another process took the CPU meanwhile."""

    microseconds: float
    disturbed: bool


@dataclass(frozen=True)
class Contestant:
    """One library's implementation of a case.

    ``run`` computes ``steps`` steps; ``check`` asserts that the result is right. Both are called within
    ``context()``, whose entry is not timed. If ``elsewhere`` is True, other processes compute, so that the
    CPU time of this process cannot tell a disturbed sample. If ``timed`` is True, ``run`` returns the seconds
    that these processes have taken, and is called once for a sample. ``quiet()``, called after a sample, is
    False if something else disturbed it that CPU time does not tell.
    """

    name: str
    run: Callable[[], Any]
    check: Callable[[], object]
    steps: int = 1
    context: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    elsewhere: bool = False
    timed: bool = False
    quiet: Callable[[], bool] = lambda: True


class Goal(NamedTuple):
    """A goal: the fastest of ``peers`` (all if empty) takes at least ``ratio`` times as long as ``ours``."""

    peers: tuple[str, ...]
    ratio: float
    ours: str = OURS


#: Goal of being as fast as the fastest peer.
BEST = Goal((), 1.0)


@dataclass(frozen=True)
class Case:
    """A row of a table. ``build`` makes the contestants, simdnn first, before the case is run.

    ``note`` is a text, or a function that returns one, which is printed once below the table.
    """

    group: str
    name: str
    build: Callable[[], Iterable[Contestant]]
    goals: tuple[Goal, ...] = ()
    note: str | Callable[[], str] = ""


@dataclass(frozen=True)
class Result:
    """Median and shortest time per step of each contestant of a case, in microseconds.

    ``disturbed`` is the fraction of samples that stayed disturbed by other processes in all attempts.
    """

    case: Case
    rounds: int
    disturbed: float
    median: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """The time of this contestant over that of simdnn."""
        return self.median[name] / self.median[OURS]

    def best_peer(self, goal: Goal) -> str | None:
        """The fastest of the peers of a goal; None if none of them is installed."""
        rivals = [name for name in goal.peers or self.median if name in self.median and name != OURS]
        return min(rivals, key=self.ratio, default=None)

    def reached(self, goal: Goal) -> float | None:
        """The measured ratio of a goal; None if none of its peers is installed."""
        best = self.best_peer(goal)
        return None if best is None else self.median[best] / self.median[goal.ours]

    def as_dict(self) -> dict[str, Any]:
        """The result as a dictionary for the JSON file."""
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
    """Number of CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(threads: int) -> None:
    """Pins this process to ``threads`` CPUs and limits every peer to as many, before NumPy is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_threads must be called before NumPy is imported")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR", "BLIS"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    eigen = "true" if threads > 1 else "false"
    # XLA ignores the words after the first one that is no flag, and uses as many threads as there are CPUs.
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={eigen} {os.environ.get('XLA_FLAGS', '')}".strip()
    )
    os.environ["JAX_PLATFORMS"] = "cpu"
    import simdnn

    simdnn.set_num_threads(threads)


def run(case: Case, effort: Effort) -> Result:
    """Checks every contestant, then times them in turn."""
    gc.collect()
    gc.freeze()  # the next collection only looks at the objects of this case
    contestants = list(case.build())
    for contestant in contestants:
        try:
            with contestant.context():
                contestant.check()
        except AssertionError as error:
            where = f"{case.group} {case.name}, {contestant.name}"
            raise AssertionError(f"{where}: wrong result\n{error}") from error
    gc.disable()
    try:
        samples = _rounds(contestants, effort)
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


def _rounds(contestants: Sequence[Contestant], effort: Effort) -> list[list[Sample]]:
    """The samples of each contestant, taken in turn."""
    calls = [_calls(contestant) for contestant in contestants]
    slow = max(call.seconds for call in calls) > SLOW_SECONDS
    least = effort.least_rounds_when_slow if slow else effort.least_rounds
    samples: list[list[Sample]] = [[] for _ in contestants]
    order = list(range(len(contestants)))
    start = time.perf_counter()
    while True:
        for index in order:
            samples[index].append(_sample(contestants[index], calls[index], effort.attempts))
        order = order[1:] + order[:1]  # no contestant always runs after the same other one
        if len(samples[0]) < least:
            continue
        order = [index for index in order if not _is_far(samples, index)]
        if time.perf_counter() - start > effort.seconds or all(
            relative_error(samples[index]) <= effort.error for index in order
        ):
            break
    return samples


def _is_far(samples: Sequence[Sequence[Sample]], index: int) -> bool:
    """True if even the shortest sample of a contestant is `FAR` times the longest of the first one."""
    longest = max(sample.microseconds for sample in samples[0])
    return min(sample.microseconds for sample in samples[index]) > FAR * longest


def relative_error(samples: Sequence[Sample]) -> float:
    """The standard error of the median as a fraction of it, from the spread of the middle half."""
    if len(samples) < 2:
        return math.inf
    times = [sample.microseconds for sample in samples]
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    # In a normal distribution, quartiles are 1.35 deviations apart, and the median errs by 1.25 / sqrt(n).
    return 1.25 / 1.35 * (high - low) / (middle * math.sqrt(len(times)))


class Calls(NamedTuple):
    """Number of calls in a sample, and the approximate time of one."""

    repeats: int
    seconds: float


def _calls(contestant: Contestant) -> Calls:
    """Increases the number of calls until a sample is long enough."""
    if contestant.timed:
        return Calls(1, math.inf)
    repeats, alone = 1, available_cpus() == 1
    least = SAMPLE_SECONDS if alone else TEAM_SAMPLE_SECONDS
    with contestant.context():
        if (first := _time(contestant.run, 1)) > max(least, SLOW_SECONDS):
            return Calls(1, first)
        while (seconds := _time(contestant.run, repeats)) < least:
            repeats = max(repeats + 1, round(repeats * min(10.0, 1.1 * least / seconds)))
    return Calls(repeats, seconds / repeats)


def _sample(contestant: Contestant, calls: Calls, attempts: int) -> Sample:
    """Time per step of the first undisturbed attempt, or else of the shortest one."""
    if contestant.timed:
        return Sample(contestant.run() / contestant.steps * 1e6, disturbed=False)
    shortest = float("inf")
    repeats = calls.repeats
    alone = available_cpus() == 1
    if not alone:
        _let_pools_sleep()
    with contestant.context():
        for _ in range(attempts):
            _warm_up(contestant, calls)
            cpu = time.process_time()
            seconds = _time(contestant.run, repeats)
            used = time.process_time() - cpu
            alone = contestant.elsewhere or used >= UNDISTURBED * seconds
            disturbed = not (contestant.quiet() and alone)
            shortest = min(shortest, seconds) if disturbed else seconds
            if not disturbed:
                break
    return Sample(shortest / (repeats * contestant.steps) * 1e6, disturbed)


def _warm_up(contestant: Contestant, calls: Calls) -> None:
    """Runs a contestant untimed; one thread does not need it before a long call."""
    alone = available_cpus() == 1
    if alone and calls.seconds > SLOW_SECONDS:
        return
    end = time.perf_counter() + (WARM_SECONDS if alone else TEAM_WARM_SECONDS)
    contestant.run()
    while time.perf_counter() < end:
        contestant.run()


def _let_pools_sleep() -> None:
    """Waits until no other thread of this process computes."""
    for _ in range(MOST_RESTS):
        cpu = time.process_time()
        time.sleep(REST_SECONDS)
        if time.process_time() - cpu < RESTING * REST_SECONDS:
            return


def _time(call: Callable[[], object], repeats: int) -> float:
    """Seconds of this number of calls."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return time.perf_counter() - start
