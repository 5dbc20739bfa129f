"""Schedules of several pieces: sequences, warm-up and the 1cycle policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from .._utils.check import check_finite, check_items
from .._utils.hints import points_out_keywords
from ._decays import linear
from ._schedule import Piece, Schedule, check_steps


@points_out_keywords
def sequence(schedules: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """Schedules one after another; each counts its steps from its own beginning.

    Parameters
    ----------
    schedules : sequence of Schedule
    milestones : sequence of int
        Steps, strictly increasing, at which the second and later schedules begin: one fewer than schedules.

    Returns
    -------
    Schedule

    Raises
    ------
    TypeError
        If an item is not a `Schedule`, or a milestone is not an integer.
    ValueError
        If the milestones are not increasing, or their number does not fit.

    Examples
    --------
    >>> from simdnn import schedules
    >>> parts = [schedules.constant(0.1), schedules.exponential(1.0, 0.5)]
    >>> schedules.sequence(parts, [2])([0, 1, 2, 3])
    array([0.1, 0.1, 1. , 0.5])

    Source: PyTorch's ``SequentialLR``.
    """
    parts = check_items("schedules", schedules, "a list of schedules")
    given = check_items("milestones", milestones, "a list of steps")
    begins = [0, *(check_steps(f"milestones[{i}]", step) for i, step in enumerate(given))]
    for i, part in enumerate(parts):
        if not isinstance(part, Schedule):
            raise TypeError(f"schedules[{i}]: expected a Schedule, got {type(part).__name__}")
    if len(begins) != len(parts) or sorted(set(begins)) != begins:
        raise ValueError(f"milestones: expected {max(len(parts) - 1, 0)} increasing steps, got {given}")
    ends = [*begins[1:], math.inf]
    pieces: list[Piece] = []
    for part, begin, end in zip(parts, begins, ends, strict=True):
        for kind, offset, values in part._pieces:
            start = shifted(begin, offset, pieces[-1][1] if pieces else -math.inf)
            if start < end:
                pieces.append((kind, start, values))
    return Schedule(pieces, f"sequence({parts}, {begins[1:]})")


def shifted(begin: float, offset: float, last: float) -> float:
    """The step at which a piece begins: after `last`, and on its side of `begin` despite rounding."""
    start = float(begin + offset)
    if start.is_integer() and start - begin != offset:  # rounding must not move it to a step
        start = math.nextafter(start, -math.inf if start - begin > offset else math.inf)
    if offset < 0:
        start = min(start, math.nextafter(begin, -math.inf))
    return max(start, math.nextafter(begin - 1, math.inf), math.nextafter(last, math.inf))


@points_out_keywords
def warm_up(steps: int, then: Schedule, start: float = 0.0) -> Schedule:
    """Linear warm-up: a line from `start` to ``then(0)`` over `steps` steps, followed by `then`.

    Parameters
    ----------
    steps : int
        Length of the warm-up, at least 0; 0 is none.
    then : Schedule
        The schedule after the warm-up; it counts its steps from there.
    start : float, default 0.0
        Initial learning rate, finite and >= 0.

    Returns
    -------
    Schedule

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type, or out of its range.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.warm_up(2, schedules.cosine(1.0, steps=4))([0, 1, 2, 4, 6])
    array([0. , 0.5, 1. , 0.5, 0. ])

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677, section 2.2.
    """
    if not isinstance(then, Schedule):
        raise TypeError(f"then: expected a Schedule, got {type(then).__name__}")
    check_finite("start", start)
    if check_steps("steps", steps, 0) == 0:
        return then
    return sequence([linear(start, then(0), steps), then], [steps])


@points_out_keywords
def one_cycle(
    max_lr: float,
    steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    anneal: Literal["cos", "linear"] = "cos",
) -> Schedule:
    """The 1cycle policy: a rise from ``max_lr / div_factor`` to `max_lr`, then a fall to nearly zero.

    The rate rises up to step ``pct_start * steps - 1`` and falls up to step ``steps - 1``, where it is
    ``max_lr / div_factor / final_div_factor``. A fall of no length (`pct_start` 1) is left out: the
    cycle ends at its top. Without a rise (`pct_start` 0) the top would be at step -1.

    Parameters
    ----------
    max_lr : float
        Highest learning rate, finite and >= 0.
    steps : int
        Length of the whole cycle, at least 1; the rate is constant after it.
    pct_start : float, default 0.3
        Fraction of the steps in which the rate rises, from 0 to 1.
    div_factor, final_div_factor : float, default 25.0 and 1e4
        Finite and > 0.
    anneal : {"cos", "linear"}, default "cos"
        Shape of the rise and of the fall.

    Returns
    -------
    Schedule

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or out of its range, or `anneal` is an unknown word.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.one_cycle(1.0, steps=10, pct_start=0.5)([0, 4, 9]).round(6)
    array([4.e-02, 1.e+00, 4.e-06])

    Source: Smith & Topin 2018, "Super-convergence", arXiv:1708.07120; PyTorch's two-phase
    ``OneCycleLR``, without its cycle of momentum.
    """
    top, count = check_finite("max_lr", max_lr), check_steps("steps", steps)
    low = top / check_finite("div_factor", div_factor, math.ulp(0.0))
    last = low / check_finite("final_div_factor", final_div_factor, math.ulp(0.0))
    if not math.isfinite(low) or not math.isfinite(last):
        raise ValueError(
            f"div_factor, final_div_factor: the rates {low:g} and {last:g} at both ends must be finite"
        )
    if anneal not in ("cos", "linear"):
        raise ValueError(f"anneal: expected 'cos' or 'linear', got {anneal!r}")
    kind = {"cos": "cosine", "linear": "linear"}[anneal]
    peak = check_finite("pct_start", pct_start, 0.0, 1.0) * count - 1
    fall = count - 1 - peak
    pieces: list[Piece] = []
    if peak > 0 or fall <= 0:
        pieces.append((kind, 0.0, [low, top, peak]))
    if fall > 0:
        pieces.append((kind, peak, [top, last, fall]))
    text = f"one_cycle({max_lr}, {steps}, {pct_start}, {div_factor}, {final_div_factor}, {anneal!r})"
    return Schedule(pieces, text)


@points_out_keywords
def flat_cos(lr: float, steps: int, flat: float = 0.5) -> Schedule:
    """A constant, then half a cosine to 0.

    Parameters
    ----------
    lr : float
        Learning rate, or another number, at the beginning; finite and >= 0.
    steps : int
        Length of both parts together, at least 1; 0 follows.
    flat : float, default 0.5
        Fraction of the steps in which the number is constant, from 0 to 1.

    Returns
    -------
    Schedule

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or out of its range.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.flat_cos(0.1, steps=8)([0, 4, 6, 8])
    array([0.1 , 0.1 , 0.05, 0.  ])

    Source: "flat_cos" of Holzmueller, Grinsztajn & Steinwart 2024, arXiv:2407.04491, for dropout and weight
    decay; ``fit_flat_cos`` of fastai.
    """
    first, count = check_finite("lr", lr), check_steps("steps", steps)
    level = check_finite("flat", flat, 0.0, 1.0) * count
    pieces: list[Piece] = []
    if level > 0:
        pieces.append(("constant", 0.0, [first]))
    pieces.append(("cosine", level, [first, 0.0, count - level]))
    text = f"flat_cos({lr}, {steps}, {flat})"
    return Schedule(pieces, text)
