"""`fit_many` leaves each estimator as its own `fit` does; native epochs give the bits of those in Python."""

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import simdnn
from simdnn import nn, optim, schedules
from simdnn.sklearn import MLPClassifier, MLPRegressor, fit_many
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.preprocessing import StandardScaler

from tests.sklearn.test_integration import flat
from tests.support.registry import same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (8,),
    "random_state": 0,
    "max_iter": 60,
    "learning_rate_init": 0.05,
    "batch_size": 32,
}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"random_state": 7, "hidden_layer_sizes": (16, 4), "activation": "tanh", "alpha": 1.0},
    {"solver": "sgd", "momentum": 0.5, "n_iter_no_change": 2},
    {"solver": "sgd", "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    {"solver": "lbfgs"},
    {"early_stopping": True, "n_iter_no_change": 3},
    {"dropout": 0.3, "batch_norm": True, "l1": 1e-3, "clip_norm": 1.0},
    {"shuffle": False, "tol": 0.02},
    {"n_iter_no_change": np.inf},
    {"loss": "mse", "dtype": np.float32},
    {"optimizer": optim.NAdam(lr=schedules.cosine(0.02, 400))},
    {"optimizer": optim.SGD(lr=lambda step: 0.1 / (1 + step))},
    {"optimizer": optim.SGD(lr=schedules.reduce_on_plateau(0.1, patience=1))},
    {"random_state": np.random.RandomState(3)},
    {"n_members": 2, "bagging": "folds", "tol": 0.01, "n_iter_no_change": 3},
    {"n_members": 2, "bagging": "bootstrap", "early_stopping": True},
    {"batch_size": 7, "tol": 0.01},
]
CURVES = [
    "loss_curve_",
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "validation_scores_",
    "_no_improvement_count",
]


def networks(estimator: Any) -> list[Any]:
    return getattr(estimator, "members_", [estimator])


def assert_equal(found: Any, wanted: Any) -> None:
    for one, other in zip(networks(found), networks(wanted), strict=True):
        assert same_bits(flat(one), flat(other))
        assert [getattr(one, name, None) for name in CURVES] == [
            getattr(other, name, None) for name in CURVES
        ]
    predictions = [getattr(one, "oof_prediction_", np.zeros(1)) for one in (found, wanted)]
    assert np.array_equal(*predictions, equal_nan=True)


def estimators(make: Any) -> list[Any]:
    return [
        make(**QUICK | copy.deepcopy(one)) for one in SETTINGS if make is MLPClassifier or "loss" not in one
    ]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_each_estimator_is_as_its_own_fit_leaves_it(make: Any, n_threads: int) -> None:
    y = Y if make is MLPClassifier else X[:, 0] + X[:, 1] ** 2
    wanted = [one.fit(X, y) for one in estimators(make)]
    found = estimators(make)
    assert fit_many(found, X, y, n_threads=n_threads) == found
    for one, other in zip(found, wanted, strict=True):
        assert_equal(one, other)
        if "random_state" in vars(one) and isinstance(one.random_state, np.random.RandomState):
            assert one.random_state.randint(2**30) == other.random_state.randint(2**30)


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd", "momentum": 0.5}, {"shuffle": False}], ids=str)
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_many_equal_tiny_networks(make: Any, settings: dict[str, Any]) -> None:
    """They may train in lanes; they stop in different epochs."""
    y = Y if make is MLPClassifier else X[:, 0] + X[:, 1] ** 2

    def made() -> list[Any]:
        seeds = [{"random_state": seed, "tol": 0.01 * seed, "n_iter_no_change": 3} for seed in range(20)]
        return [make(**QUICK | settings | one) for one in seeds]

    wanted = [one.fit(X, y) for one in made()]
    for one, other in zip(fit_many(made(), X, y), wanted, strict=True):
        assert_equal(one, other)
    assert len({one.n_iter_ for one in wanted}) > 3
    members = make(**QUICK | settings, n_members=12, bagging="bootstrap").fit(X, y)
    python = make(**QUICK | settings, n_members=12, bagging="bootstrap", callbacks=[lambda *_: None]).fit(
        X, y
    )
    assert_equal(members, python)


@pytest.mark.parametrize("settings", SETTINGS[:1] + SETTINGS[7:12], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_native_epochs_have_the_bits_of_epochs_in_python(weighted: bool, settings: dict[str, Any]) -> None:
    """A callback, which does nothing, needs Python after each epoch."""
    weight = np.linspace(0.5, 2, len(X)) if weighted else None
    for eval_set in (None, (X[:30], Y[:30])):
        native = MLPClassifier(**QUICK | settings).fit(X, Y, weight, eval_set=eval_set)
        python = MLPClassifier(**QUICK | settings, callbacks=[lambda *_: None])
        assert_equal(native, python.fit(X, Y, weight, eval_set=eval_set))
        curves = [getattr(one, "validation_loss_curve_", None) for one in (native, python)]
        assert curves[0] == curves[1]
        for one in (native, python):
            one.partial_fit(X, Y, weight)
        assert_equal(native, python)


@pytest.mark.parametrize("count", [1, 2, 150, 700])
def test_the_order_is_that_of_the_random_state(count: int) -> None:
    """scikit-learn's network, trained by batches of one sample, has these weights only in this order."""
    random = np.random.default_rng(count)
    x, y = random.normal(size=(count, 3)), np.arange(count) % 2
    settings: dict[str, Any] = {"hidden_layer_sizes": (3,), "batch_size": 1, "max_iter": 4, "solver": "sgd"}
    states = [np.random.RandomState(5) for _ in range(2)]
    ours = MLPClassifier(**settings, random_state=states[0]).fit(x, y)
    theirs = TheirClassifier(**settings, random_state=states[1]).fit(x, y)
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-9)
    assert np.array_equal(*(state.get_state()[1] for state in states))
    assert states[0].get_state()[2] == states[1].get_state()[2]


def test_a_generator_that_is_no_mersenne_twister_is_used() -> None:
    made = [
        MLPClassifier(
            **QUICK | {"random_state": np.random.RandomState(np.random.PCG64(1)), "callbacks": calls}
        )
        for calls in (None, [lambda *_: None])
    ]
    assert_equal(made[0].fit(X, Y), made[1].fit(X, Y))


def test_estimators_of_one_generator_draw_in_their_order() -> None:
    def shared() -> list[Any]:
        random = np.random.RandomState(0)
        return [MLPClassifier(**QUICK | {"random_state": random}) for _ in range(3)]

    wanted = [one.fit(X, Y) for one in shared()]
    for one, other in zip(fit_many(shared(), X, Y), wanted, strict=True):
        assert_equal(one, other)


def test_without_a_seed_the_global_generator_decides() -> None:
    found = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002
        found.append(fit_many([MLPClassifier(**QUICK | {"random_state": None}) for _ in range(2)], X, Y))
    for one, other in zip(*found, strict=True):
        assert_equal(one, other)
    assert not same_bits(flat(found[0][0]), flat(found[0][1]))


@pytest.mark.parametrize("kind", ["array", "sparse", "frame"])
def test_rows_of_each_estimator(kind: str) -> None:
    x: Any = scipy.sparse.csr_matrix(X) if kind == "sparse" else X
    y: Any = np.array(["a", "b", "c"])[Y]
    if kind == "frame":
        pandas = pytest.importorskip("pandas")
        x, y = pandas.DataFrame(X, columns=list("abcd")), pandas.Series(y)
    folds = [train for train, _ in KFold(3).split(X)]
    made = [MLPClassifier(**QUICK | {"alpha": alpha}) for alpha in (1e-4, 1.0) for _ in folds]
    fit_many(made, x, y, indices=[*folds, None, *folds[:2]], sample_weight=1.0 + Y)
    for one, rows in zip(made, [*folds, np.arange(150), *folds[:2]], strict=True):
        alone = clone(one)
        if kind == "frame":
            alone.fit(x.iloc[rows], y.iloc[rows], 1.0 + Y[rows])
            assert list(one.feature_names_in_) == list("abcd")
        else:
            alone.fit(x[rows], y[rows], 1.0 + Y[rows])
        assert list(one.classes_) == list(alone.classes_)
        assert_equal(one, alone)
    for one in fit_many([MLPClassifier(**QUICK | {"batch_size": 2})], X, Y, indices=[1, 50, 149, 1]):
        alone = MLPClassifier(**QUICK | {"batch_size": 2})
        assert_equal(one, alone.fit(X[[1, 50, 149, 1]], Y[[1, 50, 149, 1]]))


def test_warm_starts_go_on() -> None:
    found, wanted = ([MLPClassifier(**QUICK, warm_start=True) for _ in range(2)] for _ in range(2))
    for _ in range(2):
        fit_many(found, X, Y)
        for one in wanted:
            one.fit(X, Y)
    assert_equal(found[0], wanted[0])


def test_warnings_are_those_of_fit() -> None:
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        fit_many([MLPClassifier(max_iter=3)], X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_many([MLPClassifier(**QUICK | {"tol": 0.5})], X, Y)


def test_no_estimators() -> None:
    assert fit_many([], X, Y) == []


def test_an_estimator_that_diverges_harms_no_other() -> None:
    def made() -> list[Any]:
        wild = MLPRegressor(**QUICK | {"solver": "sgd", "learning_rate_init": 1e30, "momentum": 0.0})
        return [MLPRegressor(**QUICK), wild, MLPRegressor(**QUICK | {"random_state": 1})]

    found = made()
    with pytest.raises(ValueError, match=r"estimators\[1\]: Solver produced non-finite"):
        fit_many(found, X, X[:, 0])
    for i in (0, 2):
        assert_equal(found[i], made()[i].fit(X, X[:, 0]))


def failing(step: int) -> float:
    if step > 20:
        raise ArithmeticError("no more")
    return 0.1


def test_an_estimator_that_raises_harms_no_other() -> None:
    found = [MLPClassifier(**QUICK | {"optimizer": optim.SGD(lr=failing)}), MLPClassifier(**QUICK)]
    with pytest.raises(ArithmeticError, match="no more"):
        fit_many(found, X, Y)
    assert_equal(found[1], MLPClassifier(**QUICK).fit(X, Y))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"estimators": 3}, TypeError, "estimators: expected a sequence"),
        (
            {"estimators": [nn.Dense(2, 2)]},
            TypeError,
            r"estimators\[0\]: expected an MLPClassifier or MLPReg",
        ),
        ({"twice": True}, ValueError, r"estimators\[2\]: is also estimators\[1\]"),
        ({"bad": {"alpha": -1.0}}, ValueError, r"estimators\[1\]: The 'alpha' parameter"),
        ({"bad": {"activation": "no such"}}, ValueError, r"estimators\[1\]: "),
        ({"X": X[:, :0]}, ValueError, r"estimators\[0\]: Found array with 0 feature"),
        ({"y": Y[:9]}, ValueError, r"estimators\[0\]: Found input variables"),
        ({"indices": [0, 150]}, IndexError, r"indices\[1\]: 150 is out of range for 150 samples"),
        (
            {"indices": [[0, 1], None]},
            ValueError,
            "indices: expected one array for each of 3 estimators, got 2",
        ),
        ({"indices": [None, [0.5], None]}, TypeError, r"indices\[1\]: expected integers, got float64"),
        ({"indices": [None, None, []]}, ValueError, r"indices\[2\]: expected at least one index"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"sample_weight": np.ones(3)}, ValueError, r"estimators\[0\]: "),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else None,
)
def test_wrong_arguments_are_refused_before_training(change: dict[str, Any], kind: Any, message: str) -> None:
    made = [MLPClassifier(**QUICK) for _ in range(3)]
    change = dict(change)
    made[1].set_params(**change.pop("bad", {}))
    if change.pop("twice", False):
        made[2] = made[1]
    arguments: dict[str, Any] = {"estimators": made, "X": X, "y": Y} | change
    with pytest.raises(kind, match=message):
        fit_many(**arguments)
    assert not any(hasattr(one, "loss_curve_") and one.loss_curve_ for one in made)


def test_the_number_of_threads_is_left_as_it_was() -> None:
    before = simdnn.get_num_threads()
    fit_many([MLPClassifier(**QUICK)], X, Y, n_threads=1)
    assert simdnn.get_num_threads() == before
