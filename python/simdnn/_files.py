"""Safetensors files: written whole or not at all, read with every claim checked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from ._plain import from_json, only_keys, to_json

Path = str | os.PathLike[str]

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
    """The module, or an error that says how to get it."""
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("model files need safetensors: pip install 'simdnn[io]'") from None
    return safetensors


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that, whatever happens, its name has the old content or all of the new."""
    target = os.path.realpath(path)
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the new name, too, is to outlive a crash
        directory = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def write(path: Path, arrays: Mapping[str, NDArray[Any]], document: dict[str, Any]) -> None:
    """Arrays and what describes them, in one file."""
    text = to_json({"version": VERSION} | document)
    write_whole(path, need_safetensors().numpy.save(dict(arrays), metadata={KEY: text}))


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
        raise ValueError(f"{name}: {words(error)}") from error


def words(error: Exception) -> str:
    """What an exception says, in one line."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{text.splitlines()[0] if text else type(error).__name__}"
