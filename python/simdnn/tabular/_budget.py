"""Recipes that end within a time."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

from ..config import get_num_threads
from ..table import Columns
from ._bag import Bag, Problem
from ._folds import Fold
from ._recipe import Recipe

#: The fewest epochs and members that a time limit leaves, first and at last.
FEW_EPOCHS, FEWEST_EPOCHS, FEW_MEMBERS, FEWEST_MEMBERS = 8, 2, 3, 2
#: The part of the time that networks take if trees follow.
NETWORKS_PART = 0.6


def within(
    recipe: Recipe, limit: float, began: float, columns: Columns, problem: Problem, fold: Fold, bags: int
) -> Recipe:
    """The recipe with fewer epochs, and then fewer members, so that `bags` bags end within the limit, about.

    The time of an epoch is measured with a network that is thrown away. The fit has `began` at this time of
    `time.perf_counter`.
    """
    epoch = seconds_of_epoch(recipe, columns, problem, fold)
    left = (began + limit - time.perf_counter()) * (NETWORKS_PART if recipe.trees else 1) / bags
    steps = ((FEW_EPOCHS, recipe.members), (FEW_EPOCHS, FEW_MEMBERS), (FEWEST_EPOCHS, FEWEST_MEMBERS))
    for fewest, members in steps:
        members = min(members, recipe.members)
        rounds = -(-members // min(get_num_threads(), members))
        epochs = min(recipe.epochs, int(left / (epoch * rounds)))
        if epochs >= min(fewest, recipe.epochs):
            return replace(recipe, epochs=epochs, members=members)
    short = f"time_limit: {limit:.2g} s are short for epochs of {epoch:.2g} s; the fit takes longer"
    warnings.warn(short, stacklevel=5)
    return replace(recipe, epochs=min(FEWEST_EPOCHS, recipe.epochs), members=FEWEST_MEMBERS)


def seconds_of_epoch(recipe: Recipe, columns: Columns, problem: Problem, fold: Fold) -> float:
    """The seconds of an epoch of one network on a fold."""
    start = time.perf_counter()
    Bag(replace(recipe, epochs=1), columns, problem, [fold], [0]).train(None, False)
    return time.perf_counter() - start
