"""The interpreter ends while daemon threads compute: no message, and all may be used at exit."""

import random
import time

import pytest

from tests.support.processes import start
from tests.support.sweep import times

#: A program that ends a moment after its threads have begun to call `work` for ever.
BEGIN = """
import atexit, os, sys, threading, time
import numpy as np, simdnn, simdnn.functional as F
from simdnn import nn, optim

rng = np.random.default_rng(0)
x, y = rng.normal(size=(6000, 40)).astype(np.float32), np.arange(6000) % 10
half, wide, strided = x.astype(np.float16), x.astype(np.float64), np.repeat(x, 2, axis=1)[:, ::2]
long = np.zeros(2_000_000, np.float32)
out = np.zeros(6000, np.float32)
model = nn.Sequential(nn.Dense(40, 64, "tanh"), nn.Dense(64, 10), rng=0)
trainer, predictor = simdnn.Trainer(model, seed=0), model.freeze()
params, grads = [np.zeros((6000, 40), np.float32)[:, ::2]], [np.ones((6000, 20))]
alone = optim.Adam(params)

def members():
    return [simdnn.Trainer(nn.Sequential(nn.Dense(40, 10), rng=i), seed=i) for i in range(3)]

def callback(trainer, logs):
    model(x)

def scheduled():
    own = simdnn.Trainer(nn.Sequential(nn.Dense(40, 10)), optimizer=optim.SGD(lr=lambda step: 0.1))
    own.fit(x, y, epochs=1, batch_size=4, progress=False)

def run():
    while True:
        work()

def begin(count=2):
    for _ in range(count):
        threading.Thread(target=run, daemon=True).start()
"""

WORKS = {
    "fit": "trainer.fit(x, y, epochs=1, batch_size=32, progress=False)",
    "fit with a callback": "trainer.fit(x, y, epochs=1, callbacks=[callback], progress=False)",
    "fit with a function as rate": "scheduled()",
    "steps": "trainer.step(x, y)",
    "small steps": "trainer.step(x[:4], y[:4])",
    "steps of other dtypes": "trainer.step(half, y.astype(np.int32), np.ones(6000))",
    "evaluate": "trainer.evaluate(wide, y)",
    "predict": "predictor.predict(strided)",
    "passes": "model.backward(np.ones_like(model.forward(x[:64], training=True)))",
    "fit_many": "simdnn.fit_many(members(), x, y, epochs=1, n_threads=2)",
    "predict_many": "simdnn.predict_many([model, predictor], x)",
    "optimizer": "alone.step(grads)",
    "norm": "optim.clip_grad_norm_([long], 1.0)",
    "losses": "F.cross_entropy(wide, y, return_grad=True), F.mse_loss(strided, half)",
    "ufunc": "F.tanh(long)",
    "ufunc with a parameter": "F.leaky_relu(long, negative_slope=0.3)",
    "functions of rows": "F.softmax(strided, 2.0), F.logsumexp(x.tolist()), F.logsumexp(x, out=out)",
}


def assert_ends_silently(script: str) -> None:
    done = start(["-c", script], 60, {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr


@pytest.mark.parametrize("name", WORKS)
def test_a_program_may_end_while_daemon_threads_compute(name: str) -> None:
    delays = random.Random(name)
    for _ in range(times(1, 20)):
        work = f"def work():\n    {WORKS[name]}\n"
        assert_ends_silently(BEGIN + work + f"begin()\ntime.sleep({delays.uniform(0.02, 0.2)})")


def test_what_a_thread_trains_may_be_used_at_exit() -> None:
    """Functions that were registered before the import and after it are called in the main thread as ever."""
    script = """
import atexit

def check():
    trainer.step(x, y)
    assert np.isfinite(trainer.fit(x, y, epochs=1, progress=False).loss[0])
    assert np.isfinite(F.leaky_relu(model(x), 0.3)).all()
    assert len(simdnn.fit_many(members(), x, y, epochs=1, n_threads=2)) == 3
    print("used")

atexit.register(check)
"""
    work = "def work():\n    trainer.fit(x, y, epochs=1, progress=False)\n"
    done = start(["-c", script + BEGIN + work + "atexit.register(check)\nbegin()\ntime.sleep(0.1)"], 60, {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "used\nused\n", "")


def test_threads_that_are_no_daemons_finish_their_work() -> None:
    work = """
def work():
    trainer.fit(x, y, epochs=20, progress=False)
    print(trainer.epochs_done)

threading.Thread(target=work).start()
"""
    done = start(["-c", BEGIN + work], 60, {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "20\n", "")


def test_a_forked_child_does_not_wait_for_the_threads_of_its_parent() -> None:
    script = """
begin()
time.sleep(0.05)
for _ in range(5):
    child = os.fork()
    if child == 0:
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    begun = time.monotonic()
    assert_ends_silently(BEGIN + "def work():\n    trainer.step(x, y)\n" + script)
    assert time.monotonic() - begun < 20


def test_a_thread_is_ended_by_system_exit() -> None:
    """Code of the thread's own after the call, such as a `finally`, still runs."""
    script = """
ended = []

def run():
    try:
        while True:
            trainer.fit(x, y, epochs=1, progress=False)
    except BaseException as error:
        ended.append(type(error))
        raise

atexit._clear()
def report():
    end = time.monotonic() + 5
    while not ended and time.monotonic() < end:
        time.sleep(0.001)
    print([kind.__name__ for kind in ended])

atexit.register(report)
atexit.register(simdnn._core.stop_native_calls)
begin(1)
time.sleep(0.1)
"""
    done = start(["-c", BEGIN + script], 60, {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "['SystemExit']\n", "")
