"""scikit-learn's installed tests of its perceptrons, run with simdnn's estimators."""

import importlib.util
from typing import Any

import pytest
import sklearn.neural_network
from simdnn.sklearn import MLPClassifier, MLPRegressor

MODULE = "sklearn.neural_network.tests.test_mlp"

#: Tests that do not apply, with the reason: they use private parts of scikit-learn.
EXCLUDED = {
    "test_gradient": "calls the private method _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads the learning rate of the private object _optimizer",
    "test_adaptive_learning_rate": "reads the learning rate of the private object _optimizer",
}

pytestmark = pytest.mark.filterwarnings("default", "ignore::UserWarning", "ignore::RuntimeWarning")


def their_tests() -> dict[str, Any]:
    """The tests of scikit-learn's file, with its class names bound to simdnn's estimators."""
    specification = importlib.util.find_spec(MODULE)
    if specification is None or specification.loader is None:
        pytest.skip("scikit-learn is installed without its tests", allow_module_level=True)
    module = importlib.util.module_from_spec(specification)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", MLPRegressor)
        specification.loader.exec_module(module)
    assert module.MLPClassifier is MLPClassifier
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


@pytest.fixture
def global_random_seed() -> int:
    """A fixture that scikit-learn's tests use."""
    return 42


THEIRS = their_tests()
globals().update({name: test for name, test in THEIRS.items() if name not in EXCLUDED})


def test_no_more_is_excluded_than_there_is() -> None:
    assert EXCLUDED.keys() <= THEIRS.keys()
    assert len(THEIRS) > 10 * len(EXCLUDED)
