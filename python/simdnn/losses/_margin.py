"""Softmax cross-entropy whose target logit is lowered by an angular margin."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_finite, check_flag, check_float, check_int, check_name, check_nonnegative
from ..schedules import Schedule
from ._registry import Reduction, describable, make, trainable

__all__ = ["large_margin_softmax", "margin_annealing"]

Variant = Literal["l_softmax", "a_softmax", "am_softmax", "arcface"]


class MarginAnnealing(Schedule):
    """The schedule of `margin_annealing`; it keeps its arguments for files."""

    def __init__(self, base: float, gamma: float, power: int, minimum: float) -> None:
        self.arguments = (base, gamma, power, minimum)
        values = [base, gamma, float(power), minimum]
        super().__init__([("inverse_power", 0.0, values)], f"margin_annealing{self.arguments}")

    def _to_dict(self) -> dict[str, Any]:
        return {"annealing": dict(zip(("base", "gamma", "power", "minimum"), self.arguments, strict=True))}


@describable("annealing")
def margin_annealing(
    base: float = 1000.0, gamma: float = 0.12, power: int = 1, minimum: float = 5.0
) -> MarginAnnealing:
    """Schedule for the parameter `lam` of `large_margin_softmax`: the margin grows during the training.

    lam(t) = max(minimum, base (1 + gamma t)^-power) after t steps. A `Trainer` evaluates it in C++ before
    each step.

    Parameters
    ----------
    base : float, default 1000.0
        Initial value, finite and >= 0.
    gamma : float, default 0.12
        Rate of the decay, finite and >= 0.
    power : int, default 1
        Exponent of the decay, from 0 to 100.
    minimum : float, default 5.0
        Lower limit, finite and >= 0.

    Returns
    -------
    Schedule
        A function from the number of steps to `lam`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or out of its range.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> lam = F.margin_annealing(base=100.0, gamma=1.0, minimum=5.0)
    >>> lam(0), lam(3), lam(1000)
    (100.0, 25.0, 5.0)

    Source: Liu, Wen, Yu & Yang 2016, arXiv:1612.02295, section 4 (lambda is large at first and then reduced);
    the formula and the defaults are those of the authors' code for SphereFace, arXiv:1704.08063.
    """
    return MarginAnnealing(
        check_finite("base", base),
        check_finite("gamma", gamma),
        check_int("power", power, 0, 100),
        check_finite("minimum", minimum),
    )


def _large_margin_softmax(
    margin: float = 4,
    lam: float | Schedule = 0.0,
    variant: Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
) -> _core.Loss:
    """Builds the loss of `large_margin_softmax`."""
    if isinstance(lam, Schedule):
        pieces = lam._pieces
    else:
        pieces = [("constant", 0.0, [check_nonnegative("lam", lam)])]
    check_name("variant", variant, get_args(Variant))
    loss = make("cross_entropy", (0.0, 0.0), _check_class_weight(class_weight), ignore_index=ignore_index)
    factor = None if scale is None else check_float("scale", scale)
    loss.set_margin(variant, check_float("margin", margin), factor, pieces)
    return loss


def _check_class_weight(class_weight: ArrayLike | None) -> ArrayLike | None:
    """`class_weight` if it holds finite numbers >= 0; errors of C++ would call it `weight`."""
    if class_weight is None:
        return None
    numbers = as_cpu_array("class_weight", class_weight)
    if numbers.dtype.kind not in "biuf":
        raise TypeError(f"class_weight: expected real numbers, got dtype {numbers.dtype}")
    if numbers.ndim != 1 or not all(0 <= one < math.inf for one in numbers):
        raise ValueError(f"class_weight: expected a finite number >= 0 for each class, got {class_weight!r}")
    return numbers


@trainable("large_margin_softmax", _large_margin_softmax)
def large_margin_softmax(
    features: ArrayLike,
    weight: ArrayLike,
    target: ArrayLike,
    margin: float = 4,
    lam: float | Schedule = 0.0,
    *,
    variant: Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Large-margin softmax: cross-entropy of features @ weight with an angular margin for the target class.

    With a the angle between a sample's features x and a class's weight w, the logit |x| |w| cos a of the
    target becomes |x| |w| (lam cos a + p(a)) / (1 + lam), where
    p(a) = (-1)^k cos(margin a) - 2 k for a in [k pi / margin, (k + 1) pi / margin].
    The other logits do not change. With margin 1, or lam = inf, it is `cross_entropy` of features @ weight.

    Parameters
    ----------
    features : array, shape (n, d)
        Input of the last layer. The loss is computed in float32 if both `features` and `weight` are float32
        or float16, else in float64.
    weight : array, shape (d, classes)
        Weight of the last layer, which has no bias and no activation.
    target : array of integers, shape (n,)
        Class indices.
    margin : float, default 4
        1, 2, 3 or 4 for ``"l_softmax"`` and ``"a_softmax"``; in [0, 2) for ``"am_softmax"`` (0.35 in its
        paper); an angle in radians in [0, 1.5) for ``"arcface"`` (0.5 in its paper).
    lam : float or Schedule, default 0.0
        At least 0. A `Trainer` also takes a schedule: `margin_annealing`, or one of `simdnn.schedules`.
    variant : {"l_softmax", "a_softmax", "am_softmax", "arcface"}, default "l_softmax"
        The factor of the cosines, and p(a). ``"l_softmax"``: |x| |w|, and p as above. ``"a_softmax"``
        (SphereFace): |x|, and p as above. ``"am_softmax"``: `scale`, and p(a) = cos a - margin.
        ``"arcface"``: `scale`, and p(a) = cos(a + margin), or cos a - margin sin(margin) for
        a > pi - margin.
    scale : float or None
        Factor of the cosines for ``"am_softmax"`` (None is 30) and ``"arcface"`` (None is 64).
    class_weight : array, shape (classes,), or None
        Weights >= 0 of the classes, the parameter `weight` of `cross_entropy`; None is 1.
    ignore_index, reduction, sample_weight
        As for `cross_entropy`, with the same divisor.
    return_grad : bool, default False
        Also return the gradients.

    Returns
    -------
    loss : float, or array of shape (n,) for ``reduction="none"``
    grads : (array of shape (n, d), array of shape (d, classes))
        Gradients of the reduced loss w.r.t. `features` and `weight`, with ``reduction="none"`` of the sum;
        only with `return_grad`.

    Raises
    ------
    TypeError
        If an array is not made of real numbers, `target` is not made of integers, or `lam` is a schedule.
    ValueError
        If shapes do not match, a number is out of its range, or a name is not known.
    IndexError
        If a class index is out of range; the message names the first.

    Notes
    -----
    A zero vector has cosine 0 with every other vector, and no gradient in its own direction. The derivative
    of arcface has a pole at angle 0: it is bounded for sin a < 2^-20.

    A `Trainer` with this loss needs a last layer ``Dense(..., bias=False)`` without activation. The margin
    applies in training steps only: evaluation, validation and predictions use the logits features @ weight.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> features, weight = [[3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]
    >>> round(F.large_margin_softmax(features, weight, [1], margin=1), 6)
    0.313262
    >>> round(F.large_margin_softmax(features, weight, [1], margin=2), 6)
    1.783901
    >>> loss, (by_features, by_weight) = F.large_margin_softmax(features, weight, [1], return_grad=True)
    >>> by_weight.shape
    (2, 2)

    Source: Liu, Wen, Yu & Yang 2016, arXiv:1612.02295, section 3; Liu et al. 2017, arXiv:1704.08063
    (a_softmax); Wang, Cheng, Liu & Liu 2018, arXiv:1801.05599 (am_softmax); Deng, Guo, Xue & Zafeiriou 2019,
    arXiv:1801.07698 (arcface).
    """
    if isinstance(lam, Schedule):
        raise TypeError("lam: expected a number, got a schedule, which needs the step count of a Trainer")
    loss = _large_margin_softmax(margin, lam, variant, scale, class_weight, ignore_index)
    if loss.classes and np.ndim(weight) == 2 and loss.classes != np.shape(weight)[1]:
        raise ValueError(
            f"class_weight: expected one number for each of the {np.shape(weight)[1]} classes of weight, got"
            f" {loss.classes}"
        )
    return_grad = check_flag("return_grad", return_grad)
    found = loss.evaluate_margin(features, weight, target, sample_weight, reduction, return_grad)
    return found if return_grad else found[0]
