"""LeakSanitizer after random calls, trainings and damaged files: nothing of the library leaks.

``python -m tests.tools.leaks`` needs a build with AddressSanitizer, its runtime loaded first, and
``PYTHONMALLOC=malloc``: the session ``nox -s leaks``. The check is made while Python runs, so that all it
holds is reachable, and after a short round of everything, in which other libraries keep memory for good.
"""

import argparse
import ctypes
import gc
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.support.fuzz_targets import TARGETS
from tests.tools import proofs
from tests.tools.fuzz import Harness
from tests.tools.random_calls import random_calls
from tests.tools.soak import soak


def read_damaged(name: str, count: int, folder: Path) -> None:
    """Lets a reader meet valid files and damaged ones."""
    harness, chance = Harness(name, folder, folder / "counts"), random.Random(3)
    seeds = harness.target.seeds(folder)
    for content in seeds:
        harness(content)
    for _ in range(count):
        harness(harness.target.mutate(chance.choice(seeds), chance))


def exercise(calls: int, rounds: int, files: int) -> list[str]:
    """Random calls, rounds of the soak and damaged files of each kind; returns the faults."""
    _, faults = random_calls(0, 0, calls)
    report = soak(seed=0, seconds=1e6, rounds=rounds)
    with tempfile.TemporaryDirectory() as folder:
        for name in TARGETS:
            read_damaged(name, files, Path(folder))
    return [*faults, *report.faults]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=4000, help="random calls of functions and trainers")
    parser.add_argument("--rounds", type=int, default=100, help="of the soak")
    parser.add_argument("--files", type=int, default=500, help="damaged files of each kind")
    parser.add_argument("--record", action="store_true", help="write the result to the record of proofs")
    given = parser.parse_args()
    library = ctypes.CDLL(None)
    if not hasattr(library, "__lsan_do_recoverable_leak_check"):
        raise SystemExit("LeakSanitizer is not loaded: run nox -s leaks")
    library.__lsan_disable()  # not recorded
    exercise(200, 5, 20)
    library.__lsan_enable()
    faults = exercise(given.calls, given.rounds, given.files)
    gc.collect()
    leaks = library.__lsan_do_recoverable_leak_check() != 0
    done = (
        f"{given.calls:,} random calls, {given.rounds} rounds of the soak, {given.files} files of each kind"
    )
    done += ": leaks" if leaks else ": no leak"
    print(*faults, done, sep="\n")
    if given.record:
        proofs.record("leaks", "nox -s leaks", "Calls, errors, trainings and loads leak no memory.", done)
    sys.stdout.flush()
    os._exit(1 if leaks or faults else 0)  # a check at the end would report Python's own


if __name__ == "__main__":
    main()
