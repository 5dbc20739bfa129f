"""Estimators of several members: each is an estimator of its own, and predictions are their means."""

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from simdnn import functional as F
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.sklearn.test_integration import flat
from tests.support.registry import same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
VALUES = X @ [1.0, -2.0, 0.5, 1.0] + np.sin(X[:, 0])
LABELS = np.c_[Y == 0, Y > 0, Y == 1].astype(int)
TARGETS = {"several": Y, "two": np.array(["no", "yes"])[(Y > 0).astype(int)], "labels": LABELS}
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (8,),
    "random_state": 0,
    "max_iter": 40,
    "learning_rate_init": 0.02,
}
BAGGING = [None, "folds", "bootstrap"]


def several(make: Any = MLPClassifier, **settings: Any) -> Any:
    return make(**QUICK | {"n_members": 3} | settings)


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"dropout": 0.2}])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_a_member_is_an_estimator_of_its_own(make: Any, settings: dict[str, Any]) -> None:
    y = Y if make is MLPClassifier else VALUES
    made = several(make, **settings).fit(X, y)
    seeds = {member.random_state for member in made.members_}
    assert len(seeds) == 3
    for member in made.members_:
        alone = make(**QUICK | settings | {"random_state": member.random_state}).fit(X, y)
        assert same_bits(flat(alone), flat(member))
        assert alone.n_iter_ == member.n_iter_ <= made.n_iter_
        assert same_bits(alone.predict(X), member.predict(X))


@pytest.mark.parametrize("bagging", ["folds", "bootstrap"])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_with_early_stopping_the_score_out_of_the_bag_ends_a_member(make: Any, bagging: str) -> None:
    y = Y if make is MLPClassifier else VALUES
    made = several(make, bagging=bagging, early_stopping=True, max_iter=200).fit(X, y)
    for member, (train, out) in zip(made.members_, bags(made, y), strict=True):
        alone = make(**QUICK | {"random_state": member.random_state, "early_stopping": True, "max_iter": 200})
        alone.fit(X[train], y[train], eval_set=(X[out], y[out]))
        assert same_bits(flat(alone), flat(member))
        assert alone.validation_scores_ == member.validation_scores_


def bags(made: Any, y: Any) -> list[tuple[Any, Any]]:
    """The rows that scikit-learn's splitters, or NumPy, draw from the estimator's seed."""
    random = np.random.RandomState(made.random_state)
    if made.bagging == "folds":
        split = StratifiedKFold if isinstance(made, MLPClassifier) else KFold
        return list(split(made.n_members, shuffle=True, random_state=random).split(X, y))
    found = []
    for _ in range(made.n_members):
        drawn = random.randint(len(X), size=len(X))
        found.append((drawn, np.setdiff1d(np.arange(len(X)), drawn)))
    return found


@pytest.mark.parametrize("bagging", ["folds", "bootstrap"])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_the_loss_out_of_the_bag_ends_a_member_at_its_best_epoch(make: Any, bagging: str) -> None:
    """The loss of each epoch is that of an estimator that watches these rows; the rule is scikit-learn's."""
    y = Y if make is MLPClassifier else VALUES
    settings: dict[str, Any] = {"max_iter": 300, "learning_rate_init": 0.1, "tol": 1e-3}
    made = several(make, bagging=bagging, **settings).fit(X, y)
    for member, (train, out) in zip(made.members_, bags(made, y), strict=True):
        losses = member.validation_loss_curve_
        best, waited = np.inf, 0
        for epoch, loss in enumerate(losses):
            assert waited <= 10, epoch
            waited = waited + 1 if loss > best - 1e-3 else 0
            best = min(best, loss)
        assert waited > 10 or len(losses) == 300
        seed = member.random_state
        alone = make(**QUICK | settings | {"random_state": seed, "n_iter_no_change": np.inf})
        alone.set_params(max_iter=len(losses)).fit(X[train], y[train], eval_set=(X[out], y[out]))
        assert alone.validation_loss_curve_ == losses
        alone.set_params(max_iter=int(np.argmin(losses)) + 1).fit(X[train], y[train])
        assert same_bits(flat(alone), flat(member))


@pytest.mark.parametrize("bagging", BAGGING)
@pytest.mark.parametrize("target", TARGETS)
def test_probabilities_are_means_of_members(target: str, bagging: Any) -> None:
    y = TARGETS[target]
    made = several(bagging=bagging).fit(X, y)
    p = made.predict_proba(X)
    wanted = np.mean([member.predict_proba(X) for member in made.members_], axis=0)
    np.testing.assert_allclose(p, wanted, rtol=1e-12)
    np.testing.assert_allclose(made.predict_log_proba(X), np.log(wanted), rtol=1e-9, atol=1e-12)
    predicted = (wanted > 0.5).astype(int) if target == "labels" else made.classes_[wanted.argmax(axis=1)]
    assert np.array_equal(made.predict(X), predicted)
    assert made.score(X, y) == accuracy_score(y, predicted) > 0.6
    assert not hasattr(made, "decision_function")


@pytest.mark.parametrize("loss", ["hinge", "mse"])
@pytest.mark.parametrize("target", TARGETS)
def test_decisions_are_means_of_members(target: str, loss: str) -> None:
    y = TARGETS[target]
    made = several(loss=loss, bagging="folds").fit(X, y)
    scores = made.decision_function(X)
    wanted = np.mean([member.decision_function(X) for member in made.members_], axis=0)
    np.testing.assert_allclose(scores, wanted, rtol=1e-12, atol=1e-14)
    if target == "several":
        assert np.array_equal(made.predict(X), scores.argmax(axis=1))
    elif target == "two":
        assert np.array_equal(made.predict(X), made.classes_[(scores > 0).astype(int)])
    else:
        assert np.array_equal(made.predict(X), (scores > 0).astype(int))
    assert made.oof_prediction_.shape == scores.shape
    assert not hasattr(made, "predict_proba")


@pytest.mark.parametrize("bagging", BAGGING)
@pytest.mark.parametrize("columns", [1, 2])
def test_values_are_means_of_members(columns: int, bagging: Any) -> None:
    y = VALUES if columns == 1 else np.c_[VALUES, X[:, 0]]
    made = several(MLPRegressor, bagging=bagging, loss="huber").fit(X, y)
    wanted = np.mean([member.predict(X) for member in made.members_], axis=0)
    np.testing.assert_allclose(made.predict(X), wanted, rtol=1e-12)
    assert made.predict(X).shape == y.shape
    counts = several(MLPRegressor, bagging=bagging, loss="poisson").fit(X, np.exp(X[:, 0] / 2))
    np.testing.assert_allclose(
        counts.predict(X), np.mean([one.predict(X) for one in counts.members_], axis=0), rtol=1e-12
    )


@pytest.mark.parametrize("bagging", ["folds", "bootstrap"])
@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_predictions_out_of_the_bag(settings: dict[str, Any], bagging: str) -> None:
    for made, y in (
        (several(bagging=bagging, **settings), Y),
        (several(MLPRegressor, bagging=bagging), VALUES),
    ):
        made.fit(X, y)
        each = [getattr(one, "predict_proba", one.predict)(X) for one in made.members_]
        wanted = np.full(each[0].shape, np.nan)
        for row in range(len(X)):
            out = [p[row] for p, (_, rows) in zip(each, bags(made, y), strict=True) if row in rows]
            if out:
                wanted[row] = np.mean(out, axis=0)
        np.testing.assert_allclose(made.oof_prediction_, wanted, rtol=1e-12)
        assert np.isnan(wanted).any() == (bagging == "bootstrap")


def test_members_stopped_by_folds_predict_better_than_one_network() -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = StandardScaler().fit_transform(x), (y - y.mean()) / y.std()
    settings: dict[str, Any] = {"hidden_layer_sizes": (64,), "random_state": 0, "max_iter": 400}
    one = cross_val_score(MLPRegressor(**settings, learning_rate_init=0.01), x, y, cv=3).mean()
    five = MLPRegressor(**settings, learning_rate_init=0.01, n_members=5, bagging="folds")
    assert cross_val_score(five, x, y, cv=3).mean() > one + 0.02
    assert five.fit(x, y).oof_prediction_.shape == y.shape


@pytest.mark.parametrize("bagging", BAGGING)
def test_pickles_and_clones_have_the_members(bagging: Any) -> None:
    made = several(bagging=bagging).fit(X, Y)
    other = pickle.loads(pickle.dumps(made))
    assert same_bits(other.predict_proba(X), made.predict_proba(X))
    again = clone(made)
    assert not hasattr(again, "members_")
    assert same_bits(again.fit(X, Y).predict_proba(X), made.predict_proba(X))
    if bagging:
        assert np.array_equal(again.oof_prediction_, made.oof_prediction_, equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_members_keep_the_dtype(dtype: Any) -> None:
    made = several(bagging="folds").fit(X.astype(dtype), Y)
    assert made.predict_proba(X.astype(dtype)).dtype == made.oof_prediction_.dtype == dtype
    before = made.predict_proba(X)
    made.set_params(dtype=np.float32, n_members=1, bagging=None, loss="mse", hidden_layer_sizes=(2,))
    assert same_bits(made.predict_proba(X), before)


def test_names_weights_and_sparse_samples() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    weight = np.where(Y == 1, 3.0, 1.0)
    made = several(class_weight={1: 3.0}, bagging="bootstrap").fit(frame, Y)
    assert list(made.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        made.predict(frame[list("dcba")])
    weighted = several(bagging="bootstrap").fit(X, Y, sample_weight=weight)
    assert same_bits(made.predict_proba(frame), weighted.predict_proba(X))
    plain = several(bagging="bootstrap").fit(X, Y)
    assert not same_bits(plain.predict_proba(X), weighted.predict_proba(X))
    sparse = several(bagging="bootstrap").fit(scipy.sparse.csc_matrix(X), Y, sample_weight=weight)
    assert same_bits(sparse.predict_proba(scipy.sparse.csr_matrix(X)), weighted.predict_proba(X))
    assert made.members_[0].predict(frame).shape == Y.shape


def test_classes_that_a_bag_lacks_are_known() -> None:
    y = np.array(["c"] * 149 + ["a"])
    with pytest.warns(UserWarning, match="least populated class"):
        made = several(bagging="folds").fit(X, y)
    assert made.oof_prediction_.shape == (150, 2)
    assert all(list(member.classes_) == ["a", "c"] for member in made.members_)


def test_log_loss_out_of_the_bag_is_honest() -> None:
    """Labels without any relation to X are learned by heart, but not out of the bag."""
    y = np.random.default_rng(0).integers(2, size=len(X))
    made = several(hidden_layer_sizes=(100,), bagging="folds", learning_rate_init=0.01).fit(X, y)
    assert log_loss(y, made.oof_prediction_) > 0.6


def test_members_go_on_with_warm_start_and_partial_fit() -> None:
    made = several(warm_start=True, max_iter=5).fit(X, Y)
    alone = [
        MLPClassifier(**QUICK | {"random_state": member.random_state, "warm_start": True, "max_iter": 5})
        for member in made.members_
    ]
    made.fit(X, Y)
    for one, member in zip(alone, made.members_, strict=True):
        assert same_bits(flat(one.fit(X, Y).fit(X, Y)), flat(member))
    made, whole = several(), several(max_iter=1)
    for _ in range(3):
        made.partial_fit(X, Y, classes=[0, 1, 2])
    assert [len(member.loss_curve_) for member in made.members_] == [3, 3, 3]
    assert same_bits(
        whole.fit(X, Y).predict_proba(X), several().partial_fit(X, Y, classes=[0, 1, 2]).predict_proba(X)
    )


def test_an_evaluation_set_is_watched_by_each_member() -> None:
    made = several().fit(X, Y, eval_set=(X[:20], Y[:20]))
    assert [len(member.validation_loss_curve_) for member in made.members_] == [40, 40, 40]


def test_a_fit_leaves_nothing_of_another_kind_of_fit() -> None:
    made = several(bagging="folds").fit(X, Y)
    made.set_params(n_members=1, bagging=None).fit(X, Y)
    assert not hasattr(made, "members_")
    assert not hasattr(made, "oof_prediction_")
    made.set_params(n_members=2).fit(X, Y)
    assert not hasattr(made, "coefs_")
    assert not hasattr(made, "oof_prediction_")
    made.set_params(n_members=1, bagging="bootstrap").fit(X, Y)
    assert np.isnan(made.oof_prediction_).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_members": 0}, "n_members"),
        ({"n_members": 2.5}, "n_members"),
        ({"bagging": "jackknife"}, "bagging"),
        ({"n_members": 1, "bagging": "folds"}, "bagging: 'folds' needs n_members >= 2, got 1"),
        (
            {"n_members": 151, "bagging": "folds"},
            "bagging: 'folds' needs at least 151 samples, got n_samples = 150",
        ),
        ({"n_members": 76, "bagging": "folds", "early_stopping": True}, "needs at least 152 samples"),
        ({"bagging": "folds", "warm_start": True}, "bagging: 'folds' with warm_start=True"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    for made, y in ((several(**settings), Y), (several(MLPRegressor, **settings), VALUES)):
        with pytest.raises(ValueError, match=message):
            made.fit(X, y)


def test_what_does_not_go_with_bagging_is_refused() -> None:
    assert hasattr(several(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        several(bagging="bootstrap").partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="eval_set: with bagging='folds' the rows out of a member's bag"):
        several(bagging="folds").fit(X, Y, eval_set=(X, Y))
    with pytest.raises(ValueError, match="eval_set: needs a stochastic solver"):
        several(solver="lbfgs").fit(X, Y, eval_set=(X, Y))


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (3, 2)])
def test_going_on_with_another_number_of_members_is_refused(before: int, after: int) -> None:
    made = several(n_members=before, warm_start=True).fit(X, Y)
    p = made.predict_proba(X)
    made.set_params(n_members=after)
    for fit in (made.fit, made.partial_fit):
        with pytest.raises(ValueError, match=f"n_members: the fitted network has {before}"):
            fit(X, Y)
    assert same_bits(made.predict_proba(X), p)


def test_going_on_with_another_network_is_refused() -> None:
    made = several(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="activation: the fitted network has 'relu'"):
        made.set_params(activation="tanh").fit(X, Y)


def test_members_work_in_a_pipeline_with_every_kind_of_loss() -> None:
    smooth = partial(F.cross_entropy, label_smoothing=0.1)
    pipeline = make_pipeline(
        StandardScaler(), several(loss=smooth, bagging="folds", callbacks=[lambda *_: None])
    )
    assert cross_val_score(pipeline, X, Y, cv=2).mean() > 0.8
