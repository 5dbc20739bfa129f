"""Training steps of a recurrent layer and a dense head with Adam, and their lower bound."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simdnn
from simdnn import nn, optim

from bench import floor, peers
from bench.cases.engine import CHECKED_STEPS, FLOOR, LEARNING_RATE, ONE_THREAD, _alone, _note, _stepwise
from bench.harness import OURS, Case, Contestant, Goal
from bench.peers import recurrent

CLASSES, BATCHES = 4, 4
#: Number of gates, and of exponentials per unit and time step, by cell.
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
EXPONENTIALS = {"LSTM": 5, "GRU": 3, "RNN": 1}


class Row(NamedTuple):
    """A recurrent layer, and the ratio to PyTorch's time that is the goal."""

    cell: str
    batch: int
    time: int
    features: int
    hidden: int
    ratio: float

    def name(self) -> str:
        """A name for tables."""
        return f"{self.cell} {self.features}->{self.hidden}, batch {self.batch}, {self.time} steps"

    def weights(self) -> int:
        """Number of weights of the recurrent layer."""
        return (self.features + self.hidden) * GATES[self.cell] * self.hidden

    def flops(self) -> float:
        """Operations of the products: forward, and the gradients w.r.t. weights and states."""
        steps = self.batch * self.time
        return 2.0 * steps * (3 * self.weights() - self.features * GATES[self.cell] * self.hidden)

    def divisions(self) -> int:
        """Number of divisions, one for each exponential of a forward pass."""
        return self.batch * self.time * self.hidden * EXPONENTIALS[self.cell]


ROWS = (
    Row("LSTM", 32, 20, 8, 32, 3),
    Row("LSTM", 64, 50, 64, 128, 1.2),
    Row("LSTM", 1, 100, 8, 32, 3),
    Row("GRU", 32, 20, 8, 32, 3),
    Row("GRU", 64, 50, 64, 128, 1.2),
    Row("RNN", 32, 20, 8, 32, 3),
)


def cases() -> Iterator[Case]:
    """A row per layer."""
    for row in ROWS:
        goals = [Goal(("PyTorch",), row.ratio)]
        if peers.threads() > 1:
            goals.append(Goal((ONE_THREAD,), 0.97))
        yield Case("recurrent step", row.name(), functools.partial(contestants, row), tuple(goals), _note)


def contestants(row: Row) -> Iterator[Contestant]:
    """simdnn, the lower bound, and the peers, all with the same weights."""
    rng = np.random.default_rng(0)
    batches = [
        (
            rng.normal(size=(row.batch, row.time, row.features)).astype(np.float32),
            rng.integers(0, CLASSES, row.batch),
        )
        for _ in range(BATCHES)
    ]
    parameters = {name: value.copy() for name, value in make_model(row).parameters().items()}
    reference = recurrent.NumpyRecurrent(row.cell, parameters, LEARNING_RATE, np.float64)
    expected = [reference.step(x.astype(np.float64), y) for x, y in batches[:CHECKED_STEPS]]
    yield _stepwise(OURS, _trainer(row).step, batches, expected)
    if peers.threads() > 1:
        yield _stepwise(ONE_THREAD, _trainer(row).step, batches, expected, _alone)
    count = sum(value.size for value in parameters.values())
    if work := floor.step_floor(row.flops(), count, row.divisions()):
        yield Contestant(FLOOR, work, work)
    numpy = recurrent.NumpyRecurrent(row.cell, parameters, LEARNING_RATE, np.float32)
    yield _stepwise("NumPy", numpy.step, batches, expected)
    if torch := peers.torch():
        tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
        step = recurrent.torch_step(torch, row.cell, parameters, LEARNING_RATE)
        yield _stepwise("PyTorch", step, tensors, expected)


def make_model(row: Row) -> nn.Sequential:
    """The recurrent layer and its head."""
    layer = getattr(nn, row.cell)(row.features, row.hidden)
    return nn.Sequential(layer, nn.Dense(row.hidden, CLASSES), rng=0)


def _trainer(row: Row) -> simdnn.Trainer:
    return simdnn.Trainer(make_model(row), optimizer=optim.Adam(lr=LEARNING_RATE), seed=0)
