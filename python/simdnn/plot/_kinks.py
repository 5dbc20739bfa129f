"""Functions of one variable as they are drawn: kinks, gaps at jumps, kinds of activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.check import check_name, check_real
from .._utils.domains import domain_of

#: Descriptions of the activations by name.
REGISTRY = {row["name"]: row for row in _core.activations()}
#: Halvings of an interval around a jump; the last has the width of a few ulps.
HALVINGS = 48
#: A smaller difference over an interval of that width is no jump.
JUMP = 1e-6


class Curve(NamedTuple):
    """An activation with the values of its parameters."""

    name: str
    values: Mapping[str, float]
    #: Names of the parameters that were given.
    given: frozenset[str] = frozenset()

    def value(self, x: Any) -> NDArray[Any]:
        """The activation at x."""
        return np.asarray(getattr(_core, self.name)(x, *self.values.values()))

    def slope(self, x: Any) -> NDArray[Any]:
        """Its derivative at x."""
        return np.asarray(getattr(_core, self.name + "_derivative")(x, *self.values.values()))

    def label(self, complete: bool = False) -> str:
        """The name with the parameters that were given, or with all."""
        shown = {key: value for key, value in self.values.items() if complete or key in self.given}
        settings = ", ".join(f"{key}={value:g}" for key, value in shown.items())
        return f"{self.name}({settings})" if settings else self.name

    def kinks(self, low: float, high: float) -> NDArray[np.float64]:
        """Points of (low, high) where the function or its derivative jumps."""
        found = np.concatenate([jumps(f, low, high) for f in (self.slope, self.value)])
        return np.unique(found.round(9) + 0.0)

    def kind(self) -> str:
        """The group of the gallery that the activation belongs to."""
        far = self.value(np.array([-2e6, -1e6, 1e6, 2e6]))
        if np.abs(far[1] - far[0]) < 1 and np.abs(far[3] - far[2]) < 1:
            return "Bounded: flat on both sides"
        falls = self.slope(np.linspace(-20, 20, 4001)).min() < 0
        return "Gated: a dip before the rise" if falls else "Unbounded and rising"


def jumps(f: Callable[[Any], NDArray[Any]], low: float, high: float) -> NDArray[np.float64]:
    """Points of (low, high) where f jumps, by bisection toward the larger difference."""
    x = np.linspace(low, high, 997)
    y = f(x)
    left, right = x[:-1], x[1:]
    kept = y[:-1] != y[1:]
    left, right = left[kept], right[kept]
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        first = np.abs(f(middle) - f(left)) >= np.abs(f(right) - f(middle))
        left, right = np.where(first, left, middle), np.where(first, middle, right)
    found = (left + right)[np.abs(f(right) - f(left)) > JUMP] / 2
    return np.asarray(found[(found > low + 1e-9) & (found < high - 1e-9)])


def curves_of(names: list[str], parameters: Mapping[str, Any]) -> list[Curve]:
    """The curves of all names and all values of the parameters, which may be sequences of numbers."""
    rows = [REGISTRY[check_name("name", name, REGISTRY)] for name in names]
    known = {key for row in rows for key in row["parameters"]}
    if unknown := sorted(parameters.keys() - known):
        listed = ", ".join(sorted(known)) or "none"
        raise TypeError(f"{', '.join(names)}: unexpected parameter {unknown[0]!r}; known: {listed}")
    found = []
    for row in rows:
        choices = [_numbers(key, parameters.get(key, value)) for key, value in row["parameters"].items()]
        for values in product(*choices):
            if (domain := domain_of(row["name"])) is not None:
                domain(*values)
            named = dict(zip(row["parameters"], values, strict=True))
            found.append(Curve(row["name"], named, frozenset(parameters)))
    return found


def _numbers(name: str, value: Any) -> list[float]:
    """One number, or several, as floats."""
    several = isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1
    found = [check_real(name, one) for one in (value if several else [value])]
    if not found:
        raise ValueError(f"{name}: expected at least one number, got none")
    return found


def with_gaps(x: NDArray[Any], y: NDArray[Any], breaks: NDArray[Any]) -> NDArray[Any]:
    """y with NaN at the points x that are breaks, so that a line through them is interrupted."""
    return np.where(np.isin(x, breaks), np.nan, y)


def grid(low: float, high: float, breaks: NDArray[Any], count: int = 1001) -> NDArray[np.float64]:
    """Points from low to high, the breaks and a point just before and after each among them."""
    near = 1e-9 * (high - low)
    return np.unique(np.concatenate([np.linspace(low, high, count), breaks - near, breaks, breaks + near]))
