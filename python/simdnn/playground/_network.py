"""The network and the trainer that settings ask for, and the Python program that makes the same."""

from __future__ import annotations

import re
from functools import partial
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F
from .. import nn, optim
from ..training import Trainer
from ._data import Samples
from ._settings import WITH_MOMENTUM, Settings

#: Largest number of parameters, so that an epoch ends within a fraction of a second.
MOST_PARAMETERS = 300_000


class Block(NamedTuple):
    """A hidden layer of the settings, or the last layer, as layers of the network."""

    label: str
    layers: tuple[nn.Layer, ...]


def blocks_of(settings: Settings, samples: Samples) -> list[Block]:
    """The layers that the settings ask for.

    Raises
    ------
    ValueError
        If they have too many parameters.
    """
    widths = [samples.x.shape[1], *settings.hidden, samples.classes]
    pairs = list(pairwise(widths))
    count = sum(inputs * outputs + outputs for inputs, outputs in pairs)
    if count > MOST_PARAMETERS:
        raise ValueError(
            f"widths: expected a network of at most {MOST_PARAMETERS:,} parameters, got {count:,}"
        )
    hidden = [
        Block(f"hidden layer {i}", _hidden(settings, inputs, outputs))
        for i, (inputs, outputs) in enumerate(pairs[:-1], 1)
    ]
    return [*hidden, Block("output layer", (nn.Dense(*pairs[-1]),))]


def _hidden(settings: Settings, inputs: int, outputs: int) -> tuple[nn.Layer, ...]:
    """The layers of one hidden layer: product, normalization, activation, dropout; with a shortcut or not."""
    init = None if settings.init == "suited" else settings.init
    if settings.norm == "none":
        layers: tuple[nn.Layer, ...] = (nn.Dense(inputs, outputs, settings.activation, init=init),)
    else:
        norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[settings.norm]
        layers = (nn.Dense(inputs, outputs, init=init), norm(outputs), nn.activation_of(settings.activation))
    if settings.dropout:
        layers = (*layers, nn.Dropout(settings.dropout))
    return (nn.Residual(*layers),) if settings.residual and inputs == outputs else layers


def make_trainer(settings: Settings, samples: Samples, blocks: list[Block]) -> Trainer:
    """The trainer of a network that has trained nothing yet."""
    model = nn.Sequential(*(layer for block in blocks for layer in block.layers), rng=settings.seed)
    values = model.parameters()
    for name in [name for name, value in values.items() if value.ndim == 2][:-1]:
        values[name] *= settings.gain
        values[name.removesuffix("weight") + "bias"][...] = settings.bias
    loss: Any = "cross_entropy"
    if settings.weighted:
        loss = partial(F.cross_entropy, weight=1 / np.bincount(samples.y))
    optimizer = optim.BY_NAME[settings.optimizer](**_options(settings))
    return Trainer(model, loss, optimizer, seed=settings.seed)


def _options(settings: Settings) -> dict[str, Any]:
    """Arguments of the optimizer."""
    options: dict[str, Any] = {"lr": settings.lr}
    if settings.optimizer in WITH_MOMENTUM and settings.momentum:
        options["momentum"] = settings.momentum
    given = {"l1": settings.l1, "l2": settings.l2, "clip_norm": settings.clip}
    return options | {name: value for name, value in given.items() if value}


def program(settings: Settings, blocks: list[Block]) -> str:
    """A Python program that trains the network of the settings for 100 epochs, with the bits of the page."""
    s, lines = settings, ["import simdnn", "from simdnn import nn, optim, playground", ""]
    lines += [
        f"x, y, x_test, y_test = playground.samples({s.data!r}, noise={s.noise!r}, seed={s.seed})",
        "model = nn.Sequential(",
    ]
    for text, group in groupby(_constructors(block) for block in blocks):
        count = len(list(group))
        many = f"*(one for _ in range({count}) for one in [{text}])"
        lines.append(f"    {text if count == 1 else many},")
    lines += [f"    rng={s.seed},", ")"]
    if s.gain != 1 or s.bias:
        lines += [
            "values = model.parameters()",
            "for name in [name for name, value in values.items() if value.ndim == 2][:-1]:",
            f"    values[name] *= {s.gain!r}",
            f'    values[name.removesuffix("weight") + "bias"][...] = {s.bias!r}',
        ]
    loss = '"cross_entropy"'
    if s.weighted:
        lines[0] = "import functools\nimport numpy as np\nimport simdnn"
        loss = "functools.partial(simdnn.functional.cross_entropy, weight=1 / np.bincount(y))"
    options = ", ".join(f"{name}={value!r}" for name, value in _options(s).items())
    lines += [
        f"optimizer = optim.{optim.BY_NAME[s.optimizer].__name__}({options})",
        f"trainer = simdnn.Trainer(model, {loss}, optimizer, seed={s.seed})",
        f"history = trainer.fit(x, y, epochs=100, batch_size={s.batch}, validation_data=(x_test, y_test))",
        "print(simdnn.diagnostics.report(trainer, x, y))",
    ]
    return "\n".join(lines) + "\n"


def _constructors(block: Block) -> str:
    """The calls that make the layers of a block."""
    return re.sub(r"\b([A-Z]\w*)\(", r"nn.\1(", ", ".join(map(repr, block.layers)))
