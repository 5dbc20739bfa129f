"""Activations, softmax and losses as functions of arrays.

Every activation ``f`` comes with ``f_derivative(x)`` = f'(x) and ``f_backward(dy, x)`` = dy f'(x). They are
NumPy ufuncs, or a thin function in front of one where a parameter has a default, so ``out=``, ``where=``,
``dtype=``, broadcasting and any strides work, Dask arrays stay Dask arrays, float32 stays float32, and
float16 is computed in float32. `help` of each states its formula, its derivative at the kink and its source.
"""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._core import log_softmax, softmax

__all__ = ["cross_entropy", "log_softmax", "mse_loss", "softmax"]


def _with_defaults(ufunc: np.ufunc, arrays: list[str], parameters: dict[str, float]) -> Callable[..., Any]:
    """Puts a function with defaults in front of a ufunc of (arrays..., parameters...)."""
    names, count = list(parameters), len(arrays)
    # A Python float would make float64 of integers; a constant of exp's type keeps float16 for int8.
    constants = {
        np.dtype(code): {
            name: np.array(value, np.exp.resolve_dtypes((np.dtype(code), None))[1])
            for name, value in parameters.items()
        }
        for code in "?bBhHiIlLqQefd"
    }

    def function(*args: Any, **kwargs: Any) -> Any:
        kind = getattr(args[0], "dtype", None) if args else None
        alike = all(getattr(array, "dtype", None) == kind for array in args[1:count]) if count > 1 else True
        free = alike and "dtype" not in kwargs and "signature" not in kwargs
        defaults = constants.get(kind, parameters) if free else parameters
        rest = [kwargs.pop(name, defaults[name]) for name in names[max(len(args) - count, 0) :]]
        return ufunc(*args, *rest, **kwargs)

    function.__name__ = function.__qualname__ = ufunc.__name__
    defaults = ", ".join(f"{name}={value:g}" for name, value in parameters.items())
    function.__doc__ = (
        f"{ufunc.__name__}({', '.join(arrays)}, {defaults}, **ufunc_keywords)\n\n"
        + (ufunc.__doc__ or "").partition("\n\n")[2]
    )
    positional = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in arrays]
    defaulted = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=value) for name, value in parameters.items()
    ]
    keywords = Parameter("ufunc_keywords", Parameter.VAR_KEYWORD)
    function.__signature__ = Signature([*positional, *defaulted, keywords])  # type: ignore[attr-defined]
    return function


def _register() -> None:
    """Fills this module from the registry of activations."""
    for row in _core.activations():
        for suffix, arrays in (("", ["x"]), ("_derivative", ["x"]), ("_backward", ["dy", "x"])):
            name = row["name"] + suffix
            ufunc = getattr(_core, name)
            parameters = row["parameters"]
            globals()[name] = _with_defaults(ufunc, arrays, parameters) if parameters else ufunc
            __all__.append(name)


_register()


def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: bool = False,
) -> Any:
    """Softmax cross-entropy of logits and class indices, with its gradient from the same pass.

    loss[i] = log(sum_j exp(logits[i, j])) - logits[i, target[i]] and
    grad[i, j] = (softmax(logits[i])[j] - [j == target[i]]), divided by n for the mean.

    Parameters
    ----------
    logits : array, shape (n, classes) or (classes,)
        float32 and float16 are computed in float32, other real numbers in float64.
    target : array of integers, shape (n,) or ()
        Class indices from 0 to classes - 1, of any integer dtype.
    ignore_index : int
        A target that adds neither loss nor gradient, nor to the divisor of the mean.
    reduction : {"mean", "sum", "none"}
        The mean divides by the number of samples that are not ignored; if all are it is NaN.
    return_grad : bool
        Also return the gradient with respect to the logits.

    Returns
    -------
    loss : float, or array of shape (n,) for ``reduction="none"``
    grad : array, shape of `logits`
        Only with `return_grad`; without reduction, the gradient of the sum.

    Raises
    ------
    TypeError
        If `logits` are not real numbers or `target` not integers.
    ValueError
        If the shapes do not fit, or `reduction` is another word.
    IndexError
        If a class is out of range; the first such is named.

    Examples
    --------
    >>> import numpy as np, simdnn.functional as F
    >>> loss, grad = F.cross_entropy(np.zeros((2, 4)), [0, 3], return_grad=True)
    >>> round(loss, 6)
    1.386294
    >>> grad[0]
    array([-0.375,  0.125,  0.125,  0.125])

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """
    loss, grad = _core.cross_entropy(logits, target, ignore_index, reduction, return_grad)
    return (loss, grad) if return_grad else loss


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    return_grad: bool = False,
) -> float | NDArray[Any] | tuple[Any, NDArray[Any]]:
    """Squared error (input - target)^2, without a factor 1/2, with its gradient from the same pass.

    Parameters
    ----------
    input, target : arrays of one shape
        float32 and float16 are computed in float32, other real numbers in float64.
    reduction : {"mean", "sum", "none"}
        The mean divides by the number of elements.
    return_grad : bool
        Also return the gradient with respect to `input`.

    Returns
    -------
    loss : float, or array of the shape of `input` for ``reduction="none"``
    grad : array, shape of `input`
        Only with `return_grad`; without reduction, the gradient of the sum.

    Raises
    ------
    TypeError
        If an argument is not made of real numbers.
    ValueError
        If the shapes differ, or `reduction` is another word.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> F.mse_loss([1.0, 2.0], [1.0, 4.0])
    2.0

    Source: Legendre 1805.
    """
    loss, grad = _core.mse_loss(input, target, reduction, return_grad)
    return (loss, grad) if return_grad else loss
