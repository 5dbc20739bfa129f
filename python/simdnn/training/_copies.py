"""Copies and pickles of trainers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ..optim import _describe as optimizers

if TYPE_CHECKING:
    from ._trainer import Trainer

#: Attributes that the constructor of `Trainer` sets; a copy has the others, of a user's subclass, too.
_ATTRIBUTES = ("model", "loss", "optimizer", "seed", "epochs_done", "_classifies", "_trainer")


def reduced(trainer: Trainer, base: type[Trainer]) -> tuple[Any, ...]:
    """The parts of a trainer from which `restored` makes another, independent of it; `base` is `Trainer`."""
    names = list(trainer.model.parameters())
    with trainer.model._model.locked():  # another thread may train
        views = optimizers.arrays_of(trainer.optimizer, names)
        state = {
            "arrays": {name: view.copy() for name, view in views.items()},
            "numbers": optimizers.numbers_of(trainer.optimizer),
            "epochs_done": trainer.epochs_done,
        }
        model = copy.copy(trainer.model)
    arguments = {
        "model": model,
        "loss": trainer.loss,
        "optimizer": copy.deepcopy(trainer.optimizer),
        "seed": trainer.seed,
        "penalty": trainer.penalty,
    }
    added = {name: value for name, value in vars(trainer).items() if name not in _ATTRIBUTES}
    return restored, (base, type(trainer), arguments, state), added or None


def restored(
    base: type[Trainer], kind: type[Trainer], arguments: dict[str, Any], state: dict[str, Any]
) -> Trainer:
    """A trainer that goes on bit for bit as the one that was copied."""
    trainer = kind.__new__(kind)
    base.__init__(trainer, **arguments)
    names = list(trainer.model.parameters())
    optimizers.restore(trainer.optimizer, names, state["arrays"], state["numbers"])
    trainer.epochs_done = state["epochs_done"]
    return trainer
