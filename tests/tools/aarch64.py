"""Builds the extension for aarch64 and runs a Python program with it in an emulator.

``python -m tests.tools.aarch64 FOLDER -m simdnn verify`` runs ``python -m simdnn verify``. It needs a Debian
system with qemu-user-static and g++-aarch64-linux-gnu, whose own Python has the version to emulate,
and pybind11, NumPy, CMake and Ninja in the environment that runs it. Its files stay in the folder.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pybind11

ROOT = Path(__file__).resolve().parents[2]
COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64-static"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Debian packages that Python and its standard library need.
PACKAGES = (
    *(f"python{VERSION}", f"python{VERSION}-minimal", f"libpython{VERSION}-minimal"),
    *(f"libpython{VERSION}-stdlib", f"libpython{VERSION}-dev", "libc6", "libgcc-s1", "libstdc++6", "zlib1g"),
    *("libexpat1", "libssl3", "libffi8", "libbz2-1.0", "liblzma5", "libsqlite3-0", "libuuid1", "libcrypt1"),
    *("libtinfo6", "libncursesw6", "libreadline8", "libgomp1", "media-types"),
)
#: Packages that the tests need, from wheels.
WHEELS = ("numpy", "pytest", "hypothesis", "mpmath", "threadpoolctl", "safetensors", "scipy")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


def run(*command: object, folder: Path | None = None) -> None:
    """Runs a command; raises if it fails."""
    subprocess.run([str(word) for word in command], cwd=folder, check=True)


def fetch(work: Path) -> None:
    """Unpacks Python for aarch64 into work/root, and packages into work/site."""
    lists, debs = work / "lists", work / "debs"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    debs.mkdir(exist_ok=True)
    names = {"APT::Architectures": "arm64", "APT::Architecture": "arm64", "Dir::State::Lists": lists}
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in names.items())]
    run(*apt, "update")
    run(*apt, "download", *PACKAGES, folder=debs)
    for package in sorted(debs.glob("*.deb")):
        run("dpkg", "-x", package, work / "root")
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = (sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:", "--python-version", VERSION)
    run(*pip, *platforms, "--implementation", "cp", "--target", work / "site", *WHEELS)


def build(work: Path) -> None:
    """Compiles the extension, and lays the package with it into work/app."""
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "aarch64",
        "CMAKE_CXX_COMPILER": COMPILER,
        "CMAKE_CXX_FLAGS": f"-I{work}/root/usr/include",
        "Python_EXECUTABLE": sys.executable,
        "Python_INCLUDE_DIR": work / "root/usr/include" / f"python{VERSION}",
        "Python_NumPy_INCLUDE_DIR": np.get_include(),
        "pybind11_DIR": pybind11.get_cmake_dir(),
        "SKBUILD_PROJECT_VERSION": "0.0.0",
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    run("cmake", "-G", "Ninja", "-S", ROOT, "-B", work / "build", *options)
    run("cmake", "--build", work / "build")
    shutil.rmtree(work / "app", ignore_errors=True)
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "python/simdnn", work / "app/simdnn", ignore=ignored)
    for library in (work / "build").glob("_*.so"):
        name = library.name.split(".")[0]
        tag = f"cpython-{VERSION.replace('.', '')}-aarch64-linux-gnu"
        shutil.copy(library, work / "app/simdnn" / f"{name}.{tag}.so")


def launcher(work: Path) -> Path:
    """Writes work/python, which runs Python in the emulator and is the `sys.executable` of its programs.

    So tests that start another Python start an emulated one.
    """
    script, python = work / "python", work / f"root/usr/bin/python{VERSION}"
    command = shlex.join([EMULATOR, "-L", str(work / "root"), str(python), "-W", "ignore"])
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o755)
    (work / "app/sitecustomize.py").write_text(f"import sys\n\nsys.executable = {str(script)!r}\n")
    return script


def main(folder: str, *arguments: str) -> int:
    """Builds and runs; returns the exit status of the program."""
    lacking = [tool for tool in (COMPILER, EMULATOR, "apt-get", "dpkg") if shutil.which(tool) is None]
    if lacking:
        print(f"lacks {', '.join(lacking)}: apt-get install qemu-user-static g++-aarch64-linux-gnu")
        return 2
    work = Path(folder).resolve()
    if not (work / "site").is_dir():
        fetch(work)
    build(work)
    paths = os.pathsep.join(str(work / name) for name in ("app", "site"))
    environment = os.environ | {
        "PYTHONPATH": paths,
        "PYTHONDONTWRITEBYTECODE": "1",
        "SIMDNN_TEST_PATIENCE": "30",
    }
    return subprocess.run([launcher(work), *arguments], env=environment, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
