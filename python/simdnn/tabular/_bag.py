"""The bag: a network for each fold, trained in one native call, and its predictions of the held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import functional as F
from .. import nn
from .._utils.progress import Progress, advance, bar
from ..table import Columns
from ..training import History, Trainer, fit_many
from ._best import BestEpochs
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


@dataclass(frozen=True)
class Bag:
    """A network for each fold of a problem."""

    recipe: Recipe
    columns: Columns
    problem: Problem
    folds: list[Fold]
    seeds: list[int]

    def train(
        self, evaluation: tuple[Any, ...] | None, progress: Progress
    ) -> tuple[list[nn.Sequential], list[History], list[int]]:
        """Trains the networks; each keeps its best epoch on the held-out rows, or on `evaluation`.

        Returns the networks, their metrics, and the number of the epoch that each keeps.
        """
        recipe, problem = self.recipe, self.problem
        models = [
            make_network(recipe, i, self.columns, problem.outputs, seed) for i, seed in enumerate(self.seeds)
        ]
        trainers = [
            make_trainer(recipe, model, problem.classes, len(fold.train), seed)
            for model, fold, seed in zip(models, self.folds, self.seeds, strict=True)
        ]
        rows = sum(len(fold.held_out) for fold in self.folds) if evaluation is None else len(evaluation[1])
        best = BestEpochs(models, recipe.monitor, rows)
        with bar(progress, recipe.epochs, "training") as shown:
            for _ in range(recipe.epochs):
                metric = best.see(self.epoch(trainers, evaluation))
                advance(shown, {recipe.monitor: metric})
        best.restore()
        return models, best.histories, best.epochs

    def epoch(self, trainers: list[Trainer], evaluation: tuple[Any, ...] | None) -> list[History]:
        """Trains each network for an epoch on its fold."""
        weight = self.problem.weight
        return fit_many(
            trainers,
            self.problem.inputs,
            self.problem.targets,
            epochs=1,
            batch_size=self.recipe.batch,
            indices=[fold.train for fold in self.folds],
            validation=[fold.held_out if evaluation is None else evaluation for fold in self.folds],
            sample_weight=None if weight is None else weight.astype(np.float32),
            progress=False,
        )

    def out_of_fold(self, models: list[nn.Sequential]) -> Array:
        """Outputs [n, outputs] for each row by the network that has not seen it; 0 for rows in no fold."""
        inputs = self.problem.inputs
        found = np.zeros((len(inputs), self.problem.outputs), np.float32)
        for model, fold in zip(models, self.folds, strict=True):
            found[fold.held_out] = model(inputs[fold.held_out])
        return found

    @property
    def in_no_fold(self) -> NDArray[np.intp]:
        """The rows that no network has seen in its fit."""
        held_out = np.concatenate([fold.held_out for fold in self.folds])
        return np.setdiff1d(np.arange(len(self.problem.inputs)), held_out)


def divide_outputs(model: nn.Sequential, divisor: float) -> None:
    """Divides the outputs of a network by a number, which its last layer takes over."""
    for value in list(model.parameters().values())[-2:]:
        value[...] = (value.astype(np.float64) / divisor).astype(value.dtype)


def probabilities(logits: Array) -> Array:
    """The softmax of each row."""
    return np.asarray(F.softmax(logits))
