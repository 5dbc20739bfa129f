"""Model files: safetensors with the weights, and with the architecture as JSON in the metadata; no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._utils.check import check_int
from .._utils.files import Path
from .._utils.jsonable import jsonable, only_keys
from ..nn import Ensemble, Sequential
from ..nn._describe import sequential_arguments
from . import _safetensors
from ._safetensors import Opened

__all__ = ["load", "load_metadata", "save"]

#: Prefix of the names of arrays that belong to an optimizer, not to the model.
OPTIMIZER = "optimizer."
#: Prefix of the names of the states that stateful layers carry.
CARRIED = "carried."
#: Prefix of the names of arrays that an estimator of tables has beside its networks.
TABULAR = "tabular."


def save(model: Sequential | Ensemble, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a model or an ensemble to a safetensors file.

    Parameters
    ----------
    model : Sequential or Ensemble
        An ensemble's members are `Sequential`, so it is saved before it is frozen.
    path : str or os.PathLike
        An existing file is replaced atomically: after a crash, the file is the old or the new one. It keeps
        its mode, group and symbolic links; a hard link keeps the old content.
    metadata : dict, optional
        Your own data, of types that JSON can hold; `load_metadata` reads them.

    Raises
    ------
    TypeError
        If `model` or a member is of another class, or JSON cannot hold `metadata` or a setting of a layer.
    ValueError
        If `metadata` is nested too deeply, or its text has half of a surrogate pair, which no file can hold,
        or if the name of the file ends like that of another format, such as .pkl or .pt.
    OSError
        If the file cannot be written, or is a directory, a device, a pipe or a socket.
    ImportError
        If safetensors is not installed: ``pip install 'simdnn[io]'``.

    Notes
    -----
    Arrays have the names and layouts of `Sequential.parameters` and `Sequential.buffers`, with ``"i."`` in
    front for member i of an ensemble; dense weights are [inputs, outputs]. Equal models give equal bytes. The
    metadata has a checksum of the whole file (SHA-256), which is verified when the file is read; a program
    that changes the file must remove it. Stateful layers of a model from a file begin with initial states;
    files of `Trainer.save` have the states that they carry.

    Examples
    --------
    >>> import os, tempfile, numpy as np, simdnn
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4, activation="tanh"), nn.Dense(4, 2), rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     simdnn.save(model, path, metadata={"classes": ["no", "yes"]})
    ...     same = simdnn.load(path)
    ...     simdnn.load_metadata(path)
    {'classes': ['no', 'yes']}
    >>> bool(np.all(model(np.ones(3)) == same(np.ones(3))))
    True
    """
    if isinstance(model, Ensemble):
        arrays, described = parts_of_ensemble(model)
    elif isinstance(model, Sequential):
        arrays, described = model.state_dict(), {"model": describe(model)}
    else:
        raise TypeError(f"model: expected a Sequential or an Ensemble, got {type(model).__name__}")
    _safetensors.write(path, arrays, described | described_metadata(metadata))


def load(path: Path) -> Sequential | Ensemble:
    """Read a model or an ensemble from a file of `save` or `Trainer.save`.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    Sequential or Ensemble
        A model with the same bits on any machine.

    Raises
    ------
    ValueError
        If the content does not have its checksum, or is inconsistent, of another format or of a newer version
        of the format. Loading executes nothing from the file, and needs no more memory than the file has
        bytes, even if the file claims larger arrays.
    OSError
        If the file cannot be read.
    ImportError
        If safetensors is not installed: ``pip install 'simdnn[io]'``.

    Examples
    --------
    See `save`.

    >>> import simdnn
    >>> simdnn.load("nowhere.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    with _safetensors.opened(path) as file:
        return read_ensemble(file, file.part("ensemble")) if "ensemble" in file.document else read_model(file)


def load_metadata(path: Path) -> dict[str, Any]:
    """Read the argument `metadata` of `save` from a file.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    dict
        Empty if the file has no metadata.

    Raises
    ------
    ValueError, OSError, ImportError
        As for `load`.

    Examples
    --------
    See `save`.

    >>> import simdnn
    >>> simdnn.load_metadata("nowhere.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.safetensors'
    """
    with _safetensors.opened(path) as file:
        found = file.document.get("metadata", {})
        if not isinstance(found, dict):
            raise TypeError("metadata: expected a dictionary")
        return found


def describe(model: Sequential) -> dict[str, Any]:
    """Description of a model without its arrays."""
    return model.to_dict() | {"seed": model._seed, "passes": model._model.passes}


def described_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The part of a description that holds the user's metadata."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata: expected a dictionary, got {type(metadata).__name__}")
    try:
        return {"metadata": jsonable(metadata)}
    except (TypeError, ValueError) as error:
        raise type(error)(f"metadata: {error}") from None


def parts_of_ensemble(ensemble: Ensemble) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of all members, and the description of an ensemble."""
    arrays: dict[str, NDArray[Any]] = {}
    members = []
    for i, model in enumerate(ensemble):
        if not isinstance(model, Sequential):
            raise TypeError(f"models[{i}]: expected a Sequential, got {type(model).__name__}")
        try:
            members.append(describe(model))
        except TypeError as error:
            raise TypeError(f"models[{i}]: {error}") from None
        arrays |= {f"{i}.{name}": value for name, value in model.state_dict().items()}
    settings = {"weights": list(ensemble.weights), "average": ensemble.average}
    return arrays, {"ensemble": {"models": members} | settings}


def read_ensemble(file: Opened, described: Any, owner: str = "") -> Ensemble:
    """Makes the ensemble of a description, whose arrays have names with the prefix `owner` in the file."""
    found = only_keys(described, ("models", "weights", "average"), "ensemble")
    if not isinstance(found["models"], list):
        raise TypeError("ensemble: expected a list of 'models'")
    names: dict[str, list[str]] = {f"{owner}{i}.": [] for i in range(len(found["models"]))}
    for name in file.names:
        if not name.startswith(owner) or (not owner and name.startswith(TABULAR)):
            continue
        prefix = owner + name.removeprefix(owner).partition(".")[0] + "."
        if prefix not in names:
            raise KeyError(f"{name}: belongs to no member")
        names[prefix].append(name)
    models = [
        _read_sequential(file, one, names[prefix], prefix)
        for one, prefix in zip(found["models"], names, strict=True)
    ]
    return Ensemble(models, found["weights"], found["average"])


def read_model(file: Opened) -> Sequential:
    """Makes the model of an open file."""
    names = [name for name in file.names if not name.startswith((OPTIMIZER, CARRIED))]
    return _read_sequential(file, file.part("model"), names)


def _read_sequential(file: Opened, described: Any, names: list[str], prefix: str = "") -> Sequential:
    """Makes the model of a description, whose arrays have these names in the file."""
    found = only_keys(described, ("layers", "dtype", "in_features", "precision", "seed", "passes"), "model")
    seed, passes = (check_int(key, found.get(key, 0), 0, 2**64 - 1) for key in ("seed", "passes"))
    arguments = sequential_arguments({k: v for k, v in found.items() if k not in ("seed", "passes")})
    dtype = arguments.setdefault("dtype", "float32")
    state = {name.removeprefix(prefix): file.array(name, dtype) for name in names}
    return Sequential._restored(arguments, state, seed, passes)
