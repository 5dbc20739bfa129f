"""Checks of arguments, with messages that name the argument, the value and the expectation."""

import math
from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from .hints import among

#: The largest integer that native code and NumPy take.
MOST = 2**63 - 1
#: The largest number of float32, and the smallest above 0 whose reciprocal float32 can hold as well.
FLOAT32_MAX, FLOAT32_LEAST = float(np.finfo(np.float32).max), 2.0**-126


def check_int(name: str, value: Any, low: float = 1, high: float = MOST) -> int:
    """`value` as an int in [low, high]. A bool is no integer."""
    try:
        number = index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__}")
    if not low <= number <= high:
        wanted = f">= {low}" if high in (MOST, math.inf) and number < low else f"from {low} to {high}"
        raise ValueError(f"{name}: expected an integer {wanted}, got {number}")
    return number


def check_size(name: str, value: Any, most: int = 2**62) -> int:
    """`value` as an int >= 1; the largest size `most` stands for all above it."""
    return min(check_int(name, value, 1, math.inf), most)


def check_axis(axis: Any) -> int:
    """`axis` as an int that NumPy can compare with the number of dimensions; AxisError beyond C's int."""
    number = check_int("axis", axis, -math.inf, math.inf)
    if abs(number) >= 2**31:
        raise np.exceptions.AxisError(f"axis {number} is out of bounds")
    return number


def check_flag(name: str, value: Any) -> bool:
    """`value` as a bool: True, False, or the numbers 1 and 0."""
    if value is True or value is False:
        return value
    if not isinstance(value, bool | np.bool_ | int | float | np.number):
        raise TypeError(f"{name}: expected True or False, got {value!r:.80}")
    if value not in (0, 1):
        raise ValueError(f"{name}: expected True or False, got {value!r:.80}")
    return bool(value)


def check_name(name: str, value: Any, known: Iterable[str]) -> str:
    """`value` if it is one of the known names."""
    words = list(known)
    if not isinstance(value, str):
        own = getattr(value, "__name__", None)
        hint = f"give {own!r}; " if own in words else ""
        raise TypeError(
            f"{name}: expected a name, got {type(value).__name__}; {hint}known: {', '.join(words)}"
        )
    if value not in words:
        raise ValueError(f"{name}: {value!r} is not known{among(value, words)}")
    return value


def check_dtype(name: str, value: Any) -> np.dtype[Any]:
    """`value` as a dtype of NumPy."""
    try:
        found: np.dtype[Any] = np.dtype(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a dtype such as 'float32', got {value!r:.80}") from None
    return found


def check_generator(name: str, value: Any) -> np.random.Generator:
    """`value` if it is a generator, or a new one from a seed or None."""
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError) as error:
        wanted = "a numpy.random.Generator, an integer >= 0 or None"
        raise type(error)(f"{name}: expected {wanted}, got {value!r:.80}") from None


def check_count(name: str, value: Any) -> int:
    """`value` as a number of steps or epochs, an int >= 0 of at most 62 bits."""
    return check_int(name, value, 0, 2**62)


def check_items(name: str, value: Any, wanted: str) -> list[Any]:
    """The items of an iterable, such as "a list of models"; an array without axes has none."""
    try:
        items = iter(value)
    except TypeError:
        raise not_of_items(name, value, wanted) from None
    return list(items)


def check_sequence(name: str, value: Any, wanted: str) -> None:
    """Raises unless `value` has a length and items by their places."""
    try:
        len(value)
        has_items = hasattr(value, "__getitem__")
    except TypeError:
        has_items = False
    if not has_items:
        raise not_of_items(name, value, wanted)


def not_of_items(name: str, value: Any, wanted: str) -> TypeError:
    """The error for a value that has no items."""
    kind = "an array without axes" if getattr(value, "ndim", None) == 0 else type(value).__name__
    return TypeError(f"{name}: expected {wanted}, got {kind}")


def check_callables(name: str, values: Any) -> list[Any]:
    """The items of an iterable, if all can be called."""
    found = check_items(name, values, "a list of functions")
    for i, value in enumerate(found):
        if isinstance(value, type):
            kind = value.__name__
            raise TypeError(f"{name}[{i}]: expected an object, got the class {kind}; write {kind}(...)")
        if not callable(value):
            raise TypeError(f"{name}[{i}]: expected a function, got {type(value).__name__}")
    return found


def check_float(name: str, value: Any) -> float:
    """`value`, a real number or an array of one without axes, as a float; a bool or a string is none."""
    if type(value) is float:
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    refused = isinstance(value, bool | str | bytes | bytearray | complex)
    if not refused and kind in "fiuO" and not getattr(value, "ndim", 0):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
        except OverflowError:
            raise ValueError(f"{name}: expected a number that a float can hold, got {value!r:.40}") from None
    raise TypeError(f"{name}: expected a number, got {type(value).__name__}")


def check_real(name: str, value: Any) -> float:
    """`value` as a finite float."""
    number = check_float(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {number}")
    return number


def check_single(name: str, value: Any) -> float:
    """`value` as a finite float within the range of float32."""
    return within_single(name, check_real(name, value))


def within_single(name: str, number: float) -> float:
    """`number`, if float32 can hold it, as it holds infinity and NaN."""
    if FLOAT32_MAX < abs(number) < math.inf:
        raise ValueError(f"{name}: expected a number that float32 can hold, got {number:g}")
    return number


def check_positive_single(name: str, value: Any) -> float:
    """`value` as a float above 0 within the range of float32, as is its reciprocal."""
    number = check_single(name, check_positive(name, value))
    if number < FLOAT32_LEAST:
        raise ValueError(f"{name}: expected a number of at least {FLOAT32_LEAST:g}, got {number:g}")
    return number


def check_nonnegative(name: str, value: Any) -> float:
    """`value` as a float >= 0, infinity allowed."""
    number = check_float(name, value)
    if not number >= 0:
        raise ValueError(f"{name}: expected a number >= 0, got {number!r}")
    return number


def check_positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    number = check_float(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {number}")
    return number


def check_probability(name: str, value: Any) -> float:
    """`value` as a float in [0, 1)."""
    number = check_float(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name}: expected a probability in [0, 1), got {number}")
    return number


def check_finite(name: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """`value` as a finite float in [low, high]."""
    number = check_float(name, value)
    if not low <= number <= high or math.isinf(number):
        wanted = f">= {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{name}: expected a finite number {wanted}, got {number}")
    return number


def check_range(names: str, low: Any, high: Any) -> tuple[float, float]:
    """The finite limits of a range as floats, low <= high; `names` are those of both, "low, high"."""
    first, second = names.split(", ")
    found = check_real(first, low), check_real(second, high)
    if not found[0] <= found[1]:
        raise ValueError(f"{names}: expected {first} <= {second}, got {found[0]:g} and {found[1]:g}")
    return found
