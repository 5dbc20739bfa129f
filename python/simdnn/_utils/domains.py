"""The domains of parameters of functions, for numbers and for arrays that broadcast."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def positive(name: str) -> Callable[[Any], None]:
    """A check that all numbers of the parameter `name` are above 0; a NaN is not."""

    def check(value: Any) -> None:
        numbers = real_numbers(name, value)
        if numbers is not None and not (numbers > 0).all():
            raise ValueError(f"{name}: expected numbers above 0, got {value!r:.80}")

    return check


def ordered(low: str, high: str) -> Callable[[Any, Any], None]:
    """A check that the numbers of the parameter `low` are at most those of `high`."""

    def check(first: Any, second: Any) -> None:
        lower, upper = real_numbers(low, first), real_numbers(high, second)
        if lower is not None and upper is not None and not (lower <= upper).all():
            raise ValueError(f"{low}, {high}: expected {low} <= {high}, got {first!r:.40} and {second!r:.40}")

    return check


def real_numbers(name: str, value: Any) -> Any:
    """`value` as an array of real numbers; None for a lazy array of another library."""
    if hasattr(value, "__array_function__") and not isinstance(value, np.ndarray | np.generic):
        return None
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got {type(value).__name__}")
    return numbers


#: The checks of the parameters of functions, by the name of the function.
DOMAINS: dict[str, Callable[..., None]] = {
    "celu": positive("alpha"),
    "hard_tanh": ordered("min_val", "max_val"),
    "softmax": positive("temperature"),
    "log_softmax": positive("temperature"),
    "logsumexp": positive("temperature"),
}
#: The functions whose parameters are above 0.
POSITIVE = DOMAINS.keys() - {"hard_tanh"}

#: Domains in words, for documentation.
WORDS = {"celu": "alpha > 0", "hard_tanh": "min_val <= max_val"}

#: Numbers between these, in size, are normal numbers of every dtype.
_SAFE = 2.0**-14, 65504.0


def domain_of(function: str) -> Callable[..., None] | None:
    """The check of the parameters of a function, its derivative or its backward pass."""
    return DOMAINS.get(base_of(function))


def base_of(function: str) -> str:
    """The name of a function, given that of its derivative or its backward pass."""
    return function.removesuffix("_derivative").removesuffix("_backward")


def check_of(function: str, arrays: int, names: tuple[str, ...]) -> Callable[..., None]:
    """A check of the parameters `names` of a function, which is called with its `arrays` and all of these.

    A parameter that is a number of Python takes the dtype of the arrays, which must be able to hold it.
    Native code leaves out the check for floats that every dtype holds and no domain excludes.
    """
    domain, above_zero = domain_of(function), base_of(function) in POSITIVE
    least, most = _SAFE

    def check(*given: Any) -> None:
        values = given[arrays:]
        if domain is not None:
            domain(*values)
        for name, value in zip(names, values, strict=True):
            if type(value) in (float, int) and value and not least <= abs(value) <= most:
                check_held(name, value, computed_dtype(given), above_zero)

    return check


def computed_dtype(given: tuple[Any, ...]) -> np.dtype[Any] | None:
    """The dtype of a computation with these arguments; None if there is none or it is no float."""
    try:
        found = np.result_type(*[one if type(one) in (float, int) else _dtype_of(one) for one in given])
    except (TypeError, OverflowError):
        return None  # NumPy says so in its own words
    return found if found.kind == "f" else None


def _dtype_of(value: Any) -> np.dtype[Any]:
    """The dtype of an array, or of one that an argument becomes."""
    dtype = getattr(value, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) else np.asarray(value).dtype


def check_held(name: str, value: float, dtype: np.dtype[Any] | None, above_zero: bool) -> None:
    """Raises if a finite number is beyond the dtype, or a number above 0 is too small to divide by."""
    if dtype is None or not -math.inf < value < math.inf:
        return
    limits = np.finfo(dtype)
    # float16 is computed in float32, where its subnormal numbers have reciprocals
    least = limits.smallest_subnormal if dtype == np.float16 else limits.tiny
    if abs(value) > limits.max or (above_zero and value < least):
        wanted = f"at least {least:g}" if above_zero and value < least else f"at most {limits.max:g} in size"
        raise ValueError(f"{name}: expected a number of {wanted} for {dtype}, got {shown(value)}")


def shown(value: float) -> str:
    """A number for a message; an integer may be beyond double."""
    return f"{value:g}" if isinstance(value, float) else f"{value!s:.20}"
