"""The class of schedules: a learning rate in pieces that C++ evaluates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_int

#: The largest count of steps: float64 does not tell larger ones apart.
MOST_STEPS = 2**53
#: A piece of a schedule: its kind in the C++ registry, its first step, and the parameters of its kind.
Piece = tuple[str, float, list[float]]


class Schedule:
    """A learning rate as a function of the steps done so far, returned by the functions of this module.

    Calling it with a step (an integer >= 0) gives a float, with an array of steps an array of their shape;
    other numbers are a ValueError.

    Examples
    --------
    >>> from simdnn import schedules
    >>> halving = schedules.exponential(1.0, gamma=0.5)
    >>> halving(0), halving(3)
    (1.0, 0.125)
    >>> halving([0, 1, 2])
    array([1.  , 0.5 , 0.25])
    """

    __slots__ = ("__weakref__", "_pieces", "_text")

    def __init__(self, pieces: Sequence[Piece], text: str) -> None:
        self._pieces = list(pieces)
        if not self._pieces:
            raise ValueError("schedule: expected at least one piece")
        _core.schedule_rates(self._pieces, np.zeros(0))  # refuses numbers out of range
        if not np.isfinite([value for _, _, values in self._pieces for value in values]).all():
            raise ValueError(f"schedule: constant, lr: expected a finite number >= 0, got {self._pieces}")
        self._text = text

    def __call__(self, step: ArrayLike) -> Any:
        """The learning rate at a step, counted from 0; an array of rates for an array of steps."""
        given = as_cpu_array("step", step)
        if given.dtype == object and isinstance(step, int):
            raise ValueError(f"step: expected integers of at most 64 bits, got {step}")
        if given.dtype.kind not in "iuf":
            raise TypeError(f"step: expected integers >= 0, got dtype {given.dtype}")
        steps = np.asarray(given, np.float64)
        if wrong := steps[~((steps >= 0) & (steps == np.floor(steps)) & (steps < np.inf))].ravel().tolist():
            raise ValueError(f"step: expected integers >= 0, got {wrong[0]:g}")
        rates = _core.schedule_rates(self._pieces, steps)
        return rates if steps.ndim else float(rates)

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._pieces == other._pieces

    def __hash__(self) -> int:
        return hash(tuple((kind, begin, tuple(values)) for kind, begin, values in self._pieces))


def check_steps(name: str, value: Any, low: int = 1) -> int:
    """`value` as a count of steps."""
    return check_int(name, value, low, MOST_STEPS)


def single_piece(kind: str, text: str, *values: float) -> Schedule:
    """A schedule of one piece, with the kind's parameters `values` and the repr `text`."""
    return Schedule([(kind, 0.0, list(values))], text)
