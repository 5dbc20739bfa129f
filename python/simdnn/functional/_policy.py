"""Parts of reinforcement learning: log-probabilities and entropies of actions, clipped losses, advantages."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array, refuse_unread
from .._utils.check import check_finite, check_flag, check_name, check_nonnegative
from ..losses import cross_entropy

__all__ = [
    "categorical_entropy",
    "categorical_log_prob",
    "clipped_policy_loss",
    "clipped_value_loss",
    "generalized_advantage",
    "normal_entropy",
    "normal_log_prob",
]

Array = NDArray[Any]
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _reals(**given: ArrayLike) -> list[Array]:
    """The arrays in one dtype: float32 if all are float32 or float16, else float64."""
    arrays = list[Array]()
    for name, value in given.items():
        refuse_unread(name, value)
        array = as_cpu_array(name, value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
        arrays.append(array)
    single = all(array.dtype.kind == "f" and array.dtype.itemsize <= 4 for array in arrays)
    return [array.astype(np.float32 if single else np.float64, copy=False) for array in arrays]


def _rows(name: str, array: Array) -> Array:
    """The array, if it has a last axis."""
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name}: expected shape (..., actions), got {array.shape}")
    return array


def _same_shape(**given: Array) -> None:
    """Raises unless all arrays have the shape of the first."""
    (first, array), *others = given.items()
    for name, other in others:
        if other.shape != array.shape:
            raise ValueError(f"{name}: expected shape {array.shape}, that of {first}, got {other.shape}")


def _actions(action: ArrayLike, logits: Array) -> Array:
    """The indices of actions, one for each row of logits, as int64."""
    refuse_unread("action", action)
    chosen = as_cpu_array("action", action)
    if chosen.dtype.kind not in "iu" and chosen.size:
        raise TypeError(f"action: expected integers, got dtype {chosen.dtype}")
    if chosen.shape != logits.shape[:-1]:
        raise ValueError(f"action: expected shape {logits.shape[:-1]}, got {chosen.shape}")
    if (wrong := (chosen < 0) | (chosen >= logits.shape[-1])).any():
        last = logits.shape[-1] - 1
        raise IndexError(f"action: expected indices from 0 to {last}, got {chosen[wrong][0]}")
    return chosen.astype(np.int64)


def _summed(each: Array) -> Array:
    """The sum over the last axis, in a fixed order."""
    return np.asarray(_core.sum_to(each, (*each.shape[:-1], 1)))[..., 0]


def _reduced(each: Array, slopes: list[Array], reduction: str, return_grad: bool) -> Any:
    """The loss of each element reduced; with the gradients w.r.t. the inputs, if wanted."""
    check_name("reduction", reduction, ("none", "mean", "sum"))
    count = max(each.size, 1) if reduction == "mean" else 1
    loss: Any = each
    if reduction != "none":
        total = float(_core.sum_to(each.astype(np.float64), ())) if each.size else 0.0
        loss = total / each.size if reduction == "mean" and each.size else total
        loss = math.nan if reduction == "mean" and not each.size else loss
    if not check_flag("return_grad", return_grad):
        return loss
    return (loss, *(slope / slope.dtype.type(count) for slope in slopes))


def categorical_log_prob(logits: ArrayLike, action: ArrayLike, *, return_grad: bool = False) -> Any:
    """Logarithm of the probability of each action, log p[action] with p = softmax(logits).

    Parameters
    ----------
    logits : array, shape (..., actions)
        A forbidden action has -inf.
    action : array of int, shape (...)
        Indices of the actions that were taken.
    return_grad : bool, default False
        Also return the gradient, onehot(action) - softmax(logits).

    Returns
    -------
    log_prob : array, shape (...), or a number
    grad : array, shape of `logits`
        Gradient of the sum of all log-probabilities; only with `return_grad`.

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument is no array of real numbers, or an action is not one of the columns.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.categorical_log_prob([[0.0, 0.0]], [1]).round(6)
    array([-0.693147])

    Source: Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement
    learning", whose "characteristic eligibility" is the gradient.
    """
    (z,) = _reals(logits=logits)
    chosen = _actions(action, _rows("logits", z))
    options: dict[str, Any] = {"ignore_index": -1, "reduction": "none"}
    flat = z.reshape(-1, z.shape[-1]), chosen.reshape(-1)
    if not check_flag("return_grad", return_grad):
        return (-cross_entropy(*flat, **options)).reshape(chosen.shape)[()]
    loss, grad = cross_entropy(*flat, **options, return_grad=True)
    return (-loss).reshape(chosen.shape)[()], -grad.reshape(z.shape)


def categorical_entropy(logits: ArrayLike, *, return_grad: bool = False) -> Any:
    """Entropy of softmax(logits) in nats, H = -sum p log p.

    Parameters
    ----------
    logits : array, shape (..., actions)
        A forbidden action has -inf: it does not count.
    return_grad : bool, default False
        Also return the gradient, -p (log p + H).

    Returns
    -------
    entropy : array, shape (...)
    grad : array, shape of `logits`
        Gradient of the sum of all entropies; only with `return_grad`.

    Raises
    ------
    TypeError, ValueError
        If `logits` is no array of real numbers with a last axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.categorical_entropy([[0.0, 0.0], [1.0, 0.0]]).round(6)
    array([0.693147, 0.582203])

    Source: Williams & Peng 1991, "Function optimization using connectionist reinforcement learning
    algorithms".
    """
    (z,) = _reals(logits=logits)
    p, log_p = _core.softmax_default(_rows("logits", z)), _core.log_softmax_default(z)
    kept = np.where(p > 0, log_p, 0) if np.isneginf(z).any() else log_p
    value = 0 - _summed(p * kept)
    if not check_flag("return_grad", return_grad):
        return value[()]
    return value[()], -p * (kept + value[..., None])


def normal_log_prob(
    action: ArrayLike, mean: ArrayLike, log_std: ArrayLike, *, return_grad: bool = False
) -> Any:
    """Logarithm of the density of actions under independent normal distributions, summed over the last axis.

    With u = (action - mean) exp(-log_std) it is sum(-u^2 / 2 - log_std - log(2 pi) / 2).

    Parameters
    ----------
    action, mean : array, shape (..., actions)
    log_std : array, shape (actions,) or (..., actions)
        Logarithms of the standard deviations.
    return_grad : bool, default False
        Also return the gradients w.r.t. `mean`, u exp(-log_std), and w.r.t. `log_std`, u^2 - 1.

    Returns
    -------
    log_prob : array, shape (...)
    mean_grad : array, shape of `mean`
    log_std_grad : array, shape of `mean`
        Gradients of the sum of all values; only with `return_grad`. Sum the last one over the rows if they
        share `log_std`.

    Raises
    ------
    TypeError, ValueError
        If an argument is no array of real numbers, or shapes do not fit.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.normal_log_prob([[0.0, 1.0]], [[0.0, 0.0]], [0.0, 0.0]).round(6)
    array([-2.337877])

    Source: Williams 1992, section 6, Gaussian units.
    """
    x, center, width = _reals(action=action, mean=mean, log_std=log_std)
    _same_shape(mean=_rows("mean", center), action=x)
    if width.shape not in (center.shape, center.shape[-1:]):
        raise ValueError(f"log_std: expected shape {center.shape} or {center.shape[-1:]}, got {width.shape}")
    inverse = _core.exp(-width)
    u = (x - center) * inverse
    each = -0.5 * u * u - width - u.dtype.type(_HALF_LOG_TWO_PI)
    value = _summed(each)[()]
    return (value, u * inverse, u * u - 1) if check_flag("return_grad", return_grad) else value


def normal_entropy(log_std: ArrayLike) -> Any:
    """Entropy in nats of independent normal distributions, H = sum(log_std + (1 + log(2 pi)) / 2).

    The sum is over the last axis; the gradient is 1.

    Parameters
    ----------
    log_std : array, shape (..., actions)
        Logarithms of the standard deviations.

    Returns
    -------
    array, shape (...), or a number

    Raises
    ------
    TypeError, ValueError
        If `log_std` is no array of real numbers with a last axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> round(float(F.normal_entropy([0.0])), 6)
    1.418939

    Source: Shannon 1948, "A mathematical theory of communication", section 20.
    """
    (width,) = _reals(log_std=log_std)
    return _summed(_rows("log_std", width) + width.dtype.type(0.5 + _HALF_LOG_TWO_PI))[()]


def clipped_policy_loss(
    log_prob: ArrayLike,
    old_log_prob: ArrayLike,
    advantage: ArrayLike,
    *,
    clip: float = 0.2,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: bool = False,
) -> Any:
    """Clipped surrogate loss of proximal policy optimization, -min(r A, clip(r, 1 - c, 1 + c) A).

    r = exp(log_prob - old_log_prob) is the ratio of the probabilities of an action under the policy and
    under the one that took it.

    Parameters
    ----------
    log_prob, old_log_prob, advantage : array, one shape
    clip : float, default 0.2
        Largest change of the ratio that is rewarded, c > 0.
    reduction : {"mean", "sum", "none"}, default "mean"
    return_grad : bool, default False
        Also return the gradient: -r A, or 0 where the clipped ratio is the smaller one.

    Returns
    -------
    loss : float, or array for ``reduction="none"``
    grad : array, shape of `log_prob`
        Gradient of the reduced loss w.r.t. `log_prob`, with ``reduction="none"`` of the sum; only with
        `return_grad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is no array of real numbers, shapes differ, or `clip` is not a number >= 0.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.clipped_policy_loss([0.0, 0.0], [0.0, -1.0], [1.0, 1.0])
    -1.1

    Source: Schulman, Wolski, Dhariwal, Radford & Klimov 2017, "Proximal policy optimization algorithms",
    arXiv 1707.06347, equation 7.
    """
    new, old, weight = _reals(log_prob=log_prob, old_log_prob=old_log_prob, advantage=advantage)
    _same_shape(log_prob=new, old_log_prob=old, advantage=weight)
    bound = check_nonnegative("clip", clip)
    ratio = np.asarray(_core.exp(new - old))
    plain = ratio * weight
    with np.errstate(over="ignore"):  # a bound beyond the dtype is infinite
        low, high = ratio.dtype.type(1 - bound), ratio.dtype.type(1 + bound)
    clipped = np.clip(ratio, low, high) * weight
    slope = np.where(clipped < plain, ratio.dtype.type(0), -plain)
    return _reduced(-np.minimum(plain, clipped), [slope], reduction, return_grad)


def clipped_value_loss(
    value: ArrayLike,
    target: ArrayLike,
    old_value: ArrayLike | None = None,
    *,
    clip: float | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: bool = False,
) -> Any:
    """Squared error of values; with `clip`, the larger one of it and that of a value near the old one.

    Without `clip` it is (value - target)^2. With it, the loss is the maximum of that and the squared error of
    old_value + clip(value - old_value, -c, c).

    Parameters
    ----------
    value, target, old_value : array, one shape
        `old_value` is needed with `clip` alone.
    clip : float or None, default None
        Largest change of a value that lessens the loss, c > 0.
    reduction : {"mean", "sum", "none"}, default "mean"
    return_grad : bool, default False
        Also return the gradient: 2 (value - target), or 0 where the clipped value has the larger error.

    Returns
    -------
    loss : float, or array for ``reduction="none"``
    grad : array, shape of `value`
        Gradient of the reduced loss w.r.t. `value`, with ``reduction="none"`` of the sum; only with
        `return_grad`.

    Raises
    ------
    TypeError, ValueError
        If an argument is no array of real numbers, shapes differ, or only one of `clip` and `old_value` is
        given.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.clipped_value_loss([1.0, 0.0], [0.0, 0.0])
    0.5

    Source: Schulman et al. 2016, "High-dimensional continuous control using generalized advantage
    estimation", arXiv 1506.02438; the clipped form is that of the authors' program for arXiv 1707.06347.
    """
    if (clip is None) != (old_value is None):
        raise ValueError("clip: expected it together with old_value")
    given = {"value": value, "target": target} | ({} if old_value is None else {"old_value": old_value})
    now, wanted, *earlier = _reals(**given)
    _same_shape(**dict(zip(given, (now, wanted, *earlier), strict=True)))
    error = now - wanted
    each, slope = error * error, 2 * error
    for old in earlier:
        with np.errstate(over="ignore"):  # a bound beyond the dtype is infinite
            change, bound = now - old, now.dtype.type(check_nonnegative("clip", clip))
        near = old + np.clip(change, -bound, bound) - wanted
        larger = np.where(abs(change) <= bound, each, np.maximum(each, near * near))
        each, slope = larger, np.where(larger > each, now.dtype.type(0), slope)
        slope = np.where(np.isnan(larger), larger, slope)
    return _reduced(each, [slope], reduction, return_grad)


def generalized_advantage(
    reward: ArrayLike,
    value: ArrayLike,
    done: ArrayLike,
    last_value: ArrayLike,
    *,
    gamma: float = 0.99,
    lam: float = 0.95,
) -> Any:
    """Generalized advantage estimates of the steps of a rollout; add `value` to get the targets of values.

    A_t = d_t + gamma lam A_(t+1), where d_t = reward_t + gamma value_(t+1) - value_t; an episode that ended
    has no t + 1. If it was only cut off by a limit of time, add gamma times the value of its last state to
    the reward of its last step.

    Parameters
    ----------
    reward, value : array, shape (steps,) or (steps, environments)
        Rewards of the steps, and values of the states before them.
    done : array of bool, shape of `reward`
        True for the last step of an episode.
    last_value : array, shape () or (environments,)
        Values of the states after the last steps.
    gamma, lam : float, default 0.99 and 0.95
        Discount of rewards, and decay of the estimates over steps, both in [0, 1].

    Returns
    -------
    array, shape of `reward`
        float32 if all arrays are float32, else float64.

    Raises
    ------
    TypeError, ValueError
        If shapes or dtypes do not fit, or a number is not in [0, 1].

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.generalized_advantage([1.0, 1.0], [0.0, 0.0], [False, True], 0.0, gamma=0.5, lam=1.0)
    array([1.5, 1. ])

    Source: Schulman, Moritz, Levine, Jordan & Abbeel 2016, arXiv 1506.02438, equation 16.
    """
    rewards, values, last = _reals(reward=reward, value=value, last_value=last_value)
    if rewards.ndim not in (1, 2):
        raise ValueError(f"reward: expected shape (steps,) or (steps, environments), got {rewards.shape}")
    refuse_unread("done", done)
    ends = as_cpu_array("done", done)
    if ends.dtype != np.bool_:
        raise TypeError(f"done: expected booleans, got dtype {ends.dtype}")
    _same_shape(reward=rewards, value=values, done=ends)
    if last.shape != rewards.shape[1:]:
        raise ValueError(f"last_value: expected shape {rewards.shape[1:]}, got {last.shape}")
    decays = check_finite("gamma", gamma, 0.0, 1.0), check_finite("lam", lam, 0.0, 1.0)
    if rewards.size == 0:
        return np.zeros_like(rewards)
    flat = [np.ascontiguousarray(array).reshape(len(array), -1) for array in (rewards, values, ends)]
    return np.asarray(_core.advantages(*flat, np.atleast_1d(last).copy(), *decays)).reshape(rewards.shape)
