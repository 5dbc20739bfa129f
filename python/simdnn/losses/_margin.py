"""Softmax cross-entropy whose target logit is lowered by an angular margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.check import check_float, check_int
from ..schedules import Schedule
from ._registry import Reduction, describable, make, trainable

__all__ = ["large_margin_softmax", "margin_annealing"]

Variant = Literal["l_softmax", "a_softmax", "am_softmax", "arcface"]


class MarginAnnealing(Schedule):
    """`margin_annealing`'s schedule, which keeps its arguments for files."""

    def __init__(self, base: float, gamma: float, power: int, minimum: float) -> None:
        self.arguments = (base, gamma, power, minimum)
        values = [base, gamma, float(power), minimum]
        super().__init__([("inverse_power", 0.0, values)], f"margin_annealing{self.arguments}")

    def _to_dict(self) -> dict[str, Any]:
        return {"annealing": dict(zip(("base", "gamma", "power", "minimum"), self.arguments, strict=True))}


def check_nonnegative(name: str, value: Any) -> float:
    found = check_float(name, value)
    if not found >= 0:
        raise ValueError(f"{name}: expected a number >= 0, got {found!r}")
    return found


@describable("annealing")
def margin_annealing(
    base: float = 1000.0, gamma: float = 0.12, power: int = 1, minimum: float = 5.0
) -> MarginAnnealing:
    """A schedule of `large_margin_softmax`'s `lam` for a `Trainer`, from almost no margin to most of it.

    lam(t) = max(minimum, base (1 + gamma t)^-power) for the step after t others. A `Trainer` evaluates it in
    C++ before each step.

    Parameters
    ----------
    base, gamma, minimum : float
        Numbers >= 0.
    power : int
        From 0 to 100.

    Returns
    -------
    callable
        From a number of steps to lam.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind or range.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> lam = F.margin_annealing(base=100.0, gamma=1.0, minimum=5.0)
    >>> lam(0), lam(3), lam(1000)
    (100.0, 25.0, 5.0)

    Source: Liu, Wen, Yu & Yang 2016, arXiv:1612.02295, section 4 (lambda begins large and is reduced); the
    formula and the defaults are those of the authors' code for SphereFace, arXiv:1704.08063.
    """
    return MarginAnnealing(
        check_nonnegative("base", base),
        check_nonnegative("gamma", gamma),
        check_int("power", power, 0, 100),
        check_nonnegative("minimum", minimum),
    )


def _large_margin_softmax(
    margin: float = 4,
    lam: float | Callable[[int], float] = 0.0,
    variant: Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
) -> _core.Loss:
    if isinstance(lam, Schedule):
        pieces = lam._pieces
    else:
        pieces = [("constant", 0.0, [check_nonnegative("lam", lam)])]
    if not isinstance(variant, str):
        raise TypeError(f"variant: expected a name, got {type(variant).__name__}")
    loss = make("cross_entropy", (0.0, 0.0), _class_numbers(class_weight), ignore_index=ignore_index)
    factor = None if scale is None else check_float("scale", scale)
    loss.set_margin(variant, check_float("margin", margin), factor, pieces)
    return loss


def _class_numbers(class_weight: ArrayLike | None) -> ArrayLike | None:
    """Checked here, since elsewhere `weight` is the name of what weighs classes."""
    if class_weight is None:
        return None
    numbers = np.asarray(class_weight)
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
    lam: float | Callable[[int], float] = 0.0,
    *,
    variant: Variant = "l_softmax",
    scale: float | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Softmax cross-entropy of features @ weight, the target's logit lowered by a margin in the angle.

    With a the angle between a sample's features x and a class's weight w, the logit |x| |w| cos a of the
    target becomes |x| |w| (lam cos a + p(a)) / (1 + lam), where
    p(a) = (-1)^k cos(margin a) - 2 k for a in [k pi / margin, (k + 1) pi / margin].
    The other logits stay. Margin 1, or lam = inf, is `cross_entropy` of features @ weight.

    Parameters
    ----------
    features : array, shape (n, d)
        What the last layer reads. Computed in float32 if both this and `weight` are float32 or float16,
        else in float64.
    weight : array, shape (d, classes)
        That of a last layer without bias and activation.
    target : array of integers, shape (n,)
    margin : float
        1, 2, 3 or 4 for ``"l_softmax"`` and ``"a_softmax"``; in [0, 2) for ``"am_softmax"``, whose paper has
        0.35; radians in [0, 1.5) for ``"arcface"``, whose paper has 0.5.
    lam : float
        At least 0. In a `Trainer`, which counts steps, also a schedule, as `margin_annealing` returns.
    variant : {"l_softmax", "a_softmax", "am_softmax", "arcface"}
        The norms before the cosines, and p: |x| |w| and |x| (SphereFace) with p as above; `scale`
        with p(a) = cos a - margin, and with p(a) = cos(a + margin), for a > pi - margin
        cos a - margin sin(margin).
    scale : float or None
        For ``"am_softmax"`` and ``"arcface"``, whose logits have no norms; None is 30 and 64.
    class_weight : array, shape (classes,), or None
        `cross_entropy`'s `weight`.
    ignore_index, reduction, sample_weight
        As for `cross_entropy`, with the same divisor.
    return_grad : bool
        Also return the gradients.

    Returns
    -------
    loss : float, or array of shape (n,) for ``reduction="none"``
    grads : (array, array)
        With respect to `features` and `weight`, only with `return_grad`; without reduction, of the sum.

    Raises
    ------
    TypeError
        If an array is not made of real numbers, or `target` not of integers.
    ValueError
        If shapes do not fit, a number is out of its range, or a name is not known.
    IndexError
        If a class is out of range; the first such is named.

    Notes
    -----
    A vector of zeros has cosine 0 with every other, and no gradient along itself. arcface's slope has a pole
    at angle 0: it is bounded where sin a < 2^-20.

    A `Trainer` with this loss needs a last layer ``Dense(..., bias=False)`` without activation. The margin is
    in its training steps alone: evaluation, validation and predictions see features @ weight.

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
    found = loss.evaluate_margin(features, weight, target, sample_weight, reduction, return_grad)
    return found if return_grad else found[0]
