"""Ctrl-C soon ends long computations, leaves the model after a complete step, and allows further training."""

import json
from typing import Any

import numpy as np
import pytest

from tests.support.processes import PATIENCE, run

#: Seconds allowed on a noisy machine; the aim is 0.1, and the measured latency is printed.
BOUND = 1.0 * PATIENCE

SCRIPT = """
import json, os, signal, threading, time
import numpy as np, simdnn
from simdnn import nn, optim
from tests.support.networks import network, samples
from tests.support.processes import PATIENCE
from tests.tools.golden import digest

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with SIGINT ignored
widths, count, batch_size, dtype = {widths}, {count}, {batch_size}, np.dtype("{dtype}")
x, y = samples("cross_entropy", count, widths[0], widths[-1], dtype)

def fresh():
    model = network(widths, "tanh", dtype=dtype)
    return model, simdnn.Trainer(model, optimizer=optim.SGD(lr=1e-3, momentum=0.9), seed=0)

def interrupted(work, delay):
    sent = []
    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    timer = threading.Timer(delay * PATIENCE, send)
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    timer.cancel()
    raise SystemExit("ended before it could be interrupted")
"""

FIT = (
    SCRIPT
    + """
model, trainer = fresh()
start = model.flat_parameters.copy()
latency = interrupted(
    lambda: trainer.fit(x, y, epochs=10**6, batch_size=batch_size, shuffle=False), {delay}
)
after = model.flat_parameters.copy()

# Single steps are repeated until the parameters have equal bits.
other, again = fresh()
size, steps, whole = batch_size or count, 0, bool(np.array_equal(start, after))
limit = 10**6
while not whole and steps < limit:
    begin = steps * size % (-(-count // size) * size)
    again.step(x[begin : begin + size], y[begin : begin + size])
    steps += 1
    whole = bool(np.array_equal(other.flat_parameters, after))

# Training continues without a difference, from equal parameters and state.
trainer.step(x[:50], y[:50])
again.step(x[:50], y[:50])
goes_on = bool(np.array_equal(model.flat_parameters, other.flat_parameters))
print(json.dumps({{"latency": latency, "steps": steps, "whole": whole, "goes_on": goes_on}}))
"""
)


def report(script: str, **settings: Any) -> dict[str, Any]:
    """The results of a script, which are printed if the test fails."""
    found = json.loads(run(script.format(**settings), timeout=100, OPENBLAS_NUM_THREADS="1").splitlines()[-1])
    print(f"latency {found['latency'] * 1000:.0f} ms: {found}")
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(
    ("widths", "count", "batch_size"),
    [
        pytest.param([4, 8, 3], 200_000, 32, id="many small steps"),
        pytest.param([60, 100, 10], 60_000, None, id="one huge batch"),
        pytest.param([400, 2000, 1500, 10], 400, 400, id="a wide network"),
    ],
)
def test_ctrl_c_ends_a_fit_at_a_whole_step(
    widths: list[int], count: int, batch_size: int | None, dtype: Any
) -> None:
    found = report(FIT, widths=widths, count=count, batch_size=batch_size, dtype=dtype.__name__, delay=0.3)
    assert found["latency"] < BOUND
    assert found["whole"], "the parameters are those of no whole number of steps"
    assert found["goes_on"], "training went on from another state"


CALLS = (
    SCRIPT
    + """
model, trainer = fresh()
predictor = model.freeze()
before = digest(model.flat_parameters)
out = np.empty((count, widths[-1]), dtype)
works = {{
    "predict": lambda: model(x),
    "evaluate": lambda: trainer.evaluate(x, y),
    "predict with out": lambda: predictor.predict(x, out),
    "step": lambda: trainer.step(x, y),
    "forward": lambda: model.forward(x, training=True),
    "predict_many": lambda: simdnn.predict_many([model, predictor, model], x),
    "ensemble": lambda: nn.Ensemble([model, predictor, model]).predict(x, return_std=True),
}}
work = works["{call}"]
latency = interrupted(lambda: [work() for _ in range(1000)], {delay})
unchanged = digest(model.flat_parameters) == before or "{call}" == "step"
first, _ = fresh()
right = digest(model.freeze().predict(x[:9])) == digest(first(x[:9])) or "{call}" == "step"
print(json.dumps({{"latency": latency, "unchanged": unchanged, "right": right}}))
"""
)


@pytest.mark.parametrize(
    "call", ["predict", "evaluate", "predict with out", "step", "forward", "predict_many", "ensemble"]
)
def test_ctrl_c_ends_every_long_call(call: str) -> None:
    found = report(
        CALLS, widths=[200, 600, 600, 10], count=8000, batch_size=None, dtype="float32", delay=0.1, call=call
    )
    assert found["latency"] < BOUND
    assert found["unchanged"]
    assert found["right"]


HANDLER = (
    SCRIPT
    + """
model, trainer = fresh()
heard = []

def handler(*_):
    try:
        heard.append(model(x[:3]).shape)
    except RuntimeError as error:
        heard.append(error)

signal.signal(signal.SIGUSR1, handler)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
while not heard:
    trainer.fit(x, y, epochs=1, batch_size=batch_size)
print("heard")
"""
)


def test_a_signal_handler_that_uses_the_model_does_not_hang() -> None:
    """The handler runs within a step: the call in it may succeed or be refused."""
    script = HANDLER.format(widths=[60, 100, 10], count=400_000, batch_size=4, dtype="float64")
    assert run(script, timeout=20).strip() == "heard"


def test_no_signal_handler_is_installed() -> None:
    assert (
        run(
            "import signal; before = [signal.getsignal(s) for s in signal.valid_signals()]; import simdnn;"
            "print(before == [signal.getsignal(s) for s in signal.valid_signals()])"
        ).strip()
        == "True"
    )


MACHINE = (
    SCRIPT
    + """
from simdnn import pretrain

x = abs(x)
def machine():
    return pretrain.BernoulliRBM(widths[0], widths[1], 3, dtype=dtype, seed=1)

rbm = machine()
latency = interrupted(lambda: rbm.fit(x / x.max(), epochs=10**6, batch_size=None), 0.3)
again, steps = machine(), rbm.optimizer.steps
again.fit(x / x.max(), epochs=steps, batch_size=None)
whole = bool(np.array_equal(rbm._machine.values, again._machine.values))
print(json.dumps({{"latency": latency, "steps": steps, "whole": whole}}))
"""
)


def test_pre_training_stops_at_a_whole_step() -> None:
    found = report(MACHINE, widths=[300, 200, 2], count=2000, batch_size=0, dtype="float32")
    assert found["latency"] < BOUND
    assert found["steps"] > 0
    assert found["whole"]
