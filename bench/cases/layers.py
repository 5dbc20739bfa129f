"""Training steps of networks with normalization, dropout and residual blocks."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import simdnn
from simdnn import nn, optim

from bench import peers
from bench.harness import OURS, Case, Contestant, Goal
from bench.problems import Network, Problem, make_problem

LEARNING_RATE = 1e-3
CHECKED_STEPS = 8


class Row(NamedTuple):
    """A network in simdnn and PyTorch, and the tolerance of losses, which is larger with dropout."""

    name: str
    sizes: Network
    ours: Callable[[], list[nn.Layer]]
    theirs: Callable[[Any], Any]
    tolerance: float


def _normalized() -> list[nn.Layer]:
    widths = itertools.pairwise((784, 256, 256))
    hidden = [[nn.Dense(*pair), nn.BatchNorm1d(pair[1]), nn.ReLU(), nn.Dropout(0.5)] for pair in widths]
    return [*itertools.chain.from_iterable(hidden), nn.Dense(256, 10)]


def _normalized_peer(torch: Any) -> Any:
    t, widths = torch.nn, itertools.pairwise((784, 256, 256))
    hidden = [[t.Linear(*pair), t.BatchNorm1d(pair[1]), t.ReLU(), t.Dropout(0.5)] for pair in widths]
    return t.Sequential(*itertools.chain.from_iterable(hidden), t.Linear(256, 10))


def _residual() -> list[nn.Layer]:
    blocks = [nn.Residual(nn.Dense(64, 64, activation="relu"), nn.Dense(64, 64)) for _ in range(8)]
    return [*blocks, nn.Dense(64, 10)]


def _residual_peer(torch: Any) -> Any:
    t = torch.nn

    class Residual(t.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = t.Sequential(t.Linear(64, 64), t.ReLU(), t.Linear(64, 64))

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    return t.Sequential(*[Residual() for _ in range(8)], t.Linear(64, 10))


ROWS = (
    Row("batchnorm dropout 784-256-256-10", Network((784, 10), 128, 8), _normalized, _normalized_peer, 0.1),
    Row("residual 64, 8 blocks", Network((64, 10), 64, 16), _residual, _residual_peer, 1e-4),
)


def cases() -> Iterator[Case]:
    """A row per network."""
    for row in ROWS:
        name = f"{row.name}, batch {row.sizes.batch_size}"
        yield Case("layers step", name, functools.partial(_contestants, row), (Goal(("PyTorch",), 3),))


def _model(row: Row) -> nn.Sequential:
    """The network with weights from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as in PyTorch."""
    model = nn.Sequential(*row.ours(), rng=0)
    for name, value in model.parameters().items():
        if value.ndim == 2:
            limit = (1 / value.shape[0]) ** 0.5
            value[...] = np.random.default_rng(len(name)).uniform(-limit, limit, value.shape)
    return model


def _contestants(row: Row) -> Iterator[Contestant]:
    problem = make_problem(row.sizes)
    steps = {OURS: _ours(row, problem)}
    if torch := peers.torch():
        steps["PyTorch"] = _theirs(torch, row, problem)
    expected: list[float] = []
    for name, step in steps.items():
        yield Contestant(name, step, functools.partial(_check, step, expected, row.tolerance))


def _check(step: Callable[[], float], expected: list[float], tolerance: float) -> None:
    """Asserts equal losses of all contestants, or equal means for networks with dropout."""
    losses = [step() for _ in range(CHECKED_STEPS)]
    expected.extend(losses[len(expected) :])
    if tolerance > 1e-3:
        losses, expected = [float(np.mean(losses))], [float(np.mean(expected))]
    np.testing.assert_allclose(losses, expected, rtol=tolerance)


def _ours(row: Row, problem: Problem) -> Callable[[], float]:
    trainer = simdnn.Trainer(_model(row), optimizer=optim.Adam(lr=LEARNING_RATE), seed=0)
    next_batch = itertools.cycle(problem.batches()).__next__
    return lambda: trainer.step(*next_batch())


def _theirs(torch: Any, row: Row, problem: Problem) -> Callable[[], float]:
    torch.manual_seed(0)
    peer = row.theirs(torch).train()
    for value, own in zip(peer.parameters(), _model(row).parameters().values(), strict=True):
        value.data = torch.from_numpy(own.T.copy())
    optimizer = torch.optim.Adam(peer.parameters(), lr=LEARNING_RATE, fused=True)
    batches = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in problem.batches()]
    next_batch = itertools.cycle(batches).__next__

    def step() -> float:
        x, y = next_batch()
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(peer(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step
