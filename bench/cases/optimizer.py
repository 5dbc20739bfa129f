"""One step of every update rule over one array, over many small ones, and in a network that is half dead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import optim

from bench import peers
from bench.floor import slower_floor
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import optimizer_numpy

SIZES = {"4096": 4096, "1e6": 1_000_000, "16e6": 16_000_000}
CHECKED_STEPS = 3
CHECKED_ELEMENTS = 4096
FUSED, PLAIN, FLOOR = "PyTorch fused", "PyTorch", "floor"
#: The goal of PyTorch's fused Adam: its time as a multiple of simdnn's.
ADAM_GOALS = {"4096": 12.0, "1e6": 1.3, "16e6": 1.0}
NUMPY_GOAL, FLOOR_GOAL = 6.0, 1 / 1.15
NOTE = (
    "floor: the slower of reading and writing the same bytes, and of the roots and divisions alone, in loops"
    " that do nothing else (bench/floor.cpp)"
)


class Rule(NamedTuple):
    """A row: an optimizer with its settings, and the least work per element."""

    name: str
    roots: int = 0
    divisions: int = 0
    settings: dict[str, Any] = {}  # noqa: RUF012
    #: A quick formula of NumPy; None takes the oracle of the tests.
    numpy: Callable[[NDArray[Any]], optimizer_numpy.Step] | None = None
    fused: bool = False  # PyTorch has a fused step

    def optimizer(self, parameters: list[NDArray[Any]]) -> optim.Optimizer:
        """The optimizer of the row, with these parameters."""
        made: optim.Optimizer = getattr(optim, self.name)(parameters, **self.settings)
        return made

    def oracle(self, p: NDArray[Any]) -> optimizer_numpy.Step:
        """The step of the tests' oracle on p, in the dtype of p."""
        return optimizer_numpy.from_oracle(p, self.optimizer([np.zeros(1)]))

    @property
    def buffers(self) -> int:
        """The number of state buffers."""
        rule = self.optimizer([np.zeros(1)])._config.rule
        return len(optimizer_numpy.REGISTRY[rule]["slots"])


#: By the rule of the registry; a new rule gets a row.
RULES: dict[str, Rule] = {
    "sgd": Rule("SGD", numpy=optimizer_numpy.sgd, fused=True),
    "momentum": Rule("SGD", settings={"momentum": 0.9}, numpy=optimizer_numpy.momentum, fused=True),
    "lion": Rule("Lion", numpy=optimizer_numpy.lion),
    "adagrad": Rule("Adagrad", 1, 1, numpy=optimizer_numpy.adagrad, fused=True),
    "rmsprop": Rule("RMSprop", 1, 1, numpy=optimizer_numpy.rmsprop),
    "rmsprop_centered_momentum": Rule(
        "RMSprop",
        1,
        1,
        {"centered": True, "momentum": 0.9},
        optimizer_numpy.rmsprop_centered_momentum,
    ),
    "adadelta": Rule("Adadelta", 2, 1, numpy=optimizer_numpy.adadelta),
    "adam": Rule("Adam", 1, 1, numpy=optimizer_numpy.adam, fused=True),
    "adamw": Rule(
        "AdamW", 1, 1, numpy=functools.partial(optimizer_numpy.adam, weight_decay=1e-2), fused=True
    ),
    "amsgrad": Rule(
        "Adam", 1, 1, {"amsgrad": True}, functools.partial(optimizer_numpy.adam, amsgrad=True), fused=True
    ),
    "nadam": Rule("NAdam", 1, 1, numpy=optimizer_numpy.nadam),
    "radam": Rule("RAdam", 1, 1, numpy=optimizer_numpy.radam),
    "adamax": Rule("Adamax", 0, 1, numpy=optimizer_numpy.adamax),
}
#: Rules that the row of another rule times, which does more.
WITHIN = {
    "rmsprop_momentum": "rmsprop_centered_momentum",
    "rmsprop_centered": "rmsprop_centered_momentum",
}


def cases() -> Iterator[Case]:
    """A row for each rule and size, then the special ones."""
    for name, rule in RULES.items():
        for label, size in SIZES.items():
            goals = [Goal((FLOOR,), FLOOR_GOAL)]
            if name == "adam":
                goals += [Goal((FUSED,), ADAM_GOALS[label]), Goal(("NumPy",), NUMPY_GOAL)]
            build = functools.partial(_contestants, rule, size)
            yield Case("optimizer", f"{name} N={label}", build, tuple(goals), NOTE)
    yield Case("optimizer lists", "adam 100 x 50", _many_small, (Goal((FUSED,), 20.0),))
    yield Case("optimizer converged", "adam half dead N=1e5", _half_dead, (Goal(("fresh",), 1 / 1.05),))


def _contestants(rule: Rule, size: int) -> Iterator[Contestant]:
    rng = np.random.default_rng(size)
    start = rng.normal(size=size).astype(np.float32)
    gradient = rng.normal(size=size).astype(np.float32)
    expected = start[:CHECKED_ELEMENTS].astype(np.float64)
    reference = rule.oracle(expected)
    for _ in range(CHECKED_STEPS):
        reference(gradient[:CHECKED_ELEMENTS].astype(np.float64))

    def checked(name: str, parameters: Any, run: Callable[[], object]) -> Contestant:
        def check() -> None:
            for _ in range(CHECKED_STEPS):
                run()
            first = np.asarray(parameters[:CHECKED_ELEMENTS])
            np.testing.assert_allclose(first, expected, rtol=1e-4, atol=2e-5)

        return Contestant(name, run, check)

    ours, theirs = start.copy(), start.copy()
    optimizer, numpy_step = rule.optimizer([ours]), (rule.numpy or rule.oracle)(theirs)
    yield checked(OURS, ours, lambda: optimizer.step([gradient]))
    yield checked("NumPy", theirs, lambda: numpy_step(gradient))
    if (torch := peers.torch()) and hasattr(torch.optim, rule.name):
        (parameter,), run = _torch(torch, rule, [start], [gradient])
        yield checked(FUSED if rule.fused else PLAIN, parameter.detach(), run)
    if floor := slower_floor(size, rule.buffers, rule.roots, rule.divisions):
        yield Contestant(FLOOR, floor, floor)


def _torch(
    torch: Any, rule: Rule, start: list[NDArray[np.float32]], gradients: list[NDArray[np.float32]]
) -> tuple[list[Any], Callable[[], object]]:
    parameters = [torch.nn.Parameter(torch.from_numpy(array.copy())) for array in start]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient)
    fused = {"fused": True} if rule.fused else {}
    optimizer = getattr(torch.optim, rule.name)(parameters, **rule.settings, **fused)
    return parameters, optimizer.step


def _many_small() -> Iterator[Contestant]:
    """A hundred arrays of fifty, which show the cost of a call."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=50).astype(np.float32) for _ in range(100)]
    gradients = [rng.normal(size=50).astype(np.float32) for _ in range(100)]
    expected = np.concatenate(start).astype(np.float64)
    RULES["adam"].oracle(expected)(np.concatenate(gradients).astype(np.float64))

    def checked(name: str, parameters: list[Any], run: Callable[[], object]) -> Contestant:
        def check() -> None:
            run()
            np.testing.assert_allclose(
                np.concatenate([np.asarray(p) for p in parameters]), expected, atol=1e-6
            )

        return Contestant(name, run, check)

    ours, theirs = [array.copy() for array in start], [array.copy() for array in start]
    optimizer = optim.Adam(ours)
    steps = [(optimizer_numpy.adam(p), g) for p, g in zip(theirs, gradients, strict=True)]
    yield checked(OURS, ours, lambda: optimizer.step(gradients))
    yield checked("NumPy", theirs, lambda: [step(g) for step, g in steps])
    if torch := peers.torch():
        parameters, run = _torch(torch, RULES["adam"], start, gradients)
        yield checked(FUSED, [parameter.detach() for parameter in parameters], run)


def _half_dead() -> Iterator[Contestant]:
    """Adam with every second gradient zero for two thousand steps, against Adam with all gradients alive."""
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=100_000).astype(np.float32)
    dead = gradient * (np.arange(gradient.size) % 2).astype(np.float32)

    def contestant(name: str, g: NDArray[np.float32]) -> Contestant:
        p = rng.normal(size=gradient.size).astype(np.float32)
        optimizer = optim.Adam([p])
        optimizer.step([gradient])
        for _ in range(2000):
            optimizer.step([g])

        def check() -> None:
            moment = optimizer.state_dict()["state"][0]["exp_avg"]
            assert np.array_equal(moment == 0, g == 0)

        return Contestant(name, lambda: optimizer.step([g]), check)

    yield contestant(OURS, dead)
    yield contestant("fresh", gradient)
