"""A fuzzer of readers: damaged files are refused by documented errors in bounded time and memory.

``python -m tests.tools.fuzz csv --runs 1000000`` fuzzes a target of `TARGETS`, guided by the branches of its
modules if atheris is installed (``pip install atheris``) and `--chance` is not given. A run ends with status
1 at the first fault: an error that is not documented, a crash, more than `SECONDS`, or more memory than
`MEMORY`. The content is then a file of the folder `--faults`, and ``--file`` reads it again. Several targets
take turns, by default all; ``calls`` are random calls with good and bad arguments.
"""

import argparse
import faulthandler
import importlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.fuzz_mutators import mutated_bytes
from tests.support.fuzz_targets import TARGETS
from tests.tools import proofs
from tests.tools.random_calls import random_calls

#: Seconds of the processor after which a reader counts as hung.
SECONDS = 20
#: Bytes that the process may have beyond those at its start.
MEMORY = 2 * 2**30


class HungError(BaseException):
    """The error of a reader that takes too long; readers turn exceptions into errors of their own."""


def hung(*_: Any) -> None:
    raise HungError(f"the reader takes more than {SECONDS} s")


class Harness:
    """Runs of a target in a folder in memory; `refused` counts documented errors."""

    def __init__(self, name: str, folder: Path, counts: Path) -> None:
        self.name, self.target, self.folder, self.counts = name, TARGETS[name], folder, counts
        self.path = folder / f"content{self.target.ending}"
        self.runs = self.refused = 0
        signal.signal(signal.SIGPROF, hung)

    def __call__(self, content: bytes) -> None:
        """Lets the target read a content; raises for a fault."""
        self.path.write_bytes(content)
        self.runs += 1
        if self.runs % 1000 == 0:
            self.counts.write_text(self.text(), encoding="utf-8")
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            self.target.run(self.path)
        except self.target.errors:
            self.refused += 1
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def fault(self, content: bytes) -> str:
        """The trace of a fault that a content causes, or ""."""
        try:
            self(content)
        except (Exception, HungError):
            return traceback.format_exc()
        return ""

    def text(self) -> str:
        return f"{self.runs:,} {self.name} ({self.refused:,} refused)"


def limit_memory() -> None:
    """Makes allocations beyond `MEMORY` fail, so that a reader that asks for them raises a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def by_chance(harness: Harness, seeds: list[bytes], given: argparse.Namespace) -> int:
    """Mutations of the seeds, and of contents that were mutated before; returns the exit status."""
    chance = random.Random(given.seed)
    pool, end = list(seeds), time.monotonic() + 60 * given.minutes
    while harness.runs < given.runs and time.monotonic() < end:
        content = harness.target.mutate(chance.choice(pool if chance.random() < 0.5 else seeds), chance)
        if fault := harness.fault(content):
            place = given.faults / f"{harness.name}-{given.seed}-{harness.runs}{harness.target.ending}"
            place.write_bytes(content)
            print(f"{fault}\nthe content is {place}")
            return 1
        if chance.random() < 0.02:
            pool = [*pool[:200], content] if len(pool) < 200 else [*seeds, content]
    return 0


def by_coverage(harness: Harness, seeds: list[bytes], given: argparse.Namespace, atheris: Any) -> None:
    """Mutations that are kept where they reach new branches; ends the process."""
    corpus = harness.folder / "corpus"
    corpus.mkdir()
    for i, content in enumerate(seeds):
        (corpus / str(i)).write_bytes(content)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.1:
            return bytes(atheris.Mutate(bytes(data), most))
        try:
            return harness.target.mutate(bytes(data), chance)[:most]
        except Exception:  # a fault of the mutator, after which atheris would wait for ever
            return mutated_bytes(bytes(data), chance)[:most]

    options = [
        *(f"-runs={given.runs}", f"-max_total_time={int(60 * given.minutes)}", f"-seed={given.seed + 1}"),
        *(f"-artifact_prefix={given.faults}/{harness.name}-", "-max_len=20000", "-rss_limit_mb=4096"),
        *("-verbosity=0", str(corpus)),
    ]
    instrument(atheris, harness.target.modules)
    atheris.Setup([sys.argv[0], *options], lambda data: harness(bytes(data)), custom_mutator=mutate)
    atheris.Fuzz()


def instrument(atheris: Any, modules: tuple[str, ...]) -> None:
    """Lets atheris see the branches of the functions of modules that have been imported."""
    for name, module in list(sys.modules.items()):
        if not name.startswith(modules):
            continue
        for value in list(vars(module).values()):
            inner = vars(value).values() if isinstance(value, type) else [value]
            for one in [getattr(each, "__func__", getattr(each, "fget", each)) for each in inner]:
                if getattr(one, "__module__", None) == name and hasattr(one, "__code__"):
                    atheris.instrument_func(one)


def fuzz_reader(name: str, given: argparse.Namespace) -> int:
    """Fuzzes a reader until it has made its runs or its time is over."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    harness = Harness(name, folder, given.faults / f"{name}.txt")
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        seeds = harness.target.seeds(folder)
        for content in [given.file.read_bytes()] if given.file else seeds:
            harness(content)
        limit_memory()
        atheris = None if given.chance else optional_atheris()
        if given.file is None and atheris:
            by_coverage(harness, seeds, given, atheris)
        return 0 if given.file else by_chance(harness, seeds, given)
    finally:
        harness.counts.write_text(harness.text(), encoding="utf-8")
        shutil.rmtree(folder)


def optional_atheris() -> Any:
    """The module atheris, or None if it is not installed."""
    try:
        return importlib.import_module("atheris")
    except ImportError:
        return None


def fuzz_calls(given: argparse.Namespace) -> int:
    """Random calls of functions and trainers."""
    total, end, begin = 0, time.monotonic() + 60 * given.minutes, given.seed * 10**6
    while total < given.runs and time.monotonic() < end:
        counts, faults = random_calls(given.seed, begin, 2000)
        total, begin = total + counts.total(), begin + 50
        (given.faults / "calls.txt").write_text(f"{total:,} calls", encoding="utf-8")
        if faults:
            print(*faults, sep="\n")
            return 1
    return 0


def fuzz(name: str, given: argparse.Namespace) -> bool:
    """Fuzzes a target in a process of its own; returns True if there was no fault."""
    words = ["--runs", given.runs, "--minutes", given.minutes, "--seed", given.seed, "--faults", given.faults]
    command = [sys.executable, "-m", "tests.tools.fuzz", name, "--inside", *map(str, words)]
    command += ["--chance"] if given.chance else []
    command += ["--file", str(given.file)] if given.file else []
    done = subprocess.run(command, check=False)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("targets", nargs="*", default=[], help=f"some of {', '.join([*TARGETS, 'calls'])}")
    parser.add_argument("--runs", type=int, default=1_000_000, help="of each target")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chance", action="store_true", help="without atheris")
    parser.add_argument("--faults", type=Path, default=Path(tempfile.gettempdir()) / "fuzz", help="a folder")
    parser.add_argument("--file", type=Path, help="read this content instead")
    parser.add_argument("--record", action="store_true", help="write the result to the record of proofs")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.faults.mkdir(parents=True, exist_ok=True)
    faulthandler.enable()
    if given.inside:
        (name,) = given.targets
        return fuzz_calls(given) if name == "calls" else fuzz_reader(name, given)
    names = given.targets or [*TARGETS, "calls"]
    failed = [name for name in names if not fuzz(name, given)]
    counts = ", ".join((given.faults / f"{name}.txt").read_text(encoding="utf-8") for name in names)
    print(f"{counts}; faults: {', '.join(failed) or 'none'}")
    if given.record:
        proofs.record(
            "fuzz",
            f"nox -s fuzz -- --runs {given.runs} --minutes {given.minutes:g} --seed {given.seed}",
            "Damaged files and bad arguments are refused by documented errors, in bounded time and memory.",
            f"{counts}; faults: {', '.join(failed) or 'none'}",
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
