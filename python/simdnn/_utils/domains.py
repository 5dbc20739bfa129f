"""The domains of parameters of functions, for numbers and for arrays that broadcast."""

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


def domain_of(function: str) -> Callable[..., None] | None:
    """The check of the parameters of a function, its derivative or its backward pass."""
    return DOMAINS.get(function.removesuffix("_derivative").removesuffix("_backward"))
