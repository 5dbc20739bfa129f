"""Safetensors files: written whole or not at all, read with every claim checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from .._utils.files import Path, first_line, write_atomically
from .._utils.jsonable import from_json, only_keys, to_json

#: Where the description lies in a file's metadata: one key, so that the same model makes the same bytes.
KEY = "simdnn"
VERSION = 1
DTYPES = {"F32": "float32", "F64": "float64"}
#: What a file may hold, and what loads it.
LOADERS = {
    "model": "simdnn.load",
    "trainer": "simdnn.Trainer.load",
    "BernoulliRBM": "simdnn.pretrain.BernoulliRBM.load",
}


def need_safetensors() -> Any:
    """The module safetensors, which files of models need.

    Raises
    ------
    ImportError
        If it is missing; the message says how to get it.

    Examples
    --------
    >>> from simdnn import io
    >>> io.need_safetensors().__name__
    'safetensors'
    """
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("model files need safetensors: pip install 'simdnn[io]'") from None
    return safetensors


def write(path: Path, arrays: Mapping[str, NDArray[Any]], document: dict[str, Any]) -> None:
    """Arrays and what describes them, in one file."""
    text = to_json({"version": VERSION} | document)
    write_atomically(path, need_safetensors().numpy.save(dict(arrays), metadata={KEY: text}))


class Opened:
    """A file's description, and its arrays on demand."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.document = _document(file.metadata() or {})
        self.names: list[str] = list(file.keys())

    def part(self, kind: str) -> Any:
        """The description of a model, trainer or Boltzmann machine."""
        if kind in self.document:
            return self.document[kind]
        held = [f"a {other}; load it with {how}" for other, how in LOADERS.items() if other in self.document]
        raise ValueError(f"holds no {kind} but {' and '.join(held) or 'nothing of simdnn'}")

    def arrays_of(self, owner: str, dtype: str) -> dict[str, NDArray[Any]]:
        """All arrays whose names begin with `owner`, by the rest of their names."""
        names = [name for name in self.names if name.startswith(owner)]
        return {name.removeprefix(owner): self.array(name, dtype) for name in names}

    def array(self, name: str, dtype: str) -> NDArray[Any]:
        """An array, which must be of that dtype."""
        if name not in self.names:
            raise KeyError(f"{name}: missing")
        kind = self._file.get_slice(name).get_dtype()
        if DTYPES.get(kind) != dtype:
            raise ValueError(f"{name}: expected {dtype}, got {DTYPES.get(kind, kind)}")
        found: NDArray[Any] = self._file.get_tensor(name)
        return found


def _document(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The description in a file's metadata."""
    if KEY not in metadata:
        raise ValueError("a safetensors file, but not of simdnn; for PyTorch's weights see simdnn.from_torch")
    document = only_keys(from_json(metadata[KEY]), ("version", *LOADERS, "metadata"), "description")
    if document.get("version") != VERSION:
        raise ValueError(f"version: expected {VERSION}, got {document.get('version')!r}; is simdnn too old?")
    return document


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """The file at `path`; whatever is wrong with its content is a ValueError that names it."""
    safetensors = need_safetensors()
    name = os.fspath(path)
    with open(name, "rb"):  # the operating system's words for what is no readable file
        pass
    try:
        with safetensors.safe_open(name, framework="numpy") as file:
            yield Opened(file)
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # of any kind: the content is not to be trusted
        raise ValueError(f"{name}: {first_line(error)}") from error
