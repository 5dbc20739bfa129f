"""Models in files: safetensors, with the architecture as JSON beside the weights; no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._utils.check import check_int
from .._utils.files import Path
from .._utils.jsonable import jsonable, only_keys
from ..nn import Sequential
from ..nn._describe import sequential_arguments
from . import _safetensors
from ._safetensors import Opened

__all__ = ["load", "load_metadata", "save"]

#: Names of arrays that belong to a trainer, not to its model.
OPTIMIZER = "optimizer."


def save(model: Sequential, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a model to a safetensors file.

    Parameters
    ----------
    model : Sequential
    path : str or path
        Replaced if it exists, and then as a whole: a crash leaves the old file or the new one.
    metadata : dict, optional
        Anything of one's own that JSON can hold; `load_metadata` reads it.

    Raises
    ------
    TypeError
        If the model is no `Sequential`, or the metadata is not plain.
    ImportError
        If safetensors is missing: it comes with the extra ``[io]``.

    Notes
    -----
    Arrays have the names and layouts of `Sequential.parameters` and `Sequential.buffers`; dense weights are
    (in, out). The same model makes the same bytes.

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
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    _safetensors.write(path, model.state_dict(), {"model": describe(model)} | described_metadata(metadata))


def load(path: Path) -> Sequential:
    """The model in a file of `save`, or in one of `Trainer.save`.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Sequential
        Bit for bit as it was, on any machine.

    Raises
    ------
    ValueError
        If the content is damaged, of another kind, or does not agree with itself. Nothing in a file is
        executed, and no more memory is taken than it has bytes, however large it says that its arrays are.
    OSError
        If it cannot be read.
    ImportError
        If safetensors is missing: it comes with the extra ``[io]``.

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
        return read_model(file)


def load_metadata(path: Path) -> dict[str, Any]:
    """What `save` was given as `metadata`.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict
        Empty if there was none.

    Raises
    ------
    ValueError, OSError, ImportError
        As `load`.

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
    """The model but for its arrays."""
    return model.to_dict() | {"seed": model._seed, "passes": model._model.passes}


def described_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The user's part of a description."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata: expected a dictionary, got {type(metadata).__name__}")
    try:
        return {"metadata": jsonable(metadata)}
    except TypeError as error:
        raise TypeError(f"metadata: {error}") from None


def read_model(file: Opened) -> Sequential:
    """The model of an open file."""
    found = only_keys(file.part("model"), ("layers", "dtype", "in_features", "seed", "passes"), "model")
    seed, passes = (check_int(key, found.get(key, 0), 0, 2**64 - 1) for key in ("seed", "passes"))
    arguments = sequential_arguments({k: v for k, v in found.items() if k not in ("seed", "passes")})
    dtype = arguments.setdefault("dtype", "float32")
    state = {name: file.array(name, dtype) for name in file.names if not name.startswith(OPTIMIZER)}
    return Sequential._restored(arguments, state, seed, passes)
