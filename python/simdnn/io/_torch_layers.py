"""Conversion of parameters between layers and PyTorch's modules, by the name of the class."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Kind(NamedTuple):
    """Conversion of parameters between a class of layers and the PyTorch module that corresponds to it."""

    #: Function that returns True if a module's entries look like those of this kind.
    known_by: Callable[[Arrays], bool]
    #: Function that returns the settings of the layer for a module's entries.
    describe: Callable[[Arrays], dict[str, Any]]
    #: Function that converts a module's entries to the layer's names and layouts.
    to_ours: Callable[[Arrays], Arrays] = dict
    #: The inverse of `to_ours`.
    to_torch: Callable[[Arrays], Arrays] = dict
    #: Function (entries, features of the input or None) -> PyTorch's other modules with such entries, or "".
    also: Callable[[Arrays, int | None], str] = lambda entries, features: ""


def turned(state: Arrays) -> Arrays:
    """`state` with transposed weight matrices, which are [in, out] here and [out, in] in PyTorch."""
    return {
        name: np.ascontiguousarray(value.T) if name.startswith("weight") else value
        for name, value in state.items()
    }


def counted(state: Arrays) -> Arrays:
    """`state` with the number of batches as an integer, as in PyTorch."""
    return {
        name: value.astype(np.int64) if name == "num_batches_tracked" else value
        for name, value in state.items()
    }


def recurrent(gates: int) -> Kind:
    """The kind of a recurrent layer with `gates` gates, whose parameters have PyTorch's names."""

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


#: Kinds by the class of the layer; a module is of the first kind that recognizes its entries.
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
        also=lambda s, features: "an Embedding" if features is None and "bias" not in s else "",
    ),
    "LayerNorm": Kind(
        lambda s: s.keys() == {"weight", "bias"} and s["weight"].ndim == 1,
        lambda s: {"num_features": s["weight"].size},
        also=lambda s, features: "a GroupNorm, a BatchNorm1d without running statistics",
    ),
    "PReLU": Kind(
        lambda s: s.keys() == {"weight"} and s["weight"].ndim == 1,
        lambda s: {"num_parameters": s["weight"].size},
        also=lambda s, features: (
            "" if s["weight"].size == 1 and (features or 1) > 1 else "an RMSNorm, a LayerNorm without bias"
        ),
    ),
    "LSTM": recurrent(4),
    "GRU": recurrent(3),
    "RNN": recurrent(1)._replace(also=lambda s, features: "an RNN with nonlinearity='relu'"),
    "Embedding": Kind(lambda s: False, dict),  # its entries are those of a Linear without bias
}
