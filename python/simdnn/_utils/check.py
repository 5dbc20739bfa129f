"""Checks of arguments, with messages that name the argument, the value and the expectation."""

import math
from collections.abc import Iterable
from operator import index
from typing import Any


def check_int(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """`value` as an int in [low, high]; None is no upper limit."""
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__}") from None
    if number < low or (high is not None and number > high):
        wanted = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: expected an integer {wanted}, got {number}")
    return number


def check_name(name: str, value: Any, known: Iterable[str]) -> str:
    """`value` if it is one of the known names."""
    words = list(known)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a name, got {type(value).__name__}; known: {', '.join(words)}")
    if value not in words:
        raise ValueError(f"{name}: {value!r} is not known; known: {', '.join(words)}")
    return value


def check_float(name: str, value: Any) -> float:
    """`value` as a float."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}") from None


def check_nonnegative(name: str, value: Any) -> float:
    """`value` as a float >= 0, infinity allowed."""
    number = check_float(name, value)
    if not number >= 0:
        raise ValueError(f"{name}: expected a number >= 0, got {number!r}")
    return number


def check_finite(name: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """`value` as a finite float in [low, high]."""
    number = check_float(name, value)
    if not low <= number <= high or math.isinf(number):
        wanted = f">= {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{name}: expected a finite number {wanted}, got {number}")
    return number
