"""All estimator checks of scikit-learn, none of which may fail."""

from typing import Any

import pytest
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.filterwarnings("ignore")  # the checks stop fits before they converge


@parametrize_with_checks([MLPClassifier(), MLPClassifier(loss="hinge"), MLPRegressor()])
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    check(estimator)
