"""Initializers: functions of (shape, rng, dtype) that return initial weights [inputs, outputs].

Random initializers draw from a `numpy.random.Generator` in float64 and round once, so that a seed determines
the values. A layer takes an initializer as a function, by name, or with settings:
``nn.Dense(8, 4, init="he_normal")``,
``nn.Dense(8, 4, init=functools.partial(init.he_normal, mode="fan_out"))``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from .._utils.check import check_name
from .._utils.hints import no_attribute
from ._basic import (
    constant,
    identity,
    normal,
    ones,
    orthogonal,
    sparse,
    truncated_normal,
    uniform,
    zeros,
)
from ._scaled import (
    calculate_gain,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    xavier_normal,
    xavier_uniform,
)

if TYPE_CHECKING:
    from ..pretrain import lsuv

__all__ = [
    "calculate_gain",
    "constant",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "lsuv",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "truncated_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

#: Names of the initializers.
NAMES = tuple(name for name in __all__ if name not in ("calculate_gain", "lsuv"))


def from_name(name: str) -> Callable[..., NDArray[Any]]:
    """The initializer called `name`.

    Parameters
    ----------
    name : str
        A function of this module, such as ``"he_normal"``.

    Returns
    -------
    callable

    Raises
    ------
    TypeError, ValueError
        If no initializer has this name; the message lists the known names.

    Examples
    --------
    >>> from simdnn import init
    >>> init.from_name("zeros") is init.zeros
    True
    """
    found: Callable[..., NDArray[Any]] = globals()[check_name("init", name, NAMES)]
    return found


def __getattr__(name: str) -> Any:
    """Imports `lsuv` lazily, because it needs networks, whose layers import this package."""
    if name == "lsuv":
        return importlib.import_module("simdnn.pretrain").lsuv
    raise no_attribute(__name__, name)
