"""Copies and pickles of trainers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ..optim import _describe as optimizers

if TYPE_CHECKING:
    from ._trainer import Trainer


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
        model = copied(trainer.model, trainer)
    arguments = {
        "model": model,
        "loss": trainer.loss,
        "optimizer": copy.deepcopy(trainer.optimizer),
        "seed": trainer.seed,
        "penalty": trainer.penalty,
    }
    return restored, (base, type(trainer), arguments, state), trainer._added()


def copied(model: Any, trainer: Trainer) -> Any:
    """A copy of a model that does not hold its trainer, whose copies would have no end."""
    made = copy.copy(model)
    for name, value in list(vars(made).items()):
        if value is trainer:
            del vars(made)[name]
    return made


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
