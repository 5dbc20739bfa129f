"""Estimators of several members, whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import check_random_state

from ._fitted import forget, remember
from ._labels import MULTILABEL
from ._run import Fit, run_all
from ._stochastic import Data, check_weights

Array = NDArray[Any]

#: Parameters that a member does not share with its estimator.
OF_MEMBERS = {"n_members": 1, "bagging": None}

#: Attributes of the data, which members have as their estimator has them.
OF_DATA = ("_labels", "classes_", "n_features_in_", "feature_names_in_")


def has_members(estimator: Any) -> bool:
    """True for an estimator that was fitted with members."""
    return "members_" in vars(estimator)


def wants_members(estimator: Any) -> bool:
    """True if the parameters of an estimator ask for members."""
    return estimator.n_members > 1 or estimator.bagging is not None


def mean_of(values: Sequence[Array]) -> Array:
    """The mean of the members' predictions, added in their order."""
    total = values[0].copy()
    for value in values[1:]:
        total += value
    return np.asarray(total / len(values))


class MembersFit(Fit):
    """The fits of the members of an estimator, and the rows of X that each has and has not seen."""

    def __init__(self, estimator: Any, data: Data, bags: list[tuple[Array, Array]], fits: list[Fit]) -> None:
        self.estimator, self.data, self.bags, self.fits = estimator, data, bags, fits

    def parts(self) -> Sequence[Fit]:
        return self.fits

    def train(self) -> None:
        for error in run_all([self]):
            if error is not None:
                raise error

    def finish(self) -> None:
        estimator, members = self.estimator, self.estimator.members_
        estimator.n_iter_ = max(member.n_iter_ for member in members)
        estimator.t_ = max(member.t_ for member in members)
        estimator.loss_ = float(np.mean([member.loss_ for member in members]))
        for name in ("n_layers_", "n_outputs_", "out_activation_"):
            setattr(estimator, name, getattr(members[0], name))
        if self.bags:
            estimator.oof_prediction_ = self.out_of_bag_predictions()

    def out_of_bag_predictions(self) -> Array:
        """The mean prediction for each row by the members that have not seen it; NaN where all have."""
        rows = self.data.Y.shape[0]
        total, seen = None, np.zeros((rows, 1))
        for member, (_, out) in zip(self.estimator.members_, self.bags, strict=True):
            scores = member._scores(self.data.X[out], checked=True)
            total = np.zeros((rows, scores.shape[1]), scores.dtype) if total is None else total
            total[out] += scores
            seen[out] += 1
        assert total is not None
        mean = np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0, casting="same_kind")
        one_column = mean.shape[1] == 1
        return mean[:, 0] if one_column else mean


def begin_members(estimator: Any, data: Data, first: bool, incremental: bool, eval_set: Any) -> MembersFit:
    """Prepares the fits of all members."""
    check_members(estimator, eval_set)
    bags = draw_bags(estimator, data)
    if first:
        seeds = estimator._random_state.randint(np.iinfo(np.int32).max, size=estimator.n_members)
        forget(estimator)
        remember(estimator)
        estimator.members_ = [
            type(estimator)(**estimator.get_params(deep=False) | OF_MEMBERS | {"random_state": int(seed)})
            for seed in seeds
        ]
    fits = []
    for i, member in enumerate(estimator.members_):
        shared = estimator.get_params(deep=False) | OF_MEMBERS | {"random_state": member.random_state}
        vars(member).update(shared)
        vars(member).update({name: value for name, value in vars(estimator).items() if name in OF_DATA})
        member._random_state = check_random_state(member.random_state)
        train, out_of_bag = (part(data, rows) for rows in bags[i]) if bags else (data, None)
        if out_of_bag is not None:
            check_weights(train, f"train members_[{i}]")
            check_weights(out_of_bag, f"are out of the bag of members_[{i}]")
        fits.append(member._begin_network(train, first, incremental, eval_set, out_of_bag))
    return MembersFit(estimator, data, bags, fits)


def part(data: Data, rows: Array) -> Data:
    """Some rows of the samples."""
    X, Y, weight = data
    return Data(X[rows], Y[rows], None if weight is None else weight[rows])


def check_members(estimator: Any, eval_set: Any) -> None:
    """Raises for parameters and arguments that do not go together with bagging."""
    bagging = estimator.bagging
    if bagging is None:
        return
    if estimator.warm_start:
        raise ValueError(
            f"bagging: {bagging!r} with warm_start=True would train members on rows that are to be held out"
        )
    if eval_set is not None:
        raise ValueError(f"eval_set: with bagging={bagging!r} the rows out of a member's bag take its place")
    if bagging == "folds" and estimator.n_members < 2:
        raise ValueError(f"bagging: 'folds' needs n_members >= 2, got {estimator.n_members}")


def draw_bags(estimator: Any, data: Data) -> list[tuple[Array, Array]]:
    """The rows that each member trains on, and those out of its bag; none without bagging."""
    if estimator.bagging is None:
        return []
    rows, members = data.Y.shape[0], estimator.n_members
    each = 2 if estimator.early_stopping else 1  # R^2 needs two rows
    needed = each * members if estimator.bagging == "folds" else 2
    if rows < needed:
        raise ValueError(
            f"bagging: {estimator.bagging!r} needs at least {needed} samples, got n_samples = {rows}"
        )
    random = estimator._random_state
    if estimator.bagging == "bootstrap":
        return [draw_bootstrap(rows, random) for _ in range(members)]
    stratified = is_classifier(estimator) and estimator._labels.kind != MULTILABEL
    split = (StratifiedKFold if stratified else KFold)(members, shuffle=True, random_state=random)
    return list(split.split(np.zeros(rows), data.Y[:, 0] if stratified else None))


def draw_bootstrap(rows: int, random: np.random.RandomState) -> tuple[Array, Array]:
    """Rows drawn with replacement, the same number as there are, and those not drawn: at least one."""
    while True:
        drawn = random.randint(rows, size=rows)
        out = np.setdiff1d(np.arange(rows), drawn)
        if len(out):
            return drawn, out
