"""A `Trainer` in a file: its model, and all that the next step depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._utils.check import check_int
from .._utils.files import Path
from .._utils.jsonable import only_keys
from ..losses import _registry as losses
from ..optim import _describe as optimizers
from . import _safetensors
from ._saving import OPTIMIZER, describe, described_metadata, read_model

if TYPE_CHECKING:
    from ..training import Trainer

KEYS = ("loss", "optimizer", "state", "seed", "penalty", "epochs_done")


def save(trainer: Trainer, path: Path, metadata: Mapping[str, Any] | None) -> None:
    """See `Trainer.save`."""
    state = optimizers.arrays_of(trainer.optimizer, list(trainer.model.parameters()))
    arrays = trainer.model.state_dict() | {OPTIMIZER + name: view.copy() for name, view in state.items()}
    document = {"model": describe(trainer.model), "trainer": describe_trainer(trainer)}
    _safetensors.write(path, arrays, document | described_metadata(metadata))


def describe_trainer(trainer: Trainer) -> dict[str, Any]:
    """The trainer but for its model and its arrays."""
    return {
        "loss": losses.to_dict(trainer.loss),
        "optimizer": optimizers.optimizer_to_dict(trainer.optimizer),
        "state": optimizers.numbers_of(trainer.optimizer),
        "seed": trainer.seed,
        "penalty": trainer.penalty,
        "epochs_done": trainer.epochs_done,
    }


def load(kind: type[Trainer], path: Path, lr: Any) -> Trainer:
    """See `Trainer.load`."""
    with _safetensors.opened(path) as file:
        found = only_keys(file.part("trainer"), KEYS, "trainer")
        model = read_model(file)
        optimizer = optimizers.optimizer_from_dict(found["optimizer"], lr)
        loss, options = losses.from_dict(found["loss"]), {key: found[key] for key in ("seed", "penalty")}
        trainer = kind(model, loss, optimizer, **options)
        arrays = file.arrays_of(OPTIMIZER, model.dtype.name)
        optimizers.restore(optimizer, list(model.parameters()), arrays, found["state"])
        trainer.epochs_done = check_int("epochs_done", found["epochs_done"], 0)
        return trainer
