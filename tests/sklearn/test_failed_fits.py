"""A fit that is refused or fails leaves an estimator as it was: attributes change together or not at all."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn.sklearn import MLPClassifier, MLPRegressor, fit_many
from sklearn.base import clone

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
NEGATIVE = np.r_[-1.0, np.ones(59)]
KINDS = (MLPClassifier, MLPRegressor)
every_kind = pytest.mark.parametrize("kind", KINDS)


def make(kind: Any, **settings: Any) -> Any:
    return kind(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **settings})


def seen(estimator: Any) -> dict[str, Any]:
    """The attributes of a fit that can be compared, with the predictions."""
    if "coefs_" not in vars(estimator) and "members_" not in vars(estimator):
        return {"names": sorted(vars(estimator))}
    found = {name: value for name, value in vars(estimator).items() if name.endswith("_")}
    found |= {"names": sorted(vars(estimator)), "predictions": estimator.predict(X)}
    found["members_"] = [seen(one) for one in found.get("members_", [])]
    return {name: repr(value) for name, value in found.items()}


def stop(estimator: Any, logs: Any) -> None:
    raise RuntimeError("stopped")


#: Fits that are refused or fail: settings that are changed before, and arguments of `fit`.
FAULTS: dict[str, Callable[[], tuple[dict[str, Any], dict[str, Any]]]] = {
    "a negative weight": lambda: ({}, {"sample_weight": NEGATIVE}),
    "short weights": lambda: ({}, {"sample_weight": np.ones(3)}),
    "a missing weight": lambda: ({}, {"sample_weight": np.full(60, np.nan)}),
    "eval_set": lambda: ({}, {"eval_set": 5}),
    "eval_set of another width": lambda: ({}, {"eval_set": (X[:, :2], Y)}),
    "an infinite sample": lambda: ({}, {"X": np.where(X > 2, np.inf, X * 1e3)}),
    "another length of y": lambda: ({}, {"y": Y[:-1]}),
    "other columns and a bad weight": lambda: ({}, {"X": X[:, :2], "y": 1 - Y, "sample_weight": NEGATIVE}),
    "activation": lambda: ({"activation": "nope"}, {}),
    "optimizer": lambda: ({"optimizer": "nope"}, {}),
    "pretrain": lambda: ({"pretrain": "nope"}, {}),
    "bagging": lambda: ({"n_members": 2, "bagging": "folds"}, {"eval_set": (X, Y)}),
    "a callback": lambda: ({"callbacks": [stop]}, {}),
    "lbfgs": lambda: ({"solver": "lbfgs", "dropout": 0.5}, {}),
    "numbers too large": lambda: (
        {"optimizer": "sgd", "learning_rate_init": 1e30, "dtype": np.float32},
        {"X": X * 1e18},
    ),
}


@every_kind
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("state", ["new", "fitted", "members"])
def test_a_fit_that_fails_changes_nothing(kind: Any, fault: str, state: str) -> None:
    made = make(kind, n_members=2 if state == "members" else 1)
    if state != "new":
        made.fit(X, Y)
    settings, arguments = FAULTS[fault]()
    made.set_params(**settings)
    before = seen(made)
    with pytest.raises((TypeError, ValueError, RuntimeError)), np.errstate(all="ignore"):
        made.fit(**{"X": X, "y": Y} | arguments)
    assert seen(made) == before


@every_kind
@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
@pytest.mark.parametrize("members", [1, 2])
def test_a_continued_fit_that_is_refused_changes_nothing(kind: Any, way: str, members: int) -> None:
    made = make(kind, warm_start=True, n_members=members).fit(X, Y)
    go_on = made.fit if way == "warm_start" else made.partial_fit
    go_on(X, Y)
    before, twin = seen(made), clone(made).fit(X, Y)
    (twin.fit if way == "warm_start" else twin.partial_fit)(X, Y)
    for settings, arguments in (
        ({}, {"sample_weight": NEGATIVE}),
        ({"activation": "tanh"}, {}),
        ({"clip_norm": -1.0}, {}),
        ({"optimizer": "sgd"}, {}) if way == "partial_fit" else ({"optimizer": "nope"}, {}),
    ):
        kept = {name: getattr(made, name) for name in settings}
        made.set_params(**settings)
        with pytest.raises((TypeError, ValueError)):
            go_on(X, Y, **arguments)
        made.set_params(**kept)
        assert seen(made) == before
    go_on(X, Y)
    (twin.fit if way == "warm_start" else twin.partial_fit)(X, Y)
    assert seen(made) == seen(twin)


@every_kind
def test_what_a_continued_fit_has_learned_is_kept(kind: Any) -> None:
    """Each attribute tells of the epochs that were trained."""
    made = make(kind, warm_start=True).fit(X, Y)
    before = made.coefs_[0].copy()
    with pytest.raises(RuntimeError, match="stopped"):
        made.set_params(callbacks=[stop]).fit(X, Y)
    assert not np.array_equal(made.coefs_[0], before)
    assert len(made.loss_curve_) == 6
    assert made.n_iter_ == 1


def test_the_first_partial_fit_that_fails_sets_no_classes() -> None:
    made = make(MLPClassifier)
    with pytest.raises(ValueError, match="sample_weight"):
        made.partial_fit(X, Y, NEGATIVE, classes=[0, 1, 2])
    made.partial_fit(X, Y, classes=[0, 1])
    assert made.classes_.tolist() == [0, 1]


def test_callbacks_see_the_new_network() -> None:
    found: list[tuple[int, int]] = []
    made = make(MLPClassifier).fit(X, Y)
    made.set_params(
        hidden_layer_sizes=(7,),
        callbacks=[lambda one, _: found.append((one.n_iter_, one.coefs_[0].shape[1]))],
    )
    made.fit(X, Y)
    assert found == [(i, 7) for i in range(1, 6)]


@every_kind
@pytest.mark.parametrize("place", [0, 1, 2])
def test_fit_many_that_is_refused_changes_nothing(kind: Any, place: int) -> None:
    shared = np.random.RandomState(0)
    many = [make(kind).fit(X, Y), make(kind), make(kind, n_members=2).fit(X, Y), make(kind, warm_start=True)]
    many[-1].fit(X, Y)
    before = [seen(one) for one in many]
    for bad in (make(kind, activation="nope"), make(kind, alpha=-1)):
        with pytest.raises(ValueError, match=rf"estimators\[{place}\]"):
            fit_many([*many[:place], bad, *many[place:]], X * 10, Y)
        assert [seen(one) for one in many] == before
    sharing = [make(kind, random_state=shared), make(kind, random_state=shared, activation="nope")]
    with pytest.raises(ValueError, match=r"estimators\[5\]"):
        fit_many([*many, *sharing], X * 10, Y)
    assert [seen(one) for one in many[:-1]] == before[:-1]
    assert not hasattr(sharing[0], "coefs_")


@every_kind
def test_fit_many_keeps_the_others_of_those_that_fail(kind: Any) -> None:
    stopped, good, other = make(kind).fit(X, Y), make(kind).fit(X, Y), make(kind)
    for one in (stopped, other):
        one.set_params(callbacks=[stop])
    before = seen(stopped)
    with pytest.raises(RuntimeError, match="stopped"):
        fit_many([stopped, good, other], X * 2, Y)
    assert seen(good) == seen(make(kind).fit(X * 2, Y))
    assert seen(stopped) == before
    assert not hasattr(other, "coefs_")
