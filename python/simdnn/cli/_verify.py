"""``simdnn verify``: trains fixed networks and compares the hashes of their bits with those on record."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simdnn

from ._common import Command, show
from ._verify_jobs import JOBS

#: The file of this package with the hash of each job, seen equal on many machines.
RECORD = "verify.json"


def digest(arrays: Iterator[NDArray[Any]]) -> str:
    """The SHA-256 of the little-endian bytes of arrays; all NaN count as equal."""
    found = hashlib.sha256()
    for array in arrays:
        copy = np.array(array)
        copy[np.isnan(copy)] = np.nan
        found.update(copy.astype(copy.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()


def record() -> dict[str, str]:
    """The hash of each job on record."""
    found = json.loads(resources.files(__package__).joinpath(RECORD).read_text())
    return {str(name): str(value) for name, value in found.items()}


def combined(hashes: dict[str, str]) -> str:
    """One hash of all."""
    return hashlib.sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `simdnn verify`."""
    parser.add_argument("--json", action="store_true", help="print the hashes as JSON, and compare nothing")


def run(o: argparse.Namespace) -> int:
    """Trains, prints hashes and returns the exit status, 1 if a hash differs from that on record."""
    found, seconds, expected = dict[str, str](), dict[str, float](), record()
    for name, job in JOBS.items():
        begin = time.perf_counter()
        found[name] = digest(job())
        seconds[name] = time.perf_counter() - begin
    if o.json:
        print(json.dumps(found, indent=1))
        return 0
    different = [name for name in found if found[name] != expected.get(name)]
    verdict = {name: "DIFFERENT" if name in different else "equal" for name in found}
    show([(name, f"{found[name][:16]}  {verdict[name]:9} {seconds[name]:6.2f} s") for name in found])
    config = simdnn.show_config("dicts") or {}
    place = ", ".join(f"{key} {config[key]}" for key in ("isa", "threads", "threading_layer", "compiler"))
    print(f"all  {combined(found)}\n{place}")
    if different:
        print(f"not the bits on record for simdnn {simdnn.__version__}: {combined(expected)}")
        return 1
    print(f"equal, bit for bit, to the record of simdnn {simdnn.__version__}")
    return 0


VERIFY = Command(
    "train fixed networks and check that this machine gives the bits on record",
    "Trains networks of all kinds with fixed data and prints a hash of their bits, which is the same on every"
    " processor, at every level of instructions and with every number of threads. The exit status is 1 if a"
    " hash is not the one on record.",
    add_arguments,
    run,
)
