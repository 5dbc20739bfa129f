"""Networks for tests, and their float64 oracles."""

from typing import Any

import numpy as np
import simdnn.functional as F
from simdnn import nn

from tests import oracles
from tests.support.registry import parameters_of, spread

Array = np.ndarray[Any, Any]


def network(
    widths: list[int],
    activation: str = "tanh",
    *,
    bias: bool = True,
    dtype: Any = np.float64,
    last: str | None = None,
) -> nn.Sequential:
    """Dense layers of the given widths; parameters from integer arithmetic, equal on every machine."""
    names = [activation] * (len(widths) - 2) + [last]
    layers = [
        nn.Dense(*pair, activation=name, bias=bias)
        for *pair, name in zip(widths, widths[1:], names, strict=False)
    ]
    model = nn.Sequential(*layers, dtype=dtype, rng=0)
    scale = np.concatenate(
        [
            np.full(value.size, 2 / np.sqrt(value.shape[0]) if value.ndim == 2 else 0.5)
            for value in model.parameters().values()
        ]
    )
    model.flat_parameters[:] = (spread(model.flat_parameters.size, np.float64) * scale).astype(dtype)
    return model


def oracle_of(model: nn.Sequential) -> list[oracles.Layer]:
    """The layers of a model with copies of its parameters in float64."""
    values = {name: value.astype(np.float64) for name, value in model.parameters().items()}
    names = [vars(layer)["activation"] or "identity" for layer in model.layers]
    return [
        oracles.Layer(values[f"{i}.weight"], values.get(f"{i}.bias"), name, parameters_of(name))
        for i, name in enumerate(names)
    ]


def network_for(loss: str, widths: list[int], activation: str = "tanh", **options: Any) -> nn.Sequential:
    """A network whose outputs are in the domain of a loss."""
    return network(widths, activation, last=oracles.LOSSES[loss].last, **options)


def samples(loss: str, count: int, inputs: int, outputs: int, dtype: Any = np.float64) -> tuple[Array, Array]:
    """Inputs, and targets for a loss."""
    x = spread(count * inputs, dtype, 1.5).reshape(count, inputs)
    return x, targets(loss, count, outputs, dtype)


def outputs(loss: str, count: int, columns: int, dtype: Any = np.float64, bound: float = 6) -> Array:
    """Outputs in the domain of a loss, equal on every machine."""
    z = spread(count * columns, np.float64, bound).reshape(count, columns)
    last = oracles.LOSSES[loss].last
    return (z if last is None else getattr(F, last)(z)).astype(dtype)


def targets(loss: str, count: int, outputs: int, dtype: Any = np.float64) -> Array:
    """Targets of a loss for rows of outputs."""
    numbers = lambda n, bound: spread(n, np.float64, bound)  # noqa: E731
    found = oracles.LOSSES[loss].target(count, outputs, numbers)
    return found.astype(dtype) if found.dtype.kind == "f" else found


def oracle_gradients(
    model: nn.Sequential, loss: str, x: Array, y: Array, weight: Array | None = None
) -> tuple[float, Array]:
    """The mean loss, and its flat gradient w.r.t. a model's parameters, from the oracle."""
    layers = oracle_of(model)
    share = np.ones(len(x)) if weight is None else weight.astype(np.float64)
    share = share / share.sum()
    row = oracles.LOSSES[loss]
    x, y = x.astype(np.float64), y if y.ndim == 1 else y.astype(np.float64)
    _, gradients = oracles.backward(layers, x, lambda output: row.gradient(output, y) * share[:, None])
    value = float((row.rows(oracles.forward(layers, x), y) * share).sum())
    return value, np.concatenate([gradient.ravel() for gradient in gradients])
