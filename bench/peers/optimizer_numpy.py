"""Update rules as fast as NumPy allows: ``out=`` everywhere, buffers kept between steps.

Each is made with the parameters and called with the gradients; defaults are PyTorch's. A rule without a
function here is timed by the tests' oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn import _core, optim

from tests.oracles import rules

Array = NDArray[Any]
Step = Callable[[Array], None]
REGISTRY = {row["name"]: row for row in _core.rules()}


def from_oracle(p: Array, optimizer: optim.Optimizer) -> Step:
    """The step of the tests' oracle for the rule and the settings of an optimizer."""
    config = optimizer._config
    hypers = {name: config[name] for name in REGISTRY[config.rule]["hypers"]}
    state: rules.State = {}
    steps = 0

    def step(g: Array) -> None:
        nonlocal steps
        steps += 1
        p[...] = rules.apply(config.rule, p, g, state, steps, **hypers)

    return step


def scaled_into(scratch: Array, p: Array, rate: float, dividend: Array, divisor: Array) -> None:
    """p -= rate * dividend / divisor."""
    np.divide(dividend, divisor, out=scratch)
    scratch *= rate
    p -= scratch


def sgd(p: Array) -> Step:
    scratch = np.empty_like(p)

    def step(g: Array) -> None:
        np.multiply(g, 1e-3, out=scratch)
        np.subtract(p, scratch, out=p)

    return step


def momentum(p: Array) -> Step:
    scratch, velocity = np.empty_like(p), np.zeros_like(p)

    def step(g: Array) -> None:
        np.multiply(velocity, 0.9, out=velocity)
        np.add(velocity, g, out=velocity)
        np.multiply(velocity, 1e-3, out=scratch)
        np.subtract(p, scratch, out=p)

    return step


def adagrad(p: Array) -> Step:
    scratch, total = np.empty_like(p), np.zeros_like(p)

    def step(g: Array) -> None:
        np.multiply(g, g, out=scratch)
        np.add(total, scratch, out=total)
        np.sqrt(total, out=scratch)
        np.add(scratch, 1e-10, out=scratch)
        scaled_into(scratch, p, 1e-2, g, scratch)

    return step


def rmsprop(p: Array) -> Step:
    scratch, mean = np.empty_like(p), np.zeros_like(p)

    def step(g: Array) -> None:
        decay(mean, g, 0.99, scratch, square=True)
        np.sqrt(mean, out=scratch)
        np.add(scratch, 1e-8, out=scratch)
        scaled_into(scratch, p, 1e-2, g, scratch)

    return step


def rmsprop_centered_momentum(p: Array) -> Step:
    scratch, square, mean, velocity = np.empty_like(p), *(np.zeros_like(p) for _ in range(3))

    def step(g: Array) -> None:
        decay(square, g, 0.99, scratch, square=True)
        decay(mean, g, 0.99, scratch)
        np.multiply(mean, mean, out=scratch)
        np.subtract(square, scratch, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(scratch, 1e-8, out=scratch)
        np.divide(g, scratch, out=scratch)
        np.multiply(velocity, 0.9, out=velocity)
        np.add(velocity, scratch, out=velocity)
        np.multiply(velocity, 1e-2, out=scratch)
        np.subtract(p, scratch, out=p)

    return step


def adadelta(p: Array) -> Step:
    scratch, other, square, delta = np.empty_like(p), np.empty_like(p), np.zeros_like(p), np.zeros_like(p)

    def step(g: Array) -> None:
        decay(square, g, 0.9, scratch, square=True)
        np.add(delta, 1e-6, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(square, 1e-6, out=other)
        np.sqrt(other, out=other)
        np.divide(scratch, other, out=scratch)
        np.multiply(scratch, g, out=scratch)
        decay(delta, scratch, 0.9, other, square=True)
        np.subtract(p, scratch, out=p)

    return step


def decay(mean: Array, g: Array, weight: float, scratch: Array, *, square: bool = False) -> None:
    """mean = weight * mean + (1 - weight) * g, or g^2."""
    np.multiply(mean, weight, out=mean)
    if square:
        np.multiply(g, g, out=scratch)
        np.multiply(scratch, 1 - weight, out=scratch)
    else:
        np.multiply(g, 1 - weight, out=scratch)
    np.add(mean, scratch, out=mean)


def adam(p: Array, *, amsgrad: bool = False, weight_decay: float = 0.0) -> Step:
    scratch, first, second = np.empty_like(p), np.zeros_like(p), np.zeros_like(p)
    largest = np.zeros_like(p) if amsgrad else second
    steps = 0

    def step(g: Array) -> None:
        nonlocal steps
        steps += 1
        if weight_decay:
            np.multiply(p, 1 - 1e-3 * weight_decay, out=p)
        decay(first, g, 0.9, scratch)
        decay(second, g, 0.999, scratch, square=True)
        if amsgrad:
            np.maximum(largest, second, out=largest)
        correction = (1 - 0.999**steps) ** 0.5
        np.sqrt(largest, out=scratch)
        np.add(scratch, 1e-8 * correction, out=scratch)
        scaled_into(scratch, p, 1e-3 * correction / (1 - 0.9**steps), first, scratch)

    return step


def nadam(p: Array) -> Step:
    scratch, other, first, second = np.empty_like(p), np.empty_like(p), np.zeros_like(p), np.zeros_like(p)
    steps, product = 0, 1.0

    def step(g: Array) -> None:
        nonlocal steps, product
        steps += 1
        now, ahead = (0.9 * (1 - 0.5 * 0.96 ** (t * 4e-3)) for t in (steps, steps + 1))
        product *= now
        decay(first, g, 0.9, scratch)
        decay(second, g, 0.999, scratch, square=True)
        np.multiply(second, 1 / (1 - 0.999**steps), out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(scratch, 1e-8, out=scratch)
        np.multiply(g, 2e-3 * (1 - now) / (1 - product), out=other)
        np.divide(other, scratch, out=other)
        np.subtract(p, other, out=p)
        scaled_into(scratch, p, 2e-3 * ahead / (1 - product * ahead), first, scratch)

    return step


def radam(p: Array) -> Step:
    scratch, first, second = np.empty_like(p), np.zeros_like(p), np.zeros_like(p)
    steps, most = 0, 2 / (1 - 0.999) - 1

    def step(g: Array) -> None:
        nonlocal steps
        steps += 1
        decay(first, g, 0.9, scratch)
        decay(second, g, 0.999, scratch, square=True)
        rate = 1e-3 / (1 - 0.9**steps)
        length = most - 2 * steps * 0.999**steps / (1 - 0.999**steps)
        if length <= 5:
            np.multiply(first, rate, out=scratch)
            np.subtract(p, scratch, out=p)
            return
        rectification = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        np.sqrt(second, out=scratch)
        np.add(scratch, 1e-8, out=scratch)
        scaled_into(scratch, p, rate * (rectification * (1 - 0.999**steps)) ** 0.5, first, scratch)

    return step


def adamax(p: Array) -> Step:
    scratch, first, largest = np.empty_like(p), np.zeros_like(p), np.zeros_like(p)
    steps = 0

    def step(g: Array) -> None:
        nonlocal steps
        steps += 1
        decay(first, g, 0.9, scratch)
        np.multiply(largest, 0.999, out=largest)
        np.abs(g, out=scratch)
        np.add(scratch, 1e-8, out=scratch)
        np.maximum(largest, scratch, out=largest)
        scaled_into(scratch, p, 2e-3 / (1 - 0.9**steps), first, largest)

    return step


def lion(p: Array) -> Step:
    scratch, other, first = np.empty_like(p), np.empty_like(p), np.zeros_like(p)

    def step(g: Array) -> None:
        np.multiply(first, 0.9, out=scratch)
        np.multiply(g, 0.1, out=other)
        np.add(scratch, other, out=scratch)
        np.sign(scratch, out=scratch)
        np.multiply(scratch, 1e-4, out=scratch)
        np.subtract(p, scratch, out=p)
        decay(first, g, 0.99, scratch)

    return step
