"""All estimator checks of scikit-learn. None may fail, but that bags depend on how samples are repeated."""

from typing import Any

import pytest
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.filterwarnings("ignore")  # the checks stop fits before they converge


ESTIMATORS = [
    MLPClassifier(),
    MLPClassifier(loss="hinge"),
    MLPRegressor(),
    MLPClassifier(n_members=3),
    MLPRegressor(n_members=3),
    MLPClassifier(n_members=3, bagging="folds"),
    MLPRegressor(n_members=3, bagging="bootstrap"),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    if estimator.bagging and "sample_weight_equivalence" in str(check):
        pytest.skip("bags are drawn from rows, so that a repeated row differs from one of twice the weight")
    check(estimator)
