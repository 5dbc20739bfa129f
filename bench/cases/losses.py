"""Every loss that a `Trainer` takes: the mean over outputs or rows, and its gradient w.r.t. the output."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from simdnn import functional as F
from simdnn.demo import _numpy_mlp
from simdnn.losses._registry import NAMED

from bench import peers
from bench.cases.loss import checked, normal, torch_pair
from bench.harness import OURS, Case, Contestant
from bench.peers import losses_jax
from tests import oracles
from tests.support.networks import targets
from tests.support.registry import wide

Array = NDArray[Any]

#: Shapes with short rows and with 1e5 outputs.
SHAPES = ((256, 10), (100, 1000))
NOTE = (
    "PyTorch and JAX: the value, and the gradient by autograd or jax.value_and_grad, where they have the loss"
)
SMOOTHING = 0.1


class Loss(NamedTuple):
    """A loss for NumPy: the value of each output or row and the slope of their sum; its arguments."""

    numpy: Callable[[Array, Array], tuple[Array, Array]]
    target: Callable[[Array], Array]
    output: Callable[[Array], Array] = lambda z: z
    function: str | None = None
    settings: Mapping[str, Any] = MappingProxyType({})


def softmax(x: Array) -> Array:
    """Softmax along rows, as a new array."""
    return _numpy_mlp.softmax(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def others(z: Array) -> Array:
    """Targets that are values: the outputs of the next row."""
    return np.roll(z, 1, axis=0)


def classes(z: Array) -> Array:
    """Targets that are class indices."""
    return np.arange(len(z)) * 7 % z.shape[1]


def signs(z: Array) -> Array:
    """Targets that are -1 or 1."""
    return np.sign(others(z))


def own(x: Array, y: Array) -> Array:
    """The element of each row at its class."""
    return np.take_along_axis(x, y[:, np.newaxis], 1)


def hot(x: Array, y: Array) -> Array:
    """One-hot rows of the classes."""
    marks = np.zeros_like(x)
    np.put_along_axis(marks, y[:, np.newaxis], 1, 1)
    return marks


def cross_entropy(x: Array, y: Array) -> tuple[Array, Array]:
    """-log softmax(x)[y]."""
    p = softmax(x)
    return -np.log(own(p, y)), p - hot(x, y)


def soft(x: Array, y: Array) -> tuple[Array, Array]:
    """-sum y log softmax(x)."""
    p = softmax(x)
    return -(y * np.log(p)).sum(axis=1), p - y


def smoothed(x: Array, y: Array) -> tuple[Array, Array]:
    """The loss `soft` with 0.9 at the class, and 0.1 spread evenly."""
    share = np.float32(SMOOTHING / x.shape[1])
    return soft(x, hot(x, y) * np.float32(1 - SMOOTHING) + share)


def focal(x: Array, y: Array) -> tuple[Array, Array]:
    """(1 - p)^2 (-log p)."""
    every = softmax(x)
    p = own(every, y)
    rest, log_p = 1 - p, np.log(p)
    return -(rest**2) * log_p, rest * (rest - 2 * p * log_p) * (every - hot(x, y))


def distillation(x: Array, y: Array) -> tuple[Array, Array]:
    """sum t (log t - log s)."""
    s, t = softmax(x), softmax(y)
    return (t * np.log(t / s)).sum(axis=1), s - t


def poisson(x: Array, y: Array) -> tuple[Array, Array]:
    """exp(x) - y x."""
    rate = np.exp(x)
    return rate - y * x, rate - y


def hinge(x: Array, y: Array) -> tuple[Array, Array]:
    """max(0, 1 - y x)."""
    gap = np.maximum(1 - y * x, 0)
    return gap, np.where(gap > 0, -y, 0)


def squared_hinge(x: Array, y: Array) -> tuple[Array, Array]:
    """max(0, 1 - y x)^2."""
    gap = np.maximum(1 - y * x, 0)
    return gap * gap, -2 * y * gap


def huber(x: Array, y: Array) -> tuple[Array, Array]:
    """d^2 / 2, or |d| - 1/2 beyond 1."""
    d = x - y
    near = np.clip(d, -1, 1)
    return near * (d - near / 2), near


def log_cosh(x: Array, y: Array) -> tuple[Array, Array]:
    """log cosh(x - y)."""
    size = np.abs(x - y)
    return size + np.log1p(np.exp(-2 * size)) - np.log(2).astype(x.dtype), np.tanh(x - y)


def with_logits(x: Array, y: Array) -> tuple[Array, Array]:
    """max(x, 0) - x y + log1p(exp(-|x|))."""
    return np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))), sigmoid(x) - y


#: Quick expressions by the names of the registry.
LOSSES = {
    "cross_entropy": Loss(cross_entropy, classes),
    "focal": Loss(focal, classes),
    "nll": Loss(lambda x, y: (-own(x, y), -hot(x, y)), classes),
    "distillation": Loss(distillation, others),
    "binary_cross_entropy": Loss(
        lambda x, y: (-(y * np.log(x) + (1 - y) * np.log1p(-x)), (x - y) / (x * (1 - x))),
        lambda z: sigmoid(others(z)),
        sigmoid,
    ),
    "binary_cross_entropy_with_logits": Loss(with_logits, lambda z: sigmoid(others(z))),
    "hinge": Loss(hinge, signs),
    "squared_hinge": Loss(squared_hinge, signs),
    "huber": Loss(huber, others),
    "smooth_l1": Loss(huber, others),
    "log_cosh": Loss(log_cosh, others),
    "quantile": Loss(lambda x, y: (np.abs(x - y) / 2, np.sign(x - y) / 2), others),
    "poisson_nll": Loss(poisson, lambda z: np.floor(np.exp(others(z)))),
    "kl_div": Loss(lambda x, y: (y * (np.log(y) - x), -y), softmax),
}

#: Other arguments of these losses, as rows of their own.
VARIANTS = {
    "cross_entropy soft_targets": Loss(soft, lambda z: softmax(others(z)), function="cross_entropy"),
    "cross_entropy label_smoothing": Loss(
        smoothed, classes, function="cross_entropy", settings={"label_smoothing": SMOOTHING}
    ),
}


def from_oracle(name: str, settings: Mapping[str, Any]) -> Loss:
    """The formula of the tests' oracle and its arguments."""
    oracle = oracles.LOSSES[name]
    return Loss(
        lambda x, y: (oracle.each(x, y, **settings), oracle.slope(x, y, **settings)),
        lambda z: targets(name, len(z), z.shape[1], z.dtype),
        lambda z: z if oracle.last is None else getattr(F, oracle.last)(z),
    )


def cases() -> Iterator[Case]:
    """A row per loss and shape."""
    for name in [*oracles.LOSSES, *VARIANTS]:
        for shape in SHAPES:
            build = functools.partial(contestants, name, shape)
            yield Case("losses", "{} {}x{}".format(name, *shape), build, note=NOTE)


def contestants(name: str, shape: tuple[int, int]) -> list[Contestant]:
    """simdnn, NumPy in float32, and PyTorch and JAX where they have the loss."""
    known = VARIANTS.get(name) or LOSSES.get(name)
    function, settings = (known and known.function) or name, known.settings if known else MappingProxyType({})
    oracle, z = from_oracle(function, settings), normal(shape)
    loss = known or oracle
    x, y = loss.output(z), loss.target(z)
    expected = mean(oracle, wide(x), wide(y))
    found = [
        checked(OURS, lambda: NAMED[function](x, y, **settings, return_grad=True), expected),
        checked("NumPy", lambda: mean(loss, x, y), expected),
    ]
    torch = peers.torch()
    if theirs := torch and getattr(torch.nn.functional, NAMED[function].__name__, None):
        warnings.filterwarnings("ignore", "reduction: 'mean' divides")  # kl_div: the mean that is timed
        run = torch_pair(torch, functools.partial(theirs, **settings), x, y)
        found.append(checked("PyTorch", run, expected))
    jax = peers.jax()
    if each := jax and losses_jax.functions(jax, SMOOTHING).get(name):
        found.append(checked("JAX", losses_jax.value_and_gradient(jax, each, x, y), expected))
    return found


def mean(loss: Loss, x: Array, y: Array) -> tuple[Any, Array]:
    """The mean of the loss over outputs or rows, and its gradient w.r.t. the output."""
    each, slope = loss.numpy(x, y)
    return each.mean(), slope / np.asarray(each.size, x.dtype)
