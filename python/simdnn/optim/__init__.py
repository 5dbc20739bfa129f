"""Optimisers, with PyTorch's names, defaults and updates: alone on arrays, or bound by a `Trainer`.

Variants of other libraries are settings: ``eps_mode``, ``lr_in_velocity``, ``decoupled_weight_decay``, or
all at once by ``like="keras"``. Learning rates that change are functions of the step: `simdnn.schedules`.
"""

from .._check import known_name
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
    make: type = BY_NAME[known_name("optimizer", name, BY_NAME)]
    optimizer: Optimizer = make()
    return optimizer
