"""Activations, softmax and losses as functions of arrays.

Every activation ``f`` comes with ``f_derivative(x)`` = f'(x) and ``f_backward(dy, x)`` = dy f'(x). They are
NumPy ufuncs, or a thin function in front of one where a parameter has a default, so ``out=``, ``where=``,
``dtype=``, broadcasting and any strides work, Dask arrays stay Dask arrays, float32 stays float32, and
float16 is rounded once. `help` of each states its formula, its derivative at the kink, its accuracy and its
source.

New arrays of some megabytes cost more than the arithmetic (the system hands out every page by a fault): reuse
one through ``out=``.
"""

from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

from . import _activations, _composites, _core
from ._core import log_softmax, softmax
from ._front import documentation, front

__all__ = ["cross_entropy", "log_softmax", "mse_loss", "softmax"]


def _register() -> None:
    """Fills this module from the registries."""
    functions = globals()
    for row in _core.elementary():
        functions[row["name"]] = getattr(_core, row["name"])
        __all__.append(row["name"])
    for row in _core.activations():
        for suffix, arrays in (("", ("x",)), ("_derivative", ("x",)), ("_backward", ("dy", "x"))):
            name, parameters = row["name"] + suffix, row["parameters"]
            ufunc = getattr(_core, name)
            if parameters:
                plain = getattr(_core, f"{name}_default")
                ufunc = front(name, arrays, parameters, plain, ufunc, documentation(ufunc))
            functions[name] = ufunc
            __all__.append(name)


_register()
for _module in (_activations, _composites):  # some of theirs stand in front of the registry's own
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
        __all__.append(_name)
__all__ = sorted(set(__all__))


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
