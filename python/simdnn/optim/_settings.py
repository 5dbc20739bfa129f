"""Hyper-parameters and options of optimizers as the native registry describes them, and their conversions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from typing import Any, NamedTuple

from .. import _core
from .._utils.check import FLOAT32_LEAST, check_flag, check_float, check_name, within_single

#: Update rules by name: hyper-parameters, state buffers, scalars of the state.
RULES: dict[str, dict[str, Any]] = {row["name"]: row for row in _core.rules()}
#: Settings that every optimizer has besides the hyper-parameters of its rule.
OPTIONS: dict[str, dict[str, Any]] = _core.optimizer_options()
#: Arguments that hold two hyper-parameters of a rule.
PAIRS = {"betas": ("beta1", "beta2")}
_ROWS = {name: row for rule in RULES.values() for name, row in rule["hypers"].items()} | OPTIONS


class Argument(NamedTuple):
    """A keyword of an optimizer: its default, its kind and range, and its documentation."""

    name: str
    default: Any
    doc: str
    kind: str = "number"  # or flag, bound, choice, pair
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def type_name(self) -> str:
        """The type and the range, for documentation."""
        if self.kind == "choice":
            return "{" + ", ".join(f'"{choice}"' for choice in self.choices) + "}"
        if self.kind == "flag":
            return "bool"
        if self.kind == "bound":
            return "float or None"
        name = "(float, float)" if self.kind == "pair" else "float"
        if math.isfinite(self.high):
            return f"{name} in [{self.low:g}, {self.high:g})"
        return f"{name} >= {self.low:g}" if math.isfinite(self.low) else name

    def checked(self, value: Any) -> Any:
        """The value of an argument that no rule has, converted, if it is in range."""
        if self.kind == "flag":
            return check_flag(self.name, value)
        found = check_float(self.name, value)
        if not self.low <= found < self.high:
            raise ValueError(f"{self.name}: expected finite and >= {self.low:g}, got {found}")
        return found


def argument_of(name: str, row: dict[str, Any]) -> Argument:
    """A row of the registry as a keyword."""
    default = from_native(name, row["default"])
    return Argument(name, default, row["doc"], row["kind"], row["low"], row["high"], tuple(row["choices"]))


def arguments_of_rule(rule: str) -> dict[str, Argument]:
    """The keywords of a rule by name, in the order of the registry; two numbers of `PAIRS` become one."""
    rows = RULES[rule]["hypers"]
    found = {name: argument_of(name, row) for name, row in rows.items()}
    for name, parts in PAIRS.items():
        if parts[0] in found:
            first, second = (found.pop(part) for part in parts)
            doc = f"{first.doc} {second.doc}"
            default = (first.default, second.default)
            found[name] = Argument(name, default, doc, "pair", first.low, first.high)
    return found


def to_native(name: str, value: Any) -> float:
    """A setting in native form."""
    row = _ROWS[name]
    if row["kind"] == "choice":
        return float(row["choices"].index(check_name(name, value, row["choices"])))
    if row["kind"] == "flag":
        return float(check_flag(name, value))
    if row["kind"] == "bound" and value is None:
        return math.inf
    found = check_float(name, value)
    if row["kind"] != "bound":
        within_single(name, found)
    if name == "eps" and 0 < found < FLOAT32_LEAST:
        raise ValueError(f"{name}: expected 0 or a number of at least {FLOAT32_LEAST:g}, got {found:g}")
    return found


def from_native(name: str, value: float) -> Any:
    """A setting in the form that users write."""
    row = _ROWS[name]
    if row["kind"] == "choice":
        return row["choices"][int(value)]
    if row["kind"] == "flag":
        return bool(value)
    return None if row["kind"] == "bound" and value == math.inf else value


def check_pair(name: str, value: Any) -> tuple[Any, Any]:
    """The two values of an argument of `PAIRS`."""
    unordered = isinstance(value, str | Set | Mapping)
    try:
        first, second = value
    except (TypeError, ValueError):
        unordered = True
    if unordered:
        raise TypeError(f"{name}: expected two numbers, got {value!r:.80}")
    return first, second


def split_pairs(values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of the registry: each pair becomes its two hyper-parameters."""
    found = dict(values)
    for name, parts in PAIRS.items():
        if name in found:
            found |= zip(parts, check_pair(name, found.pop(name)), strict=True)
    return found


def join_pairs(values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of keywords: the inverse of `split_pairs`."""
    found = dict(values)
    for name, parts in PAIRS.items():
        if parts[0] in found:
            found[name] = tuple(found.pop(part) for part in parts)
    return found
