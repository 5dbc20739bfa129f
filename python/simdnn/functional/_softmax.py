"""Softmax, its logarithm, log-sum-exp and entropy along an axis, with their backward passes: gufuncs."""

from __future__ import annotations

from typing import Any

from .. import _core
from ._defaults import with_defaults

__all__ = ["entropy"]

_TEMPLATE = """{summary}

{formula}

Parameters
----------
{dy}x : array of real numbers, any shape with at least one axis
temperature : float or array
    T > 0; it broadcasts against `x` without the axis. A T other than 1 is computed in double.
**ufunc_keywords
    axis (the last by default), out, dtype, casting, order as for every numpy gufunc.

Returns
-------
array, shape of `x`{returns}

Raises
------
TypeError, ValueError
    If `x` is not made of real numbers or has no such axis.

Examples
--------
>>> import simdnn.functional as F
>>> F.{name}({example})
{value}

Source: {source}."""

_EDGES = (
    "No finite x overflows. Rows are independent: one with a NaN or +inf, or of -inf alone, is NaN there\n"
    "and only there; beside other numbers -inf gives {masked}. Within 2 ULP in float32."
)

_BRIDLE = 'Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"'

_ROWS: tuple[dict[str, str], ...] = (
    {
        "name": "softmax",
        "summary": "Softmax along an axis: positive numbers that sum to 1.",
        "formula": "f(x)[i] = exp(x[i] / T) / sum_j exp(x[j] / T). " + _EDGES.format(masked="an exact 0"),
        "example": "[0.0, 0.0]",
        "value": "array([0.5, 0.5])",
        "source": _BRIDLE,
    },
    {
        "name": "log_softmax",
        "summary": "Logarithm of softmax along an axis, without the logarithm of a small number.",
        "formula": "f(x)[i] = x[i] / T - log sum_j exp(x[j] / T). " + _EDGES.format(masked="-inf"),
        "example": "[0.0]",
        "value": "array([0.])",
        "source": _BRIDLE,
    },
    {
        "name": "logsumexp",
        "summary": "Logarithm of the sum of exponentials along an axis.",
        "formula": "f(x) = log sum_j exp(x[j] / T), in double: within 1 ULP for float32 though its parts may"
        " cancel.\nAn axis of -inf alone, or none at all, gives -inf, one with +inf gives inf, NaN spreads.",
        "example": "[[0.0, 0.0], [0.0, -1000.0]]",
        "value": "array([0.69314718, 0.        ])",
        "source": "Blanchard, Higham & Higham 2021, IMA J. Numer. Anal. 41",
    },
    {
        "name": "softmax_backward",
        "summary": "Gradient by x of a loss whose gradient by softmax(x) is dy.",
        "formula": "p = softmax(x / T), dx = p (dy - sum_j dy[j] p[j]) / T",
        "example": "[1.0, 0.0], [0.0, 0.0]",
        "value": "array([ 0.25, -0.25])",
        "source": _BRIDLE,
    },
    {
        "name": "log_softmax_backward",
        "summary": "Gradient by x of a loss whose gradient by log_softmax(x) is dy.",
        "formula": "dx = (dy - softmax(x / T) sum_j dy[j]) / T",
        "example": "[1.0, 0.0], [0.0, 0.0]",
        "value": "array([ 0.5, -0.5])",
        "source": _BRIDLE,
    },
    {
        "name": "logsumexp_backward",
        "summary": "Gradient by x of a loss whose gradient by logsumexp(x) is dy.",
        "formula": "dx = dy softmax(x / T) / T, dy without the axis",
        "example": "1.0, [0.0, 0.0]",
        "value": "array([0.5, 0.5])",
        "source": _BRIDLE,
    },
)


def _documentation(row: dict[str, str]) -> str:
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
    """Shannon's entropy of distributions, in nats: -sum p log p, with 0 log 0 = 0.

    Parameters
    ----------
    p : array of real numbers >= 0, any shape with at least one axis
        Taken as they are: their sum need not be 1.
    axis : int
    return_grad : bool
        Also return the gradient -(log p + 1), which is inf at 0.

    Returns
    -------
    entropy : array, shape of `p` without the axis
        NaN where p has a negative number.
    grad : array, shape of `p`
        Only with `return_grad`; of the sum of all entropies.

    Raises
    ------
    TypeError, ValueError
        If `p` is not made of real numbers or has no such axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.entropy([[0.5, 0.5], [0.0, 1.0]]).round(6)
    array([0.693147, 0.      ])

    Source: Shannon 1948, section 6.
    """
    value = _core.entropy(p, axis=axis)
    return (value, _core.entropy_backward(1.0, p, axis=axis)) if return_grad else value
