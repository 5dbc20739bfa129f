"""Paths, files that are replaced atomically and keep their kind, and one-line error messages."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
from collections.abc import Iterable, Iterator

Path = str | os.PathLike[str]
#: Content of a file, in parts.
Part = bytes | memoryview
#: Endings that promise a format: those that simdnn reads or writes, other tables and models, and archives.
ENDINGS = {
    *(".safetensors", ".onnx", ".h", ".html", ".csv", ".tsv", ".parquet", ".npz"),
    *(".npy", ".xlsx", ".xls", ".ods", ".json", ".jsonl", ".feather", ".arrow"),
    *(".h5", ".keras", ".pt", ".pth", ".pkl", ".pickle", ".joblib"),
    *(".gz", ".bz2", ".xz", ".zst", ".zip"),
}


def in_shell(path: str) -> str:
    """The name of a file in a command and in a comment of one line; FILE for one with control characters."""
    if not path.isprintable():
        return "FILE"
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def path_name(path: Path, name: str = "path") -> str:
    """A path as a string; `name` is that of the argument."""
    try:
        return os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{name}: expected a path, got {type(path).__name__}") from None


def check_ending(name: str, path: Path, wanted: str) -> None:
    """Raises if a file to write has an ending of another format than the `wanted` one."""
    found = path_name(path)
    ending = os.path.splitext(found)[1].lower()
    if ending in ENDINGS and ending != wanted:
        raise ValueError(f"{name}: expected a name that ends in {wanted}, got {found}")


def check_regular(path: Path) -> os.stat_result | None:
    """The status of the regular file that `path` leads to, or None if there is no file.

    Raises
    ------
    OSError
        If `path` leads to a directory, a device, a pipe or a socket, or cannot be followed.
    """
    name = path_name(path)
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "expected a regular file, got a device, pipe or socket", name)
    return found


def check_writable(path: Path) -> os.stat_result | None:
    """The status of the file that `path` leads to, or None, if a file can be written there; else OSError."""
    name = path_name(path)
    found = check_regular(name)
    if found is None:
        if not os.path.basename(name):
            code = errno.EISDIR if name else errno.ENOENT
            raise OSError(code, os.strerror(code), name)
        try:
            os.stat(os.path.dirname(name) or os.curdir)
        except OSError as error:
            raise _about(error, name) from None
    elif not os.access(name, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), name)
    return found


def write_atomically(path: Path, *content: Part) -> None:
    """Writes a file atomically: after a crash, `path` has the old content or all of the new.

    An existing file keeps its mode, its owner and group as far as the system allows, and its extended
    attributes; symbolic links to it stay links. A new one gets the mode that the umask leaves.

    Raises
    ------
    OSError
        If the file cannot be written, or is no regular file; then nothing has been changed.
    """
    write_parts_atomically(path, content)


def write_parts_atomically(path: Path, content: Iterable[Part]) -> None:
    """Writes a file like `write_atomically`, from parts that may be made one after the other."""
    name = path_name(path)
    old = check_writable(name)
    try:
        _replace(os.path.realpath(name), old, content)
    except OSError as error:
        if error.errno is None:
            raise
        raise _about(error, name) from None


def _about(error: OSError, name: str) -> OSError:
    """An error of the system that names this file, not the temporary one or none."""
    return OSError(error.errno, error.strerror, name)


def _replace(target: str, old: os.stat_result | None, content: Iterable[Part]) -> None:
    """Puts a new file in the place of `target`."""
    folder, base = os.path.split(target)
    prefix = f".{base[:50]}."  # names have at most 255 bytes
    _remove_left_over(folder, prefix)
    temporary, descriptor = _open_temporary(os.path.join(folder, prefix), 0o666 if old is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if old is not None:
                _take_over(old, target, temporary)
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # Windows does not rename open files
                file.close()
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _open_temporary(prefix: str, mode: int) -> tuple[str, int]:
    """The name and the descriptor of a new file, which stays locked until it is closed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        name = f"{prefix}{os.urandom(4).hex()}.tmp"
        descriptor = os.open(name, flags, mode)
        if not _lock(descriptor, wait=True) or os.fstat(descriptor).st_nlink:
            return name, descriptor
        os.close(descriptor)  # another process has taken it for left over, before it was locked


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Locks a file until it is closed; False if another process has locked it, or the system has no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


def _remove_left_over(folder: str, prefix: str) -> None:
    """Removes temporary files of processes that were killed, which no process has locked."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    pattern = re.compile(re.escape(prefix) + r"[0-9a-f]{8}\.tmp")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [entry.path for entry in entries if pattern.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                descriptor = os.open(path, flags)
                try:
                    if _lock(descriptor, wait=False):
                        os.unlink(path)
                finally:
                    os.close(descriptor)


def _take_over(old: os.stat_result, target: str, temporary: str) -> None:
    """Gives a temporary file the owner, group, mode and extended attributes of the file it will replace."""
    import shutil

    shutil.copystat(target, temporary)
    os.utime(temporary)
    if hasattr(os, "listxattr"):  # a folder may give new files an access list that the old one does not have
        with contextlib.suppress(OSError):
            for name in set(os.listxattr(temporary)) - set(os.listxattr(target)):
                os.removexattr(temporary, name)
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "chown") and not _change_owner(old, temporary):
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3  # another group has the rights of others
    os.chmod(temporary, mode)  # again, because a change of owner clears bits


def _change_owner(old: os.stat_result, temporary: str) -> bool:
    """Gives a file the owner and group of another, or the group alone; False if that is not allowed."""
    for owner in (old.st_uid, -1):
        with contextlib.suppress(PermissionError):
            os.chown(temporary, owner, old.st_gid)
            return True
    return False


def _sync_folder(folder: str) -> None:
    """Lets a new entry of a folder survive a crash, where the system and the folder's rights allow it."""
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Unchanged:
    """A file that is read several times, and by its size and modification time always the same."""

    def __init__(self, path: Path) -> None:
        self.name = path_name(path)
        self.size, self.time = self._status()

    def _status(self) -> tuple[int, int]:
        found = os.stat(self.name)
        return found.st_size, found.st_mtime_ns

    def check(self) -> None:
        """Raises ValueError if the file has changed since this object was made."""
        size, time = self._status()
        if size != self.size:
            seen = f"expected {self.size} bytes, got {size}"
        elif time != self.time:
            seen = "its modification time is another"
        else:
            return
        raise ValueError(f"{self.name}: the file has changed since it was opened: {seen}; open it again")

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """A context in which the file is read; raises ValueError if the file changes before or meanwhile."""
        self.check()
        try:
            yield
        except Exception:
            self.check()  # the change is the reason of the error
            raise
        self.check()


def first_line(error: Exception) -> str:
    """First line of an exception's message, or the exception's type if it has none."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{text.splitlines()[0] if text else type(error).__name__}"
