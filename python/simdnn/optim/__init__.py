"""Optimisers, with PyTorch's names, defaults and updates: alone on arrays, or bound by a `Trainer`.

Variants of other libraries are settings: ``eps_mode``, ``lr_in_velocity``, ``decoupled_weight_decay``, or
all at once by ``like="keras"``. Learning rates that change are functions of the step: `simdnn.schedules`.
"""

from collections.abc import Callable
from typing import Any

from .._utils.check import check_name
from ._arrays import clip_grad_norm_, clip_grad_value_
from ._descent import SGD, Lion
from ._moments import Adam, Adamax, AdamW, NAdam, RAdam
from ._optimizer import Optimizer
from ._scaled import Adadelta, Adagrad, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "clip_grad_norm_",
    "clip_grad_value_",
]

BY_NAME: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (SGD, Adagrad, RMSprop, Adadelta, Adam, AdamW, NAdam, RAdam, Adamax, Lion)
}


def from_name(name: str) -> Optimizer:
    """The optimizer of that name with its defaults.

    Raises
    ------
    ValueError
        If there is none; the known ones are listed.

    Examples
    --------
    >>> from simdnn import optim
    >>> optim.from_name("sgd")
    SGD(lr=0.001)
    """
    make: type = BY_NAME[check_name("optimizer", name, BY_NAME)]
    optimizer: Optimizer = make()
    return optimizer


def unbound(optimizer: Any, default: Callable[[], Optimizer] = Adam) -> Optimizer:
    """The optimizer that a trainer was given: one without params of its own, a name, or None for the default.

    Raises
    ------
    TypeError, ValueError
        If it is none, or bound already.

    Examples
    --------
    >>> from simdnn import optim
    >>> optim.unbound(None), optim.unbound("sgd")
    (Adam(lr=0.001), SGD(lr=0.001))
    """
    if optimizer is None:
        return default()
    if isinstance(optimizer, str):
        return from_name(optimizer)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected an Optimizer or a name, got {type(optimizer).__name__}")
    if optimizer._bound:
        raise ValueError("optimizer: expected one without params of its own, bound by no other Trainer")
    return optimizer
