"""Networks to train and serve: random data, initial weights, and the simdnn model that starts from them."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import nn


class Network(NamedTuple):
    """Layer widths, batch size, and batches in an epoch."""

    widths: tuple[int, ...]
    batch_size: int
    batches: int
    activation: str = "relu"
    dtype: str = "float32"

    def shape(self) -> str:
        """The widths joined by hyphens, for tables."""
        return "-".join(map(str, self.widths))

    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(fan_in * fan_out + fan_out for fan_in, fan_out in itertools.pairwise(self.widths))

    def flops(self) -> float:
        """Operations of the matrix products of a training step: y, dW and, except in the first layer, dx."""
        weights = self.parameters() - sum(self.widths[1:])
        return 2.0 * self.batch_size * (3 * weights - self.widths[0] * self.widths[1])

    def divisions(self) -> int:
        """Divisions of the hidden activations of a step: one per unit, and none for relu."""
        return 0 if self.activation == "relu" else self.batch_size * sum(self.widths[1:-1])


class Problem(NamedTuple):
    """Initial weights and data, which are the same for every library."""

    widths: tuple[int, ...]
    batch_size: int
    parameters: dict[str, NDArray[Any]]
    x: NDArray[Any]  # (batches * batch_size, features)
    y: NDArray[np.int64]
    activation: str = "relu"

    def batches(self) -> list[tuple[NDArray[Any], NDArray[np.int64]]]:
        """The batches of one epoch, in order."""
        starts = range(0, len(self.x), self.batch_size)
        return [(self.x[i : i + self.batch_size], self.y[i : i + self.batch_size]) for i in starts]


def make_problem(network: Network) -> Problem:
    """A problem with random data, in which each sample appears twice with independent labels.

    No network can fit such labels, so gradients do not vanish however many steps a library trains.
    """
    rng = np.random.default_rng(0)
    rows = network.batches * network.batch_size
    x = np.tile(rng.normal(size=(rows // 2, network.widths[0])), (2, 1)).astype(network.dtype)
    y = rng.integers(0, network.widths[-1], rows)
    parameters = make_parameters(network, rng)
    return Problem(network.widths, network.batch_size, parameters, x, y, network.activation)


def make_parameters(network: Network, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Weights from a uniform distribution by He, and biases of 0."""
    parameters = {}
    for index, (fan_in, fan_out) in enumerate(itertools.pairwise(network.widths)):
        limit = np.sqrt(6 / fan_in)
        parameters[f"{index}.weight"] = rng.uniform(-limit, limit, (fan_in, fan_out)).astype(network.dtype)
        parameters[f"{index}.bias"] = np.zeros(fan_out, network.dtype)
    return parameters


def make_model(problem: Problem, precision: Any = None) -> nn.Sequential:
    """The network with the problem's weights; its products have a precision, or that of the dtype."""
    pairs = list(itertools.pairwise(problem.widths))
    hidden = [nn.Dense(fan_in, fan_out, activation=problem.activation) for fan_in, fan_out in pairs[:-1]]
    model = nn.Sequential(*hidden, nn.Dense(*pairs[-1]), dtype=problem.x.dtype, precision=precision)
    for name, view in model.parameters().items():
        view[...] = problem.parameters[name]
    return model
