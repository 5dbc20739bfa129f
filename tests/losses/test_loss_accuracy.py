"""Accuracy of losses with exponentials and logarithms in float32, relative to their largest term."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import simdnn.functional as F
from simdnn.losses._registry import NAMED

from tests.oracles import losses
from tests.support.networks import targets
from tests.support.registry import spread

Array = np.ndarray[Any, Any]


class Terms(NamedTuple):
    """Terms of a loss and of its gradient, whose sums they are; and a function to its domain."""

    loss: Callable[[Array, Array], tuple[Array, ...]]
    gradient: Callable[[Array, Array], tuple[Array, ...]]
    output: Callable[[Array], Array] = lambda z: z


def of_distillation(x: Array, y: Array) -> tuple[Array, ...]:
    """The terms t log t and t log s, each summed over the classes."""
    log_s, log_t = losses.log_softmax(x), losses.log_softmax(y)
    t = np.exp(log_t)
    return (t * log_t).sum(axis=1), -(t * log_s).sum(axis=1)


def of_log_cosh(x: Array, y: Array) -> tuple[Array, ...]:
    """The loss is one term: near 0 a series, because the formula cancels there."""
    v = (x - y) ** 2
    series = v / 2 - v**2 / 12 + v**3 / 45 - 17 * v**4 / 2520 + 31 * v**5 / 14175 - 691 * v**6 / 935550
    size = np.sqrt(v)
    return (np.where(v < 0.02, series, size + np.log1p(np.exp(-2 * size)) - np.log(x.dtype.type(2))),)


TERMS = {
    "distillation": Terms(of_distillation, lambda x, y: (losses.softmax(x), -losses.softmax(y))),
    "binary_cross_entropy": Terms(
        lambda x, y: (-y * np.log(x), -(1 - y) * np.log1p(-x)),
        lambda x, y: ((x - y) / (x * (1 - x)),),
        F.sigmoid,
    ),
    "binary_cross_entropy_with_logits": Terms(
        lambda x, y: ((1 - y) * np.logaddexp(0, x), y * np.logaddexp(0, -x)),
        lambda x, y: ((1 - y) * losses.sigmoid(x), -y * losses.sigmoid(-x)),
    ),
    "log_cosh": Terms(of_log_cosh, lambda x, y: (np.tanh(x - y),)),
    "poisson_nll": Terms(lambda x, y: (np.exp(x), -y * x), lambda x, y: (np.exp(x), -y)),
    "kl_div": Terms(lambda x, y: (y * np.log(y), -y * x), lambda x, y: (-y,), F.log_sigmoid),
}


def units(found: Array, terms: tuple[Array, ...]) -> Any:
    """The largest error, in units in the last place of the sum or of the largest term."""
    exact = sum(terms)
    largest = np.max([abs(number) for number in (exact, *terms)], axis=0)
    _, exponent = np.frexp(np.maximum(largest, 2.0**-60))
    return (abs(found - exact) / np.ldexp(np.longdouble(1), exponent - 24)).max()


@pytest.mark.parametrize("bound", [0.1, 1, 8, 30])
@pytest.mark.parametrize("name", TERMS)
def test_float32_is_within_units_of_the_largest_term(name: str, bound: float) -> None:
    terms = TERMS[name]
    for width in (10, 100):
        count = 40_000 // width
        x = terms.output(spread(count * width, np.float32, bound).reshape(count, width))
        y = targets(name, count, width, np.float32)
        if name == "kl_div":
            y = np.maximum(y, np.float32(1e-6))
        if name == "binary_cross_entropy":
            x = np.clip(x, np.float32(1e-6), np.float32(1 - 1e-6))
        loss, gradient = NAMED[name](x, y, reduction="none", return_grad=True)
        exact = x.astype(np.longdouble), y.astype(np.longdouble)
        assert units(loss, terms.loss(*exact)) <= 4
        assert units(gradient, terms.gradient(*exact)) <= 4
