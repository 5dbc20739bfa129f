"""Searches on several workers: no more threads run than there are workers, and scores are the same."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import simdnn
from simdnn import nn
from simdnn.config import limited_threads
from simdnn.sklearn import MLPClassifier, fit_many
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X = X / 16
#: Wide enough for steps of a single fit to take two threads.
WIDE: dict[str, Any] = {"hidden_layer_sizes": (512,), "max_iter": 10, "random_state": 0, "batch_size": 256}

linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")


def threads_of(process: int) -> Iterator[tuple[int, str, int]]:
    """The identity, the state and the ticks on a processor of each thread."""
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(task.name), fields[0], int(fields[11]) + int(fields[12])


class Sampler(threading.Thread):
    """Samples the threads that run: those of the children, or of this process but this and the main one."""

    def __init__(self, children: bool) -> None:
        super().__init__(daemon=True)
        self.children = children
        self.main, self.over = threading.get_native_id(), threading.Event()
        self.running: list[set[int]] = []
        self.ticks: Counter[int] = Counter()

    def run(self) -> None:
        started = {identity: ticks for identity, _, ticks in self.threads()}
        while not self.over.wait(0.003):
            self.running.append(set())
            for identity, state, ticks in self.threads():
                if state == "R":
                    self.running[-1].add(identity)
                self.ticks[identity] = ticks - started.get(identity, 0)

    def most(self) -> int:
        """The largest number of busy threads that ran at once; those that hand over jobs do little."""
        busy = {one for one, ticks in self.ticks.items() if ticks > 0.1 * max(self.ticks.values())}
        return max(len(running & busy) for running in self.running)

    def threads(self) -> Iterator[tuple[int, str, int]]:
        """All threads to be sampled; in this process the main one waits for the workers."""
        own = os.getpid()
        listed = Path(f"/proc/{own}/task/{self.main}/children")
        for process in map(int, listed.read_text().split()) if self.children else [own]:
            try:
                for identity, state, ticks in threads_of(process):
                    if identity not in (self.main, self.native_id):
                        yield identity, state, ticks
            except (FileNotFoundError, ProcessLookupError):
                continue


@contextmanager
def sampled(children: bool = False) -> Iterator[Sampler]:
    """Samples the threads while the block runs."""
    sampler = Sampler(children)
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.over.set()
        sampler.join()


def search(kind: str, n_jobs: int) -> Any:
    estimator = MLPClassifier(**WIDE)
    if kind == "cross_val_score":
        return cross_val_score(estimator, X, Y, cv=4, n_jobs=n_jobs).tolist()
    alphas = {"alpha": [1e-4, 1e-2]}
    if kind == "grid":
        made = GridSearchCV(estimator, alphas, cv=2, n_jobs=n_jobs, refit=False)
    else:
        made = RandomizedSearchCV(
            estimator, alphas, n_iter=2, cv=2, n_jobs=n_jobs, refit=False, random_state=0
        )
    return made.fit(X, Y).cv_results_["mean_test_score"].tolist()


@linux
@pytest.mark.parametrize("backend", ["threading", "loky"])
@pytest.mark.parametrize("kind", ["grid", "random", "cross_val_score"])
def test_two_workers_run_two_threads(kind: str, backend: str) -> None:
    simdnn.set_num_threads(None)
    wanted = search(kind, 1)
    with joblib.parallel_config(backend):
        search(kind, 2)  # starts the workers
        with sampled(children=backend == "loky") as sampler:
            assert search(kind, 2) == wanted
    assert sampler.most() <= 2


def threads_here(_: int = 0) -> int:
    """The number of threads that a call inside a fit may use."""
    found: list[int] = []
    MLPClassifier(
        **WIDE | {"max_iter": 1}, callbacks=[lambda *_: found.append(simdnn.get_num_threads())]
    ).fit(X, Y)
    trainer = simdnn.Trainer(nn.Sequential(nn.Dense(64, 10), rng=0), seed=0)
    trainer.fit(X, Y, epochs=1, callbacks=[lambda *_: found.append(simdnn.get_num_threads())])
    return max(found)


def test_threads_of_a_worker() -> None:
    simdnn.set_num_threads(4)
    try:
        parallel = joblib.Parallel(2, backend="threading")
        assert parallel(joblib.delayed(threads_here)(i) for i in range(4)) == [1] * 4
        assert threads_here() == 4
        with joblib.parallel_config("threading", n_jobs=2):
            assert threads_here() == 4
        alone = joblib.Parallel(1)(joblib.delayed(threads_here)(i) for i in range(2))
        assert alone == [4, 4]
    finally:
        simdnn.set_num_threads(None)
    processes = joblib.Parallel(2, backend="loky")(joblib.delayed(threads_here)(i) for i in range(2))
    assert max(processes) <= max(1, joblib.cpu_count() // 2)


def test_limits_of_a_thread_are_its_own() -> None:
    simdnn.set_num_threads(4)
    seen: list[int] = []
    inside, done = threading.Event(), threading.Event()

    def limited() -> None:
        with limited_threads(2), limited_threads(3):
            seen.append(simdnn.get_num_threads())
            inside.set()
            done.wait(10)
        seen.append(simdnn.get_num_threads())

    thread = threading.Thread(target=limited)
    try:
        thread.start()
        inside.wait(10)
        assert simdnn.get_num_threads() == 4
        done.set()
        thread.join()
        assert seen == [2, 4]
    finally:
        simdnn.set_num_threads(None)


def test_estimators_with_a_limit_do_not_limit_the_process() -> None:
    """Two that overlap would otherwise leave the process with the limit of the second."""
    simdnn.set_num_threads(3)
    settings: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 5, "n_threads": 1}
    try:
        parallel = joblib.Parallel(2, backend="threading")
        parallel(joblib.delayed(MLPClassifier(**settings).fit)(X, Y) for _ in range(10))
        assert simdnn.get_num_threads() == 3
    finally:
        simdnn.set_num_threads(None)


@linux
def test_many_estimators_run_on_two_threads() -> None:
    made = [MLPClassifier(**WIDE | {"alpha": alpha}) for alpha in np.geomspace(1e-4, 1, 8)]
    with sampled() as sampler:
        fit_many(made, X, Y, n_threads=2)
    assert sampler.most() <= 1  # with the main thread two
