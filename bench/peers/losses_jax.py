"""Losses in JAX, as functions of outputs and targets that return the loss of each output or row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Each = Callable[[Any, Any], Any]


def functions(jax: Any, smoothing: float) -> dict[str, Each]:
    """The losses by the names of the bench's rows."""
    numpy, nn = jax.numpy, jax.nn

    def own(x: Any, y: Any) -> Any:
        return (x * nn.one_hot(y, x.shape[1])).sum(axis=1)

    def soft(x: Any, y: Any) -> Any:
        return -(y * nn.log_softmax(x)).sum(axis=1)

    def smoothed(x: Any, y: Any) -> Any:
        return soft(x, nn.one_hot(y, x.shape[1]) * (1 - smoothing) + smoothing / x.shape[1])

    def focal(x: Any, y: Any) -> Any:
        log_p = own(nn.log_softmax(x), y)
        return -((1 - numpy.exp(log_p)) ** 2) * log_p

    def huber(x: Any, y: Any) -> Any:
        size = abs(x - y)
        return numpy.where(size <= 1, size * size / 2, size - 0.5)

    return {
        "cross_entropy": lambda x, y: -own(nn.log_softmax(x), y),
        "cross_entropy soft_targets": soft,
        "cross_entropy label_smoothing": smoothed,
        "focal": focal,
        "nll": lambda x, y: -own(x, y),
        "distillation": lambda x, y: (nn.softmax(y) * (nn.log_softmax(y) - nn.log_softmax(x))).sum(axis=1),
        "binary_cross_entropy": lambda x, y: -(y * numpy.log(x) + (1 - y) * numpy.log1p(-x)),
        "binary_cross_entropy_with_logits": lambda x, y: nn.softplus(x) - x * y,
        "hinge": lambda x, y: nn.relu(1 - y * x),
        "squared_hinge": lambda x, y: nn.relu(1 - y * x) ** 2,
        "mse": lambda x, y: (x - y) ** 2,
        "l1": lambda x, y: abs(x - y),
        "huber": huber,
        "smooth_l1": huber,
        "log_cosh": lambda x, y: numpy.logaddexp(x - y, y - x) - numpy.log(2.0),
        "quantile": lambda x, y: abs(x - y) / 2,
        "poisson_nll": lambda x, y: numpy.exp(x) - y * x,
        "kl_div": lambda x, y: jax.scipy.special.xlogy(y, y) - y * x,
    }


def value_and_gradient(jax: Any, each: Each, x: Any, y: Any) -> Callable[[], tuple[Any, Any]]:
    """The compiled mean of a loss and its gradient w.r.t. the output x."""
    function = jax.jit(jax.value_and_grad(lambda x, y: each(x, y).mean()))
    output, target = jax.numpy.asarray(x), jax.numpy.asarray(y)
    return lambda: jax.block_until_ready(function(output, target))
