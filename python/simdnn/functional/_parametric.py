"""Activations with a trainable parameter or a choice of formula: prelu, the gradient of swish, gelu."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._utils.arrays import refuse_unread
from .._utils.check import check_name
from ._defaults import documentation, with_defaults

__all__ = [
    "gelu",
    "gelu_backward",
    "gelu_derivative",
    "prelu",
    "prelu_backward",
    "prelu_derivative",
    "swish_backward",
]


def _parameter_gradient(ufunc: np.ufunc, dy: Any, x: Any, parameter: Any) -> Any:
    """Gradient w.r.t. a parameter: the contributions of all elements, summed to the parameter's shape."""
    for name, value in (("dy", dy), ("x", x), ("parameter", parameter)):
        refuse_unread(name, value)
    shape = np.shape(parameter)
    half = {getattr(array, "dtype", None) for array in (dy, x, parameter)} == {np.dtype(np.float16)}
    each = ufunc(dy, x, parameter, dtype=np.float32) if half else ufunc(dy, x, parameter)
    if hasattr(each, "__array_function__") and not isinstance(each, np.ndarray | np.generic):
        lead = each.ndim - len(shape)  # an array of another library sums itself
        summed = [i for i in range(each.ndim) if i < lead or shape[i - lead] != each.shape[i]]
        return np.sum(each, axis=tuple(summed), keepdims=True).reshape(shape)
    total = _core.sum_to(np.asarray(each), shape)
    return (total.astype(np.float16) if half else total)[()]


def prelu(x: ArrayLike, weight: ArrayLike, **ufunc_keywords: Any) -> Any:
    """Parametric rectified linear unit: leaky_relu with a trainable negative slope.

    f(x) = x if x > 0 else weight * x, f'(x) = 1 if x > 0 else weight, so f'(0) = weight; f(-inf) has the sign
    of -weight and f'(-inf) = weight. The result is exact but for one rounding of the
    product.

    Parameters
    ----------
    x : array_like of real numbers, any shape
    weight : array_like
        Negative slopes, which broadcast with `x`: shape () for one slope, shape (columns,) for one per column
        of x [n, columns], and shape (channels, 1) for PyTorch's channels of x [n, channels, length].
        He et al. initialize it to 0.25.
    **ufunc_keywords
        out, where, dtype, casting, order as for every `numpy.ufunc`.

    Returns
    -------
    array of the broadcast shape

    Raises
    ------
    TypeError, ValueError
        If an argument is not made of real numbers, or shapes do not broadcast.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.prelu([[-1.0, -1.0], [2.0, 2.0]], [0.25, 0.5])
    array([[-0.25, -0.5 ],
           [ 2.  ,  2.  ]])

    Source: He, Zhang, Ren & Sun 2015, arXiv:1502.01852, section 2.1.
    """
    return _core.leaky_relu(x, weight, **ufunc_keywords)


def prelu_derivative(x: ArrayLike, weight: ArrayLike, **ufunc_keywords: Any) -> Any:
    """Derivative of `prelu` w.r.t. x: f'(x) = 1 if x > 0 else weight, so f'(0) = weight.

    Parameters
    ----------
    x : array_like of real numbers, any shape
    weight : array_like
        Negative slopes, which broadcast with `x`.
    **ufunc_keywords
        out, where, dtype, casting, order as for every `numpy.ufunc`.

    Returns
    -------
    array of the broadcast shape

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.prelu_derivative([-1.0, 0.0, 2.0], 0.25)
    array([0.25, 0.25, 1.  ])

    Source: He, Zhang, Ren & Sun 2015, arXiv:1502.01852, section 2.1.
    """
    return _core.leaky_relu_derivative(x, weight, **ufunc_keywords)


def prelu_backward(dy: ArrayLike, x: ArrayLike, weight: ArrayLike) -> tuple[Any, Any]:
    """Gradients through `prelu` w.r.t. x and weight: dx = dy f'(x), dweight = sum of dy min(x, 0).

    Parameters
    ----------
    dy : array_like
        Gradient w.r.t. ``prelu(x, weight)``; it broadcasts with `x`.
    x : array_like of real numbers, any shape
    weight : array_like
        Negative slopes, which broadcast with `x`.

    Returns
    -------
    dx : array of the broadcast shape
    dweight : array or scalar, shape of `weight`
        Summed over all elements that share a slope, in double precision and a fixed order.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import numpy as np, simdnn.functional as F
    >>> x = np.array([[-1.0, 3.0], [-2.0, -3.0]])
    >>> dx, dweight = F.prelu_backward(np.ones((2, 2)), x, np.array([0.5, 0.1]))
    >>> dweight
    array([-3., -3.])

    Source: He, Zhang, Ren & Sun 2015, arXiv:1502.01852, section 2.1.
    """
    gradient = _parameter_gradient(_core.leaky_relu_negative_slope_backward, dy, x, weight)
    return _core.leaky_relu_backward(dy, x, weight), gradient


def _swish_backward(dy: ArrayLike, x: ArrayLike, beta: ArrayLike, **ufunc_keywords: Any) -> Any:
    """Gradient w.r.t. x, and also w.r.t. beta unless beta is a Python number."""
    if isinstance(beta, int | float) and not isinstance(beta, np.generic):
        return _core.swish_backward(dy, x, beta, **ufunc_keywords)
    gradient = _parameter_gradient(_core.swish_beta_backward, dy, x, beta)  # first: out= may be dy, x or beta
    return _core.swish_backward(dy, x, beta, **ufunc_keywords), gradient


swish_backward = with_defaults(
    "swish_backward",
    ("dy", "x"),
    {"beta": 1.0},
    _core.swish_backward_default,
    _swish_backward,
    """Gradient w.r.t. x through `swish`, and w.r.t. beta if beta is trainable.

f(x) = x * sigmoid(beta * x)
f'(x) = sigmoid(beta * x) * (1 + beta * x * sigmoid(-beta * x))
df/dbeta = x^2 * sigmoid(beta * x) * sigmoid(-beta * x)

Kink and limits: no kink; for beta > 0: f'(-inf) = 0, f'(+inf) = 1.

Parameters
----------
dy : array_like
    Gradient w.r.t. f(x); it broadcasts with x.
x : array_like of real numbers, any shape
beta : float or array_like, default 1.0
    A Python number is a constant. An array, a NumPy scalar or a list is a trainable parameter, which
    broadcasts with x.
out, where, dtype, casting, order : optional
    As for every `numpy.ufunc`; they apply to dx.

Returns
-------
dx : array of the broadcast shape
dbeta : array or scalar, shape of `beta`
    Only for a trainable beta; summed in double precision and a fixed order.

Raises
------
TypeError, ValueError
    If an argument is not made of real numbers, or shapes do not broadcast.

Examples
--------
>>> import numpy as np, simdnn.functional as F
>>> F.swish_backward([1.0, 1.0], [0.0, 2.0])
array([0.5       , 1.09078425])
>>> dx, dbeta = F.swish_backward([1.0, 1.0], [0.0, 2.0], np.array(1.0))
>>> round(float(dbeta), 6)
0.419974

Source: Ramachandran, Zoph & Le 2017, arXiv:1710.05941, section 3.""",
)


def _gelu_with_form(suffix: str, arrays: tuple[str, ...]) -> Any:
    """``gelu``, ``gelu_derivative`` or ``gelu_backward`` with the parameter `approximate`."""
    exact, by_tanh = getattr(_core, f"gelu{suffix}"), getattr(_core, f"gelu_tanh{suffix}")

    def chosen(*args: Any, **ufunc_keywords: Any) -> Any:
        *given, approximate = args
        check_name("approximate", approximate, ("none", "tanh"))
        return (exact if approximate == "none" else by_tanh)(*given, **ufunc_keywords)

    head, mark, tail = documentation(exact).partition("out, where,")
    option = (
        'approximate : {"none", "tanh"}, default "none"\n'
        "    The exact formula, or the approximation gelu_tanh:\n"
        "    x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x^3)).\n"
    )
    return with_defaults(
        f"gelu{suffix}", arrays, {"approximate": "none"}, exact, chosen, head + option + mark + tail
    )


gelu = _gelu_with_form("", ("x",))
gelu_derivative = _gelu_with_form("_derivative", ("x",))
gelu_backward = _gelu_with_form("_backward", ("dy", "x"))
