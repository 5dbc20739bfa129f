"""The recipe: sizes, rates and epochs of the networks of a table, by preset and number of rows."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace

import numpy as np

from .. import functional as F
from .. import init, nn, optim, schedules
from ..table import Columns
from ..training import Trainer

#: The presets.
PRESETS = ("fast", "default", "best")


@dataclass(frozen=True)
class Recipe:
    """Settings of the networks of an estimator, which have the hidden layers of `shapes` in turn.

    They keep the epoch in which `monitor` is best. The rate of Adam is `rate` / sqrt(width of the first layer
    of the first shape), times the schedule. Columns are left out whose joint shuffling raises the loss out
    of fold by at most `screening` standard errors; with None all stay.
    """

    members: int = 8
    shapes: tuple[tuple[int, ...], ...] = ((96, 96, 96), (128, 96), (96,), (64, 64, 64, 64))
    activation: str = "selu"
    rate: float = 0.06
    beta2: float = 0.95
    batch: int = 32
    epochs: int = 32
    bins: int = 16
    bins_by_target: bool = True
    smoothing: float = 0.0
    monitor: str = "val_loss"
    screening: float | None = None
    trees: bool = False


#: Rows for each column that a bin needs, and the limits of the number of bins.
ROWS_OF_BIN, FEWEST_BINS, MOST_BINS = 16, 16, 48
#: The most columns of a table that is not wide. First layers of wide ones are large for their rows: larger
#: batches and fewer epochs are as good and cheaper.
NARROW = 32
#: The hidden layers of the networks of "fast".
FAST_SHAPES = ((96, 96), (128, 96), (96,), (64, 64, 64))
#: The label smoothing of networks beside trees, and the recipes for classification and for regression.
BEST_SMOOTHING = 0.1
CLASSES = Recipe(smoothing=0.05, monitor="val_accuracy")
NUMBERS = Recipe(activation="mish", rate=0.1)


def recipe_of(preset: str, classes: bool, rows: int, columns: int) -> Recipe:
    """The recipe of a preset for a table; the more rows for each column, the more bins, except for "fast".

    Beside trees, ten networks of one shape, with bins between quantiles and the epochs of the lowest loss,
    have a lower error than those of the other presets; all columns of wide tables stay, of which trees find
    those that tell something.
    """
    bins = min(max(rows // (ROWS_OF_BIN * columns), FEWEST_BINS), MOST_BINS)
    found = replace(CLASSES if classes else NUMBERS, bins=bins)
    wide = columns > NARROW
    if preset == "fast":
        found = replace(found, members=4, shapes=FAST_SHAPES, epochs=16, batch=64, bins=FEWEST_BINS)
        return replace(found, batch=96, rate=found.rate * 1.22) if wide else found
    if preset == "best":
        return replace(
            found,
            members=10,
            shapes=found.shapes[:1],
            batch=64,
            bins_by_target=False,
            smoothing=BEST_SMOOTHING if classes else 0.0,
            monitor="val_loss",
            screening=None if wide else 1.0,
            trees=True,
        )
    found = replace(found, screening=1.0, rate=0.06)
    return replace(found, batch=64, rate=0.084, epochs=20) if wide else found


def make_network(recipe: Recipe, member: int, columns: Columns, outputs: int, seed: int) -> nn.Sequential:
    """A network with normal weights of variance 1 / inputs, normal biases, and a last layer of zeros."""
    shape = recipe.shapes[member % len(recipe.shapes)]
    model = nn.Sequential(*layers_of(shape, recipe.activation, columns, outputs), rng=seed)
    rng = np.random.default_rng(seed)
    parameters = model.parameters()
    for name, value in parameters.items():
        if name in list(parameters)[-2:]:
            value[...] = 0
        else:
            std = 1.0 if value.ndim == 1 else value.shape[0] ** -0.5
            value[...] = init.normal(value.shape, std=std, rng=rng)
    return model


def layers_of(shape: tuple[int, ...], activation: str, columns: Columns, outputs: int) -> list[nn.Layer]:
    """Embeddings of large categories, a first layer that reads positions as codes, and dense layers."""
    inputs, tables = len(columns.features), columns.embeddings
    first: list[nn.Layer] = []
    if tables:
        first.append(nn.Embedding(in_features=inputs, columns=tables))
        inputs += sum(size - 1 for _, size in tables.values())
    width = shape[0]
    if columns.encoded:
        encoded, bins = columns.encoded, columns.bins
        layer = nn.PiecewiseLinear(inputs, width, encoded=encoded, bins=bins, activation=activation)
        first.append(layer)
    else:
        first.append(nn.Dense(inputs, width, activation=activation))
    hidden = [nn.Dense(*sizes, activation=activation) for sizes in itertools.pairwise(shape)]
    return [*first, *hidden, nn.Dense(shape[-1], outputs)]


def make_trainer(recipe: Recipe, model: nn.Sequential, classes: bool, rows: int, seed: int) -> Trainer:
    """The trainer of a network on this number of rows."""
    steps = recipe.epochs * -(-rows // recipe.batch)
    rate = recipe.rate / recipe.shapes[0][0] ** 0.5
    optimizer = optim.Adam(lr=schedules.coslog4(rate, steps), betas=(0.9, recipe.beta2))
    loss = functools.partial(F.cross_entropy, label_smoothing=recipe.smoothing) if classes else F.mse_loss
    return Trainer(model, loss=loss, optimizer=optimizer, seed=seed)
