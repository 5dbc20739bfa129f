"""Mutation check: one operator or constant of the C++ is changed at a time, and a test must fail.

``python -m tests.tools.mutants FOLDER --count 100`` draws mutants from the files that `TESTS` names, one of
each in turn; equal seeds draw equal ones. Each is built in a copy of the tree, and meets the hashes of
`HASHES`, the tests of its file, and the broader ones of `BROAD`, until one fails, crashes or hangs;
``--laws`` leaves the hashes out. Mutants that the compiler refuses do not count. Survivors that no test can
kill are rows of mutants.json with the reason. The run ends with status 1 if less than 95 % of the others
are killed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.tools import golden, proofs
from tests.tools.mutant_builds import ROOT, Build, copy_tree
from tests.tools.mutations import Mutation, in_turn

EXPLAINED = Path(__file__).parent / "mutants.json"
#: The files that are changed, and the tests that concern them most.
FUNCTIONS = ("tests/functional/test_activations.py", "tests/functional/test_special_values.py")
LANES = ("tests/training/test_lanes.py", "tests/training/test_fit_many.py")
LAYERS = ("tests/nn/test_gradients.py", "tests/nn/test_layers.py")
LOSSES = ("tests/losses",)
PRODUCTS = ("tests/bits/test_products.py", "tests/nn/test_gradients.py")
UPDATES = ("tests/optim/test_optimizers.py", "tests/optim/test_optimizer_variants.py")
TESTS: dict[str, tuple[str, ...]] = {
    "cpp/ops/optimizers": UPDATES,
    "cpp/ops/pointwise": LOSSES,
    "cpp/ops/rules/": (*UPDATES, "tests/training/test_tiny_gradients.py"),
    "cpp/ops/schedules": ("tests/optim/test_schedules.py",),
    "cpp/ops/": (*FUNCTIONS, "tests/nn/test_init.py"),
    "cpp/math/lane_math": ("tests/functional/test_softmax.py", "tests/losses"),
    "cpp/math/half": ("tests/functional/test_activations.py", "tests/bits/test_bits.py"),
    "cpp/math/flush": ("tests/training/test_tiny_gradients.py", "tests/losses"),
    "cpp/math/": FUNCTIONS,
    "cpp/loops/lane_": LANES,
    "cpp/loops/softmax": ("tests/functional/test_softmax.py", "tests/losses"),
    "cpp/loops/update": UPDATES,
    "cpp/loops/norm": ("tests/optim/test_optimizer_options.py",),
    "cpp/loops/map": FUNCTIONS,
    "cpp/loops/reduce": ("tests/functional/test_policy.py", "tests/optim/test_optimizer_options.py", *LAYERS),
    "cpp/loops/cast": ("tests/functional/test_activations.py", "tests/training/test_trainer_data.py"),
    **dict.fromkeys(
        ("cpp/loops/losses", "cpp/loops/cross", "cpp/loops/soft_", "cpp/loops/row_", "cpp/loops/pointwise"),
        LOSSES,
    ),
    "cpp/loops/distillation": LOSSES,
    "cpp/loops/margin": ("tests/losses", "tests/training/test_margin_training.py"),
    **dict.fromkeys(("cpp/loops/product", "cpp/loops/tiles", "cpp/loops/block", "cpp/loops/trans"), PRODUCTS),
    "cpp/loops/philox": ("tests/nn/test_random_numbers.py", "tests/nn/test_random_layers.py"),
    "cpp/loops/dropout": ("tests/nn/test_random_layers.py", *LAYERS),
    "cpp/loops/": LAYERS,
    "cpp/net/layers/recurrent": (*LAYERS, "tests/nn/test_recurrent.py"),
    "cpp/net/layers/": LAYERS,
    "cpp/net/plan": ("tests/training/test_training.py", *LAYERS, "tests/nn/test_recurrent.py"),
    "cpp/net/random_state": ("tests/sklearn/test_fit_many.py", "tests/sklearn/test_parity.py"),
    "cpp/net/random": ("tests/nn/test_random_numbers.py",),
    "cpp/net/trainer": ("tests/training/test_training.py", "tests/training/test_trainer_options.py", *LAYERS),
    "cpp/net/lane": LANES,
    "cpp/net/fit": ("tests/training/test_fit_many.py",),
    "cpp/net/patience": ("tests/training/test_fit_many.py", "tests/sklearn/test_fit_many.py"),
    "cpp/net/population": ("tests/training/test_fit_many.py",),
    "cpp/net/loss_head": (*LOSSES, "tests/training/test_training.py"),
    "cpp/net/margin": ("tests/losses", "tests/training/test_margin_training.py"),
    "cpp/net/advantages": ("tests/functional/test_policy.py",),
    "cpp/net/carried": ("tests/nn/test_recurrent.py", "tests/training/test_training.py"),
    "cpp/net/ensemble": ("tests/nn/test_ensemble.py",),
    "cpp/net/batch_norm_folder": ("tests/nn/test_normalization.py", "tests/nn/test_models.py"),
    "cpp/net/boltzmann": ("tests/training/test_pretrain.py",),
    "cpp/net/optimizer": (*UPDATES, "tests/optim/test_optimizer_options.py"),
    "cpp/net/norm": ("tests/optim/test_optimizer_options.py",),
    "cpp/net/loader": ("tests/training/test_trainer_data.py", "tests/training/test_training.py"),
    "cpp/net/": ("tests/training/test_training.py", *LAYERS),
}
#: Files of the areas above that hold no arithmetic: memory, clocks and locks.
LEFT_OUT = ("profile", "stop_token", "owned_mutex", "buffer", "predictions", "instantiate")
#: Comparisons with recorded bits, which take a second: a command that fails or prints other bits.
HASHES = {"verify": ("-m", "simdnn", "verify", "--json"), "golden": ("-m", "tests.tools.golden", "--print")}
#: Tests for mutants that survive those of their file; the hashes of the bits come last.
BROAD = (
    (*FUNCTIONS, "tests/functional", *LAYERS, "tests/nn"),
    ("tests/training", "tests/optim", "tests/losses", "tests/sklearn/test_parity.py", "tests/bits"),
)
#: Seconds after which a test run counts as hung.
LIMIT = 900


class Outcome(NamedTuple):
    """A mutant's fate: "killed", "survived" or "refused" by the compiler; and the test that killed it."""

    mutation: Mutation
    fate: str
    test: str
    seconds: float


def files() -> list[str]:
    """The files that mutations are drawn from."""
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "cpp").rglob("*.[hc]pp")]
    chosen = [path for path in found if tests_of(path) and Path(path).stem not in LEFT_OUT]
    return sorted(chosen)


def tests_of(path: str) -> tuple[str, ...]:
    """The tests that concern a file; none if it is not in the areas."""
    return next((tests for prefix, tests in TESTS.items() if path.startswith(prefix)), ())


def failures(printed: str) -> list[str]:
    """The tests that fail by the summary of pytest."""
    lines = [line for line in printed.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return [line.split(" - ")[0].partition(" ")[2] for line in lines]


def python(tree: Path, *arguments: str, limit: float = LIMIT) -> subprocess.CompletedProcess[str]:
    """Runs Python in a tree; a run that hangs has the exit status 99."""
    environment = os.environ | {"PYTHONPATH": str(tree / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    try:
        return subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 99, "", "hung")


def differing_hash(tree: Path, name: str) -> str:
    """The name of a record of bits if those of a tree differ, else ""."""
    done = python(tree, *HASHES[name])
    if done.returncode != 0:
        return f"{name}: exit status {done.returncode}"
    records = {"verify": tree / "python" / "simdnn" / "cli" / "verify.json", "golden": golden.PATH}
    wanted, found = json.loads(records[name].read_text(encoding="utf-8")), json.loads(done.stdout)
    return "" if all(wanted[key] == found.get(key) for key in wanted) else name


def failing_test(tree: Path, tests: tuple[str, ...], deselected: list[str]) -> str:
    """The first test that fails in a tree, or how the run ended; "" if all pass."""
    options = [f"--deselect={name}" for name in deselected]
    done = python(tree, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests, *options)
    if done.returncode == 0:
        return ""
    found = failures(done.stdout)
    return found[0] if found else f"exit status {done.returncode}"


class Workers:
    """Copies of the tree, each used by one thread at a time."""

    def __init__(self, folder: Path, count: int, laws: bool, quick: bool) -> None:
        self.deselected: list[str] = []
        self.laws, self.quick = laws, quick
        self.free = [folder / f"worker{i}" for i in range(count)]
        self.lock = threading.Lock()
        for tree in self.free:
            copy_tree(tree)

    def checks(self, tests: tuple[str, ...]) -> Iterator[Callable[[Path], str]]:
        """Functions of a tree that return the failing check, or ""; quick ones first."""
        if not self.laws:
            yield from (partial(differing_hash, name=name) for name in HASHES)
        for chosen in (tests,) if self.quick else (tests, *BROAD):
            yield partial(failing_test, tests=chosen, deselected=self.deselected)

    def baseline(self, build: Build) -> list[str]:
        """The tests that fail without a mutation, such as those of levels that are not built."""
        tree = self.free[0]
        build.mutant(tree, "", False)
        chosen = {test for tests in (*TESTS.values(), *(() if self.quick else BROAD)) for test in tests}
        done = python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sorted(chosen), limit=10 * LIMIT)
        found = failures(done.stdout)
        print(f"without a mutation fail: {', '.join(found) or 'none'}", flush=True)
        return found

    def fate(self, build: Build, path: str, tree: Path) -> tuple[str, str]:
        """The fate of a tree with a change in one file, and the test that kills it."""
        for bindings in (False, True) if build.in_bindings(path) else (False,):
            if not build.mutant(tree, path, bindings):
                return "refused", ""
            for check in self.checks(tests_of(path)):
                if test := check(tree):
                    return "killed", test
        return "survived", ""

    def meet(self, build: Build, mutation: Mutation) -> Outcome:
        """Builds a mutant and lets it meet the tests."""
        with self.lock:
            tree = self.free.pop()
        begin = time.perf_counter()
        try:
            mutation.apply(tree)
            fate, test = self.fate(build, mutation.path, tree)
            return Outcome(mutation, fate, test, time.perf_counter() - begin)
        finally:
            shutil.copy(build.tree / mutation.path, tree / mutation.path)
            with self.lock:
                self.free.append(tree)


def explained() -> list[dict[str, str]]:
    """Mutants that no test can kill, with the reason."""
    return json.loads(EXPLAINED.read_text(encoding="utf-8"))


def is_explained(mutation: Mutation) -> bool:
    return any(
        (row["path"], row["line"], row["mutated"])
        == (mutation.path, mutation.line.strip(), mutation.mutated.strip())
        for row in explained()
    )


def outcomes(given: argparse.Namespace, build: Build) -> Iterator[tuple[int, Outcome]]:
    """The numbers and fates of mutants, until enough of them have been built."""
    workers = Workers(given.folder, given.jobs, given.laws, given.quick)
    workers.deselected = given.deselect.read_text().split() if given.deselect else workers.baseline(build)
    drawn = list(enumerate(in_turn(build.tree, files(), given.seed)))[given.begin :]
    chosen = [pair for pair in drawn if not given.only or pair[0] in given.only]
    numbered = [pair for pair in chosen if not is_explained(pair[1])]
    built = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        running: dict[Future[Outcome], int] = {}
        while built < given.count and (numbered or running):
            while numbered and len(running) < given.jobs:
                number, mutation = numbered.pop(0)
                running[pool.submit(workers.meet, build, mutation)] = number
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                built += future.result().fate != "refused"
                yield running.pop(future), future.result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="for copies of the tree and objects")
    parser.add_argument("--count", type=int, default=100, help="mutants that the compiler accepts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the mutants to build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "--deselect",
        type=Path,
        help="a file of tests to leave out; without it, those that fail without a mutation",
    )
    parser.add_argument("--laws", action="store_true", help="leave out the comparisons with recorded bits")
    parser.add_argument("--quick", action="store_true", help="leave out the broader tests")
    parser.add_argument("--record", action="store_true", help="write the result to the record of proofs")
    given = parser.parse_args()
    given.folder = given.folder.resolve()
    build = Build(given.folder, given.jobs)
    counts = {"killed": 0, "survived": 0, "refused": 0}
    for number, found in outcomes(given, build):
        counts[found.fate] += 1
        print(f"{number} {found.fate} {found.seconds:.0f} s {found.mutation} {found.test}", flush=True)
    share = counts["killed"] / max(1, counts["killed"] + counts["survived"])
    print(f"{share:.1%} killed: {counts}; {len(explained())} are explained")
    if given.record:
        proofs.record(
            "mutants",
            f"nox -s mutants -- --count {given.count} --seed {given.seed}",
            "The tests notice a changed operator or constant of kernels, layers, losses and optimizers.",
            f"{counts['killed']} of {counts['killed'] + counts['survived']} mutants killed ({share:.1%}); "
            f"{len(explained())} equivalent ones are explained in tests/tools/mutants.json",
        )
    return 0 if share >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
