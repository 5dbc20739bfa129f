"""Losses over classes: softmax cross-entropy and its variants, log-likelihood, distillation, 0-1, entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_float
from ._registry import Reduction, check_weights, evaluate_classes, make, simple, trainable

__all__ = ["cross_entropy", "distillation_loss", "focal_loss", "nll_loss", "zero_one_loss"]


def _cross_entropy(
    weight: ArrayLike | None = None, label_smoothing: float = 0.0, ignore_index: int = -100
) -> _core.Loss:
    """Builds the loss of `cross_entropy`."""
    if weight is None and ignore_index == -100:
        return simple("cross_entropy", label_smoothing, 0.0)
    return make("cross_entropy", (label_smoothing, 0.0), weight, ignore_index=ignore_index)


#: The loss with default settings, built once because `cross_entropy` is called often.
_DEFAULT = _cross_entropy()


@trainable("cross_entropy", _cross_entropy)
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Softmax cross-entropy of logits with class indices or probabilities; loss and gradient take one pass.

    With p = softmax(logits) and the smoothed target t' = (1 - label_smoothing) t + label_smoothing / classes,
    loss = sum_c weight[c] t'[c] (-log p[c]) and grad = p sum_c weight[c] t'[c] - weight t'.

    Parameters
    ----------
    logits : array, shape (n, classes), (classes,) or (n, classes, d1, ...)
        float32 and float16 are computed in float32, other real numbers in float64.
    target : array
        Class indices of any integer dtype, shape (n,), () or (n, d1, ...); or probabilities (floats), shape
        of `logits`. Probabilities are not normalized: their sum need not be 1. 0 log 0 is 0.
    weight : array, shape (classes,), or None
        Weights >= 0 of the classes; None is 1.
    label_smoothing : float, default 0.0
        In [0, 1].
    ignore_index : int, default -100
        A sample of this class index has no loss and no gradient, and does not count in the mean.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is weighted as in PyTorch: the sum of losses is divided by the sum of
        ``sample_weight * weight[target]`` over the samples that are not ignored, for probabilities by the sum
        of `sample_weight`. It is NaN if all samples are ignored.
    return_grad : bool, default False
        Also return the gradient w.r.t. `logits`.
    sample_weight : array, shape (n,), () or (n, d1, ...), or None
        Weights >= 0 of the samples; None is 1.

    Returns
    -------
    loss : float, or array of one loss per sample for ``reduction="none"``
    grad : array, shape of `logits`
        Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
        Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

    Raises
    ------
    TypeError
        If `logits` is not made of real numbers, or class indices are not integers.
    ValueError
        If shapes do not match, a number is out of its range, or `reduction` is not known.
    IndexError
        If a class index is out of range; the message names the first.

    Examples
    --------
    >>> import numpy as np, simdnn.functional as F
    >>> loss, grad = F.cross_entropy(np.zeros((2, 4)), [0, 3], return_grad=True)
    >>> round(loss, 6)
    1.386294
    >>> grad[0]
    array([-0.375,  0.125,  0.125,  0.125])

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs";
    Szegedy et al. 2016, arXiv:1512.00567, section 7 (label smoothing).
    """
    loss = _DEFAULT
    if weight is not None or label_smoothing != 0 or ignore_index != -100:
        loss = _cross_entropy(weight, label_smoothing, ignore_index)
    return evaluate_classes(loss, logits, target, reduction, return_grad, "logits", sample_weight)


def _focal(
    gamma: float = 2.0,
    alpha: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
) -> _core.Loss:
    """Builds the loss of `focal_loss`; alpha scales the loss, but not the divisor of its mean."""
    if alpha is None and weight is None and ignore_index == -100:
        return simple("cross_entropy", label_smoothing, gamma)
    factor, scale = 1.0, weight
    if alpha is not None and np.ndim(alpha) == 0:
        factor = check_float("alpha", alpha)
    elif alpha is not None:
        factors = check_weights("alpha", alpha)
        given = np.shape(factors if weight is None else check_weights("weight", weight))
        if factors.shape != given:
            raise ValueError(f"alpha: expected shape {given}, that of weight, got {factors.shape}")
        scale = np.multiply(factors, 1.0 if weight is None else weight, dtype=np.float64)
    return make("cross_entropy", (label_smoothing, gamma), weight, scale, factor, ignore_index)


@trainable("focal", _focal)
def focal_loss(
    logits: ArrayLike,
    target: ArrayLike,
    gamma: float = 2.0,
    alpha: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Focal loss: cross-entropy with less weight on samples that are classified well.

    loss = sum_c alpha[c] weight[c] t'[c] (1 - p[c])^gamma (-log p[c]), with p = softmax(logits) and t' the
    smoothed target of `cross_entropy`. gamma = 0 gives the bits of `cross_entropy`. 1 - p is computed without
    cancellation, so that the gradient goes to 0 as p goes to 1 for every gamma >= 0. Loss and gradient take
    one pass.

    Parameters
    ----------
    gamma : float, default 2.0
        Focusing exponent >= 0.
    alpha : float, array of shape (classes,), or None
        Balancing factor >= 0; in contrast to `weight` it does not count in the divisor of the mean.
    logits, target, weight, label_smoothing, ignore_index, reduction, return_grad, sample_weight
        As for `cross_entropy`, with the same divisor.

    Returns
    -------
    loss : float, or array of one loss per sample for ``reduction="none"``
    grad : array, shape of `logits`
        Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
        Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

    Raises
    ------
    TypeError, ValueError, IndexError
        As for `cross_entropy`.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> round(F.focal_loss([[0.0, 0.0]], [1], gamma=1.0), 6)
    0.346574

    Source: Lin, Goyal, Girshick, He & Dollar 2017, arXiv:1708.02002, section 3, for softmax as in
    Keras' ``CategoricalFocalCrossentropy``.
    """
    loss = _focal(gamma, alpha, weight, label_smoothing, ignore_index)
    return evaluate_classes(loss, logits, target, reduction, return_grad, "logits", sample_weight)


def _nll(weight: ArrayLike | None = None, ignore_index: int = -100) -> _core.Loss:
    """Builds the loss of `nll_loss`."""
    return make("nll", (), weight, ignore_index=ignore_index)


@trainable("nll", _nll)
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Negative log-likelihood of log-probabilities: loss = -weight[target] input[target].

    Parameters
    ----------
    input : array, shape (n, classes), (classes,) or (n, classes, d1, ...)
        Log-probabilities, for example of `log_softmax`.
    target : array of integers, shape (n,), () or (n, d1, ...)
        Class indices.
    weight, ignore_index, reduction, return_grad, sample_weight
        As for `cross_entropy`, with the same divisor.

    Returns
    -------
    loss : float, or array of one loss per sample for ``reduction="none"``
    grad : array, shape of `input`
        Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
        Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

    Raises
    ------
    TypeError, ValueError, IndexError
        As for `cross_entropy`.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.nll_loss([[-0.5, -1.0], [-2.0, -0.25]], [0, 1])
    0.375

    Source: Fisher 1922, "On the mathematical foundations of theoretical statistics", section 6.
    """
    loss = _nll(weight, ignore_index)
    return evaluate_classes(loss, input, target, reduction, return_grad, "input", sample_weight)


def _distillation(temperature: float = 1.0, hard_weight: float = 0.0) -> _core.Loss:
    """Builds the loss of `distillation_loss`."""
    return simple("distillation", temperature, hard_weight)


@trainable("distillation", _distillation)
def distillation_loss(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    temperature: float = 1.0,
    *,
    target: ArrayLike | None = None,
    hard_weight: float = 0.0,
    reduction: Reduction = "mean",
    return_grad: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Distillation loss: the divergence of a student's softened class probabilities from its teacher's.

    loss = (1 - h) T^2 sum_c t[c] (log t[c] - log s[c]) + h cross_entropy(student_logits, target) with
    t = softmax(teacher_logits / T), s = softmax(student_logits / T), h = hard_weight. The factor T^2 keeps
    the size of the gradient, (1 - h) T (s - t) + ..., independent of the temperature. Without a hard part,
    float32 is computed within 4 units in the last place of the largest term, and probabilities below 2^-86
    (float64: 2^-500) of the largest count as 0.

    Parameters
    ----------
    student_logits, teacher_logits : arrays of one shape, (n, classes), (classes,) or (n, classes, d1, ...)
    temperature : float, default 1.0
        T in [1e-6, 1e6].
    target : array of integers, shape (n,), () or (n, d1, ...), or None
        Class indices of the hard part; a sample with index -100 has no hard part.
    hard_weight : float, default 0.0
        Weight h of the hard part, in [0, 1]; it is greater than 0 if and only if `target` is given.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the number of samples, or by the sum of `sample_weight` (PyTorch's "batchmean").
    return_grad : bool, default False
        Also return the gradient w.r.t. `student_logits`.
    sample_weight : array, shape (n,), () or (n, d1, ...), or None
        Weights >= 0 of the samples; None is 1.

    Returns
    -------
    loss : float, or array of one loss per sample for ``reduction="none"``
    grad : array, shape of `student_logits`
        Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
        Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

    Raises
    ------
    TypeError, ValueError, IndexError
        As for `cross_entropy`; ValueError also if only one of `target` and `hard_weight` is given.

    Notes
    -----
    In `Trainer.fit`, y is the teacher's logits, or a pair (teacher's logits, class indices) with a hard part.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.distillation_loss([[1.0, 2.0]], [[0.0, 1.0]], temperature=2.0)
    0.0

    Source: Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2.
    """
    loss = _distillation(temperature, hard_weight)
    if (target is None) != (hard_weight == 0):
        raise ValueError(f"hard_weight: a hard part needs target and hard_weight > 0, got {hard_weight!r}")
    teacher = as_cpu_array("teacher_logits", teacher_logits)
    if teacher.dtype.kind not in "biuf":
        raise TypeError(f"teacher_logits: expected real numbers, got dtype {teacher.dtype}")
    student = as_cpu_array("student_logits", student_logits)
    if teacher.shape != student.shape:
        wanted = f"{student.shape}, that of student_logits"
        raise ValueError(f"teacher_logits: expected shape {wanted}, got {teacher.shape}")
    targets = teacher if target is None else (teacher, target)
    return evaluate_classes(loss, student, targets, reduction, return_grad, "student_logits", sample_weight)


_UNTRAINABLE = (
    "zero_one: the 0-1 loss is a metric; its derivative is 0 wherever there is one, so that no gradient"
    " leads to fewer errors. Train on cross_entropy or hinge, and measure this"
)


def _zero_one(**settings: Any) -> _core.Loss:
    """Raises ValueError: a network cannot be trained on the 0-1 loss."""
    raise ValueError(_UNTRAINABLE)


@trainable("zero_one", _zero_one)
def zero_one_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Reduction = "mean",
    return_grad: bool = False,
) -> Any:
    """Zero-one loss of a classification: 1 for a wrong prediction, 0 for a correct one.

    It is a metric: its gradient is 0, so that a `Trainer` refuses it.

    Parameters
    ----------
    input : array, shape (n, classes) of scores, or (n,) of class indices
        The predicted class is the first with the largest score.
    target : array of integers, shape (n,)
        Class indices.
    reduction : {"mean", "sum", "none"}, default "mean"
        The error rate, the number of errors, or the loss of each sample.
    return_grad : bool, default False
        True is a ValueError, because the gradient is 0.

    Returns
    -------
    float, or array of shape (n,) for ``reduction="none"``

    Raises
    ------
    TypeError
        If class indices are not integers.
    ValueError
        If the shapes do not match, `reduction` is not known, or `return_grad` is True.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.zero_one_loss([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5

    Source: Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", section 2.4.
    """
    if return_grad:
        raise ValueError(_UNTRAINABLE)
    scores, classes = as_cpu_array("input", input), as_cpu_array("target", target)
    if scores.dtype.kind not in "biuf":
        raise TypeError(f"input: expected real numbers, got dtype {scores.dtype}")
    if classes.dtype.kind not in "iu":
        raise TypeError(f"target: expected integer class indices, got dtype {classes.dtype}")
    predicted = scores.argmax(axis=-1) if scores.ndim == classes.ndim + 1 else scores
    if predicted.dtype.kind not in "iu":
        raise TypeError(f"input: expected integer class indices, got dtype {predicted.dtype}")
    if predicted.shape != classes.shape:
        raise ValueError(f"target: expected shape {predicted.shape}, got {classes.shape}")
    wrong = (predicted != classes).astype(np.float64)
    if reduction == "none":
        return wrong
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'none', 'mean' or 'sum', got {reduction!r}")
    return float(wrong.mean() if reduction == "mean" else wrong.sum())
