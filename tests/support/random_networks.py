"""Random networks of every kind of layer, with trainers, samples, and optimizers of every rule."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from simdnn import Trainer, nn, optim, schedules
from simdnn.nn._layer import Shape, chain_output

from tests import oracles
from tests.support.draws import Draw
from tests.support.registry import OPTIMIZERS

Array = np.ndarray[Any, Any]

#: Activations of Dense layers by name.
NAMES = [None, *sorted(nn.ACTIVATIONS)]
ACTIVATION_LAYERS = sorted(nn._activation.CLASSES)
OPTIONS: dict[str, Any] = {
    "clip_norm": 1.0,
    "clip_value": 0.5,
    "l1": 1e-3,
    "l2": 1e-3,
    "max_norm": 3.0,
    "maximize": True,
    "skip_nonfinite": True,
    "penalize_bias": False,
}
RATES: list[Callable[[], Any]] = [
    lambda: 1e-2,
    lambda: schedules.cosine(1e-2, 20),
    lambda: schedules.one_cycle(1e-2, 30),
    lambda: schedules.warm_up(4, schedules.step(1e-2, 3)),
    lambda: schedules.reduce_on_plateau(1e-2, patience=0),
    lambda: lambda step: 1e-2 / (1 + step),
]


class Case(NamedTuple):
    """A trainer, and samples that it takes."""

    trainer: Trainer
    x: Array
    y: Any
    weight: Array

    @property
    def model(self) -> nn.Sequential:
        return self.trainer.model

    @property
    def stateful(self) -> bool:
        """True if the network carries states from batch to batch."""
        return bool(self.trainer.model._model.states) or "stateful=True" in repr(self.trainer.model)


def plain_layers(draw: Draw, f: int) -> list[Callable[[], nn.Layer]]:
    """Makers of layers that read f features."""
    g = draw.size(1, 24)
    return [
        lambda: nn.Dense(f, g, draw.pick(NAMES), draw.chance(0.8)),
        lambda: nn.PiecewiseLinear(
            f,
            g,
            encoded=draw.size(1, f),
            bins=draw.size(1, 5),
            activation=draw.pick(NAMES),
            bias=draw.chance(0.8),
        ),
        lambda: nn._activation.CLASSES[draw.pick(ACTIVATION_LAYERS)](),
        lambda: nn.PReLU(draw.pick([1, f])),
        lambda: nn.Swish(1.5, True, draw.pick([1, f])),
        lambda: nn.BinaryStep(draw.pick([False, True, "clipped"])),
        lambda: nn.GELU("tanh"),
        lambda: nn.BatchNorm1d(draw.pick([None, f]), 1e-3, draw.pick([None, 0.1, 1.0]), draw.chance(0.5)),
        lambda: nn.LayerNorm(draw.pick([None, f]), 1e-3, draw.chance(0.5)),
        lambda: nn.Dropout(draw.pick([0.0, 0.3, 0.9])),
        lambda: nn.AlphaDropout(0.2),
        lambda: nn.RReLU(0.1, 0.4, draw.pick(["uniform", "normal"])),
        lambda: nn.CReLU(),
        lambda: nn.Softmax(),
        lambda: nn.Maxout(f, g, draw.size(1, 4), draw.chance(0.5)),
    ]


def recurrent(draw: Draw, f: int, sequences: bool) -> nn.Layer:
    """A recurrent layer with random settings."""
    settings: dict[str, Any] = {
        "return_sequences": sequences,
        "bias": draw.chance(0.8),
        "initial_state": draw.pick(["zeros", "learned"]),
        "stateful": draw.chance(0.15),
        "truncate": draw.pick([None, None, 1, 3]),
        "mask_value": draw.pick([None, None, 0.0, -1.0]),
    }
    if settings["stateful"]:
        settings |= {"initial_state": "zeros", "mask_value": None}
    return getattr(nn, draw.pick(["RNN", "LSTM", "GRU"]))(f, draw.size(1, 9), draw.size(1, 2), **settings)


def next_layer(draw: Draw, given: Shape, depth: int) -> nn.Layer:
    """A layer that reads data of a shape; nested ones are of depth 2 at most."""
    f = given.features
    if given.sequence and draw.chance(0.4):
        return recurrent(draw, f, depth > 0 or draw.chance(0.5))
    if depth < 2 and draw.chance(0.2):
        inner = chain(draw, given, depth + 1)
        if draw.chance(0.5):
            return nn.Concatenate(tuple(inner), *draw.pick([(), ((),), (nn.Dense(f, 3),)]))
        shown = chain_output(inner, given).features
        return nn.Residual(*inner, shortcut=None if shown == f else nn.Dense(f, shown))
    return draw.pick(plain_layers(draw, f))()


def chain(draw: Draw, given: Shape, depth: int = 0) -> list[nn.Layer]:
    """Some layers in sequence."""
    layers = []
    for _ in range(draw.size(1, 3)):
        layers.append(next_layer(draw, given, depth))
        given = layers[-1]._output(given)
    return layers


def embedding(draw: Draw, features: int) -> nn.Layer:
    """An embedding of some columns, with 5 ids each."""
    if draw.chance(0.3):
        return nn.Embedding(5, draw.size(1, 4), in_features=features)
    columns = draw.rng.permutation(features)[: draw.size(1, min(3, features))]
    return nn.Embedding(in_features=features, columns={int(c): (5, draw.size(1, 4)) for c in columns})


def head(draw: Draw, loss: str | None, f: int, outputs: int) -> nn.Layer:
    """A last layer whose outputs are in the domain of a loss; None is the loss of the layer itself."""
    if loss is None:
        variant = draw.pick(["l_softmax", "a_softmax", "am_softmax", "arcface"])
        margin = draw.pick([1, 2, 3]) if variant[1:] == "_softmax" else 0.3
        return nn.LargeMarginSoftmax(f, outputs, margin, variant)
    if loss == "large_margin_softmax":
        return nn.Dense(f, outputs, bias=False)
    return nn.Dense(f, outputs, oracles.LOSSES[loss].last)


def target_of(draw: Draw, loss: str | None, rows: tuple[int, ...], outputs: int) -> Any:
    """Targets of a loss for rows of outputs [*rows, outputs]."""
    count = int(np.prod(rows))
    if loss is None or loss == "large_margin_softmax":
        return draw.rng.integers(0, outputs, rows)
    found = oracles.LOSSES[loss].target(count, outputs, draw.numbers)
    if loss == "cross_entropy" and draw.chance(0.2):
        found = draw.rng.dirichlet(np.ones(outputs), count)
    return found.reshape((*rows, *found.shape[1:]))


def loss_of(draw: Draw, name: str, outputs: int) -> Any:
    """A loss by its name, or with settings."""
    from simdnn.losses._registry import NAMED

    if name not in oracles.LOSSES or draw.chance(0.5):
        return name
    settings = draw.pick(oracles.LOSSES[name].variants(outputs))
    return functools.partial(NAMED[name], **settings) if settings else name


def optimizer_of(draw: Draw) -> optim.Optimizer:
    """An optimizer with random settings."""
    _, make, settings = draw.pick(OPTIMIZERS)
    chosen = {name: value for name, value in OPTIONS.items() if draw.chance(0.15)}
    return make(**settings | chosen | {"lr": draw.pick(RATES)()})


def random_case(draw: Draw) -> Case:
    """A trainer of a random network, with samples that fit both."""
    features, outputs = draw.pick([1, 2, 3, 6, 17, 40]), draw.pick([1, 2, 3, 5, 18])
    count = draw.size(2, 12) if draw.chance(0.9) else draw.pick([255, 256, 300, 513])
    loss = draw.pick([None, *sorted(set(oracles.LOSSES) | {"large_margin_softmax"})])
    outputs = max(outputs, 2) if loss in (None, "large_margin_softmax") else outputs
    given = Shape(features, draw.chance(0.35))
    times = (draw.size(1, 6),) if given.sequence else ()
    x = draw.rng.normal(size=(count, *times, features)) * draw.pick([1.0, 1.0, 30.0])
    layers: list[nn.Layer] = []
    if draw.chance(0.15):
        x = draw.rng.integers(0, 5, x.shape).astype(float)
        layers = [embedding(draw, features)]
    layers += chain(draw, chain_output(layers, given))
    if given.sequence and not any(layer._takes_sequence() for layer in layers):
        layers.append(nn.RNN(chain_output(layers, given).features, 4, return_sequences=True))
    layers.append(head(draw, loss, chain_output(layers, given).features, outputs))
    dtype = draw.pick([np.float32, np.float32, np.float64])
    model = nn.Sequential(*layers, dtype=dtype, rng=draw.size(0, 9), in_features=features)
    rows = (count, *times) if model._output.sequence else (count,)
    named = None if loss is None else loss_of(draw, loss, outputs)
    y = target_of(draw, loss, rows, outputs)
    penalty = draw.pick(["mean", "mean", "sum"])
    trainer = Trainer(model, named, optimizer_of(draw), seed=draw.size(0, 5), penalty=penalty)
    weight = draw.rng.random(count) + 0.1
    return Case(trainer, x.astype(dtype), y, weight.astype(dtype))
