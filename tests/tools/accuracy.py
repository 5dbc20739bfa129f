"""Measures every function's error: ``python -m tests.tools.accuracy [names...] [--write]``.

float32 is swept whole, or every N-th bit pattern with ``--step N``; float64 is sampled; float16 swept whole.
The comparison runs in C++ (sweep.cpp), mpmath judges the worst argument again, and every level must give the
same bits. A name is a function (``gelu_derivative``), or an activation: its value and its derivative.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import _core

from tests import oracles
from tests.oracles.arithmetic import Comparison, Report
from tests.support.processes import ROOT
from tests.tools import documents

Array = np.ndarray[Any, Any]
Row = dict[str, Any]

PATH = Path(__file__).with_name("accuracy.json")
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16}
COST = {"float16": 10, "float32": 10, "float64": 300}  # approximate nanoseconds per input on one core
CHUNK = 1 << 20


class Case(NamedTuple):
    """A function under test, its row in the registry and its oracle."""

    name: str
    kind: str
    function: Callable[..., Array]
    row: Row
    oracle: Any

    @property
    def label(self) -> str:
        """The public name of the function."""
        return self.name if self.kind == "value" else f"{self.name}_{self.kind}"

    @property
    def formula(self) -> Callable[..., Any]:
        return getattr(self.oracle, self.kind)

    @property
    def limits(self) -> tuple[float, float]:
        """The exact values at -inf and inf."""
        return self.oracle.limits[2:] if self.kind == "derivative" else self.oracle.limits[:2]

    def parameters(self, dtype: str) -> tuple[float, ...]:
        """The default parameters, rounded to a dtype."""
        return tuple(float(DTYPES[dtype](value)) for value in self.row.get("parameters", {}).values())

    def root(self, dtype: str) -> float:
        """The root of the derivative; NaN if there is none."""
        return self.oracle.root(*self.parameters(dtype)) if self.kind == "derivative" else np.nan

    def bound(self, dtype: str) -> float:
        """The largest error allowed, in ULP; 0.5 is a correctly rounded result."""
        least = {"float16": 0.5, "float32": 0.5, "float64": {"value": 1.5, "derivative": 3}[self.kind]}[dtype]
        return least if dtype == "float16" else max(self.row[f"{self.kind}_ulp"], least)

    def quanta(self, dtype: str) -> float:
        """The largest error allowed if the exact result is subnormal, in smallest subnormals."""
        return 0.5 if dtype == "float16" else 2

    def compute(self, x: Array) -> Array:
        return self.function(x, out=np.empty_like(x))


def cases(names: Sequence[str] = ()) -> list[Case]:
    """The cases of all functions in the registries, or of the named ones."""
    kinds = [(row, oracles.ACTIVATIONS, ("value", "derivative")) for row in _core.activations()]
    kinds += [(row, oracles.ELEMENTARY, ("value",)) for row in getattr(_core, "elementary", list)()]
    found = []
    for row, table, its_kinds in kinds:
        for kind in its_kinds:
            case = Case(row["name"], kind, np.positive, row, table[row["name"]])
            found.append(case._replace(function=getattr(F, case.label)))
    unknown = set(names) - {case.name for case in found} - {case.label for case in found}
    if unknown:
        raise SystemExit(f"not in the registries: {', '.join(sorted(unknown))}")
    return [case for case in found if not names or {case.name, case.label} & set(names)]


def precise_errors(case: Case, dtype: str, x: float) -> tuple[float, float]:
    """The error of f(x) in units in the last place, and in eps, by mpmath."""
    limits: Any = np.finfo(DTYPES[dtype])
    y = float(case.compute(np.array([x], DTYPES[dtype]))[0])
    with mpmath.workprec(250):
        top = mpmath.ldexp(1, int(limits.maxexp))
        exact = case.formula(oracles.Precise, mpmath.mpf(x), *case.parameters(dtype))
        exact, got = (max(-top, min(top, mpmath.mpf(value))) for value in (exact, y))
        exponent = (
            max(min(mpmath.frexp(exact)[1], limits.maxexp), limits.minexp + 1) if exact else limits.minexp + 1
        )
        error = abs(got - exact)
        unit = mpmath.ldexp(1, int(exponent) - 1 - limits.nmant)
        return float(error / unit), float(error / mpmath.mpf(float(limits.eps)))


def mixed(words: Array) -> Array:
    """Evenly spread 64-bit words, by the finalizer of SplitMix64 (Steele, Lea & Flood 2014)."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)


class Plan(NamedTuple):
    """Inputs of a sweep, equal in every process: every step-th float32, samples of float64, all float16."""

    step: int
    samples: int
    dtypes: Sequence[str] = tuple(DTYPES)
    jobs: int = 2
    level_step: int = 1

    def count(self, dtype: str) -> int:
        return {"float16": 1 << 16, "float32": -(-(1 << 32) // self.step), "float64": self.samples}[dtype]

    def starts(self, dtype: str, every: int = 1) -> range:
        """Beginnings of the chunks, or of a fraction of them."""
        return range(0, self.count(dtype), CHUNK * every)

    def levels(self, dtype: str = "") -> dict[str, int]:
        """For each other ISA level, n if every n-th chunk is hashed; the slow first level may skip some."""
        others = [level for level in _core.isa_available() if level != _core.isa()]
        every = 1 if dtype and self.count(dtype) <= CHUNK else self.level_step
        return {level: every if level == others[0] else 1 for level in reversed(others)}

    def chunk(self, case: Case, dtype: str, start: int) -> Array:
        """The chunk of at most CHUNK inputs that begins at an index."""
        size = min(CHUNK, self.count(dtype) - start)
        if dtype == "float64":
            return self.samples_of(case, np.arange(start, start + size, dtype=np.uint64))
        if dtype == "float16":
            return np.arange(size, dtype=np.uint16).view(np.float16)
        words = np.arange(size, dtype=np.uint32) * np.uint32(self.step)
        return (words + np.uint32(start * self.step)).view(np.float32)

    def samples_of(self, case: Case, places: Array) -> Array:
        """Samples in three equal parts: all bit patterns, exponents -30 to 9, +-40 with half at the kinks."""
        stratum = np.uint64(2**64 // self.samples)
        noise, more = mixed(places), mixed(~places)
        bits = places * stratum + noise % (stratum * np.uint64(3))
        exponents = (np.uint64(993) + (more[1::3] >> np.uint64(32)) % np.uint64(40)) << np.uint64(52)
        bits[1::3] = noise[1::3] & np.uint64(0x800FFFFFFFFFFFFF) | exponents
        x = bits.view(np.float64)
        even = noise[2::3].astype(np.float64) / 2**63 - 1
        x[2::3] = 40 * even
        points = [*case.oracle.kinks(*case.parameters("float64")), case.root("float64")]
        if points := [point for point in points if np.isfinite(point)]:
            distances = np.ldexp(even[1::2], -(more[5::6] % np.uint64(50)).astype(np.int32))
            x[5::6] = np.resize(points, distances.size) * (1 + distances)
        return x


def walk(
    case: Case, dtype: str, plan: Plan, work: Callable[[Array, Array], Any], every: int = 1
) -> Iterator[tuple[int, Any]]:
    """For every chunk a hash of the results, in which all NaN are equal, and the result of work(x, y)."""

    def one(start: int) -> tuple[int, Any]:
        x = plan.chunk(case, dtype, start)
        y = case.compute(x)
        done = work(x, y)
        y[np.isnan(y)] = np.nan
        return zlib.crc32(y), done

    with ThreadPoolExecutor(plan.jobs) as pool:
        yield from pool.map(one, plan.starts(dtype, every))


def judge(case: Case, dtype: str, report: Report) -> tuple[Row, list[str]]:
    """The largest errors, judged by mpmath, and messages about failures."""
    row: Row = {}
    wrong = []
    bounds = {"normal": case.bound(dtype), "subnormal": case.quanta(dtype), "near_root": 0.1}
    for name, bound in bounds.items():
        worst = getattr(report, name)
        ulp, eps = precise_errors(case, dtype, worst.x) if worst.error else (0.0, 0.0)
        error = eps if name == "near_root" else ulp
        row[name], row[f"{name}_x"] = error, str(DTYPES[dtype](worst.x)) if worst.error else ""
        where = f"{name} at x = {row[f'{name}_x']}: {error:.5g} ({eps:.3g} eps)"
        if abs(error - worst.error) > 0.01 * max(1, error):
            wrong.append(f"{where} by mpmath, {worst.error:.5g} by sweep.cpp")
        if error > bound + 1e-6:
            wrong.append(f"{where}, allowed {bound}")
    if mismatches := report.mismatch.error:
        wrong.append(f"NaN {mismatches:.0f} times in one of result and oracle, as at {report.mismatch.x!r}")
    ends, limits = np.array([-np.inf, np.inf], DTYPES[dtype]), np.array(case.limits, DTYPES[dtype])
    if not np.array_equal(case.compute(ends), limits, equal_nan=True):
        wrong.append(f"limits {case.compute(ends)}, not {limits}")
    return row, [f"{case.label} {dtype}: {line}" for line in wrong]


class Progress:
    """Occasional lines on stderr with the fraction of the work done and the estimated time left."""

    INTERVAL = 30

    def __init__(self, chosen: Sequence[Case], plan: Plan) -> None:
        self.total = len(chosen) * sum(plan.count(dtype) * COST[dtype] for dtype in plan.dtypes)
        self.done, self.begin = 0, time.monotonic()
        self.shown = self.begin

    def add(self, dtype: str, inputs: int, label: str) -> None:
        """Adds compared inputs to the progress; their time includes the hashes at other levels."""
        self.done += inputs * COST[dtype]
        now = time.monotonic()
        if now - self.shown >= self.INTERVAL:
            rest = (now - self.begin) * (self.total / self.done - 1)
            share = f"{self.done / self.total:.1%} after {(now - self.begin) / 60:.1f} min"
            print(f"{share}, about {rest / 60:.0f} min left: {label} {dtype}", file=sys.stderr, flush=True)
            self.shown = now


def measure(
    case: Case, dtype: str, plan: Plan, comparison: Comparison, progress: Progress | None = None
) -> tuple[Row, list[int], list[str]]:
    """A row of the table, the hashes of its chunks, and messages about failures."""
    begin, report, hashes, count = time.perf_counter(), Report(), [], plan.count(dtype)
    for value, found in walk(case, dtype, plan, lambda x, y: comparison(case, x, y, report)):
        hashes.append(value)
        report.merge(found)
        if progress:
            progress.add(dtype, min(CHUNK, count - CHUNK * (len(hashes) - 1)), case.label)
    rate = (time.perf_counter() - begin) * 1e9 / count
    print(f"{case.label} {dtype}: {rate:.1f} ns an input", file=sys.stderr)
    row, wrong = judge(case, dtype, report)
    return {"inputs": count, "step": plan.step if dtype == "float32" else 1} | row, hashes, wrong


def all_hashes(chosen: Sequence[Case], plan: Plan, every: int) -> dict[str, list[int]]:
    """Hashes of every n-th chunk by function and dtype, at the ISA level of this process."""
    pairs = [(case, dtype) for case in chosen for dtype in plan.dtypes]
    nothing = lambda x, y: None  # noqa: E731
    return {
        f"{case.label} {dtype}": [value for value, _ in walk(case, dtype, plan, nothing, every)]
        for case, dtype in pairs
    }


def hashes_of_level(level: str, chosen: Sequence[Case], plan: Plan, every: int) -> dict[str, list[int]]:
    """Hashes of every n-th chunk from a process that runs at another ISA level."""
    options = [f"--step={plan.step}", f"--samples={plan.samples}", f"--jobs={plan.jobs}", f"--hashes={every}"]
    names = [case.label for case in chosen]
    command = [sys.executable, "-m", "tests.tools.accuracy", *names, "--dtype", *plan.dtypes, *options]
    environment = os.environ | {"SIMDNN_ISA": level}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def sweep(
    chosen: Sequence[Case], plan: Plan, comparison: Comparison, progress: Progress | None = None
) -> tuple[dict[str, Row], list[str]]:
    """Rows by function and dtype, and messages about errors at this level or other bits at other levels."""
    here, rows, hashes, wrong = _core.isa(), {}, {}, []
    for case in chosen:
        for dtype in plan.dtypes:
            key = f"{case.label} {dtype}"
            rows[key], hashes[key], found = measure(case, dtype, plan, comparison, progress)
            rows[key]["levels"] = {here: 1} | plan.levels(dtype)
            wrong += found
    for level, every in plan.levels().items():
        others = hashes_of_level(level, chosen, plan, every)
        for key, values in hashes.items():
            pairs = zip(values[::every], others[key], strict=True)
            if differing := [i * every for i, (one, other) in enumerate(pairs) if one != other]:
                wrong.append(f"{key}: {here} and {level} differ in chunks {differing[:9]} of {CHUNK} inputs")
    return rows, wrong


def write(rows: dict[str, Row]) -> None:
    """Adds rows to accuracy.json, removes rows of functions that no longer exist, and writes the tables."""
    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    labels = [f"{case.label} {dtype}" for case in cases() for dtype in DTYPES]
    merged = {key: row for key in labels if (row := rows.get(key, known.get(key)))}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(row)}" for key, row in merged.items())
    PATH.write_text(f"{{\n{lines}\n}}\n")
    documents.write_section("accuracy", documents.accuracy_tables(merged))


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.accuracy", description=__doc__)
    parser.add_argument("names", nargs="*", help="functions; all if none is given")
    parser.add_argument("--step", type=int, default=1, help="of the bit patterns of float32, better odd")
    parser.add_argument("--samples", type=int, default=10**8, help="how many float64")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--jobs", type=int, default=2, help="threads")
    parser.add_argument(
        "--level-step",
        type=int,
        default=1,
        help=f"of the chunks of {CHUNK} inputs at the slowest level, better odd (for all binades alike)",
    )
    parser.add_argument("--write", action="store_true", help="update ACCURACY.md where nothing is wrong")
    parser.add_argument("--hashes", type=int, metavar="N", help="only print hashes of every N-th chunk")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweeps the functions; the exit status is 1 if there was a failure."""
    given = options(arguments)
    chosen = cases(given.names)
    plan = Plan(given.step, given.samples, given.dtype, given.jobs, given.level_step)
    simdnn.set_num_threads(1)  # threads are used by `walk`
    if given.hashes:
        print(json.dumps(all_hashes(chosen, plan, given.hashes)))
        return 0
    comparison, progress, failures = Comparison(chosen), Progress(chosen, plan), []
    for name in dict.fromkeys(case.name for case in chosen):
        rows, wrong = sweep([case for case in chosen if case.name == name], plan, comparison, progress)
        for key, row in rows.items():
            share = documents.swept(row)
            print(f"{key:28} {row['normal']:.5g} ULP at {row['normal_x']:22} {share}", flush=True)
        failures += wrong
        if given.write and not wrong:
            write(rows)
    print(
        "\n".join(["", "wrong:", *failures]) if failures else "all within their bounds, at every level alike"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
