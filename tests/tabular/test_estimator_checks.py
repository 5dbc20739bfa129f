"""All estimator checks of scikit-learn. None may fail, but that folds depend on how samples are repeated."""

from typing import Any

import pytest
from simdnn.tabular import TabularClassifier, TabularRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"n_members": 2, "hidden_layer_sizes": [16, 16], "epochs": 8, "progress": False}


@parametrize_with_checks(
    [
        TabularClassifier("fast"),
        TabularRegressor("fast"),
        TabularRegressor("best", quantiles=False, **SMALL),
    ]
)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    if "sample_weight_equivalence" in str(check):
        pytest.skip("folds are drawn from rows, so that a repeated row differs from one of twice the weight")
    check(estimator)
