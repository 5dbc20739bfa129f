"""Numbers as people read them: few digits, and commas between groups of three."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: The sizes from which on numbers have commas, and from which on they have an exponent.
GROUPED, LARGE = 10_000, 1e12


def number(value: float, digits: int = 4, sign: str = "") -> str:
    """A number with significant digits, as short as they allow: 0.01235, 12.3, 121,300, 1.235e+12.

    The format's `sign` is "+" for a sign in front of positive numbers as well.
    """
    text = f"{value + 0.0:{sign}.{digits}g}"
    rounded = float(text)
    if not 1 <= abs(rounded) < LARGE:  # false for NaN
        return text
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)
    commas = "," if abs(rounded) >= GROUPED else ""
    text = f"{rounded:{sign}{commas}.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimals_of(values: Iterable[float], digits: int = 4) -> int:
    """The decimals with which the largest of these numbers has this many significant digits, at most ten."""
    largest = max((abs(one) for one in values if math.isfinite(one)), default=0.0)
    return min(max(digits - 1 - math.floor(math.log10(largest)), 0), 10) if largest else 0


def fixed(value: float, decimals: int, sign: str = "") -> str:
    """A number with this many decimals, for columns; one that is large has commas."""
    rounded = round(value, decimals) + 0.0
    commas = "," if abs(rounded) >= GROUPED else ""
    return f"{rounded:{sign}{commas}.{decimals}f}" if abs(rounded) < LARGE else number(value, sign=sign)


def cell(value: float) -> str:
    """A number of a table: a whole one with all its digits, another one with six."""
    whole = math.isfinite(value) and value == round(value) and abs(value) < LARGE
    return number(value, 15 if whole else 6)


def counted(count: int, word: str) -> str:
    """A number of things in words."""
    return f"{count:,} {word}{'s' * (count != 1)}"
