"""Safetensors files: written atomically with a checksum, and validated when read."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from numpy.typing import NDArray

from .._utils.files import (
    Path,
    check_ending,
    check_regular,
    check_writable,
    first_line,
    path_name,
    write_atomically,
)
from .._utils.jsonable import from_json, only_keys, to_json
from ._checksum import BLANK, seal, verify

#: Key of the description in a file's metadata. There is one key only, so that equal models give equal bytes.
KEY = "simdnn"
#: Version of the file format. Files of version 1 have no checksum.
VERSION = 2
#: Number of attempts to open a file that other processes replace all the time.
ATTEMPTS = 100
#: Names of safetensors' dtypes in NumPy.
DTYPES = {"F32": "float32", "F64": "float64", "U8": "uint8"}
#: The first bytes of files of other kinds, with their names.
OTHERS = {
    b"PK\x03\x04": "a zip file, as PyTorch and NumPy write; for PyTorch's weights see simdnn.from_torch",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x80": "a pickle",
}
#: The first bytes of the fields that can be second in an ONNX file, whose first is the version.
ONNX_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42"
#: The functions that load files, by the object in the file.
LOADERS = {
    "model": "simdnn.load",
    "ensemble": "simdnn.load",
    "trainer": "simdnn.Trainer.load",
    "BernoulliRBM": "simdnn.pretrain.BernoulliRBM.load",
    "tabular": "simdnn.tabular.load",
}
#: Objects in the words of messages, where their names in a description say too little.
WORDS = {"tabular": "estimator of simdnn.tabular"}


def need_safetensors() -> Any:
    """Import the package safetensors, which model files need.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If safetensors is not installed; the message says how to install it.

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
    """Writes arrays and their description, a document that JSON can hold, to a file."""
    safetensors = need_safetensors()
    check_ending("path", path, ".safetensors")
    check_writable(path)
    text = to_json({"version": VERSION, "checksum": BLANK} | document)
    write_atomically(path, *seal(safetensors.numpy.save(dict(arrays), metadata={KEY: text})))


class Opened:
    """An open file: its description, and its arrays on demand."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.document = _document(file.metadata() or {})
        self.names: list[str] = list(file.keys())

    def part(self, kind: str) -> Any:
        """The description of the object of a `kind` in `LOADERS`; raises ValueError if the file has none."""
        if kind in self.document:
            return self.document[kind]
        held = [
            f"{'an' if word[0] in 'aeiou' else 'a'} {word}; load it with {LOADERS[other]}"
            for other, word in ((other, WORDS.get(other, other)) for other in LOADERS)
            if other in self.document
        ]
        raise ValueError(f"holds no {WORDS.get(kind, kind)} but {' and '.join(held) or 'nothing of simdnn'}")

    def arrays_of(self, owner: str, dtype: str) -> dict[str, NDArray[Any]]:
        """All arrays whose names begin with the prefix `owner`, by names without the prefix."""
        names = [name for name in self.names if name.startswith(owner)]
        return {name.removeprefix(owner): self.array(name, dtype) for name in names}

    def dtype(self, name: str) -> str:
        """The dtype of the array called `name`: "float32" or "float64", or raises an error."""
        kind = self._file.get_slice(name).get_dtype()
        if DTYPES.get(kind) not in ("float32", "float64"):
            raise ValueError(f"{name}: expected float32 or float64, got {DTYPES.get(kind, kind)}")
        return DTYPES[kind]

    def array(self, name: str, dtype: str) -> NDArray[Any]:
        """The array called `name`; raises an error if it is missing or has a different dtype."""
        if name not in self.names:
            raise KeyError(f"{name}: missing")
        kind = self._file.get_slice(name).get_dtype()
        if DTYPES.get(kind) != dtype:
            raise ValueError(f"{name}: expected {dtype}, got {DTYPES.get(kind, kind)}")
        found: NDArray[Any] = self._file.get_tensor(name)
        return found


def _document(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The validated description in a file's metadata."""
    if KEY not in metadata:
        raise ValueError("a safetensors file, but not of simdnn; for PyTorch's weights see simdnn.from_torch")
    document = from_json(metadata[KEY])
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        wanted = f"this simdnn reads files up to version {VERSION}"
        raise ValueError(f"version: {wanted}, got {version}; update simdnn")
    document = only_keys(document, ("version", "checksum", *LOADERS, "metadata"), "description")
    if type(version) is not int or version < 1:
        raise ValueError(f"version: expected 1 to {VERSION}, got {version!r}")
    return document


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Opens the file at `path`; every error in its content becomes a ValueError that names the file.

    A file without a checksum, as other programs write it, is not verified.
    """
    name = path_name(path)
    safe_open = need_safetensors().safe_open
    for _ in range(ATTEMPTS):
        check_regular(name)
        with open(name, "rb") as raw, _errors_named(name), safe_open(name, framework="numpy") as file:
            if not _is_at(raw, name):
                continue  # another process has replaced it meanwhile
            found = Opened(file)
            if "checksum" in found.document:
                verify(raw, found.document["checksum"])
            yield found
            return
    raise OSError(errno.EBUSY, "other processes replace the file all the time", name)


def _is_at(file: BinaryIO, name: str) -> bool:
    """True if an open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(name))
    except FileNotFoundError:
        return False


@contextmanager
def _errors_named(name: str) -> Iterator[None]:
    """Turns every error in a file's content into a ValueError that names the file."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # any kind of error may come from untrusted content
        raise ValueError(f"{name}: {kind_of(name)}{first_line(error)}") from error


def kind_of(name: str) -> str:
    """The beginning of the message for a file that is not of safetensors, with its kind if that is known."""
    with open(name, "rb") as file:
        head = file.read(9)
    if head[8:] == b"{":
        return ""
    if len(head) > 2 and head[0] == 8 and head[1] < 32 and head[2] in ONNX_FIELDS:
        return "an ONNX file, which simdnn.onnx.load reads, and not a safetensors file: "
    kinds = [f"{kind}, and " for begin, kind in OTHERS.items() if head.startswith(begin)]
    return "".join(kinds) + "not a safetensors file: "
