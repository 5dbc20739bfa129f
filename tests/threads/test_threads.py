"""Threads in every layer: limits apply to each call, and neither fork nor exhaustion changes results."""

import functools
import os
import platform
import threading
from typing import Any, Protocol

import numpy as np
import pytest
import simdnn
import simdnn.functional as F

from tests.support.networks import network, samples
from tests.support.processes import control_word, run
from tests.support.registry import same_bits, spread
from tests.support.sweep import times

linux = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="reads /proc and sets affinity: Linux alone"
)

#: Beginning of the scripts below: work for several threads, and the number of threads of the process.
PREPARE = """
import os, signal, sys, threading
import numpy as np, numpy.random, simdnn, simdnn.functional as F
from tests.tools.golden import digest
from tests.support.networks import network, samples

X = np.arange(3_000_000, dtype=np.float32) / 1e5

def work():
    model = network([100, 256, 256, 10], dtype=np.float32)
    x, y = samples("cross_entropy", 300, 100, 10, np.float32)
    simdnn.Trainer(model, seed=0).fit(x, y, epochs=1, batch_size=100)
    return digest(F.sigmoid(X), model.flat_parameters)

def threads():
    return len(os.listdir("/proc/self/task"))
"""
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "8"}


class Script(Protocol):
    def __call__(self, text: str, **environment: str) -> list[str]: ...


@pytest.fixture
def script(layer: str) -> Script:
    """A runner of scripts in fresh processes on a threading layer; it returns the printed lines."""
    return lambda text, **environment: printed_lines(text, SIMDNN_THREADING=layer, **environment)


def printed_lines(text: str, **environment: str) -> list[str]:
    return run(PREPARE + text, timeout=60, **(ENVIRONMENT | environment)).splitlines()


@functools.cache
def alone() -> str:
    """The reference result, from a process with one thread."""
    (answer,) = printed_lines("print(work())", OMP_NUM_THREADS="1")
    return answer


@linux
@pytest.mark.parametrize("count", [1, 2, 3])
def test_large_work_uses_the_requested_team(script: Script, count: int) -> None:
    before, small, large, again = script(
        f"simdnn.set_num_threads({count})\nprint(threads())\nF.sigmoid(X[:1000]); print(threads())\n"
        "work(); print(threads())\nwork(); print(threads())"
    )
    assert small == before
    assert int(large) == int(before) + count - 1
    assert again == large


@linux
@pytest.mark.parametrize("count", [1, 2, 5])
def test_omp_num_threads_is_an_upper_limit(script: Script, count: int) -> None:
    (default,) = script("print(simdnn.get_num_threads())", OMP_NUM_THREADS="64")
    (found,) = script("print(simdnn.get_num_threads())", OMP_NUM_THREADS=str(count))
    assert int(default) <= len(os.sched_getaffinity(0))
    assert int(found) == min(count, int(default))


@linux
def test_affinity_is_asked_at_each_call(script: Script) -> None:
    one, before, after = script(
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(simdnn.get_num_threads(), threads(), sep='\\n'); work(); print(threads())"
    )
    assert int(one) == 1
    assert after == before


@linux
def test_affinity_may_be_given_back() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process may run on one CPU alone")
    cpus = os.sched_getaffinity(0)
    default = simdnn.get_num_threads()
    try:
        os.sched_setaffinity(0, {min(cpus)})
        assert simdnn.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, cpus)
    assert simdnn.get_num_threads() == default


def test_set_num_threads_holds_until_it_is_taken_back() -> None:
    default = simdnn.get_num_threads()
    expected = 3
    try:
        simdnn.set_num_threads(3)
        assert simdnn.get_num_threads() == expected
    finally:
        simdnn.set_num_threads(None)
    assert simdnn.get_num_threads() == default


THREADPOOLCTL = """
import sklearn.utils.parallel, threadpoolctl  # loads an OpenMP runtime
default = simdnn.get_num_threads()
with threadpoolctl.threadpool_limits(limits=1):
    print(simdnn.get_num_threads())
print(simdnn.get_num_threads() == default)
simdnn.set_num_threads(2)
with threadpoolctl.threadpool_limits(limits=1):
    print(simdnn.get_num_threads())
print(simdnn.get_num_threads())
"""


def test_threadpoolctl_limits_are_honored(script: Script) -> None:
    pytest.importorskip("threadpoolctl", reason="needs the extra [test]: threadpoolctl")
    pytest.importorskip("sklearn", reason="needs the extra [test]: scikit-learn, which brings OpenMP")
    assert script(THREADPOOLCTL, OMP_NUM_THREADS="2") == ["1", "True", "1", "2"]


FORK = """
simdnn.set_num_threads(2)
answer = work()
for _ in range(20):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os.write(writer, f"{simdnn.get_num_threads()} {work()}".encode())
        os._exit(0)
    os.close(writer)
    print(os.read(reader, 1000).decode())
    os.waitpid(child, 0)
assert work() == answer
print(simdnn.get_num_threads(), answer)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_works_alone_with_the_same_bits(script: Script) -> None:
    *children, parent = script(FORK)
    answer = alone()
    assert parent == f"2 {answer}"
    assert children == [f"1 {answer}"] * 20


MULTIPROCESSING = """
import multiprocessing
simdnn.set_num_threads(2)
answer = work()

def child(_):
    return work()

with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map_async(child, range(6)).get(timeout=40)
print(set(found) == {answer}, answer)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_does_not_wait_for_a_thread_of_its_parent(script: Script) -> None:
    """The process is forked while a thread computes with a predictor and holds its lock."""
    wanted, found = script("""
model = network([100, 256, 256, 10], dtype=np.float32)
predictor, x = model.freeze(), np.ones((20_000, 100), np.float32)
right = digest(predictor.predict(x[:5]), model(x[:5]))
print(right, flush=True)
started = threading.Event()

def compute():
    while True:
        started.set()
        predictor.predict(x), model(x)

threading.Thread(target=compute, daemon=True).start()
started.wait()
children = []
for _ in range(20):
    children.append(os.fork())
    if children[-1] == 0:
        signal.alarm(20)
        answer = digest(predictor.predict(x[:5]), model(x[:5]))
        simdnn.Trainer(model, seed=0).step(x[:5], np.zeros(5, int))
        os._exit(answer != right)
failed = [child for child in children if os.waitpid(child, 0)[1]]
print(failed or right, flush=True)
os._exit(0)
""")
    assert found == wanted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_multiprocessing_by_fork_gives_the_same_bits(script: Script) -> None:
    assert script(MULTIPROCESSING) == [f"True {alone()}"]


MANY_FORKS = """
simdnn.set_num_threads(2)
work()
model = network([100, 256, 10], dtype=np.float32)
x = X[:6400].reshape(64, 100)
answer = digest(model(x))
failed = 0
for _ in range(COUNT):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(digest(model(x)) != answer)
    failed += os.waitpid(child, 0)[1] != 0
print(failed, work() == work())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_many_forks_after_parallel_work(layer: str) -> None:
    """A long form forks a thousand times."""
    forks = MANY_FORKS.replace("COUNT", str(times(30, 1000)))
    found = run(PREPARE + forks, timeout=times(60, 600), SIMDNN_THREADING=layer, **ENVIRONMENT)
    assert found.split() == ["0", "True"]


JOBLIB = """
import joblib
simdnn.set_num_threads(2)
answer = work()
with joblib.parallel_config(backend="BACKEND", n_jobs=2):
    found = joblib.Parallel()(joblib.delayed(work)() for _ in range(4))
print(set(found) == {answer})
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("backend", ["multiprocessing", "loky", "threading"])
def test_joblib_gives_the_same_bits(script: Script, backend: str) -> None:
    pytest.importorskip("joblib", reason="needs the extra [test]: scikit-learn, which brings joblib")
    assert script(JOBLIB.replace("BACKEND", backend)) == ["True"]


#: A script in which no thread can be created; root has no such limit, so the process becomes nobody first.
EXHAUST = """
import resource

def exhaust():
    if os.getuid() == 0:
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    try:
        extra = threading.Thread(target=int)
        extra.start()
        extra.join()
        print("SKIP this system creates threads beyond RLIMIT_NPROC")
        sys.stdout.flush()
        os._exit(0)
    except RuntimeError:
        pass
"""


@linux
def test_without_threads_to_be_had_the_answer_is_right(script: Script) -> None:
    assert (
        script(EXHAUST + "simdnn.set_num_threads(2); exhaust(); print(work()); print(work())")
        == [alone()] * 2
    )


@linux
def test_a_larger_team_that_cannot_be_had_does_not_end_the_process(script: Script) -> None:
    found = script(
        EXHAUST
        + "simdnn.set_num_threads(2); print(work()); exhaust(); simdnn.set_num_threads(4); print(work())"
    )
    assert found == [alone()] * 2


@linux
def test_a_team_that_shrank_and_cannot_grow_again_does_not_end_the_process(script: Script) -> None:
    found = script(
        EXHAUST
        + "simdnn.set_num_threads(4); print(work()); simdnn.set_num_threads(2); print(work())\n"
        + "exhaust(); simdnn.set_num_threads(4); print(work())"
    )
    assert found == [alone()] * 3


@linux
def test_another_thread_whose_team_cannot_be_had_does_not_end_the_process(script: Script) -> None:
    """Each calling thread has its own team: one was created, and creating the next fails."""
    found = script(
        EXHAUST
        + """
simdnn.set_num_threads(2)
print(work())
ready, go, answers = threading.Event(), threading.Event(), []

def other():
    ready.set()
    go.wait()
    answers.append(work())

thread = threading.Thread(target=other)
thread.start()
ready.wait()
exhaust()
go.set()
thread.join()
print(*answers)
"""
    )
    assert found == [alone()] * 2


def in_threads(count: int, work: Any) -> list[Any]:
    """Runs work(i) for each i in a thread of its own, all at once."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run_one(i: int) -> None:
        barrier.wait()
        results[i] = work(i)

    pool = [threading.Thread(target=run_one, args=(i,)) for i in range(count)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join(60)
    assert not any(thread.is_alive() for thread in pool), "a thread hangs"
    return results


def test_models_train_side_by_side_and_share_a_predictor(layer: str) -> None:
    predictor = network([20, 64, 64, 8], dtype=np.float32).freeze()
    queries = spread(64 * 20, np.float32).reshape(64, 20)

    def work(i: int) -> list[Any]:
        model = network([20, 64, 8], dtype=np.float32)
        x, y = samples("cross_entropy", 200, 20, 8, np.float32)
        simdnn.Trainer(model, seed=i).fit(x, y, epochs=5)
        out = np.empty((64, 8), np.float32)
        answers = []
        for _ in range(50):
            predictor.predict(queries, out)
            answers.append(out.copy())
        return [model.flat_parameters.copy(), *answers]

    wanted = [work(i) for i in range(4)]
    for result, right in zip(in_threads(4, work), wanted, strict=True):
        assert all(same_bits(a, b) for a, b in zip(result, right, strict=True))


def test_steps_of_one_trainer_from_several_threads_take_turns(layer: str) -> None:
    """Equal batches in any order give the parameters of an equal number of steps."""
    x, y = samples("cross_entropy", 300, 30, 8, np.float32)
    shared, lonely = (network([30, 64, 8], dtype=np.float32) for _ in range(2))
    trainer, other = simdnn.Trainer(shared), simdnn.Trainer(lonely)
    in_threads(4, lambda _: [trainer.step(x, y) for _ in range(10)])
    for _ in range(40):
        other.step(x, y)
    assert same_bits(shared.flat_parameters, lonely.flat_parameters)


def test_ufuncs_from_several_threads(layer: str, threads: int) -> None:
    x = spread(200_000, np.float32, 9)
    wanted = F.silu(x)
    assert all(same_bits(result, wanted) for result in in_threads(4, lambda _: F.silu(x)))


@pytest.mark.skipif(platform.system() != "Linux", reason="reads the control word by the C library of Linux")
def test_training_leaves_the_control_word_alone(layer: str, threads: int) -> None:
    """Training changes no floating-point mode: no thread begins to flush subnormal numbers."""
    before = control_word()
    x, y = samples("cross_entropy", 300, 100, 10, np.float32)

    def work(_: int) -> int:
        model = network([100, 256, 256, 10], dtype=np.float32)
        simdnn.Trainer(model).fit(x * np.float32(1e-38), y, epochs=2, batch_size=100)
        model.freeze().predict(x)
        return control_word()

    assert [work(0), *in_threads(2, work)] == [before] * 3
