"""Activations of groups of features, which change the shape: crelu, maxout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_int

__all__ = [
    "crelu",
    "crelu_backward",
    "crelu_derivative",
    "maxout",
    "maxout_backward",
    "maxout_derivative",
]


def crelu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any:
    """Concatenated rectified linear units, f(x) = [relu(x), relu(-x)]: `axis` doubles.

    Parameters
    ----------
    x : array_like of real numbers, of at least one dimension
    axis : int, default -1
    out : array of the result's shape, optional
        Where to write the result; it must not overlap `x`.

    Returns
    -------
    array as `x`, twice as long along `axis`

    Raises
    ------
    numpy.exceptions.AxisError
        If `x` has no such axis.
    ValueError
        If the shape of `out` is another.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu([-1.0, 0.0, 2.0])
    array([0., 0., 2., 1., 0., 0.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    values = _as_float(x)
    axis = normalize_axis_index(axis, values.ndim)
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
    """Derivative of every element of ``crelu(x)`` by its x: relu'(x) and then -relu'(-x); 0 at x = 0.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu_derivative([-1.0, 0.0, 2.0])
    array([ 0.,  0.,  1., -1.,  0.,  0.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    falling = np.subtract(0, _core.relu_derivative(np.negative(_as_float(x))))
    return np.concatenate([_core.relu_derivative(x), falling], axis=axis)


def crelu_backward(dy: ArrayLike, x: ArrayLike, axis: int = -1) -> Any:
    """Gradient through `crelu`: dx = dy_first * relu'(x) - dy_second * relu'(-x).

    Parameters
    ----------
    dy : array_like
        As `x`, twice as long along `axis`.
    x : array_like
    axis : int

    Raises
    ------
    ValueError
        If the shape of `dy` is another.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.crelu_backward([1.0, 2.0, 3.0, 4.0], [-1.0, 5.0])
    array([-3.,  2.])

    Source: Shang, Sohn, Almeida & Lee 2016, arXiv:1603.05201, section 2.
    """
    values = _as_float(x)
    gradient = _as_float(dy)
    axis = normalize_axis_index(axis, values.ndim)
    size, before = values.shape[axis], (slice(None),) * axis
    wanted = (*values.shape[:axis], 2 * size, *values.shape[axis + 1 :])
    if gradient.shape != wanted:
        raise ValueError(
            f"dy: expected shape {wanted}, twice that of x along axis {axis}, got {gradient.shape}"
        )
    rising = _core.relu_backward(gradient[(*before, slice(size))], values)
    falling = _core.relu_backward(gradient[(*before, slice(size, None))], np.negative(values))
    return np.subtract(rising, falling)


def _as_float(x: Any) -> Any:
    """x as something with a shape and a dtype that has every negative of its numbers."""
    x = x if isinstance(getattr(x, "dtype", None), np.dtype) else as_cpu_array("x", x)
    return x if x.dtype.kind not in "biu" else x.astype(np.exp.resolve_dtypes((x.dtype, None))[1])


def maxout(x: ArrayLike, pieces: int, axis: int = -1) -> Any:
    """The largest of each group of pieces: `pieces` neighbors along `axis` become one.

    As a layer, y[j] = max_k (w[j, k] . x + b[j, k]): the linear parts come first, with their outputs ordered
    (j, k), k the fastest.

    Parameters
    ----------
    x : array_like of real numbers, of at least one dimension
    pieces : int
        How many compete; it divides the length of `axis`.
    axis : int, default -1

    Returns
    -------
    array as `x`, `pieces` times shorter along `axis`
        A NaN wins its group.

    Raises
    ------
    TypeError, ValueError
        If `pieces` is not an integer of at least 1 that divides the axis.

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
    """Derivative of each maximum of `maxout` by the pieces of its group, of the shape of `x`.

    f' = 1 for the first that is largest, 0 for the others; NaN for a whole group with a NaN.

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
    """Gradient through `maxout`, of the shape of `x`: dx = dy for the first that is largest, else 0.

    Parameters
    ----------
    dy : array_like
        Of the shape of ``maxout(x, pieces, axis)``.
    x : array_like
    pieces, axis : int

    Raises
    ------
    TypeError, ValueError
        If `pieces` does not divide the axis, or the shape of `dy` is another.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.maxout_backward([5.0, 7.0], [3.0, 1.0, -1.0, -1.0], 2)
    array([5., 0., 7., 0.])

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, arXiv:1302.4389, section 3.
    """
    groups, axis = _groups(x, pieces, axis)
    wanted = (*groups.shape[: axis + 1], *groups.shape[axis + 2 :])
    if np.shape(dy) != wanted:
        raise ValueError(f"dy: expected shape {wanted}, got {np.shape(dy)}")
    spread = _core.maxout_backward(dy, groups, axes=[(), (axis + 1,), (axis + 1,)])
    return spread.reshape(np.shape(x))


def _groups(x: Any, pieces: Any, axis: int) -> tuple[Any, int]:
    """x with `axis` split into (groups, pieces), and the axis of the groups."""
    pieces = check_int("pieces", pieces)
    x = x if hasattr(x, "reshape") else as_cpu_array("x", x)
    axis = normalize_axis_index(axis, x.ndim)
    if x.shape[axis] % pieces:
        raise ValueError(
            f"pieces: expected a divisor of {x.shape[axis]}, the length of the axis, got {pieces}"
        )
    return x.reshape(*x.shape[:axis], x.shape[axis] // pieces, pieces, *x.shape[axis + 1 :]), axis
