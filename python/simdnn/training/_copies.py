"""Copies and pickles of trainers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ..optim import _describe as optimizers

if TYPE_CHECKING:
    from ._trainer import Trainer


def state_of(trainer: Trainer) -> dict[str, Any]:
    """The arguments of a trainer, all numbers of its training at one moment, and a subclass's attributes."""
    names = list(trainer.model.parameters())
    native = trainer.model._model
    with native.locked():  # another thread may train
        views = optimizers.arrays_of(trainer.optimizer, names)
        state = {
            "arrays": {name: view.copy() for name, view in views.items()},
            "numbers": optimizers.numbers_of(trainer.optimizer),
            "epochs_done": trainer.epochs_done,
            "moment": (*trainer.model._snapshot(), native.passes, native.states),  # the model is copied apart
        }
    arguments = {
        "model": trainer.model,
        "loss": trainer.loss,
        "optimizer": trainer.optimizer,
        "seed": trainer.seed,
        "penalty": trainer.penalty,
    }
    return state | {"arguments": arguments, "added": trainer._added() or {}}


def set_state(trainer: Trainer, base: type[Trainer], state: dict[str, Any]) -> None:
    """Makes a trainer, still empty, go on bit for bit as the one that was copied; `base` is `Trainer`."""
    base.__init__(trainer, **state["arguments"])
    if "moment" in state:
        *snapshot, passes, states = state["moment"]
        trainer.model._restore(*snapshot)
        trainer.model._model.passes, trainer.model._model.states = passes, states
    names = list(trainer.model.parameters())
    optimizers.restore(trainer.optimizer, names, state["arrays"], state["numbers"])
    trainer.epochs_done = state["epochs_done"]
    vars(trainer).update(state["added"])


def copied(trainer: Trainer) -> Trainer:
    """A trainer of a model and an optimizer of its own; a model that knows its trainer knows this one."""
    made = trainer.__new__(type(trainer))
    with trainer.model._model.locked():  # the model's copy has the numbers of the moment
        state = trainer.__getstate__()
        state.pop("moment", None)
        model = copy.copy(trainer.model)
    vars(model).update({name: made for name, value in vars(model).items() if value is trainer})
    state["arguments"] |= {"model": model, "optimizer": copy.copy(trainer.optimizer)}
    made.__setstate__(state)
    return made
