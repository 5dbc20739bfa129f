"""How layers and PyTorch's modules of the same name write the same parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Kind(NamedTuple):
    """How a class of layers and PyTorch's module of the same name write the same parameters."""

    #: Whether a module with these entries is of this kind.
    known_by: Callable[[Arrays], bool]
    #: A description of the layer for a module's entries.
    describe: Callable[[Arrays], dict[str, Any]]
    to_ours: Callable[[Arrays], Arrays] = dict
    to_torch: Callable[[Arrays], Arrays] = dict


def turned(state: Arrays) -> Arrays:
    """Weights of matrices are (in, out), PyTorch's (out, in)."""
    return {
        name: np.ascontiguousarray(value.T) if name.startswith("weight") else value
        for name, value in state.items()
    }


def counted(state: Arrays) -> Arrays:
    """PyTorch counts batches in an integer."""
    return {
        name: value.astype(np.int64) if name == "num_batches_tracked" else value
        for name, value in state.items()
    }


def recurrent(gates: int) -> Kind:
    """A recurrent layer of so many gates, whose names are PyTorch's."""

    def known_by(s: Arrays) -> bool:
        first = s.get("weight_hh_l0")
        return first is not None and first.ndim == 2 and first.shape[0] == gates * first.shape[1]

    def describe(s: Arrays) -> dict[str, Any]:
        if other := [name for name in s if not re.fullmatch(r"(weight|bias)_[ih]h_l\d+", name)]:
            raise ValueError(
                f"{other[0]}: only recurrent layers in one direction, without projections, are known"
            )
        return {
            "in_features": s["weight_ih_l0"].shape[1],
            "hidden_features": s["weight_hh_l0"].shape[1],
            "num_layers": sum(name.startswith("weight_ih") for name in s),
            "bias": "bias_ih_l0" in s,
        }

    return Kind(known_by, describe, to_ours=turned, to_torch=turned)


#: By the name of the class, here as in ``torch.nn``; the first that knows a module's entries takes it.
KINDS: dict[str, Kind] = {
    "BatchNorm1d": Kind(
        lambda s: "running_mean" in s,
        lambda s: {"num_features": s["running_mean"].size, "affine": "weight" in s},
        to_torch=counted,
    ),
    "Dense": Kind(
        lambda s: s.keys() <= {"weight", "bias"} and "weight" in s and s["weight"].ndim == 2,
        lambda s: {
            "in_features": s["weight"].shape[1],
            "out_features": s["weight"].shape[0],
            "bias": "bias" in s,
        },
        to_ours=turned,
        to_torch=turned,
    ),
    "LayerNorm": Kind(
        lambda s: s.keys() == {"weight", "bias"} and s["weight"].ndim == 1,
        lambda s: {"num_features": s["weight"].size},
    ),
    "PReLU": Kind(
        lambda s: s.keys() == {"weight"} and s["weight"].ndim == 1,
        lambda s: {"num_parameters": s["weight"].size},
    ),
    "LSTM": recurrent(4),
    "GRU": recurrent(3),
    "RNN": recurrent(1),
    "Embedding": Kind(lambda s: False, dict),  # cannot be told from a Linear without bias
}
