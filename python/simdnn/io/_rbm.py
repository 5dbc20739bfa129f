"""Files of a `BernoulliRBM`: its parameters, and the complete state of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._utils.check import check_int
from .._utils.files import Path
from .._utils.jsonable import only_keys
from ..optim import _describe as optimizers
from . import _safetensors
from ._saving import OPTIMIZER, described_metadata

if TYPE_CHECKING:
    from ..pretrain._boltzmann import BernoulliRBM

#: Arguments of the constructor.
SETTINGS = ("k", "dtype", "seed", "sample_visible")
#: Keys of a description.
KEYS = (*SETTINGS, "epochs_done", "optimizer", "state")
#: Names of the parameter arrays.
PARAMETERS = ("weight", "hidden_bias", "visible_bias")
#: The axis of the weight [visible, hidden] that each bias has the length of.
BIASES = ((0, "visible_bias"), (1, "hidden_bias"))


def save(rbm: BernoulliRBM, path: Path, metadata: Mapping[str, Any] | None) -> None:
    """Writes a machine to a file: see `BernoulliRBM.save`."""
    state = optimizers.arrays_of(rbm.optimizer, list(PARAMETERS))
    arrays = rbm.parameters() | {OPTIMIZER + name: view for name, view in state.items()}
    described = {
        "k": rbm.k,
        "dtype": rbm.dtype.name,
        "seed": rbm.seed,
        "sample_visible": rbm.sample_visible,
        "epochs_done": rbm.epochs_done,
        "optimizer": optimizers.optimizer_to_dict(rbm.optimizer),
        "state": optimizers.numbers_of(rbm.optimizer),
    }
    copies = {name: view.copy() for name, view in arrays.items()}
    _safetensors.write(path, copies, {"BernoulliRBM": described} | described_metadata(metadata))


def load(kind: type[BernoulliRBM], path: Path, lr: Any) -> BernoulliRBM:
    """Reads a machine from a file: see `BernoulliRBM.load`."""
    with _safetensors.opened(path) as file:
        found = only_keys(file.part("BernoulliRBM"), KEYS, "BernoulliRBM")
        dtype = found["dtype"]
        values = {name: file.array(name, dtype) for name in PARAMETERS}
        weight = values["weight"]
        if weight.ndim != 2 or any(values[name].shape != weight.shape[i : i + 1] for i, name in BIASES):
            raise ValueError(f"weight: expected shape (visible, hidden) of the biases, got {weight.shape}")
        optimizer = optimizers.optimizer_from_dict(found["optimizer"], lr)
        settings = {name: found[name] for name in SETTINGS}
        rbm = kind(weight.shape[0], weight.shape[1], optimizer=optimizer, **settings)
        arrays = file.arrays_of(OPTIMIZER, dtype)
        optimizers.restore(optimizer, list(PARAMETERS), arrays, found["state"])
        for name, view in rbm.parameters().items():
            view[...] = values[name]
        rbm.epochs_done = check_int("epochs_done", found["epochs_done"], 0)
        return rbm
