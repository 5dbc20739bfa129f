"""Paths, atomic file writes, and one-line error messages."""

from __future__ import annotations

import os

Path = str | os.PathLike[str]


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file atomically: after a crash, `path` has the old content or all of the new."""
    target = os.path.realpath(path)
    temporary = f"{target}.{os.urandom(4).hex()}.tmp"
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
    if hasattr(os, "O_DIRECTORY"):  # the directory entry must survive a crash too
        directory = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def first_line(error: Exception) -> str:
    """First line of an exception's message, or the exception's type if it has none."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{text.splitlines()[0] if text else type(error).__name__}"
