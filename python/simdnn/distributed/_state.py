"""The state of a trainer that changes in training, as data that other processes can take over."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ..optim import _describe as optimizers
from ..schedules import ReduceOnPlateau
from ..training import Trainer


class State(NamedTuple):
    """Arrays and numbers of a trainer."""

    arrays: list[NDArray[Any]]  #: parameters, running statistics, the optimizer's slots
    numbers: dict[str, Any]
    carried: list[NDArray[Any]]  #: states that stateful layers carry to the next batch


def arrays_of(trainer: Trainer) -> list[NDArray[Any]]:
    """Views of all arrays of a trainer's state."""
    arrays = [trainer.model.flat_parameters, trainer.model._model.buffers, *trainer._trainer.slots()]
    return [array for array in arrays if array.size]


def numbers_of(trainer: Trainer) -> dict[str, Any]:
    """Counts, scalars of the optimizer's state, and the attributes of a schedule that observes losses."""
    rate = trainer.optimizer.lr
    names = ("lr", *optimizers.PLATEAU) if isinstance(rate, ReduceOnPlateau) else ()
    return {
        "optimizer": optimizers.numbers_of(trainer.optimizer),
        "epochs_done": trainer.epochs_done,
        "schedule": {name: getattr(rate, name) for name in names},
    }


def set_numbers(trainer: Trainer, numbers: dict[str, Any]) -> None:
    """Gives a trainer the numbers of another one with the same settings."""
    names = list(trainer.model.parameters())
    arrays = optimizers.arrays_of(trainer.optimizer, names)
    optimizers.restore(trainer.optimizer, names, arrays, numbers["optimizer"])
    trainer.epochs_done = numbers["epochs_done"]
    for name, value in numbers["schedule"].items():
        setattr(trainer.optimizer.lr, name, value)


def state_of(trainer: Trainer) -> State:
    """The state, with views of the arrays."""
    return State(arrays_of(trainer), numbers_of(trainer), trainer.model._model.states)


def restore(trainer: Trainer, state: State) -> None:
    """Gives a trainer the state of another one with the same settings."""
    for view, array in zip(arrays_of(trainer), state.arrays, strict=True):
        view[...] = array
    set_numbers(trainer, state.numbers)
    trainer.model._model.states = state.carried
