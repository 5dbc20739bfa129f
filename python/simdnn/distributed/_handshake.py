"""The state of a trainer on many ranks: facts that must be equal, and the broadcast of the rest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .. import __version__
from ..losses import _registry as losses
from ..optim import _describe as optimizers
from ..schedules import ReduceOnPlateau
from ..training import Trainer
from ._ranks import Ranks
from ._state import arrays_of, numbers_of, set_numbers


def checked_trainer(trainer: Any) -> Trainer:
    """The trainer itself, if ranks can share it."""
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer: expected a Trainer, got {type(trainer).__name__}")
    check_no_hook(trainer)
    if '"stateful": true' in json.dumps(model_facts(trainer)):
        raise ValueError(
            "trainer: stateful layers carry the states of one rank's samples; make them stateless"
        )
    return trainer


def check_no_hook(trainer: Trainer) -> None:
    """Raises if the trainer has a hook, which the exchange of gradients would replace."""
    if trainer.grad_hook is not None:
        raise ValueError("trainer: it has a grad_hook, whose place DataParallel takes; set it to None")


def model_facts(trainer: Trainer) -> Any:
    """The description of the model; its text if it has layers that cannot be described."""
    try:
        return trainer.model.to_dict()
    except (TypeError, ValueError):
        return repr(trainer.model)


def facts_of(trainer: Trainer) -> dict[str, Any]:
    """Facts by name that must be equal on all ranks."""
    rate = trainer.optimizer.lr
    try:
        optimizer = optimizers.optimizer_to_dict(trainer.optimizer)
    except TypeError:
        optimizer = {
            "optimizer": repr(trainer.optimizer),
            "lr": optimizers.rate_to_plain(rate),
            "settings": {},
        }
    if isinstance(rate, ReduceOnPlateau):
        optimizer["lr"] = rate._settings  # its rate and what it has observed are state
    try:
        loss: Any = losses.to_dict(trainer.loss)
    except TypeError:
        loss = repr(type(trainer.loss))
    return {
        "simdnn's version": __version__,
        "model": model_facts(trainer),
        "loss": loss,
        "optimizer": optimizer["optimizer"],
        "optimizer.lr": optimizer["lr"],
        "optimizer.params": optimizer.get("groups"),
        **{f"optimizer.{name}": value for name, value in optimizer["settings"].items()},
        "penalty": trainer.penalty,
        "seed": trainer.seed,
    }


def check_progress(trainer: Trainer, ranks: Ranks) -> None:
    """Raises if a rank has trained, but not as far as rank 0: its checkpoint is not the one of rank 0."""
    counts = ranks.gather((trainer.epochs_done, trainer.optimizer.steps), "DataParallel")
    for rank, (epochs, steps) in enumerate(counts):
        if (epochs, steps) not in ((0, 0), counts[0]):
            raise ValueError(
                f"trainer: rank {rank} has done {epochs} epochs and {steps} steps, rank 0 {counts[0][0]} and"
                f" {counts[0][1]}: a stale checkpoint? Load one file on all ranks, or on rank 0 alone"
            )


def broadcast(trainer: Trainer, ranks: Ranks) -> None:
    """Gives each rank the state of rank 0."""
    numbers = ranks.gather(numbers_of(trainer), "DataParallel")[0]
    ranks.broadcast(arrays_of(trainer), "DataParallel")
    set_numbers(trainer, numbers)


def check_equal(trainer: Trainer, ranks: Ranks, doing: str) -> None:
    """Raises on every rank if parameters, the optimizer's state or its counts differ from those of rank 0."""
    digest = hashlib.blake2b(repr(optimizers.numbers_of(trainer.optimizer)).encode(), digest_size=8)
    for array in (trainer.model.flat_parameters, *trainer._trainer.slots()):
        digest.update(array.data)
    found = ranks.gather(digest.hexdigest(), doing)
    if others := [str(rank) for rank, other in enumerate(found) if other != found[0]]:
        raise RuntimeError(
            f"{doing}: parameters or optimizer state of rank {', '.join(others)} differ from those of"
            " rank 0: a rank has changed them by itself; go on from a checkpoint"
        )
