"""Populations: many equal networks, trained with Adam by one call of `simdnn.fit_many` and in each peer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import simdnn
from numpy.typing import NDArray
from simdnn import optim

from bench import memory, peers
from bench.cases.engine import busy
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import population as theirs
from bench.peers.population import Population, Train
from bench.problems import Network, make_model, make_parameters, make_problem

LEARNING_RATE = 1e-3
#: Number of networks for libraries that take them one by one, and for each process of joblib.
FEW, TASKS = 2, 4
SEPARATE, ONE_THREAD = "separate fits", "one thread"
STACKED, VMAP = "PyTorch stacked", "JAX vmap"
TORCH, SKLEARN = (f"{name}, {FEW} one by one" for name in ("PyTorch", "scikit-learn"))
JOBLIB = f"joblib, {TASKS} a process"
#: Losses of scikit-learn differ more with two classes, for which it has one logistic output.
TOLERANCE, TOLERANCE_OF_ONE_OUTPUT = 2e-3, 0.2
#: Ratios that are goals with two threads for each library; threads cost nothing beside a busy CPU.
OF_THREADS, BUSY_GOAL = {ONE_THREAD: 1.9, VMAP: 2.5}, 1.0
#: Seconds that JAX needed to compile a row, by its name.
compiled: dict[str, float] = {}


class Row(NamedTuple):
    """A network, the number of such networks, their epochs in a call, and goals with one thread and more."""

    network: Network
    networks: int
    epochs: int
    ratios: dict[str, float]
    of_threads: dict[str, float] = OF_THREADS

    def name(self) -> str:
        """The name of the row."""
        return f"{self.networks} x {self.network.shape()}, batch {self.network.batch_size}"


ROWS = (
    Row(Network((2, 16, 2), 4, 256), 64, 4, {SEPARATE: 5, VMAP: 10}),
    Row(Network((4, 16, 16, 2), 8, 128), 64, 4, {SEPARATE: 3, VMAP: 1.5}),
    Row(Network((8, 64, 64, 4), 32, 32), 64, 8, {SEPARATE: 0.97, VMAP: 1.5, TORCH: 30}),
    Row(Network((30, 128, 128, 2), 128, 8), 64, 4, {SEPARATE: 0.97, VMAP: 1.5}),
    # Two threads train 500 networks in less time than PyTorch trains 10: fifty times as fast. On one core the
    # products at the peak alone take longer than that.
    Row(
        Network((8, 64, 64, 4), 32, 32),
        networks=500,
        epochs=2,
        ratios={SEPARATE: 0.97, VMAP: 1.5, TORCH: 30},
        of_threads={**OF_THREADS, TORCH: 50},
    ),
)


def cases() -> Iterator[Case]:
    """A row per population, and one with a busy CPU if there are threads."""
    for row in ROWS:
        ratios = row.of_threads if peers.threads() > 1 else row.ratios
        goals = [Goal((peer,), ratio) for peer, ratio in ratios.items()]
        build = functools.partial(contestants, row)
        yield Case("population", row.name(), build, tuple(goals), _note)
    if peers.threads() > 1:
        for row in (ROWS[0], ROWS[2]):
            build = functools.partial(_with_busy_cpu, row)
            yield Case("population busy", row.name(), build, (Goal((ONE_THREAD,), BUSY_GOAL),))


def contestants(row: Row) -> Iterator[Contestant]:
    """Our call, our separate fits, and each peer."""
    population = make_population(row)
    orders, expected = fixed_orders(population)
    yield _together(OURS, population)
    yield _separate(population)
    if peers.threads() > 1:
        yield _together(ONE_THREAD, population, 1)
    for name, part, train in _peers(row, population):
        yield _peer(name, part, train, orders, expected)


def make_population(row: Row) -> Population:
    """The samples, and parameters of each network."""
    rngs = [np.random.default_rng(index) for index in range(row.networks)]
    parameters = [make_parameters(row.network, rng) for rng in rngs]
    return Population(make_problem(row.network), parameters, row.epochs, LEARNING_RATE)


def make_trainers(population: Population) -> list[simdnn.Trainer]:
    """A trainer for each network, with a seed of its own."""
    problem = population.problem
    models = [make_model(problem._replace(parameters=own)) for own in population.parameters]
    return [
        simdnn.Trainer(
            model, loss="cross_entropy", optimizer=optim.Adam(lr=population.learning_rate), seed=seed
        )
        for seed, model in enumerate(models)
    ]


def _settings(population: Population) -> dict[str, Any]:
    """The arguments that one fit and a fit of many have in common."""
    return {"epochs": population.epochs, "batch_size": population.problem.batch_size, "progress": False}


def _together(
    name: str,
    population: Population,
    threads: int | None = None,
    context: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Contestant:
    """All networks in one call, which must have the bits of separate fits."""
    problem, settings = population.problem, _settings(population) | {"n_threads": threads}
    run = functools.partial(simdnn.fit_many, make_trainers(population), problem.x, problem.y, **settings)

    def check() -> None:
        together, separate = make_trainers(population), make_trainers(population)
        histories = simdnn.fit_many(together, problem.x, problem.y, **settings)
        for one, other, history in zip(together, separate, histories, strict=True):
            expected = other.fit(problem.x, problem.y, **_settings(population))
            assert history.loss == expected.loss
            for ours, own in zip(_values(one), _values(other), strict=True):
                np.testing.assert_array_equal(ours.view(np.uint32), own.view(np.uint32))

    return Contestant(name, run, check, population.steps(), context)


def _values(trainer: simdnn.Trainer) -> list[NDArray[Any]]:
    return list(trainer.model.parameters().values())


def _separate(population: Population) -> Contestant:
    """Fits of such trainers, one after another; the check of our call compares with these fits."""
    trainers, problem, settings = make_trainers(population), population.problem, _settings(population)

    def run() -> None:
        for trainer in trainers:
            trainer.fit(problem.x, problem.y, **settings)

    return Contestant(SEPARATE, run, lambda: None, population.steps())


def fixed_orders(population: Population) -> tuple[NDArray[Any], NDArray[Any]]:
    """An order of the samples for each network, which all its epochs have, and our losses with them."""
    orders = population.draw_orders(np.random.default_rng(1))
    orders[...] = orders[:, :1]
    problem, trainers = population.problem, make_trainers(population)
    settings = _settings(population) | {"indices": list(orders[:, 0]), "shuffle": False}
    histories = simdnn.fit_many(trainers, problem.x, problem.y, **settings)
    return orders, np.array([history.loss for history in histories])


def _peers(row: Row, population: Population) -> Iterator[tuple[str, Population, Train]]:
    """The name of each peer, the networks that it trains, and how."""
    few = population.first(FEW)
    if jax := peers.jax():
        vmap, compiled[row.name()] = theirs.jax_vmap(jax, population)
        yield VMAP, population, vmap
    if torch := peers.torch():
        yield STACKED, population, theirs.torch_stacked(torch, population)
        yield TORCH, few, theirs.torch_separate(torch, few)
    if peers.is_installed("sklearn"):
        yield SKLEARN, few, theirs.sklearn_separate(few)
        if peers.threads() > 1:
            tasks = population.first(TASKS * peers.threads())
            yield JOBLIB, tasks, theirs.sklearn_processes(tasks, peers.threads())


def _peer(
    name: str, population: Population, train: Train, orders: NDArray[Any], expected: NDArray[Any]
) -> Contestant:
    """A peer that draws new orders in each call, and has our losses with our orders."""
    rng, count = np.random.default_rng(0), len(population.parameters)
    one_output = name in (SKLEARN, JOBLIB) and population.problem.widths[-1] == 2
    tolerance = TOLERANCE_OF_ONE_OUTPUT if one_output else TOLERANCE

    def check() -> None:
        np.testing.assert_allclose(train(orders[:count]), expected[:count], rtol=tolerance)

    def run() -> object:
        return train(population.draw_orders(rng))

    return Contestant(name, run, check, population.steps(), elsewhere=name == JOBLIB)


def _with_busy_cpu(row: Row) -> Iterator[Contestant]:
    """All threads and one thread while another process keeps a CPU busy."""
    population = make_population(row)
    yield _together(OURS, population, context=busy)
    yield _together(ONE_THREAD, population, 1, context=busy)


def _note() -> str:
    """The unit of the table, how peers train, and what was left out of the time."""
    seconds = ", ".join(f"{name} {taken:.1f} s" for name, taken in compiled.items())
    lines = [
        "time of a step of one network, from call to result, with drawing the orders of the samples",
        f"{SEPARATE}: a Trainer.fit for each network, in turn",
        f"{STACKED}: products by baddbmm over stacked parameters, which takes less time than torch.func.vmap",
        f"{TORCH} and {SKLEARN}: only these networks of the population, time per step",
        f"{JOBLIB}: scikit-learn's networks, in processes that run before the call, time per step",
    ]
    if seconds:
        lines.append(f"{VMAP}: over a scan; compiling takes more, which is not in the time: {seconds}")
    return "\n".join([*lines, memory.describe()])
