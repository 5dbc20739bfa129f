"""Conversion of weights from and to PyTorch's state dictionaries, without PyTorch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import nn
from .._utils.arrays import as_cpu_array
from ..nn._describe import layer_from_dict
from ..nn._layer import Layer
from ._torch_layers import KINDS, Arrays

__all__ = ["from_torch", "to_torch_state_dict"]


def from_torch(
    state_dict: Mapping[str, Any],
    model: nn.Sequential | None = None,
    *,
    activation: str | nn.Activation | None = None,
    dtype: DTypeLike = np.float32,
) -> nn.Sequential:
    """Convert a PyTorch ``state_dict`` to a model; PyTorch itself is not needed.

    Parameters
    ----------
    state_dict : dict
        Tensors or arrays by name, from ``module.state_dict()`` or ``safetensors.numpy.load_file``.
    model : Sequential, optional
        The model to fill, module by module in the order of the dictionary, whatever the names. Without it, a
        model is made from names of a ``torch.nn.Sequential`` such as ``"0.weight"`` and
        ``"2.running_mean"``, all with the same prefix or none.
    activation : str or Activation, optional
        The activation at each place without entries between two places that have entries: a ``state_dict``
        does not name activations.
    dtype : dtype, default float32
        float32 or float64, the dtype of a model that is made.

    Returns
    -------
    Sequential
        `model`, or the model that was made.

    Raises
    ------
    TypeError
        If a value is not an array of real numbers, or is on another device.
    ValueError
        If the names do not determine the layers, or the entries do not fit `model`, which is then unchanged.

    Notes
    -----
    Weight matrices are transposed, from PyTorch's [out, in] to [in, out]. The modules Linear, BatchNorm1d,
    PReLU with one slope, LSTM and GRU are recognized. Entries that could be those of several modules need
    `model`: LayerNorm has those of GroupNorm and of a BatchNorm1d without running statistics, PReLU with a
    slope for each feature those of RMSNorm, and Embedding those of a first Linear without bias; an RNN does
    not tell its nonlinearity. Settings that a ``state_dict`` does not hold (eps, momentum, the p of dropout)
    get PyTorch's defaults, and recurrent layers return the last state. Pass `model` if yours differ.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> state = {"0.weight": np.ones((4, 3)), "0.bias": np.zeros(4), "2.weight": np.ones((2, 4))}
    >>> model = simdnn.from_torch(state, activation="relu")
    >>> model
    Sequential(Dense(3, 4), ReLU(), Dense(4, 2, bias=False), dtype=float32)
    >>> model(np.ones(3))
    array([12., 12.], dtype=float32)
    """
    modules = modules_of(state_dict)
    if model is None:
        return model_of(modules, activation, dtype)
    if not isinstance(model, nn.Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    fill(model, modules)
    return model


def modules_of(state_dict: Mapping[str, Any]) -> dict[str, Arrays]:
    """Arrays by entry (``"weight"``), by module (``"0"``), in the order of the dictionary."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict: expected a dictionary, got {type(state_dict).__name__}")
    modules: dict[str, Arrays] = {}
    for name, value in state_dict.items():
        if not isinstance(name, str):
            raise TypeError(f"state_dict: expected names, got the key {name!r}")
        module, _, entry = name.rpartition(".")
        value = value.detach() if hasattr(value, "detach") else value
        array = as_cpu_array(name, value)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
        modules.setdefault(module, {})[entry] = array
    if not modules:
        raise ValueError("state_dict: expected weights, got none")
    return modules


def kind_of(module: str, entries: Arrays, features: int | None) -> str:
    """Name in `KINDS` of the only class that a module's entries can belong to, at `features` of its input."""
    shapes = ", ".join(f"{name} {value.shape}" for name, value in entries.items())
    for name, kind in KINDS.items():
        if kind.known_by(entries):
            if others := kind.also(entries, features):
                raise ValueError(
                    f"{module or 'state_dict'}: {shapes} can be of {name} or of {others}; give"
                    " model=nn.Sequential(...)"
                )
            return name
    raise ValueError(
        f"{module or 'state_dict'}: no layer has the entries {shapes}; give model=nn.Sequential(...)"
    )


def model_of(
    modules: dict[str, Arrays], activation: str | nn.Activation | None, dtype: DTypeLike
) -> nn.Sequential:
    """Makes a model from the names of a ``torch.nn.Sequential``."""
    layers: list[Layer] = []
    state: Arrays = {}
    last = -1
    features: int | None = None
    for place, (module, entries) in sorted_by_place(modules):
        if place > last + 1:
            if last < 0:
                raise ValueError(
                    f"state_dict: the first layer is named {module!r}, not by place 0 as in a"
                    " torch.nn.Sequential: give model=nn.Sequential(...) with the layers in order"
                )
            if activation is None:
                raise ValueError(
                    f"state_dict: place {last + 1} has no entries: say by activation='relu' or the like what"
                    " stands in such places, or give model=nn.Sequential(...)"
                )
            layers.append(nn.activation_of(activation))
        last = place
        name = kind_of(module, entries, features)
        state |= {f"{len(layers)}.{key}": value for key, value in KINDS[name].to_ours(entries).items()}
        settings = KINDS[name].describe(entries)
        sizes = (settings.get(key) for key in ("out_features", "hidden_features", "num_features"))
        features = next(filter(None, sizes), features)
        layers.append(layer_from_dict({"layer": name, **settings}))
    model = nn.Sequential(*layers, dtype=dtype, rng=0)
    model.load_state_dict(model.state_dict() | state)
    return model


def sorted_by_place(modules: dict[str, Arrays]) -> list[tuple[int, tuple[str, Arrays]]]:
    """Modules with their places in a ``torch.nn.Sequential``, in the order of the places."""
    found = [(re.fullmatch(r"(.*?)(\d+)", module), module) for module in modules]
    prefixes = {match[1] for match, _ in found if match}
    if len(prefixes) != 1 or not all(match for match, _ in found):
        raise ValueError(
            f"state_dict: the names {', '.join(one or repr(one) for one in modules)} are no places in one"
            " Sequential, such as 0, 2 and 4: give model=nn.Sequential(...)"
        )
    places = [(int(match[2]), (module, modules[module])) for match, module in found if match]
    return sorted(places, key=lambda one: one[0])


def leaves(layers: Sequence[Layer], names: Iterable[str], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Pairs (prefix of the names, layer) of the innermost layers that have parameters or buffers."""
    for i, layer in enumerate(layers):
        here = f"{prefix}{i}."
        children = list(layer._children())
        for inner, chain in children:
            if f"{here}{inner}weight" in names:  # a single layer, whose names have no place
                yield here + inner, chain[0]
            else:
                yield from leaves(chain, names, here + inner)
        if not children and any(name.startswith(here) for name in names):
            yield here, layer


def fill(model: nn.Sequential, modules: dict[str, Arrays]) -> None:
    """Sets a model's parameters from PyTorch's modules, in order."""
    wanted = model.state_dict()
    layers = list(leaves(model.layers, wanted))
    if len(layers) != len(modules):
        raise ValueError(
            f"model: has {len(layers)} layers with weights, but the state_dict {len(modules)} modules:"
            f" {', '.join(modules)}"
        )
    state: Arrays = {}
    for (prefix, layer), (module, entries) in zip(layers, modules.items(), strict=True):
        given = {prefix + name: value for name, value in translated(layer, module, entries).items()}
        names = {name for name in wanted if name.startswith(prefix)}
        optional = {prefix + "num_batches_tracked"}
        if names - optional != given.keys() - optional:
            raise ValueError(
                f"{module}: has {', '.join(entries)}, but {layer!r} wants"
                f" {', '.join(sorted(name.removeprefix(prefix) for name in names))}"
            )
        for name, value in given.items():
            if value.shape != wanted[name].shape:
                raise ValueError(
                    f"{module}.{name.removeprefix(prefix)}: {layer!r} wants shape {wanted[name].shape}"
                    f" (weights of Linear transposed), got {value.shape}"
                )
        state |= given
    model.load_state_dict(wanted | state)


def translated(layer: Layer, module: str, entries: Arrays) -> Arrays:
    """A module's entries in the names and layouts of the layer."""
    kind = KINDS.get(type(layer).__name__)
    if kind is None:
        raise ValueError(f"{module}: PyTorch has no counterpart of {layer!r}")
    return kind.to_ours(entries)


def to_torch_state_dict(model: nn.Sequential) -> Arrays:
    """Convert the weights of a model to the ``state_dict`` of an equal ``torch.nn.Sequential``.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    dict
        Arrays with PyTorch's names and layouts, for
        ``module.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})``. In the
        ``torch.nn.Sequential``, each layer has a place, and the activation of a `Dense` has the place after
        it.

    Raises
    ------
    TypeError
        If `model` is not a Sequential.
    ValueError
        If a layer with weights has no counterpart in a ``torch.nn.Sequential``.

    Examples
    --------
    >>> import simdnn
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4, activation="relu"), nn.Dense(4, 2), rng=0)
    >>> {name: value.shape for name, value in simdnn.to_torch_state_dict(model).items()}
    {'0.weight': (4, 3), '0.bias': (4,), '2.weight': (2, 4), '2.bias': (2,)}
    """
    if not isinstance(model, nn.Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    state, found, place = model.state_dict(), Arrays(), 0
    for i, layer in enumerate(model.layers):
        own = {key.removeprefix(f"{i}."): value for key, value in state.items() if key.startswith(f"{i}.")}
        kind = KINDS.get(type(layer).__name__)
        if own and kind is None:
            raise ValueError(f"layers[{i}]: a torch.nn.Sequential has no counterpart of {layer!r}")
        if kind is not None:
            found |= {f"{place}.{key}": value for key, value in kind.to_torch(own).items()}
        place += 1 + (isinstance(layer, nn.Dense) and layer._activation.function != "identity")
    return found
