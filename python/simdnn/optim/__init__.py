"""Optimizers, with PyTorch's names, defaults and updates: alone on arrays, or bound by a `Trainer`.

Variants of other libraries are settings: ``eps_mode``, ``lr_in_velocity``, ``decoupled_weight_decay``, or
all at once by ``like="keras"``. Learning rates that change are functions of the step: `simdnn.schedules`.
"""

from typing import TYPE_CHECKING

from .._utils.hints import no_attribute
from ._arrays import clip_grad_norm_, clip_grad_value_
from ._optimizer import Optimizer
from ._registry import BY_NAME
from ._registry import from_name as from_name
from ._registry import unbound as unbound

globals().update({kind.__name__: kind for kind in BY_NAME.values()})
__all__ = sorted(
    [
        *(kind.__name__ for kind in BY_NAME.values()),
        Optimizer.__name__,
        clip_grad_norm_.__name__,
        clip_grad_value_.__name__,
    ]
)

if not TYPE_CHECKING:

    def __getattr__(name):
        """Raises AttributeError, with a hint for names that other libraries have."""
        raise no_attribute(__name__, name)
