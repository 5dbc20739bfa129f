"""Activations over groups of features, which change the shape: crelu, maxout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array, refuse_unread
from .._utils.check import check_axis, check_int

__all__ = [
    "crelu",
    "crelu_backward",
    "crelu_derivative",
    "maxout",
    "maxout_backward",
    "maxout_derivative",
]


def crelu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any:
    """Concatenated rectified linear unit, f(x) = [relu(x), relu(-x)] along `axis`, which doubles in length.

    Parameters
    ----------
    x : array_like of real numbers, at least one dimension
        float16, float32 and float64 keep their dtype; integers become floating point as in `numpy.exp`.
    axis : int, default -1
        The axis of the features.
    out : array of the result's shape, optional
        The array to write the result to; it may overlap `x`.

    Returns
    -------
    array, shape of `x` with `axis` doubled

    Raises
    ------
    TypeError
        If `x` is not made of real numbers.
    numpy.exceptions.AxisError
        If `x` has no such axis.
    ValueError
        If `out` has a different shape.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu([-1.0, 0.0, 2.0])
    array([0., 0., 2., 1., 0., 0.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    values = _as_float(x)
    axis = normalize_axis_index(check_axis(axis), values.ndim)
    if not isinstance(values, np.ndarray):
        return np.concatenate([_core.relu(values), _core.relu(np.negative(values))], axis=axis)
    before, size, behind = values.shape[:axis], values.shape[axis], values.shape[axis + 1 :]
    wanted = (*before, 2 * size, *behind)
    if out is None:
        out = np.empty(wanted, np.exp.resolve_dtypes((values.dtype, None))[1])
    if out.shape != wanted:
        raise ValueError(f"out: expected shape {wanted}, twice that of x along axis {axis}, got {out.shape}")
    _core.crelu(values, out=out.reshape(*before, 2, size, *behind), axis=axis)
    return out


def crelu_derivative(x: ArrayLike, axis: int = -1) -> Any:
    """Derivative of each element of ``crelu(x)`` w.r.t. its x: [relu'(x), -relu'(-x)], which is 0 at x = 0.

    Parameters
    ----------
    x : array_like of real numbers, at least one dimension
    axis : int, default -1
        The axis of the features.

    Returns
    -------
    array, shape of `x` with `axis` doubled

    Raises
    ------
    numpy.exceptions.AxisError
        If `x` has no such axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu_derivative([-1.0, 0.0, 2.0])
    array([ 0.,  0.,  1., -1.,  0.,  0.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    values = _as_float(x)
    axis = normalize_axis_index(check_axis(axis), values.ndim)
    falling = np.subtract(0, _core.relu_derivative(np.negative(values)))
    return np.concatenate([_core.relu_derivative(values), falling], axis=axis)


def crelu_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Any:
    """Gradient w.r.t. x through `crelu`: dx = dy1 * relu'(x) - dy2 * relu'(-x), dy1 and dy2 the halves of dy.

    Parameters
    ----------
    dy : array_like, shape of `x` with `axis` doubled
        Gradient w.r.t. ``crelu(x)``.
    x : array_like of real numbers, at least one dimension
    axis : int, default -1
        The axis of the features.

    Returns
    -------
    array, shape of `x`

    Raises
    ------
    numpy.exceptions.AxisError
        If `x` has no such axis.
    ValueError
        If `dy` has a different shape.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu_backward([1.0, 2.0, 3.0, 4.0], [-1.0, 5.0])
    array([-3.,  2.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    values = _as_float(x)
    gradient = _as_float(dy, "dy")
    axis = normalize_axis_index(check_axis(axis), values.ndim)
    size, before = values.shape[axis], (slice(None),) * axis
    wanted = (*values.shape[:axis], 2 * size, *values.shape[axis + 1 :])
    if gradient.shape != wanted:
        raise ValueError(
            f"dy: expected shape {wanted}, twice that of x along axis {axis}, got {gradient.shape}"
        )
    rising = _core.relu_backward(gradient[(*before, slice(size))], values)
    falling = _core.relu_backward(gradient[(*before, slice(size, None))], np.negative(values))
    return np.subtract(rising, falling)


def _as_float(x: Any, name: str = "x") -> Any:
    """`x` as an array of a floating-point dtype, which can hold -x; Dask arrays stay Dask arrays."""
    refuse_unread(name, x)
    x = x if isinstance(getattr(x, "dtype", None), np.dtype) else as_cpu_array(name, x)
    return x if x.dtype.kind not in "biu" else x.astype(np.exp.resolve_dtypes((x.dtype, None))[1])


def maxout(x: ArrayLike, pieces: int, axis: int = -1) -> Any:
    """Maximum of each group of `pieces` neighbors along `axis`: y[j] = max_k x[j * pieces + k].

    As a layer, y[j] = max_k (w[j, k] . x + b[j, k]): a dense layer computes the linear pieces, with its
    outputs in the order (j, k), in which k varies fastest.

    Parameters
    ----------
    x : array_like of real numbers, at least one dimension
        float16, float32 and float64 keep their dtype; integers become floating point as in `numpy.exp`.
    pieces : int
        Size of a group; a divisor of the length of `axis`.
    axis : int, default -1
        The axis of the features.

    Returns
    -------
    array, shape of `x` with `axis` shortened by the factor `pieces`
        NaN for a group that holds a NaN.

    Raises
    ------
    TypeError
        If `x` is not made of real numbers, or `pieces` is not an integer.
    ValueError
        If `pieces` is less than 1 or does not divide the length of `axis`.
    numpy.exceptions.AxisError
        If `x` has no such axis.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.maxout([3.0, 1.0, -2.0, -1.0], 2)
    array([ 3., -1.])

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, arXiv:1302.4389, section 3.
    """
    groups, axis = _groups(x, pieces, axis)
    return _core.maxout(groups, axis=axis + 1)


def maxout_derivative(x: ArrayLike, pieces: int, axis: int = -1) -> Any:
    """Derivative of `maxout` w.r.t. each element of x.

    f' = 1 for the first largest element of a group, 0 for the others; NaN for a whole group that holds a NaN.

    Parameters
    ----------
    x : array_like of real numbers, at least one dimension
    pieces : int
        Size of a group; a divisor of the length of `axis`.
    axis : int, default -1
        The axis of the features.

    Returns
    -------
    array, shape of `x`

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.maxout_derivative([3.0, 1.0, -1.0, -1.0], 2)
    array([1., 0., 1., 0.])

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, arXiv:1302.4389, section 3.
    """
    groups, axis = _groups(x, pieces, axis)
    return _core.maxout_derivative(groups, axis=axis + 1).reshape(np.shape(x))


def maxout_backward(dy: ArrayLike, x: ArrayLike, pieces: int, axis: int = -1) -> Any:
    """Gradient w.r.t. x through `maxout`: dx = dy for the first largest element of a group, 0 for the others.

    Parameters
    ----------
    dy : array_like, shape of ``maxout(x, pieces, axis)``
        Gradient w.r.t. the maxima.
    x : array_like of real numbers, at least one dimension
    pieces : int
        Size of a group; a divisor of the length of `axis`.
    axis : int, default -1
        The axis of the features.

    Returns
    -------
    array, shape of `x`

    Raises
    ------
    TypeError, ValueError
        If `pieces` is not an integer that divides the length of `axis`, or `dy` has a different shape.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.maxout_backward([5.0, 7.0], [3.0, 1.0, -1.0, -1.0], 2)
    array([5., 0., 7., 0.])

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, arXiv:1302.4389, section 3.
    """
    groups, axis = _groups(x, pieces, axis)
    refuse_unread("dy", dy)
    wanted = (*groups.shape[: axis + 1], *groups.shape[axis + 2 :])
    if np.shape(dy) != wanted:
        raise ValueError(f"dy: expected shape {wanted}, got {np.shape(dy)}")
    spread = _core.maxout_backward(dy, groups, axes=[(), (axis + 1,), (axis + 1,)])
    return spread.reshape(np.shape(x))


def _groups(x: Any, pieces: Any, axis: int) -> tuple[Any, int]:
    """`x` with `axis` split into two axes (groups, pieces), and the index of the axis of groups."""
    pieces = check_int("pieces", pieces)
    refuse_unread("x", x)
    x = x if hasattr(x, "reshape") else as_cpu_array("x", x)
    axis = normalize_axis_index(check_axis(axis), x.ndim)
    if x.shape[axis] % pieces:
        raise ValueError(
            f"pieces: expected a divisor of {x.shape[axis]}, the length of the axis, got {pieces}"
        )
    return x.reshape(*x.shape[:axis], x.shape[axis] // pieces, pieces, *x.shape[axis + 1 :]), axis
