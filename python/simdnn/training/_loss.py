"""The loss of a trainer, checked against its model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..losses import Loss
from ..losses._registry import resolve
from ..nn import Activation, Dense, Identity, LargeMarginSoftmax, Layer, Sequential, Softmax

#: The loss of probabilities, and that of their logits.
PROBABILITIES, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"


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
    if native.name in (PROBABILITIES, LOGITS):
        _check_pair(native.name, f"layers[{len(model.layers) - 1}]", last)
    if native.has_margin and not (
        isinstance(last, Dense) and not last.bias and last.activation in (None, "identity")
    ):
        raise ValueError(
            f"loss: a margin needs Dense(..., bias=False) without activation as the last layer, got {last!r}"
        )
    return native


def _check_pair(loss: str, place: str, last: Layer) -> None:
    """Raises if the last layer gives logits to the loss of probabilities, or the other way round."""
    bounded = _gives_probabilities(last)
    if loss == PROBABILITIES and bounded is False:
        raise ValueError(
            f"{place}: {last!r} gives numbers beyond [0, 1], but the loss {loss!r} takes probabilities: end"
            f" in a sigmoid, or leave it out and give loss={LOGITS!r}, which is more accurate"
        )
    if loss == LOGITS and bounded:
        raise ValueError(
            f"{place}: {last!r} gives probabilities, but the loss {loss!r} takes logits: leave the activation"
            f" out, or give loss={PROBABILITIES!r}"
        )


def _gives_probabilities(layer: Layer) -> bool | None:
    """True if the layer ends in an activation into [0, 1], False in another or none; None: not known."""
    activation = layer._activation if isinstance(layer, Dense) else layer
    if isinstance(layer, Identity) or not isinstance(activation, Activation):
        return None
    values = Sequential(activation, in_features=1)(np.linspace(-50, 50, 401)[:, np.newaxis])
    return bool(values.min() >= 0 and values.max() <= 1)
