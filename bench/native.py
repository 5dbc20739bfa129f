"""C++ and C code of the benchmark, compiled when it is first needed."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


@functools.cache
def load(source: str, *flags: str) -> ctypes.CDLL | None:
    """The library compiled from a source file of this folder or elsewhere; None without a C++ compiler."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(source).with_suffix(".so").name
        command = [
            compiler,
            *flags,
            "-shared",
            "-fPIC",
            str(Path(__file__).parent / source),
            "-o",
            str(path),
        ]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(path))  # stays mapped when the file is gone
