"""The bag: a network for each fold, trained in one native call, and its predictions of the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import functional as F
from .. import nn
from .._utils.progress import Progress
from ..training import History, fit_many
from ._folds import Fold
from ._recipe import Recipe, make_network, make_trainer

Array = NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """Inputs [n, features], targets (indices of classes, or numbers [n, outputs]) and weights of rows."""

    inputs: NDArray[np.float32]
    targets: Array
    outputs: int
    classes: bool
    weight: Array | None = None


def train_bag(
    recipe: Recipe,
    problem: Problem,
    folds: list[Fold],
    seeds: list[int],
    evaluation: tuple[Any, ...] | None,
    progress: Progress,
) -> tuple[list[nn.Sequential], list[History]]:
    """Trains a network on the rows of each fold; each keeps its best epoch on the held-out rows.

    With an `evaluation` the best epoch is that of these data.
    """
    features = problem.inputs.shape[1]
    models = [make_network(recipe, features, problem.outputs, seed) for seed in seeds]
    trainers = [
        make_trainer(recipe, model, problem.classes, len(fold.train), seed)
        for model, fold, seed in zip(models, folds, seeds, strict=True)
    ]
    histories = fit_many(
        trainers,
        problem.inputs,
        problem.targets,
        epochs=recipe.epochs,
        batch_size=recipe.batch,
        indices=[fold.train for fold in folds],
        validation=[fold.held_out if evaluation is None else evaluation for fold in folds],
        restore_best=True,
        sample_weight=None if problem.weight is None else problem.weight.astype(np.float32),
        progress=progress,
    )
    if not all(np.isfinite(model.flat_parameters).all() for model in models):
        raise ValueError(
            "the parameters of a network did not stay finite: the columns may hold extreme numbers"
        )
    return models, histories


def out_of_fold(models: list[nn.Sequential], problem: Problem, folds: list[Fold]) -> Array:
    """Outputs [n, outputs] for each row by the network that has not seen it, or the mean of all."""
    found = np.full((len(problem.inputs), problem.outputs), np.nan, np.float32)
    for model, fold in zip(models, folds, strict=True):
        found[fold.held_out] = model(problem.inputs[fold.held_out])
    unseen = np.flatnonzero(np.isnan(found[:, 0]))
    if len(unseen):
        found[unseen] = np.mean([model(problem.inputs[unseen]) for model in models], axis=0)
    return found


def divide_outputs(model: nn.Sequential, divisor: float) -> None:
    """Divides the outputs of a network by a number, which its last layer takes over."""
    for value in list(model.parameters().values())[-2:]:
        value[...] = (value.astype(np.float64) / divisor).astype(value.dtype)


def probabilities(logits: Array) -> Array:
    """The softmax of each row."""
    return np.asarray(F.softmax(logits))
