"""The trainings of ``simdnn verify``: each yields the arrays whose bits are equal on every machine.

Data and first weights are made by integer arithmetic, because random numbers and NumPy's sums may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simdnn
from simdnn import functional as F
from simdnn import nn, optim
from simdnn.losses import NAMED, TARGETS
from simdnn.optim import BY_NAME

Array = NDArray[Any]
DTYPES = (np.float32, np.float64)
#: Last layers that bring outputs into the domain of a loss.
LAST = {"nll": "log_sigmoid", "kl_div": "log_sigmoid", "binary_cross_entropy": "sigmoid"}


def numbers(*shape: int, bound: float = 1.0, dtype: Any = np.float64) -> Array:
    """Numbers spread over (-bound, bound) by integer arithmetic."""
    words = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint32) * np.uint32(0x9E3779B1)
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x9E3779B1)
    spread = (words >> np.uint32(8)).astype(np.float64) / 2**23 - 1
    return (spread * bound).astype(dtype).reshape(shape)


def trainer(
    *layers: nn.Layer, dtype: Any, seed: int = 1, precision: Any = None, **options: Any
) -> simdnn.Trainer:
    """A trainer of a network whose matrices are `numbers`."""
    model = nn.Sequential(*layers, dtype=dtype, rng=0, precision=precision)
    for place, value in enumerate(model.parameters().values()):
        if value.ndim == 2:
            scale = 1.5 / float(np.sqrt(value.shape[0]))
            value[...] = numbers(value.size + place + seed, bound=scale)[place + seed :].reshape(value.shape)
    return simdnn.Trainer(model, seed=seed, **options)


def results(fitted: simdnn.Trainer, x: Array) -> Iterator[Array]:
    """Parameters, buffers and outputs of a trained network."""
    yield from fitted.model.state_dict().values()
    yield fitted.model(x)


def fit(fitted: simdnn.Trainer, x: Array, y: Array, epochs: int = 2, batch_size: int = 32) -> Iterator[Array]:
    """The results of a short training."""
    fitted.fit(x, y, epochs=epochs, batch_size=batch_size, progress=False)
    return results(fitted, x)


def functions() -> Iterator[Array]:
    """Values and derivatives of every activation, softmax among them."""
    for dtype in DTYPES:
        x = np.concatenate([numbers(4096, bound=bound, dtype=dtype) for bound in (1e-3, 1, 8, 100)])
        for name in sorted(name for name in dir(F) if name.endswith("_derivative")):
            plain = name.removesuffix("_derivative")
            if plain not in ("prelu", "rrelu", "maxout"):
                yield getattr(F, plain)(x)
                yield getattr(F, name)(x)
        yield F.softmax(x.reshape(64, -1))
        yield F.logsumexp(x.reshape(-1, 64))


def perceptrons() -> Iterator[Array]:
    """Networks of dense layers, small ones and one that threads share."""
    for dtype in DTYPES:
        x = numbers(160, 40, bound=2, dtype=dtype)
        for activation in ("relu", "tanh", "gelu"):
            layers = nn.Dense(40, 64, activation), nn.Dense(64, 64, activation), nn.Dense(64, 4)
            yield from fit(trainer(*layers, dtype=dtype), x, np.arange(160) % 4)
        wide = nn.Dense(40, 400, "relu"), nn.Dense(400, 400, "relu"), nn.Dense(400, 4)
        yield from fit(trainer(*wide, dtype=dtype), x, np.arange(160) % 4, batch_size=160)


def layers() -> Iterator[Array]:
    """Batch and layer normalization, dropout, residual connections, piecewise-linear codes."""
    for dtype in DTYPES:
        block = nn.Residual(nn.Dense(48, 48), nn.BatchNorm1d(), nn.RReLU(), nn.Dense(48, 48))
        found = trainer(
            *(nn.PiecewiseLinear(12, 48, encoded=7, bins=6), nn.BatchNorm1d(), nn.PReLU(48), nn.Dropout(0.2)),
            block,
            *(nn.LayerNorm(), nn.Maxout(48, 16, 3), nn.AlphaDropout(0.1), nn.Dense(16, 3)),
            dtype=dtype,
            clip_norm=1.0,
            l2=1e-3,
        )
        yield from fit(found, numbers(300, 12, bound=8, dtype=dtype), np.arange(300) % 3)


def sequences() -> Iterator[Array]:
    """Recurrent networks of each kind of cell."""
    for dtype in DTYPES:
        x = numbers(64, 20, 8, bound=2, dtype=dtype)
        for cell in (nn.LSTM, nn.GRU, nn.RNN):
            found = trainer(cell(8, 32, 2), nn.Dense(32, 4), dtype=dtype)
            yield from fit(found, x, np.arange(64) % 4, batch_size=16)


def bf16() -> Iterator[Array]:
    """Products of bf16 numbers in narrow and wide networks, and a predictor whose weights are bf16."""
    x = numbers(300, 40, bound=2, dtype=np.float32)
    for width, activation in ((24, "tanh"), (130, "relu")):
        block = nn.Residual(nn.Dense(width, width), nn.BatchNorm1d(), nn.Dense(width, width, activation))
        found = trainer(
            *(nn.Dense(40, width, activation), block, nn.Dense(width, 4)), dtype=np.float32, precision="bf16"
        )
        yield from fit(found, x, np.arange(300) % 4, batch_size=100)
        yield found.model.freeze().predict(x)


def optimizers() -> Iterator[Array]:
    """Every optimizer with its defaults."""
    for dtype in DTYPES:
        for name in sorted(BY_NAME):
            network = nn.Dense(9, 24, "silu"), nn.Dense(24, 3)
            found = trainer(*network, dtype=dtype, optimizer=BY_NAME[name]())
            yield from fit(found, numbers(120, 9, bound=2, dtype=dtype), np.arange(120) % 3, 5)


def targets(loss: str, labels: Array, dtype: Any) -> Array:
    """Targets of three outputs for a loss."""
    kind = TARGETS.get(loss, "classes")
    if kind in ("classes", "either"):
        return labels
    values = np.eye(3, dtype=dtype)[labels]
    return 2 * values - 1 if kind == "both" or loss.endswith("hinge") else values


def objectives() -> Iterator[Array]:
    """Every loss that has a gradient, with its defaults; the soft targets of distillation are logits."""
    for dtype in DTYPES:
        x, labels = numbers(120, 9, bound=2, dtype=dtype), np.arange(120) % 3
        for name in sorted(NAMED.keys() - {"zero_one"}):
            network = nn.Dense(9, 24, "tanh"), nn.Dense(24, 3, LAST.get(name), bias=False)
            yield from fit(trainer(*network, dtype=dtype, loss=name), x, targets(name, labels, dtype), 5)


def population() -> Iterator[Array]:
    """Forty networks that one call trains: twenty in the lanes of vectors, twenty by themselves."""
    for dtype in DTYPES:
        x = numbers(90, 4, bound=2, dtype=dtype)
        made = [
            trainer(
                *(nn.Dense(4, width, "tanh"), nn.Dense(width, 3)),
                dtype=dtype,
                seed=seed + 1,
                optimizer=optim.Adam(lr=0.001 * (1 + seed)),
            )
            for width in (8, 40)
            for seed in range(20)
        ]
        simdnn.fit_many(made, x, np.arange(90) % 3, epochs=4, batch_size=8)
        for one in made:
            yield from results(one, x)


#: The jobs by name, in the order of the table.
JOBS: dict[str, Callable[[], Iterator[Array]]] = {
    "functions": functions,
    "perceptrons": perceptrons,
    "layers": layers,
    "sequences": sequences,
    "bf16": bf16,
    "optimizers": optimizers,
    "losses": objectives,
    "population": population,
}
