"""Learning rates as functions of the step: ``optim.Adam(lr=schedules.cosine(1e-3, steps=10_000))``.

A schedule is called with the number of steps (updates, not epochs) done so far and returns a learning rate;
any other function of that kind will do as well. Those made here are evaluated in C++, so that an epoch of
training does not return to Python for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._utils.check import check_float, check_int

__all__ = [
    "ReduceOnPlateau",
    "Schedule",
    "constant",
    "cosine",
    "exponential",
    "inverse_power",
    "inverse_scaling",
    "linear",
    "one_cycle",
    "reduce_on_plateau",
    "sequence",
    "step",
    "warm_up",
]

Piece = tuple[str, float, list[float]]


class Schedule:
    """A learning rate as a function of the steps done so far; made by the functions of this module.

    Examples
    --------
    >>> from simdnn import schedules
    >>> halving = schedules.exponential(1.0, gamma=0.5)
    >>> halving(0), halving(3)
    (1.0, 0.125)
    >>> halving([0, 1, 2])
    array([1.  , 0.5 , 0.25])
    """

    def __init__(self, pieces: Sequence[Piece], text: str) -> None:
        self._pieces = list(pieces)
        self._text = text

    def __call__(self, step: ArrayLike) -> Any:
        """The learning rate of a step, counted from 0; an array of them for an array of steps."""
        steps = np.asarray(step, np.float64)
        rates = _core.schedule_rates(self._pieces, steps)
        return rates if steps.ndim else float(rates)

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._pieces == other._pieces

    def __hash__(self) -> int:
        return hash(self._text)


def _number(name: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """A finite number of at least `low` and at most `high`."""
    found = check_float(name, value)
    if not low <= found <= high or math.isinf(found):
        wanted = f">= {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{name}: expected a finite number {wanted}, got {found}")
    return found


def _one(kind: str, text: str, *values: float) -> Schedule:
    return Schedule([(kind, 0.0, list(values))], text)


def constant(lr: float) -> Schedule:
    """The same learning rate for ever.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.constant(0.1)(1000)
    0.1
    """
    return _one("constant", f"constant({lr})", _number("lr", lr))


def step(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """``lr * gamma ** (step // step_size)``.

    Parameters
    ----------
    lr : float
        >= 0.
    step_size : int
        Steps between two changes.
    gamma : float
        Factor of each change, >= 0.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.step(1.0, step_size=10, gamma=0.5)([0, 9, 10, 25])
    array([1.  , 1.  , 0.5 , 0.25])

    Source: PyTorch's ``StepLR``, in steps.
    """
    size = check_int("step_size", step_size)
    return _one("step", f"step({lr}, {step_size}, {gamma})", _number("lr", lr), size, _number("gamma", gamma))


def exponential(lr: float, gamma: float) -> Schedule:
    """``lr * gamma ** step``.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.exponential(1.0, gamma=0.5)(2)
    0.25

    Source: PyTorch's ``ExponentialLR``, in steps.
    """
    return _one("exponential", f"exponential({lr}, {gamma})", _number("lr", lr), _number("gamma", gamma))


def inverse_scaling(lr: float, power: float = 0.5) -> Schedule:
    """``lr / (1 + step) ** power``.

    Examples
    --------
    >>> from simdnn import schedules
    >>> round(schedules.inverse_scaling(1.0)(3), 12)
    0.5

    Source: Robbins & Monro 1951 (power 1); scikit-learn's ``learning_rate="invscaling"``, which counts
    samples.
    """
    return _one(
        "inverse_scaling", f"inverse_scaling({lr}, {power})", _number("lr", lr), _number("power", power)
    )


def inverse_power(lr: float, gamma: float, power: int = 1, minimum: float = 0.0) -> Schedule:
    """``max(minimum, lr * (1 + gamma * step) ** -power)``.

    Parameters
    ----------
    lr, gamma, minimum : float
        >= 0.
    power : int
        From 0 to 100.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.inverse_power(1.0, gamma=1.0, minimum=0.1)([0, 1, 3, 99])
    array([1.  , 0.5 , 0.25, 0.1 ])

    Source: Caffe's learning-rate policy "inv" (Jia et al. 2014, arXiv:1408.5093), held at a minimum.
    """
    exponent = check_int("power", power, 0, 100)
    return _one(
        "inverse_power",
        f"inverse_power({lr}, {gamma}, {power}, {minimum})",
        _number("lr", lr),
        _number("gamma", gamma),
        exponent,
        _number("minimum", minimum),
    )


def linear(start: float, end: float, steps: int) -> Schedule:
    """From `start` to `end` in so many steps, then constant.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.linear(0.0, 1.0, steps=4)([0, 1, 4, 9])
    array([0.  , 0.25, 1.  , 1.  ])

    Source: PyTorch's ``LinearLR``, with rates in place of factors.
    """
    text = f"linear({start}, {end}, {steps})"
    return _one("linear", text, _number("start", start), _number("end", end), check_int("steps", steps))


def cosine(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """Half a cosine from `lr` to `end` in so many steps, then constant.

    ``end + (lr - end) * (1 + cos(pi * min(step / steps, 1))) / 2``

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.cosine(1.0, steps=4)([0, 2, 4, 9])
    array([1. , 0.5, 0. , 0. ])

    Source: Loshchilov & Hutter 2017, "SGDR", eq. 5. PyTorch's ``CosineAnnealingLR`` to the end of its
    ``T_max``, after which that rises again; Keras' ``CosineDecay``.
    """
    text = f"cosine({lr}, {steps}, {end})"
    return _one("cosine", text, _number("lr", lr), _number("end", end), check_int("steps", steps))


def sequence(schedules: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """One schedule after the other: each begins at its own step 0.

    Parameters
    ----------
    schedules : sequence of Schedule
    milestones : sequence of int
        The steps at which the second, third ... begin: increasing, one fewer than schedules.

    Examples
    --------
    >>> from simdnn import schedules
    >>> parts = [schedules.constant(0.1), schedules.exponential(1.0, 0.5)]
    >>> schedules.sequence(parts, [2])([0, 1, 2, 3])
    array([0.1, 0.1, 1. , 0.5])

    Source: PyTorch's ``SequentialLR``.
    """
    parts, begins = list(schedules), [0, *(check_int("milestones", m) for m in milestones)]
    for i, part in enumerate(parts):
        if not isinstance(part, Schedule):
            raise TypeError(f"schedules[{i}]: expected a Schedule, got {type(part).__name__}")
    if len(begins) != len(parts) or sorted(set(begins)) != begins:
        raise ValueError(
            f"milestones: expected {max(len(parts) - 1, 0)} increasing steps, got {list(milestones)}"
        )
    ends = [*begins[1:], math.inf]
    pieces = [
        (kind, begin + offset, values)
        for part, begin, end in zip(parts, begins, ends, strict=True)
        for kind, offset, values in part._pieces
        if begin + offset < end
    ]
    return Schedule(pieces, f"sequence({parts}, {begins[1:]})")


def warm_up(steps: int, then: Schedule, start: float = 0.0) -> Schedule:
    """A line from `start` to where `then` begins, in so many steps, and then that.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.warm_up(2, schedules.cosine(1.0, steps=4))([0, 1, 2, 4, 6])
    array([0. , 0.5, 1. , 0.5, 0. ])

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2.
    """
    if not isinstance(then, Schedule):
        raise TypeError(f"then: expected a Schedule, got {type(then).__name__}")
    return sequence([linear(start, then(0), steps), then], [steps])


def one_cycle(
    max_lr: float,
    steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    anneal: Literal["cos", "linear"] = "cos",
) -> Schedule:
    """Up from ``max_lr / div_factor`` to `max_lr`, then down to ``max_lr / div_factor / final_div_factor``.

    Parameters
    ----------
    max_lr : float
    steps : int
        Of the whole cycle; the rate then stays.
    pct_start : float
        Share of the steps that go up, from 0 to 1.
    div_factor, final_div_factor : float
        > 0.
    anneal : "cos" or "linear"
        The form of both ways.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.one_cycle(1.0, steps=10, pct_start=0.5)([0, 4, 9]).round(6)
    array([4.e-02, 1.e+00, 4.e-06])

    Source: Smith & Topin 2018, "Super-convergence"; PyTorch's ``OneCycleLR`` of two phases, without its
    momentum.
    """
    top, count = _number("max_lr", max_lr), check_int("steps", steps)
    low = top / _number("div_factor", div_factor, math.ulp(0.0))
    last = low / _number("final_div_factor", final_div_factor, math.ulp(0.0))
    if anneal not in ("cos", "linear"):
        raise ValueError(f"anneal: expected 'cos' or 'linear', got {anneal!r}")
    kind = {"cos": "cosine", "linear": "linear"}[anneal]
    peak = max(_number("pct_start", pct_start, 0.0, 1.0) * count - 1, 0.0)
    pieces: list[Piece] = [(kind, peak, [top, last, max(count - 1 - peak, 0.0)])]
    if peak > 0:
        pieces.insert(0, (kind, 0.0, [low, top, peak]))
    text = f"one_cycle({max_lr}, {steps}, {pct_start}, {div_factor}, {final_div_factor}, {anneal!r})"
    return Schedule(pieces, text)


class ReduceOnPlateau:
    """A learning rate that falls when a metric stops improving: see `reduce_on_plateau`.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=0)
    >>> for loss in (3.0, 2.0, 2.0):
    ...     schedule.observe(loss)
    >>> schedule(0)
    0.5
    """

    def __init__(self, lr: float, settings: dict[str, Any]) -> None:
        self.lr = lr
        self._settings = settings
        self.best = math.inf if settings["mode"] == "min" else -math.inf
        self.bad_epochs = 0
        self.cooling = 0

    def __call__(self, step: int) -> float:
        """The learning rate as the metrics so far have left it."""
        return self.lr

    def observe(self, metric: float) -> None:
        """Take in the metric of an epoch; `Trainer.fit` does so, with the validation loss if there is one."""
        settings = self._settings
        if self._improves(float(metric)):
            self.best, self.bad_epochs = float(metric), 0
        else:
            self.bad_epochs += 1
        if self.cooling > 0:
            self.cooling, self.bad_epochs = self.cooling - 1, 0
        if self.bad_epochs > settings["patience"]:
            self.cooling, self.bad_epochs = settings["cooldown"], 0
            lr = max(self.lr * settings["factor"], settings["min_lr"])
            if self.lr - lr > settings["eps"]:
                self.lr = lr

    def _improves(self, metric: float) -> bool:
        threshold, best = self._settings["threshold"], self.best
        if math.isinf(best):
            return math.isfinite(metric)
        margin: float = abs(best) * threshold if self._settings["threshold_mode"] == "rel" else threshold
        rises = self._settings["mode"] == "max"
        return metric > best + margin if rises else metric < best - margin

    def __repr__(self) -> str:
        return f"reduce_on_plateau({self.lr}, {', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"


def reduce_on_plateau(
    lr: float,
    mode: Literal["min", "max"] = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
) -> ReduceOnPlateau:
    """Multiply the learning rate by `factor` after more than `patience` epochs without improvement.

    Parameters
    ----------
    lr : float
        To begin with.
    mode : "min" or "max"
        Whether the metric should fall or rise.
    factor : float
        From 0 to below 1.
    patience, cooldown : int
        Epochs to wait for an improvement, and after a change.
    threshold : float
    threshold_mode : "rel" or "abs"
        An improvement is by more than ``threshold * abs(best)``, or by more than `threshold`.
    min_lr, eps : float
        It does not fall below `min_lr`, nor by `eps` or less.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.reduce_on_plateau(0.1).lr
    0.1

    Source: PyTorch's ``ReduceLROnPlateau``, its names, defaults and rule.
    """
    if mode not in ("min", "max"):
        raise ValueError(f"mode: expected 'min' or 'max', got {mode!r}")
    if threshold_mode not in ("rel", "abs"):
        raise ValueError(f"threshold_mode: expected 'rel' or 'abs', got {threshold_mode!r}")
    settings = {
        "mode": mode,
        "factor": _number("factor", factor, 0.0, math.nextafter(1.0, 0.0)),
        "patience": check_int("patience", patience, 0),
        "threshold": _number("threshold", threshold),
        "threshold_mode": threshold_mode,
        "cooldown": check_int("cooldown", cooldown, 0),
        "min_lr": _number("min_lr", min_lr),
        "eps": _number("eps", eps),
    }
    return ReduceOnPlateau(_number("lr", lr), settings)
