"""scikit-learn's own checks of estimators: all of them, none expected to fail."""

from typing import Any

import pytest
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.filterwarnings("ignore")  # checks stop before anything converges


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    check(estimator)
