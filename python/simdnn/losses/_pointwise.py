"""Losses of each output and its target: functions made from the descriptions in the C++ registry."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from numpy.typing import ArrayLike

from .. import _core
from .._utils.hints import among
from ._registry import Reduction, check_weights, evaluate, make, simple, trainable

__all__ = ["binary_cross_entropy_with_logits"]

_DOC = """{summary}

loss = {formula}

Here x = input and y = target. Loss and gradient take one pass, with sums in float64. A formula without exp
and log is computed in float64 and rounded once; another is computed in float32 for float32 arrays, within 4
units in the last place of its largest term, where probabilities below 2^-100 count as 0.

Parameters
----------
input, target : arrays of one shape
    float32 and float16 give float32, other real numbers float64.
{parameters}reduction : {reductions}, default "mean"
    The mean divides by the number of elements{batchmean}.
return_grad : bool, default False
    Also return the gradient w.r.t. `input`.

Returns
-------
loss : float, or array of the shape of `input` for ``reduction="none"``
grad : array, shape of `input`
    Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
    Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

Raises
------
TypeError
    If an argument is not made of real numbers.
ValueError
    If the shapes differ, a parameter or a target is out of its range (a NaN spreads), or `reduction` is not
    known.

Notes
-----
In a `Trainer`, the loss of a sample is the {each} over its outputs.

Examples
--------
>>> import simdnn.functional as F
>>> F.{function}({example})
{example_value}

Source: {source}.
"""


def _function(row: dict[str, Any]) -> Callable[..., Any]:
    """The loss function of a row of the registry.

    Its signature is ``f(input, target, *, <parameters>, reduction="mean", return_grad=False)``.
    """
    name, defaults = row["name"], row["parameters"]

    def build(**settings: Any) -> _core.Loss:
        """Builds the loss from the values of its parameters."""
        values = {**defaults, **settings}
        if len(values) > len(defaults):
            unknown = next(key for key in settings if key not in defaults)
            known = [*defaults, "reduction", "return_grad"]
            raise TypeError(f"{row['function']}: unknown keyword {unknown!r}{among(unknown, known)}")
        return simple(name, *values.values())

    def function(
        input: ArrayLike,
        target: ArrayLike,
        *,
        reduction: Reduction = "mean",
        return_grad: bool = False,
        **settings: Any,
    ) -> Any:
        loss = build(**settings) if settings else default
        return evaluate(loss, input, target, reduction, return_grad)

    default = build()
    function.__name__ = function.__qualname__ = row["function"]
    function.__module__ = "simdnn.functional"
    function.__doc__ = _documentation(row)
    function.__signature__ = _signature(function, defaults)  # type: ignore[attr-defined]
    return trainable(name, build)(function)


def _documentation(row: dict[str, Any]) -> str:
    """The docstring of a row of the registry."""
    summed = row["outputs"] == "summed"
    lines = [f"{key} : float, default {value:g}\n" for key, value in row["parameters"].items()]
    return _DOC.format(
        **{**row, "parameters": "".join(lines)},
        reductions='{"mean", "batchmean", "sum", "none"}' if summed else '{"mean", "sum", "none"}',
        batchmean=", batchmean by the length of the first axis (the number of samples)" if summed else "",
        each="sum" if summed else "mean",
    )


def _signature(function: Callable[..., Any], defaults: dict[str, float]) -> Signature:
    """The signature of `function`, with its keywords in place of ``**settings``."""
    own = signature(function)
    fixed = [
        parameter for parameter in own.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD
    ]
    settings = [Parameter(key, Parameter.KEYWORD_ONLY, default=value) for key, value in defaults.items()]
    return own.replace(parameters=[*fixed[:2], *settings, *fixed[2:]])


for _row in _core.losses():
    if _row["function"] is not None:
        globals()[_row["function"]] = _function(_row)
        __all__.append(_row["function"])


def _with_logits(pos_weight: ArrayLike | None = None) -> _core.Loss:
    """Builds the loss of `binary_cross_entropy_with_logits`."""
    if pos_weight is None:
        return simple("binary_cross_entropy_with_logits")
    return make("binary_cross_entropy_with_logits", weight=check_weights("pos_weight", pos_weight))


@trainable("binary_cross_entropy_with_logits", _with_logits)
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    return_grad: bool = False,
) -> Any:
    """Binary cross-entropy of logits with targets in [0, 1].

    loss = (1 - y) softplus(x) + w y softplus(-x) and grad = (1 - y) sigmoid(x) - w y sigmoid(-x), with
    x = input, y = target and w = pos_weight. Both are finite for every finite logit, without cancellation: in
    float32 they are within 4 units in the last place of their largest term, and exp(-|x|) below 2^-100 counts
    as 0.

    Parameters
    ----------
    input, target : arrays of one shape
        Logits, and targets in [0, 1]. float32 and float16 give float32, other real numbers float64.
    pos_weight : array, shape (columns,), or None
        Weights w >= 0 of the positive class, one for each column of the last axis; None is 1.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean divides by the number of elements.
    return_grad : bool, default False
        Also return the gradient w.r.t. `input`.

    Returns
    -------
    loss : float, or array of the shape of `input` for ``reduction="none"``
    grad : array, shape of `input`
        Gradient of the reduced loss, with ``reduction="none"`` of the sum; only with `return_grad`.
        Magnitudes below 2^-63 in float32, 2^-511 in float64, are 0.

    Raises
    ------
    TypeError
        If an argument is not made of real numbers.
    ValueError
        If the shapes differ, a weight is negative, or `reduction` is not known.

    Notes
    -----
    In a `Trainer`, the loss of a sample is the mean over its outputs.

    Examples
    --------
    >>> import simdnn.functional as F
    >>> round(F.binary_cross_entropy_with_logits([0.0, 0.0], [0.0, 1.0]), 6)
    0.693147

    Source: Cox 1958, "The regression analysis of binary sequences", section 2; the stable formula is
    PyTorch's.
    """
    return evaluate(_with_logits(pos_weight), input, target, reduction, return_grad)
