"""Saving that fails or dies: killed at random moments, on a full disk, in a read-only folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, run
from tests.support.sweep import times

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes of POSIX, and forks them")

#: Two trainers of different sizes, each trained for some steps, and their states.
BEGIN = """
import errno, json, os, random, resource, signal, sys, time
import numpy as np, simdnn
from simdnn import Trainer, nn, optim
from tests.support.random_calls import state_of

def trained(width):
    model = nn.Sequential(nn.Dense(20, width, "tanh"), nn.BatchNorm1d(width), nn.Dense(width, 3), rng=width)
    trainer = Trainer(model, optimizer=optim.Adam(), seed=0)
    for _ in range(width // 10):
        trainer.step(np.ones((8, 20), np.float32), np.arange(8) % 3)
    return trainer

def state(trainer):
    return state_of(trainer)[1:]  # a file has no gradients

path = PATH
one, two = trained(30), trained(200)
one.save(path)
"""

KILL = """
states, seen = [state(one), state(two)], [0, 0]
chance = random.Random(SEED)
for moment in range(COUNT):
    child = os.fork()
    if child == 0:
        while True:
            two.save(path)
            one.save(path)
    time.sleep(chance.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    seen[states.index(state(Trainer.load(path)))] += 1
    assert len(os.listdir(os.path.dirname(path))) <= 2, "files of killed processes pile up"
one.save(path)
print(json.dumps([seen, os.listdir(os.path.dirname(path))]))
"""


def script(path: Path, text: str, **replaced: object) -> str:
    text = BEGIN.replace("PATH", repr(str(path))) + text
    for name, value in replaced.items():
        text = text.replace(name, repr(value))
    return text


def test_a_save_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    """The path always holds the complete state of one of the saves; the next save cleans up."""
    path, count = tmp_path / "trainer.safetensors", times(20, 1000)
    printed = run(script(path, KILL, SEED=count, COUNT=count), timeout=times(60, 600))
    seen, left = json.loads(printed)
    assert sum(seen) == count
    assert left == ["trainer.safetensors"]
    assert count < 100 or min(seen) > count // 20, "the kills met one of the saves alone"


FULL = """
with open(os.path.join(os.path.dirname(path), "filler"), "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(1024))
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
for call in (lambda: two.save(path), lambda: simdnn.save(two.model, path)):
    try:
        call()
        print("saved")
    except OSError as error:
        print(errno.errorcode[error.errno], path in str(error))
print(state(Trainer.load(path)) == state(one), sorted(os.listdir(os.path.dirname(path))))
os.unlink(filler.name)
two.save(path)
print(state(Trainer.load(path)) == state(two))
"""


def test_a_full_file_system_keeps_the_old_file(tmp_path: Path) -> None:
    """A file system of 256 kilobytes is mounted where this process alone sees it."""
    code = script(tmp_path / "trainer.safetensors", FULL)
    mount = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"', "sh"]
    try:
        subprocess.run([*mount, tmp_path, "true"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this process may not mount a small file system")
    done = subprocess.run(
        [*mount, tmp_path, sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ENOSPC True",
        "ENOSPC True",
        "True ['filler', 'trainer.safetensors']",
        "True",
    ]


READ_ONLY = """
folder = os.path.dirname(path)
os.chmod(path, 0o666)
os.chmod(folder, 0o555)
child = os.fork()
if child == 0:
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    for target in (path, os.path.join(folder, "new.safetensors")):
        try:
            two.save(target)
            print("saved", flush=True)
        except OSError as error:
            print(errno.errorcode[error.errno], target in str(error), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(state(Trainer.load(path)) == state(one), os.listdir(folder))
os.chmod(folder, 0o755)
"""


def test_a_folder_that_may_not_be_written_keeps_the_old_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # another user may pass
    printed = run(script(folder / "trainer.safetensors", READ_ONLY))
    assert printed.splitlines() == ["EACCES True", "EACCES True", "True ['trainer.safetensors']"]


UNWRITTEN = """
before = state(two)
real = {name: getattr(os, name) for name in ("fsync", "replace", "open")}

def failing(name, count):
    def call(*arguments, **keywords):
        nonlocal count
        count -= 1
        if count < 0:
            raise OSError(CODE, os.strerror(CODE))
        return real[name](*arguments, **keywords)
    return call

for name in real:
    for count in range(3):
        setattr(os, name, failing(name, count))
        try:
            two.save(path)
            failed = False
        except OSError as error:
            failed = error.errno == CODE
        setattr(os, name, real[name])
        loaded = state(Trainer.load(path))
        assert loaded == (state(one) if failed else before), (name, count)
        assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)], (name, count)
        one.save(path)
two.step(np.ones((8, 20), np.float32), np.arange(8) % 3)
print(state(two) != before)
"""


@pytest.mark.parametrize("code", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
def test_a_call_of_the_system_that_fails_keeps_a_whole_file(tmp_path: Path, code: str) -> None:
    import errno

    text = script(tmp_path / "trainer.safetensors", UNWRITTEN, CODE=getattr(errno, code))
    assert run(text).strip() == "True"
