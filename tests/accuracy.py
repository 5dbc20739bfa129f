"""Measures the error of every function against its oracle: ``python -m tests.accuracy [names...] [--write]``.

float32 is swept whole, or every N-th bit pattern with ``--step N``; float64 is sampled; float16 swept whole.
The comparison runs in C++ (sweep.cpp), mpmath judges the worst argument again, and every level must give the
same bits. A name is a function (``gelu_derivative``), or an activation: its value and its derivative.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
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

from . import oracles

Array = np.ndarray[Any, Any]
Row = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
PATH, PAGE = ROOT / "tests/accuracy.json", ROOT / "ACCURACY.md"
MARKERS = "<!-- tables: python -m tests.accuracy --write -->\n", "<!-- end of tables -->\n"
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16}
CHUNK = 1 << 20
FLAGS = ["-O2", "-std=gnu++20", "-fno-math-errno", "-ffp-contract=off", "-shared", "-fPIC"]


class Case(NamedTuple):
    """A function under test, its row in the registry and its oracle."""

    name: str
    kind: str
    function: Callable[..., Array]
    row: Row
    oracle: Any

    @property
    def label(self) -> str:
        """Its public name."""
        return self.name if self.kind == "value" else f"{self.name}_{self.kind}"

    @property
    def formula(self) -> Callable[..., Any]:
        return getattr(self.oracle, self.kind)

    @property
    def limits(self) -> tuple[float, float]:
        """At -inf and inf."""
        return self.oracle.limits[2:] if self.kind == "derivative" else self.oracle.limits[:2]

    def parameters(self, dtype: str) -> tuple[float, ...]:
        """The defaults as the ufunc of a dtype gets them."""
        return tuple(float(DTYPES[dtype](value)) for value in self.row.get("parameters", {}).values())

    def root(self, dtype: str) -> float:
        """Where the derivative crosses zero; NaN if nowhere."""
        return self.oracle.root(*self.parameters(dtype)) if self.kind == "derivative" else np.nan

    def bound(self, dtype: str) -> float:
        """The largest error allowed, in ULP; a half is a correctly rounded result."""
        return 0.5 if dtype == "float16" else max(self.row[f"{self.kind}_ulp"], 0.5)

    def compute(self, x: Array) -> Array:
        return self.function(x, out=np.empty_like(x))


def cases(names: Sequence[str] = ()) -> list[Case]:
    """All functions of the registries, or those that are named."""
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


class Cpp:
    """The arithmetic that writes a formula as C++: a line for each operation, equal ones shared."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def line(self, expression: str) -> "Symbol":
        return Symbol(self, self.names.setdefault(expression, f"t{len(self.names)}"))

    def constant(self, digits: str) -> "Symbol":
        return self.line(f"T(DIGITS({digits}))")

    def where(self, condition: "Symbol", then: Any, otherwise: Any) -> "Symbol":
        return self.line(f"{condition.name} ? {text(then)} : {text(otherwise)}")

    def __getattr__(self, function: str) -> Callable[[Any], "Symbol"]:
        return lambda x: self.line(f"{function}({text(x)})")

    def template(self, case: Case, name: str) -> str:
        """The formula of a case as a function template."""
        given = [Symbol(self, f"p[{i}]") for i in range(len(case.row.get("parameters", {})))]
        result = case.formula(self, Symbol(self, "x"), *given)
        lines = [f"  const auto {symbol} = {expression};" for expression, symbol in self.names.items()]
        head = f"template <class T>\nT {name}(T x, const T* p) {{"
        return "\n".join([head, *lines, f"  return {text(result)};", "}\n"])


def text(value: Any) -> str:
    """A value in C++."""
    if isinstance(value, int):
        return f"T({value})"
    if not isinstance(value, Symbol):
        raise TypeError(f"write {value!r}, which is rounded, as m.constant('...') in the formula")
    return value.name


def operation(pattern: str) -> Callable[..., "Symbol"]:
    """A method that writes an operation down."""
    return lambda self, other=0: self.cpp.line(pattern.format(self.name, text(other)))


class Symbol:
    """A value in a formula that is being written as C++."""

    def __init__(self, cpp: Cpp, name: str) -> None:
        self.cpp, self.name = cpp, name

    __add__, __radd__ = operation("{0} + {1}"), operation("{1} + {0}")
    __sub__, __rsub__ = operation("{0} - {1}"), operation("{1} - {0}")
    __mul__, __rmul__ = operation("{0} * {1}"), operation("{1} * {0}")
    __truediv__, __rtruediv__ = operation("{0} / {1}"), operation("{1} / {0}")
    __lt__, __gt__ = operation("{0} < {1}"), operation("{0} > {1}")
    __le__, __ge__ = operation("{0} <= {1}"), operation("{0} >= {1}")
    __neg__, __abs__ = operation("-{0}"), operation("fabs({0})")

    def __pow__(self, exponent: int) -> "Symbol":
        return self if exponent == 1 else self * self ** (exponent - 1)


class Worst(ctypes.Structure):
    _fields_ = (("error", ctypes.c_double), ("x", ctypes.c_double))


class Report(ctypes.Structure):
    """What sweep.cpp finds; the fields are explained there."""

    _fields_ = tuple((name, Worst) for name in ("normal", "subnormal", "near_root", "mismatch"))

    def merge(self, other: "Report") -> None:
        """Takes the larger errors, and the sum of mismatches."""
        mismatches = self.mismatch.error + other.mismatch.error
        for name, _ in self._fields_:
            if getattr(other, name).error > getattr(self, name).error:
                setattr(self, name, getattr(other, name))
        self.mismatch.error = mismatches


class Comparison:
    """sweep.cpp, compiled with the formulas of some cases."""

    def __init__(self, chosen: Sequence[Case]) -> None:
        self.names = [case.label for case in chosen]
        header = [Cpp().template(case, case.label) for case in chosen]
        table = ", ".join(f"{name}<T>" for name in self.names)
        header.append(f"template <class T>\nconstexpr Formula<T> formulas[] = {{{table}}};\n")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "formulas.hpp").write_text("".join(header))
            self.library = ctypes.CDLL(str(self.build(Path(folder))))

    @staticmethod
    def build(folder: Path) -> Path:
        """Compiles with libquadmath, or with long double where there is none."""
        library = folder / "sweep.so"
        compiler = os.environ.get("CXX", "g++")
        command = [compiler, *FLAGS, f"-I{folder}", str(ROOT / "tests/sweep.cpp"), "-o", str(library)]
        quad = subprocess.run([*command, "-DSIMDNN_QUADMATH", "-lquadmath"], capture_output=True, check=False)
        if quad.returncode != 0:
            print("no libquadmath: float64 is compared with long double", file=sys.stderr)
            subprocess.run(command, check=True)
        return library

    def __call__(self, case: Case, x: Array, y: Array) -> Report:
        """The errors of y = f(x)."""
        dtype, report = x.dtype.name, Report()
        if dtype == "float16":
            x, y = x.astype(np.float64), y.astype(np.float64)
        getattr(self.library, f"compare_{dtype}")(
            self.names.index(case.label),
            ctypes.c_void_p(x.ctypes.data),
            ctypes.c_void_p(y.ctypes.data),
            ctypes.c_int64(x.size),
            (ctypes.c_double * 2)(*case.parameters(dtype)),
            ctypes.c_double(case.root(dtype)),
            ctypes.byref(report),
        )
        return report


def precise_errors(case: Case, dtype: str, x: float) -> tuple[float, float]:
    """The error of f(x) in units in the last place, and in eps, by mpmath."""
    limits = np.finfo(DTYPES[dtype])
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
    """64-bit words spread evenly (Steele, Lea & Flood 2014, the finalizer of SplitMix64)."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return words ^ words >> np.uint64(31)


class Plan(NamedTuple):
    """What is swept: every step-th float32, so many float64, all float16; the same in every process."""

    step: int
    samples: int
    dtypes: Sequence[str] = tuple(DTYPES)
    jobs: int = 2

    def count(self, dtype: str) -> int:
        return {"float16": 1 << 16, "float32": -(-(1 << 32) // self.step), "float64": self.samples}[dtype]

    def chunk(self, case: Case, dtype: str, start: int) -> Array:
        """At most CHUNK inputs from a place onwards."""
        places = np.arange(start, min(start + CHUNK, self.count(dtype)), dtype=np.uint64)
        if dtype == "float16":
            return places.astype(np.uint16).view(np.float16)
        if dtype == "float32":
            return (places * np.uint64(self.step)).astype(np.uint32).view(np.float32)
        return self.samples_of(case, places)

    def samples_of(self, case: Case, places: Array) -> Array:
        """A third each: all bit patterns, exponents -30 to 9, and evenly in +-40 with half at the kinks."""
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
    case: Case, dtype: str, plan: Plan, comparison: Comparison | None
) -> Iterator[tuple[int, Report | None]]:
    """For every chunk a hash of the results, in which all NaN are one, and their errors."""

    def work(start: int) -> tuple[int, Report | None]:
        x = plan.chunk(case, dtype, start)
        y = case.compute(x)
        report = comparison(case, x, y) if comparison else None
        y[np.isnan(y)] = np.nan
        return zlib.crc32(y), report

    with ThreadPoolExecutor(plan.jobs) as pool:
        yield from pool.map(work, range(0, plan.count(dtype), CHUNK))


def judge(case: Case, dtype: str, report: Report) -> tuple[Row, list[str]]:
    """The largest errors as mpmath has them, and what is wrong."""
    row, wrong = {}, []
    bounds = {"normal": case.bound(dtype), "subnormal": 0.5 if dtype == "float16" else 1, "near_root": 0.1}
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


def measure(case: Case, dtype: str, plan: Plan, comparison: Comparison) -> tuple[Row, list[int], list[str]]:
    """The row of the table, the hashes of its chunks, and what is wrong."""
    begin, report, hashes, count = time.perf_counter(), Report(), [], plan.count(dtype)
    for value, found in walk(case, dtype, plan, comparison):
        hashes.append(value)
        report.merge(found)
    rate = (time.perf_counter() - begin) * 1e9 / count
    print(f"{case.label} {dtype}: {rate:.1f} ns an input", file=sys.stderr)
    row, wrong = judge(case, dtype, report)
    return {"inputs": count, "step": plan.step if dtype == "float32" else 1} | row, hashes, wrong


def all_hashes(chosen: Sequence[Case], plan: Plan) -> dict[str, list[int]]:
    """Hashes by function and dtype, at the level of this process."""
    pairs = [(case, dtype) for case in chosen for dtype in plan.dtypes]
    return {f"{pair[0].label} {pair[1]}": [value for value, _ in walk(*pair, plan, None)] for pair in pairs}


def hashes_of_level(level: str, chosen: Sequence[Case], plan: Plan) -> dict[str, list[int]]:
    """The same from a process that runs at a level."""
    options = [f"--step={plan.step}", f"--samples={plan.samples}", f"--jobs={plan.jobs}", "--hashes"]
    names = [case.label for case in chosen]
    command = [sys.executable, "-m", "tests.accuracy", *names, "--dtype", *plan.dtypes, *options]
    environment = os.environ | {"SIMDNN_ISA": level}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def sweep(chosen: Sequence[Case], plan: Plan, comparison: Comparison) -> tuple[dict[str, Row], list[str]]:
    """Rows by function and dtype, and what is wrong: errors at this level, other bits at the others."""
    here, levels = _core.isa(), _core.isa_available()
    rows, hashes, wrong = {}, {}, []
    for case in chosen:
        for dtype in plan.dtypes:
            key = f"{case.label} {dtype}"
            rows[key], hashes[key], found = measure(case, dtype, plan, comparison)
            rows[key]["levels"] = levels
            wrong += found
    for level in (level for level in levels if level != here):
        found = hashes_of_level(level, chosen, plan)
        for key, values in hashes.items():
            if differing := [i for i, value in enumerate(values) if value != found[key][i]]:
                wrong.append(f"{key}: {here} and {level} differ in chunks {differing[:9]} of {CHUNK} inputs")
    return rows, wrong


def cells(row: Row | None) -> str:
    """The largest error and its place, as two cells."""
    if not row or max(row["normal"], row["subnormal"]) <= 0.5:
        return "at most 0.5 |" if row else "|"
    return f"{row['normal']:.4f} | {row['normal_x']}"


def swept(row: Row) -> str:
    """How many inputs, and the levels that agree on them."""
    step = f"step {row['step']:,}, " if row["step"] > 1 else ""
    return f"{row['inputs']:,} ({step}{' '.join(row['levels'])})"


def table(rows: dict[str, Row], dtype: str) -> list[str]:
    """The lines of one table of ACCURACY.md."""
    heads = [
        "function",
        "f: max ULP",
        "at x",
        "f': max ULP",
        "at x",
        "f' near its root: eps",
        "inputs (levels)",
    ]
    lines = [f"## {dtype}\n", f"| {' | '.join(heads)} |", "|---|--:|--:|--:|--:|--:|--:|"]
    for case in (case for case in cases() if case.kind == "value"):
        value, slope = (rows.get(f"{case.name}{suffix} {dtype}") for suffix in ("", "_derivative"))
        near = f"{slope['near_root']:.4f}" if slope and slope["near_root_x"] else ""
        share = " and ".join(dict.fromkeys(swept(row) for row in (value, slope) if row))
        if share:
            lines.append(f"| {case.name} | {cells(value)} | {cells(slope)} | {near} | {share} |")
    return [*lines, ""]


def page(rows: dict[str, Row]) -> str:
    """ACCURACY.md with its tables made anew."""
    begin, end = MARKERS
    head, _, rest = PAGE.read_text().partition(begin)
    lines = [line for dtype in DTYPES for line in table(rows, dtype)]
    return head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.partition(end)[2]


def write(rows: dict[str, Row]) -> None:
    """Adds rows to accuracy.json and makes the tables of ACCURACY.md from it."""
    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    labels = [f"{case.label} {dtype}" for case in cases() for dtype in DTYPES]
    merged = {key: row for key in labels if (row := rows.get(key, known.get(key)))}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(row)}" for key, row in merged.items())
    PATH.write_text(f"{{\n{lines}\n}}\n")
    PAGE.write_text(page(merged))


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("names", nargs="*", help="functions; all if none is given")
    parser.add_argument("--step", type=int, default=1, help="of the bit patterns of float32, better odd")
    parser.add_argument("--samples", type=int, default=10**8, help="how many float64")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--jobs", type=int, default=2, help="threads")
    parser.add_argument("--write", action="store_true", help="update ACCURACY.md where nothing is wrong")
    parser.add_argument("--hashes", action="store_true", help="only print hashes of the results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweeps one function after the other; the exit status is 1 if anything is wrong."""
    given = options(arguments)
    chosen, plan = cases(given.names), Plan(given.step, given.samples, given.dtype, given.jobs)
    simdnn.set_num_threads(1)  # the threads are those of `walk`
    if given.hashes:
        print(json.dumps(all_hashes(chosen, plan)))
        return 0
    comparison, failures = Comparison(chosen), []
    for name in dict.fromkeys(case.name for case in chosen):
        rows, wrong = sweep([case for case in chosen if case.name == name], plan, comparison)
        for key, row in rows.items():
            print(f"{key:28} {row['normal']:.5g} ULP at {row['normal_x']:22} {swept(row)}", flush=True)
        failures += wrong
        if given.write and not wrong:
            write(rows)
    print(
        "\n".join(["", "wrong:", *failures]) if failures else "all within their bounds, at every level alike"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
