"""Training steps with Adam and cross-entropy, single and in a native epoch, and their lower bound."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import nn, optim
from simdnn.demo import _numpy_mlp

from bench import floor, peers
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import training
from bench.problems import Network, Problem, make_model, make_problem

LEARNING_RATE = 1e-3
CHECKED_STEPS = 3
FIT = "simdnn fit"
FLOOR, ONE_THREAD, SINGLE, CUSTOM = "floor", "one thread", "simdnn float32", "simdnn custom"


class Row(NamedTuple):
    """A network, the ratio to each peer's time that is the goal, and that to the lower bound.

    PyTorch is compared with `Trainer.step`, which takes one batch; the others with `Trainer.fit`, because a
    call of theirs trains an epoch too.
    """

    network: Network
    ratios: dict[str, float]
    of_floor: float | None = None


ROWS = (
    Row(Network((2, 16, 2), 4, 512), {"PyTorch": 150, "JAX scan": 5, "scikit-learn": 170}),
    Row(Network((8, 64, 64, 4), 32, 128), {"PyTorch": 22, "JAX scan": 2, "scikit-learn": 28}, 2.2),
    Row(Network((30, 128, 128, 2), 128, 32), {"PyTorch": 4.5, "JAX scan": 1.65, "scikit-learn": 8}, 1.35),
    Row(Network((784, 128, 10), 64, 16), {"PyTorch": 3.5, "JAX scan": 2, "scikit-learn": 7}, 1.35),
    Row(Network((784, 512, 512, 10), 256, 8), {"PyTorch": 1.35, "JAX scan": 1.35, "scikit-learn": 2.7}, 1.25),
)
LARGE = (
    Row(Network((16, 1024, 1024, 8), 512, 2), {"PyTorch": 1.0}),
    Row(Network((128, 4096, 4096, 10), 64, 2), {"PyTorch": 1.0}),
)
#: Activations whose slope underflows in saturated units, and a network in which gradients vanish.
SATURATING = ("tanh", "sigmoid", "silu")
SATURATED, VANISHING = Network((30, 128, 128, 10), 128, 4), Network((30, *[64] * 60, 10), 128, 2, "sigmoid")
#: Factors of the goals for tanh, which takes time in every library, and for v3, with half the vector width.
TANH_FACTOR, V3_FACTOR = 0.9, 0.9
#: A step in float64, with half the lanes, may take 1 / 0.45 times as long as in float32.
DOUBLE_GOAL = Goal((SINGLE,), 0.45)
#: Goals of threads over one thread: in general, for a network with enough work, and with a busy CPU.
THREADS_GOAL, GAIN_GOAL, BUSY_GOAL = 0.97, 1.7, 1 / 1.3
#: A network is never slower as it learns.
CONVERGED_GOAL = Goal(("fresh",), 1 / 1.05)
GAINING = (784, 512, 512, 10)
#: scikit-learn clips its loss, and the first losses of wider networks exceed the bound.
WIDEST_OF_SKLEARN = 1024


def cases() -> Iterator[Case]:
    """Rows per network: relu, tanh, float64, converged networks, and threads with a busy CPU."""
    level = V3_FACTOR if os.environ.get("SIMDNN_ISA") == "v3" else 1.0
    for row in (*ROWS, *LARGE):
        yield _case("train step", row.network, _goals(row, level))
    for row in ROWS:
        yield _case("train tanh", row.network._replace(activation="tanh"), _goals(row, level * TANH_FACTOR))
    for row in ROWS:
        yield _case("train float64", row.network._replace(dtype="float64"), [DOUBLE_GOAL])
    for row in ROWS[1:]:
        for kind in (_confident, _dead):
            name = f"{_name(row.network)}, {kind.__name__.strip('_')}"
            build = functools.partial(_converged, row.network, kind)
            yield Case("train converged", name, build, (CONVERGED_GOAL,))
    for activation in SATURATING:
        build = functools.partial(_converged, SATURATED._replace(activation=activation), _dead)
        yield Case("train converged", f"{_name(SATURATED)} {activation}, saturated", build, (CONVERGED_GOAL,))
    build = functools.partial(_converged, VANISHING, _unchanged, _steep)
    yield Case("train converged", "60 layers of 64 sigmoids b=128, vanishing", build, (CONVERGED_GOAL,))
    if peers.threads() > 1:
        for row in ROWS[3:]:
            build = functools.partial(_with_busy_cpu, row.network)
            yield Case("train busy", _name(row.network), build, (Goal((ONE_THREAD,), BUSY_GOAL),))


def _goals(row: Row, factor: float) -> list[Goal]:
    """The goals of a row, with the ratios to peers times a factor."""
    goals = [
        Goal((peer,), ratio * factor, OURS if peer == "PyTorch" else FIT)
        for peer, ratio in row.ratios.items()
    ]
    return goals + ([Goal((FLOOR,), 1 / row.of_floor)] if row.of_floor else [])


def _case(group: str, network: Network, goals: list[Goal]) -> Case:
    if peers.threads() > 1:
        goals = [*goals, Goal((ONE_THREAD,), GAIN_GOAL if network.widths == GAINING else THREADS_GOAL)]
    return Case(group, _name(network), functools.partial(_contestants, network), tuple(goals), _note)


def _name(network: Network) -> str:
    return f"{network.shape()}, batch {network.batch_size}"


def _note() -> str:
    return (
        "floor: operations of the products at the peak, bytes or divisions of Adam, divisions of tanh"
        f" (bench/floor.cpp)\n{floor.describe()}"
    )


def _contestants(network: Network) -> Iterator[Contestant]:
    problem = make_problem(network)
    reference = _numpy_network(problem, np.float64)
    expected = [reference.step(x.astype(np.float64), y) for x, y in problem.batches()[:CHECKED_STEPS]]
    trainer = _trainer(problem)
    yield _stepwise(OURS, trainer.step, problem.batches(), expected)
    yield _fit(problem)
    yield _stepwise(CUSTOM, _custom_step(problem), problem.batches(), expected)
    if peers.threads() > 1:
        yield _stepwise(ONE_THREAD, _trainer(problem).step, problem.batches(), expected, _alone)
    if work := floor.step_floor(network.flops(), network.parameters(), network.divisions(), network.dtype):
        yield Contestant(FLOOR, work, work)
    yield from _peers(problem, expected)


def _peers(problem: Problem, expected: list[float]) -> Iterator[Contestant]:
    """The training step of each peer."""
    parameters, activation, batches = problem.parameters, problem.activation, problem.batches()
    single = problem.x.dtype == np.float32
    yield _stepwise("NumPy", _numpy_network(problem, problem.x.dtype.type).step, batches, expected)
    if not single:
        narrow = {name: value.astype(np.float32) for name, value in parameters.items()}
        same = problem._replace(x=problem.x.astype(np.float32), parameters=narrow)
        yield _stepwise(SINGLE, _trainer(same).step, same.batches(), expected)
    if torch := peers.torch():
        tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
        step = training.torch_step(torch, parameters, LEARNING_RATE, activation)
        yield _stepwise("PyTorch", step, tensors, expected)
    if single and (jax := peers.jax()):  # JAX has float64 only for the whole process
        arrays = [(jax.numpy.asarray(x), jax.numpy.asarray(y)) for x, y in batches]
        step = training.jax_step(jax, parameters, LEARNING_RATE, activation)
        yield _stepwise("JAX jit", step, arrays, expected)
        scan = training.jax_scan(jax, parameters, LEARNING_RATE, arrays, activation)
        yield Contestant("JAX scan", scan, lambda: _close(scan()[:CHECKED_STEPS], expected), len(arrays))
    if peers.is_installed("sklearn") and max(problem.widths) <= WIDEST_OF_SKLEARN:
        yield _sklearn(problem)


def _trainer(problem: Problem) -> simdnn.Trainer:
    optimizer = optim.Adam(lr=LEARNING_RATE)
    return simdnn.Trainer(make_model(problem), loss="cross_entropy", optimizer=optimizer, seed=0)


def _custom_step(problem: Problem) -> Callable[[Any, Any], float]:
    """A step of a custom loop: forward, loss, backward and update as calls from Python."""
    model = make_model(problem)
    optimizer = optim.Adam(model, lr=LEARNING_RATE)

    def step(x: Any, y: Any) -> float:
        loss, gradient = F.cross_entropy(model.forward(x, training=True), y, return_grad=True)
        model.backward(gradient, input_gradient=False)
        optimizer.step()
        return float(loss)

    return step


def _fit(problem: Problem) -> Contestant:
    fit = functools.partial(
        _trainer(problem).fit, problem.x, problem.y, epochs=1, batch_size=problem.batch_size, progress=False
    )

    def check() -> None:
        np.testing.assert_allclose(fit(shuffle=False).loss[0], _epoch_loss(problem), rtol=1e-2)

    return Contestant(FIT, fit, check, len(problem.batches()))


def _sklearn(problem: Problem) -> Contestant:
    first = problem.batches()[0]
    model = training.sklearn_classifier(problem.parameters, LEARNING_RATE, first, problem.activation)

    def check() -> None:
        reference = _numpy_network(problem, problem.x.dtype.type)
        expected = _numpy_mlp.softmax(reference.forward(problem.x))
        np.testing.assert_allclose(model.predict_proba(problem.x), expected, rtol=1e-3, atol=1e-6)
        model.partial_fit(problem.x, problem.y)
        # scikit-learn has one logistic output for two classes, which learns at another rate.
        tolerance = 0.1 if problem.widths[-1] == 2 else 0.01
        np.testing.assert_allclose(model.loss_, _epoch_loss(problem), rtol=tolerance)

    run = functools.partial(model.partial_fit, problem.x, problem.y)
    return Contestant("scikit-learn", run, check, len(problem.batches()))


def _epoch_loss(problem: Problem) -> float:
    """Mean loss over the first epoch, without shuffling."""
    reference = _numpy_network(problem, problem.x.dtype.type)
    return float(np.mean([reference.step(x, y) for x, y in problem.batches()]))


def _numpy_network(problem: Problem, dtype: type[np.floating[Any]]) -> _numpy_mlp.NumpyMLP:
    adam = _numpy_mlp.NumpyAdam(LEARNING_RATE)
    return _numpy_mlp.NumpyMLP(problem.parameters, problem.activation, adam, dtype)


def _stepwise(
    name: str,
    step: Callable[[Any, Any], Any],
    batches: list[tuple[Any, Any]],
    expected: list[float],
    context: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext,
) -> Contestant:
    """A contestant that trains on one batch per call."""
    next_batch = itertools.cycle(batches).__next__

    def run() -> Any:
        return step(*next_batch())

    return Contestant(name, run, lambda: _close([run() for _ in expected], expected), context=context)


def _close(losses: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(np.asarray(losses, np.float64), expected[: len(losses)], rtol=1e-4)


def _confident(model: nn.Sequential) -> None:
    """Makes all probabilities but the first, and so the gradients, subnormal."""
    weight, bias = list(model.parameters().values())[-2:]
    weight *= 1e-2
    bias[1:] = -92


def _dead(model: nn.Sequential) -> None:
    """Makes every second hidden unit dead, or saturated: its slope is near or below the normal numbers."""
    for bias in list(model.parameters().values())[1:-1:2]:
        bias[::2] = -50


def _unchanged(model: nn.Sequential) -> None:
    """Leaves the model as it is."""


def _steep(model: nn.Sequential) -> None:
    """Makes up for a sigmoid's slope by weights of 4 times the size, so that gradients come through."""
    for weight in list(model.parameters().values())[2:-2:2]:
        weight *= 4


def _converged(
    network: Network,
    spoil: Callable[[nn.Sequential], None],
    refresh: Callable[[nn.Sequential], None] = _unchanged,
) -> Iterator[Contestant]:
    """A converged or half dead network, and a fresh one; a tiny learning rate keeps both unchanged."""
    problem = make_problem(network)
    x, y = problem.batches()[0]

    def contestant(name: str, model: nn.Sequential, labels: Any) -> Contestant:
        trainer = simdnn.Trainer(model, loss="cross_entropy", optimizer=optim.Adam(lr=1e-12), seed=0)
        loss, _ = trainer.evaluate(x, labels)
        step = functools.partial(trainer.step, x, labels)
        return Contestant(name, step, lambda: _close([step()], [loss]))

    spoiled = make_model(problem)
    spoil(spoiled)
    yield contestant(OURS, spoiled, spoiled(x).argmax(axis=1))
    fresh = make_model(problem)
    refresh(fresh)
    yield contestant("fresh", fresh, y)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """A context in which simdnn uses one thread."""
    simdnn.set_num_threads(1)
    try:
        yield
    finally:
        simdnn.set_num_threads(peers.threads())


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """A context in which another process keeps one of this process's CPUs busy."""
    cpu = min(os.sched_getaffinity(0))
    spin = f"import os; os.sched_setaffinity(0, {{{cpu}}})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def _alone_with_busy_cpu() -> Iterator[None]:
    """A context with one thread and a busy CPU."""
    with busy(), _alone():
        yield


def _with_busy_cpu(network: Network) -> Iterator[Contestant]:
    """Training steps while another process keeps a CPU busy."""
    problem = make_problem(network)
    reference = _numpy_network(problem, np.float64)
    expected = [reference.step(x, y) for x, y in problem.batches()[:CHECKED_STEPS]]
    yield _stepwise(OURS, _trainer(problem).step, problem.batches(), expected, busy)
    yield _stepwise(ONE_THREAD, _trainer(problem).step, problem.batches(), expected, _alone_with_busy_cpu)
    if torch := peers.torch():
        tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in problem.batches()]
        step = training.torch_step(torch, problem.parameters, LEARNING_RATE)
        yield _stepwise("PyTorch", step, tensors, expected, busy)
