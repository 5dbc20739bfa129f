"""Schedules of one piece: a constant, and decays by steps, powers, lines and cosines."""

from __future__ import annotations

from .._utils.check import check_finite, check_int
from .._utils.hints import points_out_keywords
from ._schedule import Schedule, check_steps, single_piece


@points_out_keywords
def constant(lr: float) -> Schedule:
    """A constant learning rate.

    Parameters
    ----------
    lr : float
        Finite and >= 0.

    Returns
    -------
    Schedule

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a number, or out of its range.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.constant(0.1)(1000)
    0.1
    """
    return single_piece("constant", f"constant({lr})", check_finite("lr", lr))


@points_out_keywords
def step(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """Step decay: ``lr * gamma ** (step // step_size)``.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    step_size : int
        Number of steps between two changes, at least 1.
    gamma : float, default 0.1
        Factor of each change, finite and >= 0.

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
    >>> schedules.step(1.0, step_size=10, gamma=0.5)([0, 9, 10, 25])
    array([1.  , 1.  , 0.5 , 0.25])

    Source: PyTorch's ``StepLR``, in steps.
    """
    size = check_steps("step_size", step_size)
    return single_piece(
        "step",
        f"step({lr}, {step_size}, {gamma})",
        check_finite("lr", lr),
        size,
        check_finite("gamma", gamma),
    )


@points_out_keywords
def exponential(lr: float, gamma: float) -> Schedule:
    """Exponential decay: ``lr * gamma ** step``.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    gamma : float
        Factor of each step, finite and >= 0.

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
    >>> schedules.exponential(1.0, gamma=0.5)(2)
    0.25

    Source: PyTorch's ``ExponentialLR``, in steps.
    """
    return single_piece(
        "exponential", f"exponential({lr}, {gamma})", check_finite("lr", lr), check_finite("gamma", gamma)
    )


@points_out_keywords
def inverse_power(lr: float, gamma: float, power: int = 1, minimum: float = 0.0) -> Schedule:
    """Inverse decay with a lower limit: ``max(minimum, lr * (1 + gamma * step) ** -power)``.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    gamma : float
        Rate of the decay, finite and >= 0.
    power : int, default 1
        Exponent of the decay, from 0 to 100.
    minimum : float, default 0.0
        Lower limit, finite and >= 0.

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
    >>> schedules.inverse_power(1.0, gamma=1.0, minimum=0.1)(3)
    0.25

    Source: Caffe's learning-rate policy "inv" (Jia et al. 2014, arXiv:1408.5093), with a lower limit.
    """
    return single_piece(
        "inverse_power",
        f"inverse_power({lr}, {gamma}, {power}, {minimum})",
        check_finite("lr", lr),
        check_finite("gamma", gamma),
        check_int("power", power, 0, 100),
        check_finite("minimum", minimum),
    )


@points_out_keywords
def inverse_scaling(lr: float, power: float = 0.5) -> Schedule:
    """Decay by a power of the step: ``lr / (1 + step) ** power``.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    power : float, default 0.5
        Finite and >= 0.

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
    >>> round(schedules.inverse_scaling(1.0)(3), 12)
    0.5

    Source: Robbins & Monro 1951, "A stochastic approximation method" (power 1); scikit-learn's
    ``learning_rate="invscaling"``, which counts samples in place of steps.
    """
    return single_piece(
        "inverse_scaling",
        f"inverse_scaling({lr}, {power})",
        check_finite("lr", lr),
        check_finite("power", power),
    )


@points_out_keywords
def linear(start: float, end: float, steps: int) -> Schedule:
    """A line from `start` to `end` over `steps` steps, then the constant `end`.

    Parameters
    ----------
    start, end : float
        Learning rates, finite and >= 0.
    steps : int
        Length of the line, at least 1.

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
    >>> schedules.linear(0.0, 1.0, steps=4)([0, 1, 4, 9])
    array([0.  , 0.25, 1.  , 1.  ])

    Source: PyTorch's ``LinearLR``, with learning rates in place of factors.
    """
    text = f"linear({start}, {end}, {steps})"
    return single_piece(
        "linear", text, check_finite("start", start), check_finite("end", end), check_steps("steps", steps)
    )


@points_out_keywords
def cosine(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """Cosine annealing: half a cosine from `lr` to `end` over `steps` steps, then the constant `end`.

    The rate is ``end + (lr - end) * (1 + cos(pi * min(step / steps, 1))) / 2``.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    steps : int
        Length of the half cosine, at least 1.
    end : float, default 0.0
        Final learning rate, finite and >= 0.

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
    >>> schedules.cosine(1.0, steps=4)([0, 2, 4, 9])
    array([1. , 0.5, 0. , 0. ])

    Source: Loshchilov & Hutter 2017, "SGDR", arXiv:1608.03983, eq. 5; Keras' ``CosineDecay``. PyTorch's
    ``CosineAnnealingLR`` agrees up to ``T_max`` and rises again after it.
    """
    text = f"cosine({lr}, {steps}, {end})"
    return single_piece(
        "cosine", text, check_finite("lr", lr), check_finite("end", end), check_steps("steps", steps)
    )


@points_out_keywords
def coslog4(lr: float, steps: int) -> Schedule:
    """Four cosine cycles of growing length, each of which begins and ends at 0.

    The rate is ``lr * (1 - cos(2 * pi * log2(1 + 15 * t))) / 2`` with ``t = step / steps``, and 0 after
    `steps`: each cycle is twice as long as the one before.

    Parameters
    ----------
    lr : float
        Highest learning rate, finite and >= 0.
    steps : int
        Length of the four cycles, at least 1.

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
    >>> schedules.coslog4(1.0, steps=30)([0, 1, 2, 10, 30]).round(2)
    array([0.  , 0.93, 0.  , 0.93, 0.  ])

    Source: Holzmueller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data", arXiv:2407.04491, section 3.
    """
    return single_piece(
        "coslog4", f"coslog4({lr}, {steps})", check_finite("lr", lr), check_steps("steps", steps)
    )
