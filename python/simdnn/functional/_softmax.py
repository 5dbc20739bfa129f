"""Generalized ufuncs along an axis: softmax, log_softmax, logsumexp, their backward passes, and entropy."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._utils.arrays import refuse_for_rows
from .._utils.check import check_axis, check_flag
from ._defaults import with_defaults

__all__ = ["entropy"]

_TEMPLATE = """{summary}

{formula}

Parameters
----------
{dy}x : array of real numbers, any shape with at least one axis
temperature : float or array, default 1.0
    T > 0; it broadcasts with `x` without the axis. With T other than 1, x / T is computed in float64.
**ufunc_keywords
    axis (the last by default), out, dtype, casting, order as for every generalized `numpy.ufunc`.

Returns
-------
array, shape of `x`{returns}
    float16, float32 and float64 keep their dtype; integers become floating point as in `numpy.exp`.

Raises
------
TypeError, ValueError
    If `x` is not made of real numbers or has no such axis, or a temperature is not above 0 in its dtype.

Examples
--------
>>> import simdnn.functional as F
>>> F.{name}({example})
{value}

Source: {source}."""

_EDGES = (
    "No finite x overflows. Rows are independent: a row with a NaN or +inf, or with nothing but -inf,\n"
    "is NaN; in all other rows -inf gives {masked}. Accuracy: float32 within 2 units in the last place."
)

_BRIDLE = 'Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"'

_ROWS: tuple[dict[str, str], ...] = (
    {
        "name": "softmax",
        "summary": "Softmax along an axis: probabilities, which sum to 1.",
        "formula": "f(x)[i] = exp(x[i] / T) / sum_j exp(x[j] / T). " + _EDGES.format(masked="an exact 0"),
        "example": "[0.0, 0.0]",
        "value": "array([0.5, 0.5])",
        "source": _BRIDLE,
    },
    {
        "name": "log_softmax",
        "summary": "Logarithm of softmax along an axis, accurate where softmax underflows.",
        "formula": "f(x)[i] = x[i] / T - log sum_j exp(x[j] / T). " + _EDGES.format(masked="-inf"),
        "example": "[0.0]",
        "value": "array([0.])",
        "source": _BRIDLE,
    },
    {
        "name": "logsumexp",
        "summary": "Logarithm of the sum of exponentials along an axis.",
        "formula": "f(x) = log sum_j exp(x[j] / T) = max(x) / T + log sum_j exp((x[j] - max(x)) / T).\n"
        "A row with nothing but -inf, or an empty row, gives -inf; +inf gives inf; a row with a NaN is NaN.\n"
        "Accuracy: float32 within 1 unit in the last place, even if the two terms cancel.",
        "example": "[[0.0, 0.0], [0.0, -1000.0]]",
        "value": "array([0.69314718, 0.        ])",
        "source": "Blanchard, Higham & Higham 2021, IMA J. Numer. Anal. 41",
    },
    {
        "name": "softmax_backward",
        "summary": "Gradient w.r.t. x through softmax, given dy, the gradient w.r.t. softmax(x).",
        "formula": "p = softmax(x / T), dx = p (dy - sum_j dy[j] p[j]) / T",
        "example": "[1.0, 0.0], [0.0, 0.0]",
        "value": "array([ 0.25, -0.25])",
        "source": _BRIDLE,
    },
    {
        "name": "log_softmax_backward",
        "summary": "Gradient w.r.t. x through log_softmax, given dy, the gradient w.r.t. log_softmax(x).",
        "formula": "dx = (dy - softmax(x / T) sum_j dy[j]) / T",
        "example": "[1.0, 0.0], [0.0, 0.0]",
        "value": "array([ 0.5, -0.5])",
        "source": _BRIDLE,
    },
    {
        "name": "logsumexp_backward",
        "summary": "Gradient w.r.t. x through logsumexp, given dy, the gradient w.r.t. logsumexp(x).",
        "formula": "dx = dy softmax(x / T) / T",
        "example": "1.0, [0.0, 0.0]",
        "value": "array([0.5, 0.5])",
        "source": _BRIDLE,
    },
)


def _documentation(row: dict[str, str]) -> str:
    """The docstring of a row, without its signature."""
    backward = row["name"].endswith("_backward")
    reduces = row["name"].startswith("logsumexp")
    dy = "dy : array, shape of `x`{}\n".format(" without the axis" if reduces else "") if backward else ""
    return _TEMPLATE.format(**row, dy=dy, returns=" without the axis" if reduces and not backward else "")


for _row in _ROWS:
    _name = _row["name"]
    _arrays = ("dy", "x") if _name.endswith("_backward") else ("x",)
    _plain, _full = getattr(_core, f"{_name}_default"), getattr(_core, _name)
    globals()[_name] = with_defaults(
        _name, _arrays, {"temperature": 1.0}, _plain, _full, _documentation(_row)
    )
    __all__.append(_name)


def entropy(p: Any, *, axis: int = -1, return_grad: bool = False) -> Any:
    """Shannon entropy of distributions along an axis, in nats: -sum p log p, with 0 log 0 = 0.

    Parameters
    ----------
    p : array of real numbers >= 0, any shape with at least one axis
        Probabilities; they are not normalized, so that their sum need not be 1. A number above 1 adds its
        -p log p, which is below 0, as in ``scipy.special.entr``.
    axis : int, default -1
        The axis of a distribution.
    return_grad : bool, default False
        Also return the gradient -(log p + 1), which is inf at p = 0.

    Returns
    -------
    entropy : array, shape of `p` without the axis
        NaN for a distribution with a negative number.
    grad : array, shape of `p`
        Gradient of the sum of all entropies; only with `return_grad`.

    Raises
    ------
    TypeError, ValueError
        If `p` is not made of real numbers or has no such axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.entropy([[0.5, 0.5], [0.0, 1.0]]).round(6)
    array([0.693147, 0.      ])

    Source: Shannon 1948, "A mathematical theory of communication", section 6.
    """
    refuse_for_rows("p", p)
    axis = check_axis(axis)
    wants_gradient = check_flag("return_grad", return_grad)
    value = _core.entropy(p, axis=axis)
    return (value, _core.entropy_backward(1.0, p, axis=axis)) if wants_gradient else value
