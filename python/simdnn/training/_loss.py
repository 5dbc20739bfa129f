"""The loss of a trainer, checked against its model."""

from __future__ import annotations

from typing import Any

from ..losses import Loss
from ..losses._registry import resolve
from ..nn import Dense, LargeMarginSoftmax, Sequential, Softmax


def default_loss(model: Sequential) -> Any:
    """The loss of a model whose trainer is given none."""
    last = model.layers[-1]
    return last._loss() if isinstance(last, LargeMarginSoftmax) else "cross_entropy"


def checked_loss(loss: Any, model: Sequential) -> Loss:
    """The native loss of a name or function; raises if it does not fit the last layer of the model."""
    native, last, outputs = resolve(loss), model.layers[-1], model.out_features
    if native.classes not in (0, outputs):
        raise ValueError(f"loss: expected weights for the model's {outputs} outputs, got {native.classes}")
    if native.takes_logits and isinstance(last, Softmax):
        raise ValueError(
            f"layers[{len(model.layers) - 1}]: {last!r} gives probabilities of shape {model._output}, but"
            f" the loss {native.name!r} takes logits of shape {model._output}: leave the layer out"
        )
    if native.has_margin and not (
        isinstance(last, Dense) and not last.bias and last.activation in (None, "identity")
    ):
        raise ValueError(
            f"loss: a margin needs Dense(..., bias=False) without activation as the last layer, got {last!r}"
        )
    return native
