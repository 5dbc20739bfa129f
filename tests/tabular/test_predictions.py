"""A subclass scores its own predictions; predictions are arrays of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simdnn.tabular import TabularRegressor
from sklearn.metrics import r2_score


def test_the_score_is_of_what_a_subclass_predicts() -> None:
    class Logarithm(TabularRegressor):
        def fit(self, X: Any, y: Any, *args: Any, **options: Any) -> TabularRegressor:
            return super().fit(X, np.log(y), *args, **options)

        def predict(self, X: Any, *args: Any, **options: Any) -> Any:
            return np.exp(super().predict(X, *args, **options))

    X = np.random.default_rng(0).normal(size=(60, 3))
    y, weight = np.exp(X[:, 0]), np.linspace(0, 1, 60)
    model = Logarithm("fast", epochs=2, n_members=2, random_state=0, progress=False).fit(X, y)
    for own in (None, weight):
        assert model.score(X, y, own) == pytest.approx(r2_score(y, model.predict(X), sample_weight=own))


def test_means_and_deviations_are_arrays_of_their_own() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = TabularRegressor("fast", epochs=2, n_members=2, random_state=0, progress=False).fit(X, X[:, 0])
    assert [one.flags.c_contiguous for one in model.predict(X, return_std=True)] == [True, True]
