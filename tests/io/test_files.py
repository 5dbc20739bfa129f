"""Writing keeps a file's mode, group and links, refuses what is no regular file, or changes nothing."""

import errno
import multiprocessing
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simdnn
import simdnn.onnx
from simdnn import Trainer, callbacks, nn, pretrain
from simdnn import cli as command_line
from simdnn._utils import files

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are those of POSIX")


def _model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def _fit(callback: callbacks.Callback) -> None:
    x = np.eye(3, dtype=np.float32)
    Trainer(_model(), seed=0).fit(x, np.arange(3) % 2, epochs=1, callbacks=[callback], progress=False)


def _export(path: Path) -> None:
    simdnn.onnx.export(_model(), path)


def _command(path: Path) -> None:
    """Trains by the command line; an error is printed, and raised here."""
    table = path.parent / "table.csv"
    table.write_text("a,b\n" + "1,x\n2,y\n" * 10)
    options = ["train", str(table), "--target", "b", "--out", str(path), "--epochs", "1"]
    if command_line.main(options) != 0:
        raise OSError("file: the command has failed")


def _predict(path: Path) -> None:
    model = path.parent / "trained.safetensors"
    _command(model)
    if command_line.main(["predict", str(model), str(path.parent / "table.csv"), "--out", str(path)]) != 0:
        raise OSError("file: the command has failed")


WRITERS: dict[str, Callable[[Path], None]] = {
    "save": lambda path: simdnn.save(_model(), path),
    "Trainer.save": lambda path: Trainer(_model(), seed=0).save(path),
    "BernoulliRBM.save": lambda path: pretrain.BernoulliRBM(3, 2, seed=0).save(path),
    "ModelCheckpoint": lambda path: _fit(callbacks.ModelCheckpoint(path, monitor="loss")),
    "CSVLogger": lambda path: _fit(callbacks.CSVLogger(path)),
    "CSVLogger, append": lambda path: _fit(callbacks.CSVLogger(path, append=True)),
    "onnx.export": _export,
    "simdnn train": _command,
    "simdnn predict": _predict,
}
#: Packages that the writers need.
NEEDS = dict.fromkeys(WRITERS, "safetensors") | {
    "onnx.export": "onnx",
    "CSVLogger": "",
    "CSVLogger, append": "",
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    if package := NEEDS[request.param]:
        pytest.importorskip(package, reason=f"needs the package {package}")
    return WRITERS[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _left_over(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o2660])
def test_the_mode_of_a_file_is_kept(write: Callable[[Path], None], path: Path, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    write(path)
    assert oct(_mode(path)) == oct(mode)
    assert path.stat().st_size > 0
    assert not _left_over(path.parent)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_the_umask(
    write: Callable[[Path], None], path: Path, mask: int, mode: int
) -> None:
    old = os.umask(mask)
    try:
        write(path)
    finally:
        os.umask(old)
    assert oct(_mode(path)) == oct(mode)


def test_the_group_of_a_file_is_kept(write: Callable[[Path], None], path: Path) -> None:
    others = [group for group in os.getgroups() if group != os.getegid()]
    if not others and os.geteuid() != 0:
        pytest.skip("needs a second group")
    group = others[0] if others else 12345
    path.touch()
    os.chown(path, -1, group)
    path.chmod(0o660)
    write(path)
    assert path.stat().st_gid == group
    assert oct(_mode(path)) == oct(0o660)


def test_the_owner_of_a_file_is_kept(write: Callable[[Path], None], path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs the rights of root")
    path.touch()
    os.chown(path, 12345, -1)
    write(path)
    assert path.stat().st_uid == 12345


def test_a_new_file_has_the_group_of_a_setgid_folder(write: Callable[[Path], None], path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs the rights of root")
    os.chown(path.parent, -1, 12345)
    path.parent.chmod(0o2755)
    write(path)
    write(path)
    assert path.stat().st_gid == 12345


@pytest.mark.parametrize("exists", [True, False], ids=["a file", "a missing file"])
def test_a_link_to_a_file_stays_a_link(write: Callable[[Path], None], path: Path, exists: bool) -> None:
    folder = path.parent / "models"
    folder.mkdir()
    if exists:
        (folder / "first").touch(0o600)
    path.symlink_to("middle")
    (path.parent / "middle").symlink_to(Path("models") / "first")
    write(path)
    assert os.readlink(path) == "middle"
    assert os.readlink(path.parent / "middle") == "models/first"
    assert (folder / "first").stat().st_size > 0
    if exists:
        assert oct(_mode(folder / "first")) == oct(0o600)
    assert os.listdir(folder) == ["first"]


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))  # the name of a socket has at most 107 bytes


def _device(path: Path) -> None:
    path.symlink_to("/dev/full")


REFUSED: dict[str, Callable[[Path], None]] = {
    "a directory": lambda path: path.mkdir(),
    "a missing folder": lambda path: None,
    "a pipe": lambda path: os.mkfifo(path),
    "a socket": _socket,
    "a device": _device,
    "a loop of links": _loop,
    "a link to a missing folder": lambda path: path.symlink_to("missing/file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_regular_file_is_refused(
    write: Callable[[Path], None], path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    REFUSED[kind](path)
    before = os.lstat(path) if os.path.lexists(path) else None
    with pytest.raises(OSError, match="file"):
        write(path / "missing" / "file" if before is None else path)
    assert not _left_over(path.parent)
    if before is not None:
        assert os.lstat(path).st_ino == before.st_ino
        assert os.lstat(path).st_mode == before.st_mode


def test_a_checkpoint_is_refused_before_the_first_epoch(tmp_path: Path) -> None:
    epochs: list[int] = []
    watch = lambda trainer, logs: epochs.append(trainer.epochs_done)  # noqa: E731
    x, trainer = np.eye(3, dtype=np.float32), Trainer(_model(), seed=0)
    saving = callbacks.ModelCheckpoint(tmp_path / "missing" / "file", monitor="loss")
    with pytest.raises(FileNotFoundError, match="missing/file"):
        trainer.fit(x, np.arange(3) % 2, epochs=1, callbacks=[watch, saving], progress=False)
    assert not epochs


@pytest.mark.parametrize("name", ["missing/file", "file/", ""])
def test_errors_name_the_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"\[Errno \d+\] .*") as caught:
        files.write_atomically(name, b"x")
    assert caught.value.filename == name
    assert not os.listdir(tmp_path)


def test_a_file_that_may_not_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # root may write everything
        files.write_atomically(path, b"new")
        assert oct(_mode(path)) == oct(0o444)
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
        path.write_bytes(b"old")
    with pytest.raises(PermissionError, match=str(path)):
        files.write_atomically(path, b"newer")
    assert path.read_bytes() == b"old"


def test_a_group_that_cannot_be_kept_gets_no_rights(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch()
    path.chmod(0o664)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "not allowed")

    monkeypatch.setattr(os, "chown", refuse)
    files.write_atomically(path, b"new")
    assert oct(_mode(path)) == oct(0o644)


def test_extended_attributes_are_kept(path: Path) -> None:
    path.touch()
    try:
        os.setxattr(path, "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("this file system has no extended attributes")
    files.write_atomically(path, b"new")
    assert os.getxattr(path, "user.note") == b"mine"


def test_the_access_list_of_a_folder_is_not_given_to_an_old_file(path: Path) -> None:
    path.touch(0o640)
    user, anybody = 12345, 0xFFFFFFFF
    entries = [(1, 7, anybody), (2, 7, user), (4, 5, anybody), (16, 7, anybody), (32, 5, anybody)]
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path.parent, "system.posix_acl_default", listed)
    except (OSError, AttributeError):
        pytest.skip("this file system has no access lists")
    files.write_atomically(path, b"new")
    files.write_atomically(path.with_name("another"), b"new")
    assert "system.posix_acl_access" not in os.listxattr(path)
    assert "system.posix_acl_access" in os.listxattr(path.with_name("another"))


def test_a_hard_link_keeps_the_old_content(path: Path) -> None:
    path.write_bytes(b"old")
    os.link(path, path.with_name("backup"))
    files.write_atomically(path, b"new")
    assert (path.read_bytes(), path.with_name("backup").read_bytes()) == (b"new", b"old")


def test_a_long_name_and_a_name_of_bytes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    files.write_atomically(path, b"1")
    files.write_atomically(os.fsencode(path), b"1", memoryview(b"2"))
    assert path.read_bytes() == b"12"


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    path.write_bytes(b"old")
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from simdnn._utils import files\n"
        "try: files.write_atomically(sys.argv[1], bytes(5000))\n"
        "except OSError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert str(path) in done.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


KILLED = """
import os, signal, sys
from simdnn._utils import files
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
files.write_atomically(sys.argv[1], b"new")
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_killed_process_leaves_the_old_file_and_the_next_cleans_up(path: Path, call: str) -> None:
    path.write_bytes(b"old")
    command = [sys.executable, "-c", KILLED, str(path), call]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == -9
    assert path.read_bytes() == b"old"
    files.write_atomically(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert os.listdir(path.parent) == ["file"]


def test_an_interrupted_write_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(path, b"new")
    assert not os.listdir(path.parent)


def _write_often(path: Path, letter: bytes) -> None:
    for _ in range(60):
        files.write_atomically(path, letter * 100_000)


def test_processes_that_write_at_once_leave_one_whole_file(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_often, args=(path, letter)) for letter in (b"a", b"b")]
    for worker in workers:
        worker.start()
    seen = set()
    while any(worker.is_alive() for worker in workers):
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 100_000
            seen.add(content[:1])
            assert len(set(content)) == 1
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert os.listdir(path.parent) == ["file"]


def test_a_model_that_is_replaced_while_it_is_read_is_whole(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    path = tmp_path / "model.safetensors"
    simdnn.save(_model(), path)
    script = (
        "import sys, simdnn\n"
        "from simdnn import nn\n"
        "for seed in range(300): simdnn.save(nn.Sequential(nn.Dense(3, 2), rng=seed), sys.argv[1])\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT) as writer:
        while writer.poll() is None:
            simdnn.load(path)
    assert writer.returncode == 0
    assert os.listdir(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize("kind", ["a directory", "a pipe", "a device", "a loop of links"])
def test_what_is_no_regular_file_is_not_loaded(kind: str, path: Path) -> None:
    REFUSED[kind](path)
    for package in ("safetensors", "onnx"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    for load in (simdnn.load, simdnn.load_metadata, Trainer.load, simdnn.onnx.load):
        with pytest.raises(OSError, match="file"):
            load(path)
