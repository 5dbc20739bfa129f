"""Networks of bfloat16: training steps and predictions beside float32, in this package and in PyTorch.

The goals hold where the processor has a matrix unit. A busy hyper-thread halves its rate, so that each sample
waits until a probe of the unit is about as fast as it ever was, and is repeated if the next one is not.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import simdnn
from numpy.typing import NDArray
from simdnn import nn, optim
from simdnn.demo import _numpy_mlp

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import training
from bench.problems import Network, Problem, make_model, make_problem

LEARNING_RATE, CHECKED_STEPS = 1e-3, 3
SINGLE, TORCH, TORCH_BF16, JAX, JAX_BF16 = "simdnn float32", "PyTorch", "PyTorch bf16", "JAX", "JAX bf16"
#: Networks, and the ratios to this package's float32 and to PyTorch's bf16 that are the goals.
NETWORKS = (
    (Network((784, 128, 10), 64, 8), 1.6, 6.0),
    (Network((784, 512, 512, 10), 256, 4), 3.5, 2.0),
    (Network((128, 4096, 4096, 10), 256, 2), 3.5, 2.0),
)
ROWS = (1, 64, 4096)
#: Width of the square product of the probe, the part of its best rate that a sample asks for, and how often.
PROBE_WIDTH, QUIET, ATTEMPTS = 1024, 0.75, 40


class Probe:
    """The rate of products of bfloat16 numbers, and a context that waits until it is undisturbed."""

    def __init__(self) -> None:
        model = nn.Sequential(nn.Dense(PROBE_WIDTH, PROBE_WIDTH), rng=0, precision="bf16")
        self._predictor = model.freeze()
        self._x = np.ones((PROBE_WIDTH, PROBE_WIDTH), np.float32)
        self.best = 0.0

    def rate(self) -> float:
        """Operations a second of one product."""
        start = time.perf_counter()
        self._predictor.predict(self._x)
        rate = 2.0 * PROBE_WIDTH**3 / (time.perf_counter() - start)
        self.best = max(self.best, rate)
        return rate

    def is_quiet(self) -> bool:
        """True if the rate is near the best one."""
        return self.rate() >= QUIET * self.best

    @contextlib.contextmanager
    def wait(self) -> Iterator[None]:
        """Waits for a rate near the best one; gives up after some attempts."""
        for _ in range(ATTEMPTS):
            if self.is_quiet():
                break
            time.sleep(5e-3)
        yield


@functools.cache
def probe() -> Probe:
    """The probe of this process, which knows its best rate."""
    found = Probe()
    for _ in range(5):
        found.rate()
    return found


def has_unit() -> bool:
    """True if products of bfloat16 numbers run on a matrix unit here."""
    return (simdnn.show_config("dicts") or {})["bf16"] == "amx"


def cases() -> Iterator[Case]:
    """Rows of training steps, and of predictions of several numbers of samples."""
    goals: tuple[Goal, ...]
    for network, single, other in NETWORKS:
        goals = (Goal((SINGLE,), single), Goal((TORCH_BF16,), other)) if has_unit() else ()
        name = f"{network.shape()}, batch {network.batch_size}"
        yield Case("bf16 step", name, functools.partial(_steps, network), goals, _note)
    for network, *_ in NETWORKS:
        for rows in ROWS:
            goals = (Goal((SINGLE,), 1.0),) if has_unit() or rows == 1 else ()
            name = f"{network.shape()}, {rows} rows"
            yield Case("bf16 predict", name, functools.partial(_predictions, network, rows), goals, _note)


def _note() -> str:
    if not has_unit():
        return "products of bfloat16 are emulated: this processor has no matrix unit"
    return f"products of bfloat16 on the matrix unit; best rate of the probe {probe().best / 1e9:.0f} GFLOP/s"


def _contestant(name: str, run: Callable[[], Any], check: Callable[[], object]) -> Contestant:
    """A contestant on the matrix unit, whose samples begin and end with the probe."""
    if not has_unit():
        return Contestant(name, run, check)
    return Contestant(name, run, check, context=probe().wait, quiet=probe().is_quiet)


def _steps(network: Network) -> Iterator[Contestant]:
    problem = make_problem(network)
    adam = _numpy_mlp.NumpyAdam(LEARNING_RATE)
    reference = _numpy_mlp.NumpyMLP(problem.parameters, problem.activation, adam, np.float64)
    expected = [reference.step(x.astype(np.float64), y) for x, y in problem.batches()[:CHECKED_STEPS]]

    def contestant(name: str, step: Callable[[Any, Any], Any], batches: list[tuple[Any, Any]]) -> Contestant:
        cycle = itertools.cycle(batches)

        def run() -> Any:
            return step(*next(cycle))

        def check() -> None:
            np.testing.assert_allclose([float(run()) for _ in expected], expected, rtol=0.02)

        return _contestant(name, run, check)

    yield contestant(OURS, _trainer(problem, "bf16").step, problem.batches())
    yield contestant(SINGLE, _trainer(problem, "float32").step, problem.batches())
    if torch := peers.torch():
        tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in problem.batches()]
        single, mixed = (training.torch_step(torch, problem.parameters, LEARNING_RATE) for _ in range(2))
        yield contestant(TORCH, single, tensors)
        yield contestant(TORCH_BF16, _autocast(torch, mixed), tensors)
    if jax := peers.jax():
        arrays = [(jax.numpy.asarray(x), jax.numpy.asarray(y)) for x, y in problem.batches()]
        for name, factors in ((JAX, None), (JAX_BF16, "bfloat16")):
            step = training.jax_step(jax, problem.parameters, LEARNING_RATE, factors=factors)
            yield contestant(name, step, arrays)


def _trainer(problem: Problem, precision: Any) -> simdnn.Trainer:
    model = make_model(problem, precision)
    return simdnn.Trainer(model, loss="cross_entropy", optimizer=optim.Adam(lr=LEARNING_RATE), seed=0)


def _autocast(torch: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with PyTorch's products of bfloat16."""

    def run(*arguments: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return function(*arguments)

    return run


def _predictions(network: Network, rows: int) -> Iterator[Contestant]:
    problem = make_problem(network._replace(batches=-(-rows // network.batch_size)))
    x = problem.x[:rows]
    expected = _numpy_mlp.NumpyMLP(problem.parameters, dtype=np.float64).forward(x)
    size = float(np.abs(expected).max())

    def contestant(name: str, run: Callable[[], Any]) -> Contestant:
        def check() -> None:
            np.testing.assert_allclose(np.asarray(run()), expected, rtol=0.05, atol=0.05 * size)

        return _contestant(name, run, check)

    def predict(precision: Any) -> Callable[[], NDArray[np.float32]]:
        predictor, out = make_model(problem).freeze(precision=precision), np.empty_like(expected, np.float32)
        return lambda: predictor.predict(x, out)

    yield contestant(OURS, predict("bf16"))
    yield contestant(SINGLE, predict("float32"))
    if torch := peers.torch():
        model, tensor = training.torch_model(torch, problem.parameters).eval(), torch.from_numpy(x)
        mixed = _autocast(torch, model)
        yield contestant(TORCH, torch.inference_mode()(lambda: model(tensor)))
        yield contestant(TORCH_BF16, torch.inference_mode()(lambda: mixed(tensor).float()))
    if jax := peers.jax():
        array = jax.numpy.asarray(x)
        for name, factors in ((JAX, None), (JAX_BF16, "bfloat16")):
            logits = training.jax_predictor(jax, problem.parameters, factors)
            yield contestant(name, functools.partial(logits, array))
