"""Optimizers by name: every class of the modules `_descent`, `_adam_family` and `_scaled`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._utils.check import check_name
from . import _adam_family, _descent, _scaled
from ._optimizer import Optimizer

BY_NAME: dict[str, type[Optimizer]] = {
    name.lower(): kind
    for module in (_descent, _adam_family, _scaled)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind._rules
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
    return BY_NAME[check_name("optimizer", name, BY_NAME)]()


def unbound(optimizer: Any, default: Callable[[], Optimizer] = _adam_family.Adam) -> Optimizer:
    """The optimizer for a trainer: one without params of its own, one by name, or the default for None.

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
