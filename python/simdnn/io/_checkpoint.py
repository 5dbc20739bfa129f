"""Files of a `Trainer`: its model, and the complete state of the training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._utils.check import check_int
from .._utils.files import Path
from .._utils.jsonable import only_keys
from ..losses import _registry as losses
from ..optim import _describe as optimizers
from . import _safetensors
from ._saving import CARRIED, OPTIMIZER, describe, described_metadata, read_model

if TYPE_CHECKING:
    from ..training import Trainer

#: Keys of a trainer's description.
KEYS = ("loss", "optimizer", "state", "seed", "penalty", "epochs_done")


def save(trainer: Trainer, path: Path, metadata: Mapping[str, Any] | None) -> None:
    """Writes a trainer to a file: see `Trainer.save`."""
    document = {"model": describe(trainer.model), "trainer": describe_trainer(trainer)}
    with trainer.model._model.locked():  # another thread may train
        state = optimizers.arrays_of(trainer.optimizer, list(trainer.model.parameters()))
        arrays = trainer.model.state_dict() | {OPTIMIZER + name: view.copy() for name, view in state.items()}
        arrays |= {f"{CARRIED}{i}": states for i, states in enumerate(trainer.model._model.states)}
        document["trainer"]["state"] = optimizers.numbers_of(trainer.optimizer)
    _safetensors.write(path, arrays, document | described_metadata(metadata))


def describe_trainer(trainer: Trainer) -> dict[str, Any]:
    """Description of a trainer without its model and its arrays."""
    return {
        "loss": losses.to_dict(trainer.loss),
        "optimizer": optimizers.optimizer_to_dict(trainer.optimizer),
        "state": optimizers.numbers_of(trainer.optimizer),
        "seed": trainer.seed,
        "penalty": trainer.penalty,
        "epochs_done": trainer.epochs_done,
    }


def load(kind: type[Trainer], path: Path, lr: Any) -> Trainer:
    """Reads a trainer from a file: see `Trainer.load`."""
    with _safetensors.opened(path) as file:
        found = only_keys(file.part("trainer"), KEYS, "trainer")
        model = read_model(file)
        optimizer = optimizers.optimizer_from_dict(found["optimizer"], lr)
        loss, options = losses.from_dict(found["loss"]), {key: found[key] for key in ("seed", "penalty")}
        trainer = kind(model, loss, optimizer, **options)
        arrays = file.arrays_of(OPTIMIZER, model.dtype.name)
        optimizers.restore(optimizer, list(model.parameters()), arrays, found["state"])
        carried = file.arrays_of(CARRIED, model.dtype.name)
        model._model.states = [carried[name] for name in sorted(carried, key=int)]
        trainer.epochs_done = check_int("epochs_done", found["epochs_done"], 0)
        return trainer
