"""With the same random_state, fits equal those of scikit-learn up to rounding."""

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from simdnn import sklearn as ours
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Array = np.ndarray[Any, Any]

X = load_digits().data[:300, :40] / 16
CLASSES = load_digits().target[:300]
LABELS = make_multilabel_classification(300, n_classes=4, random_state=0)[1]
VALUES = np.c_[X[:, 3:20].sum(axis=1), X[:, 20:].sum(axis=1)] / 5
TARGETS: dict[str, tuple[str, Array]] = {
    "binary": ("MLPClassifier", np.array(["no", "yes"])[(CLASSES > 4).astype(int)]),
    "multiclass": ("MLPClassifier", CLASSES),
    "multilabel": ("MLPClassifier", LABELS),
    "one value": ("MLPRegressor", VALUES[:, 0]),
    "two values": ("MLPRegressor", VALUES),
}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"hidden_layer_sizes": (20, 10), "activation": "tanh", "alpha": 1.0, "batch_size": 32},
    {"activation": "logistic", "shuffle": False, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4},
    {"solver": "sgd", "learning_rate_init": 0.05, "activation": "identity", "alpha": 0.5},
    {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "batch_size": 64},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling", "power_t": 0.3},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 2},
    {"early_stopping": True, "n_iter_no_change": 3, "tol": 1e-2},
    {"solver": "lbfgs", "hidden_layer_sizes": 15, "alpha": 0.1},
]


def both(name: str, **settings: Any) -> tuple[Any, Any]:
    """simdnn's estimator and scikit-learn's with the same settings."""
    return getattr(ours, name)(**settings), getattr(sklearn.neural_network, name)(**settings)


def check_same(mine: Any, theirs: Any, tolerance: float = 1e-9) -> None:
    """Asserts that all attributes of two fits are equal."""
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(mine, name), getattr(theirs, name), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    for name, value in vars(theirs).items():
        if not name.endswith("_") or name.startswith("_") or name in ("coefs_", "intercepts_"):
            continue
        found = getattr(mine, name)
        if isinstance(value, str) or value is None:
            assert found == value, name
        elif np.asarray(value).dtype.kind == "f":
            np.testing.assert_allclose(found, value, rtol=tolerance, atol=tolerance, err_msg=name)
        else:
            assert np.array_equal(found, value), name


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
def test_fit_is_theirs(settings: dict[str, Any], target: str) -> None:
    name, y = TARGETS[target]
    if settings.get("solver") == "lbfgs" and target == "two values":
        pytest.skip("there, the gradient of several outputs is not that of the loss")
    mine, theirs = both(name, **{"max_iter": 12, "random_state": 3, **settings})
    mine.fit(X, y)
    theirs.fit(X, y)
    check_same(mine, theirs, 1e-7 if settings.get("solver") == "lbfgs" else 1e-9)
    assert np.array_equal(mine.predict(X), theirs.predict(X)) or name == "MLPRegressor"
    assert mine.score(X, y) == pytest.approx(theirs.score(X, y), rel=1e-7)
    for method in ("predict_proba", "predict_log_proba"):
        if hasattr(theirs, method):
            found, wanted = getattr(mine, method)(X), getattr(theirs, method)(X)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("target", ["one value", "two values"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson_is_theirs(target: str, solver: str) -> None:
    counts = np.floor(TARGETS[target][1] * 3)
    mine, theirs = both("MLPRegressor", loss="poisson", max_iter=10, random_state=0, solver=solver)
    check_same(mine.fit(X, counts), theirs.fit(X, counts), 1e-7)
    np.testing.assert_allclose(mine.predict(X), theirs.predict(X), rtol=1e-6)


@pytest.mark.parametrize("batch_size", [300, 64])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("target", TARGETS)
def test_weights_of_samples_are_theirs(target: str, solver: str, batch_size: int) -> None:
    """Each batch counts in the loss curve by its number of samples, whatever they weigh."""
    name, y = TARGETS[target]
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    mine, theirs = both(
        name, max_iter=10, random_state=0, batch_size=batch_size, solver=solver, alpha=0.1, tol=0.0
    )
    check_same(mine.fit(X, y, weight), theirs.fit(X, y, sample_weight=weight))


@pytest.mark.parametrize("batch_size", [300, 64])
def test_weighted_poisson_is_theirs(batch_size: int) -> None:
    counts = np.floor(TARGETS["two values"][1] * 3)
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    mine, theirs = both("MLPRegressor", loss="poisson", max_iter=8, random_state=0, batch_size=batch_size)
    check_same(mine.fit(X, counts, weight), theirs.fit(X, counts, sample_weight=weight), 1e-7)


@pytest.mark.parametrize("target", TARGETS)
def test_partial_fit_is_theirs(target: str) -> None:
    name, y = TARGETS[target]
    mine, theirs = both(name, random_state=0, solver="sgd", learning_rate="invscaling", batch_size=50)
    classes = {"classes": np.unique(y)} if target in ("binary", "multiclass") else {}
    if target == "multilabel":
        classes = {"classes": np.arange(4)}
    for estimator in (mine, theirs):
        for part in (slice(0, 150), slice(150, 300), slice(100, 200)):
            estimator.partial_fit(X[part], y[part], **classes)
    check_same(mine, theirs)


def test_warm_starts_are_theirs() -> None:
    for settings in ({"solver": "sgd"}, {"solver": "adam", "early_stopping": True}, {"solver": "lbfgs"}):
        mine, theirs = both("MLPClassifier", random_state=0, max_iter=4, warm_start=True, **settings)
        for estimator in (mine, theirs):
            estimator.fit(X, CLASSES).fit(X, CLASSES)
        check_same(mine, theirs, 1e-6)


def test_a_generator_goes_on_as_theirs() -> None:
    """A fit draws as many numbers from a RandomState as scikit-learn's, so its next numbers are equal."""
    random, other = np.random.RandomState(5), np.random.RandomState(5)
    mine, theirs = both("MLPClassifier", max_iter=3)
    check_same(
        clone(mine).set_params(random_state=random).fit(X, CLASSES),
        clone(theirs).set_params(random_state=other).fit(X, CLASSES),
    )
    assert random.randint(2**31) == other.randint(2**31)


def test_parameters_are_theirs() -> None:
    """All parameters of scikit-learn's estimators exist, with the same defaults and messages."""
    for name in ("MLPClassifier", "MLPRegressor"):
        mine, theirs = both(name)
        given = mine.get_params()
        assert {key: given[key] for key in theirs.get_params()} == theirs.get_params()
    mine, theirs = both("MLPClassifier", max_iter=1)
    said = []
    for estimator in (mine, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.set_params(batch_size=1000).fit(X, CLASSES)
        said.append([(warning.category, str(warning.message)) for warning in caught])
    assert said[0] == said[1]
