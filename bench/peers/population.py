"""Populations of equal networks in each peer.

A peer is a function that takes orders of the samples [networks, epochs, rows], trains every network on its
own orders, and returns the mean losses [networks, epochs].
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.peers import training
from bench.problems import Problem

Train = Callable[[NDArray[Any]], Any]


class Population(NamedTuple):
    """The samples of all networks, the initial parameters of each, the epochs, and the learning rate."""

    problem: Problem
    parameters: list[dict[str, NDArray[Any]]]
    epochs: int
    learning_rate: float

    def first(self, networks: int) -> Population:
        """The first of the networks."""
        return self._replace(parameters=self.parameters[:networks])

    def steps(self) -> int:
        """Number of steps of all networks together."""
        return len(self.parameters) * self.epochs * len(self.problem.batches())

    def draw_orders(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """A new order of the samples for each network and epoch."""
        shape = (len(self.parameters), self.epochs, len(self.problem.x))
        return rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)


def torch_stacked(torch: Any, population: Population) -> Train:
    """All networks at once in eager PyTorch: batched products over stacked parameters, and fused Adam.

    The sum of the networks' losses has the gradient of each network in its part of the stack. This form takes
    less time than `torch.func.vmap` over the gradient of one network, which makes more calls.
    """
    problem, count = population.problem, len(population.parameters)
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    stack = [torch.from_numpy(array).requires_grad_() for array in _stacked(population.parameters)]
    layers = list(zip(stack[::2], stack[1::2], strict=True))
    optimizer = torch.optim.Adam(stack, lr=population.learning_rate, fused=True)
    hidden = getattr(torch, problem.activation)

    def step(rows: Any) -> Any:
        outputs = x[rows].view(count, problem.batch_size, -1)
        for weight, bias in layers[:-1]:
            outputs = hidden(torch.baddbmm(bias, outputs, weight))
        logits = torch.baddbmm(layers[-1][1], outputs, layers[-1][0])
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[rows], reduction="none")
        losses = losses.view(count, problem.batch_size).mean(dim=1)
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        optimizer.step()
        return losses.detach()

    def train(orders: NDArray[Any]) -> Any:
        batches = torch.from_numpy(_batches(orders, problem.batch_size))
        losses = torch.stack([step(rows.flatten()) for rows in batches.unbind(dim=1)], dim=1)
        return losses.numpy().reshape(*orders.shape[:2], -1).mean(axis=-1)

    return train


def torch_separate(torch: Any, population: Population) -> Train:
    """One network after another in eager PyTorch."""
    problem = population.problem
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    steps = [
        training.torch_step(torch, parameters, population.learning_rate, problem.activation)
        for parameters in population.parameters
    ]

    def train(orders: NDArray[Any]) -> Any:
        batches = torch.from_numpy(_batches(orders, problem.batch_size))
        losses = [[step(x[rows], y[rows]) for rows in own] for step, own in zip(steps, batches, strict=True)]
        return np.reshape(losses, (*orders.shape[:2], -1)).mean(axis=-1)

    return train


def jax_vmap(jax: Any, population: Population) -> tuple[Train, float]:
    """All networks in one function of JAX, ``vmap`` over ``scan``, and the seconds of compiling it."""
    problem, numpy = population.problem, jax.numpy
    update = training.jax_update(jax, population.learning_rate, problem.activation)

    def fit(state: Any, batches: Any, x: Any, y: Any) -> Any:
        return jax.lax.scan(lambda state, rows: update(state, (x[rows], y[rows])), state, batches)

    over_networks = jax.jit(jax.vmap(fit, in_axes=(0, 0, None, None)), donate_argnums=0)
    states = [training.jax_state(jax, parameters) for parameters in population.parameters]
    state = jax.tree.map(lambda *parts: numpy.stack(parts), *states)
    x, y = numpy.asarray(problem.x), numpy.asarray(problem.y)
    orders = population.draw_orders(np.random.default_rng(0))
    start = time.perf_counter()
    example = numpy.asarray(_batches(orders, problem.batch_size), "int32")
    compiled = over_networks.lower(state, example, x, y).compile()
    seconds = time.perf_counter() - start

    def train(orders: NDArray[Any]) -> Any:
        nonlocal state
        batches = numpy.asarray(_batches(orders, problem.batch_size), "int32")
        state, losses = compiled(state, batches, x, y)
        return np.asarray(losses).reshape(*orders.shape[:2], -1).mean(axis=-1)

    return train, seconds


def sklearn_separate(population: Population) -> Train:
    """One network after another in scikit-learn."""
    problem = population.problem
    models = _sklearn_models(population)

    def train(orders: NDArray[Any]) -> Any:
        fits = zip(models, orders, strict=True)
        return [sklearn_fit(model, problem.x, problem.y, own)[1] for model, own in fits]

    return train


def sklearn_processes(population: Population, processes: int) -> Train:
    """One network of scikit-learn a task of joblib's processes, which are started before."""
    import joblib

    problem = population.problem
    models = _sklearn_models(population)
    pool = joblib.Parallel(n_jobs=processes)

    def train(orders: NDArray[Any]) -> Any:
        task = joblib.delayed(sklearn_fit)
        done = pool(task(m, problem.x, problem.y, own) for m, own in zip(models, orders, strict=True))
        models[:] = [model for model, _ in done]
        return [losses for _, losses in done]

    return train


def _sklearn_models(population: Population) -> list[Any]:
    """A classifier of scikit-learn for each network."""
    problem, rate = population.problem, population.learning_rate
    return [
        training.sklearn_classifier(own, rate, problem.batches()[0], problem.activation)
        for own in population.parameters
    ]


def sklearn_fit(model: Any, x: Any, y: Any, orders: NDArray[Any]) -> tuple[Any, list[float]]:
    """The classifier after an epoch in each of the orders, and its losses."""
    losses = []
    for order in orders:
        model.partial_fit(x[order], y[order])
        losses.append(model.loss_)
    return model, losses


def _stacked(parameters: Sequence[dict[str, NDArray[Any]]]) -> list[NDArray[Any]]:
    """Weights [networks, in, out] and biases [networks, 1, out] of each layer."""
    stack = [np.stack([own[name] for own in parameters]) for name in parameters[0]]
    return [array if array.ndim == 3 else array[:, None, :] for array in stack]


def _batches(orders: NDArray[Any], batch_size: int) -> NDArray[Any]:
    """Rows of every batch [networks, steps, batch]."""
    return np.ascontiguousarray(orders).reshape(len(orders), -1, batch_size)
