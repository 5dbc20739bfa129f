"""The network of a model or of its trainer, and the trainer's loss."""

from __future__ import annotations

from typing import Any

from ..nn import Sequential
from ..training import Trainer


def network_of(model: Any) -> Sequential:
    """The network that is meant by the argument `model`, a Sequential or a Trainer."""
    network = model.model if isinstance(model, Trainer) else model
    if not isinstance(network, Sequential):
        raise TypeError(f"model: expected a Sequential or a Trainer, got {type(model).__name__}")
    return network


def loss_of(model: Any, loss: Any) -> Any:
    """The given loss; None is that of a trainer, or the default for a network."""
    return model.loss if loss is None and isinstance(model, Trainer) else loss
