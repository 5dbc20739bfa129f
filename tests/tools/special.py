"""Special values of every function: ``python -m tests.tools.special`` checks them at the level SIMDNN_ISA.

Zeros, infinities, NaN, subnormals, the ends of the range and both sides of every branch, alone and in every
lane and tail position. ``--write`` updates the table in ACCURACY.md.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import mpmath
import numpy as np
import simdnn.functional as F
from simdnn import _core

from tests import oracles
from tests.support.registry import ACTIVATIONS, parameters_of, same_bits, special_values, ulp_errors
from tests.tools.documents import PAGE, write_section

Array = np.ndarray[Any, Any]

__all__ = ["PAGE", "STORAGES", "functions", "inputs", "table", "wrong_values"]

STORAGES = [np.float16, np.float32, np.float64]


class Function(NamedTuple):
    """An activation, its derivative or an elementary function, with default parameters."""

    name: str
    kind: str  # "value" or "derivative"
    oracle: Any
    parameters: tuple[float, ...]
    bound: float

    @property
    def label(self) -> str:
        return self.name if self.kind == "value" else f"{self.name}_derivative"

    def __call__(self, x: Any) -> Any:
        return getattr(F, self.label)(x)

    def rounded(self, dtype: Any) -> Function:
        """The function with its parameters rounded to a precision."""
        return self._replace(parameters=tuple(float(dtype(one)) for one in self.parameters))

    def precise(self, x: float) -> float:
        """The value of the formula at a finite x, in arbitrary precision and rounded to float64."""
        with mpmath.workprec(300):
            return float(getattr(self.oracle, self.kind)(oracles.Precise, mpmath.mpf(x), *self.parameters))

    def zero(self, x: float) -> float:
        """The zero of the right sign if the exact result is zero or rounds to it; otherwise any number."""
        with np.errstate(all="ignore"):
            return float(getattr(self.oracle, self.kind)(oracles.Double, np.float64(x), *self.parameters))

    def expected(self, x: float) -> float:
        """The expected f(x), for any x."""
        if math.isnan(x):
            return x
        if math.isinf(x):
            return self.oracle.limits[(0 if self.kind == "value" else 2) + int(x > 0)]
        if x == 0 and self.name == "log":
            return -math.inf
        if x == -1 and self.name == "log1p":
            return -math.inf
        if x == 0 and self.kind == "derivative":
            return float(self.oracle.slope_at_zero(*self.parameters))
        exact, zero = self.precise(x), self.zero(x)
        return zero if exact == 0 and zero == 0 else exact


def functions() -> list[Function]:
    """All registered functions."""
    found = []
    for name, row in ACTIVATIONS.items():
        for kind in ("value", "derivative"):
            found.append(
                Function(name, kind, oracles.ACTIVATIONS[name], parameters_of(name), row[f"{kind}_ulp"])
            )
    for row in _core.elementary():
        found.append(Function(row["name"], "value", oracles.ELEMENTARY[row["name"]], (), row["value_ulp"]))
    return found


def inputs(function: Function, dtype: Any) -> Array:
    """All special values for a function, with one NaN for each sign and kind."""
    kinks = np.array([*function.oracle.kinks(*function.parameters)], dtype)
    sides = [kinks, np.nextafter(kinks, dtype(-np.inf)), np.nextafter(kinks, dtype(np.inf))]
    word: Any = {2: np.uint16, 4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
    quiet = np.array([np.nan, -np.nan], dtype)
    signaling = (quiet.view(word) ^ (word(1) << word(np.finfo(dtype).nmant - 1)) | word(1)).view(dtype)
    infinite = np.array([np.inf, -np.inf], dtype)
    return np.concatenate([special_values(dtype), *sides, infinite, quiet, signaling])


def allowed_errors(function: Function, dtype: Any, x: Array, expected: Array) -> Array:
    """Allowed errors in ULP: 0.5 at 0, inf and in half precision; 2 for a subnormal result."""
    bound = 0.5 if dtype == np.float16 else max(function.bound, 0.5)
    if dtype == np.float64:
        bound += 0.5  # rounding error of the expected value
    small = np.abs(expected) < np.finfo(dtype).smallest_normal
    quanta = 1 if dtype == np.float16 else 2
    return np.where(np.isinf(x) | (x == 0), 0.5, np.where(small, quanta, bound))


def wrong_values(function: Function, dtype: Any, x: Array, got: Array) -> Iterator[str]:
    """Messages about single results with an error above the bound, or with the wrong sign of zero."""
    function = function.rounded(dtype)
    with np.errstate(all="ignore"):  # every cast of a signaling NaN warns
        wide, result = x.astype(np.float64), got.astype(np.float64)
        expected = np.array([function.expected(float(one)) for one in wide])
        allowed = allowed_errors(function, dtype, wide, expected)
        wrong = ulp_errors(got, expected) > allowed
        if function.kind == "derivative":
            root = function.oracle.root(*function.parameters)
            near = (np.abs(wide - root) < 0.2 * abs(root)) & (
                np.abs(result - expected) < np.finfo(dtype).eps / 10
            )
            wrong &= ~near
        else:
            wrong |= (result == 0) & (expected == 0) & (np.signbit(result) != np.signbit(expected))
    for i in np.flatnonzero(wrong):
        yield f"{function.label}({x[i]!r}) = {got[i]!r}, expected {expected[i]!r} within {allowed[i]} ULP"


def wrong_positions(function: Function, x: Array, single: Array) -> Iterator[str]:
    """Messages about values that have other bits in some lane or tail than alone."""
    twice, wanted = np.concatenate([x, x]), np.concatenate([single, single])
    for length in range(2, 50):
        for begin in range(x.size):
            part = slice(begin, begin + length)
            if not same_bits(function(twice[part]), wanted[part]):
                yield f"{function.label}: other bits among {length} values from {x[begin]!r} on"
                return


def mismatches() -> Iterator[str]:
    """Messages about all failures at this ISA level."""
    for function in functions():
        for dtype in STORAGES:
            x = inputs(function, dtype)
            single = np.array([function(one) for one in x], dtype)
            yield from wrong_values(function, dtype, x, single)
            yield from wrong_positions(function, x, single)


def text(value: float) -> str:
    """The text of a number in the table, with the sign of zeros."""
    rounded = float(np.float32(value))
    return "-0" if rounded == 0 and math.copysign(1, rounded) < 0 else f"{rounded:.6g}"


def table() -> list[str]:
    """Markdown rows: f and f' at the limits, at zero, at kinks and at NaN."""
    points = [-np.inf, -0.0, 0.0, np.inf, np.nan]
    rows = ["| | -inf | -0 | +0 | +inf | NaN | kinks |", "|---|---|---|---|---|---|---|"]
    for function in functions():
        values = [text(function(np.float32(point))) for point in points]
        kinks = [
            f"{kink:g}: {text(function(np.float32(kink)))}"
            for kink in function.oracle.kinks(*function.parameters)
        ]
        mark = "`" if function.kind == "value" else "` f'"
        rows.append(f"| `{function.name}{mark} | {' | '.join(values)} | {', '.join(kinks)} |")
    return rows


def main() -> int:
    """Checks all functions, and writes the table with ``--write``."""
    failures = list(mismatches())
    print("\n".join(failures) or f"every special value is right at level {_core.isa()}")
    if sys.argv[1:] == ["--write"] and not failures:
        write_section("special values", table())
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
