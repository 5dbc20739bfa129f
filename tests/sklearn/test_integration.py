"""The estimators in scikit-learn's pipelines, searches, calibration, clones and pickles."""

import copy
import importlib
import io
import pickle
import sys
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse
import simdnn
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.support.registry import same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "random_state": 0,
    "max_iter": 80,
    "learning_rate_init": 0.01,
}


def flat(estimator: Any) -> np.ndarray[Any, Any]:
    """All weights and biases in one array."""
    return np.concatenate([array.ravel() for array in (*estimator.coefs_, *estimator.intercepts_)])


def unpickled(estimator: Any) -> Any:
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("simdnn.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"pip install 'simdnn\[sklearn\]'"):
        importlib.import_module("simdnn.sklearn")


def test_pipelines_searches_and_scores() -> None:
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.9
    search = GridSearchCV(
        pipeline,
        {
            "mlpclassifier__alpha": [1e-4, 10.0],
            "mlpclassifier__optimizer": [None, simdnn.optim.NAdam(lr=0.01)],
        },
        n_jobs=2,
        cv=2,
    ).fit(X, Y)
    assert search.best_score_ > 0.9
    alone = clone(pipeline).set_params(**search.best_params_).fit(X, Y)
    assert same_bits(flat(search.best_estimator_[-1]), flat(alone[-1]))


def test_calibration_and_importance() -> None:
    calibrated = CalibratedClassifierCV(MLPClassifier(**QUICK), cv=2).fit(X, Y)
    assert np.allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    useless = np.c_[X, np.zeros(len(X))]
    classifier = MLPClassifier(**QUICK).fit(useless, Y)
    importance = permutation_importance(classifier, useless, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean[-1] == 0
    assert importance.importances_mean[:-1].max() > 0.1


def test_names_of_features_come_through_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).set_output(transform="pandas")
    assert list(pipeline.fit(frame, Y)[-1].feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        pipeline.predict(frame[list("dcba")])


@pytest.mark.parametrize("duplicate", [unpickled, copy.deepcopy, copy.copy, through_joblib])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "settings", [{}, {"solver": "sgd", "learning_rate": "invscaling"}, {"optimizer": "nadam"}]
)
def test_a_copy_goes_on_with_the_same_bits(settings: dict[str, Any], dtype: Any, duplicate: Any) -> None:
    original = MLPClassifier(**QUICK | {"batch_size": 32} | settings)
    x = X.astype(dtype)
    for _ in range(3):
        original.partial_fit(x, Y, classes=[0, 1, 2])
    other = duplicate(original)
    for estimator in (original, other):
        for _ in range(3):
            estimator.partial_fit(x, Y)
    assert same_bits(flat(original), flat(other))
    assert same_bits(original.predict_proba(x), other.predict_proba(x))
    assert original.loss_curve_ == other.loss_curve_
    assert len(original.loss_curve_) == 6


@pytest.mark.parametrize("members", [1, 2])
def test_a_shallow_copy_has_the_parameters_themselves_and_a_network_of_its_own(members: int) -> None:
    random, callback, optimizer = np.random.RandomState(0), [lambda *_: None], simdnn.optim.Adam()
    settings: Any = {"random_state": random, "callbacks": callback, "optimizer": optimizer}
    original = MLPClassifier(**QUICK | settings | {"max_iter": 2, "n_members": members, "warm_start": True})
    assert copy.copy(original).get_params() == original.get_params()
    before = original.fit(X, Y).predict_proba(X)
    other = copy.copy(original)
    assert all(getattr(other, name) is getattr(original, name) for name in settings)
    assert same_bits(other.predict_proba(X), before)
    assert not same_bits(other.fit(X, Y).predict_proba(X), before)
    assert same_bits(original.predict_proba(X), before)
    assert not same_bits(original.fit(X, Y).predict_proba(X), before)


def test_a_pickle_holds_the_parameters_once() -> None:
    classifier = MLPClassifier(hidden_layer_sizes=(2000,), max_iter=1, solver="lbfgs").fit(X, Y)
    assert len(pickle.dumps(classifier)) < 1.1 * flat(classifier).nbytes


def test_arrays_that_users_set_are_those_that_predict() -> None:
    classifier = MLPClassifier(**QUICK).fit(X, Y)
    before = classifier.predict_proba(X)
    assert all(array.flags.writeable for array in (*classifier.coefs_, *classifier.intercepts_))
    classifier.intercepts_[-1][...] = [50.0, 0.0, 0.0]
    assert (classifier.predict(X) == 0).all()
    classifier.intercepts_[-1] = np.array([0.0, 50.0, 0.0])
    assert (classifier.predict(X) == 1).all()
    for duplicate in (unpickled(classifier), copy.deepcopy(classifier)):
        assert (duplicate.predict(X) == 1).all()
    other = MLPClassifier(**QUICK | {"random_state": 1}).fit(X, Y)
    other.coefs_, other.intercepts_ = classifier.coefs_, classifier.intercepts_
    assert (other.predict(X) == 1).all()
    refit = MLPClassifier(**QUICK).fit(X, Y)
    assert same_bits(refit.predict_proba(X), before)


ZEROS: Any = np.zeros
#: Attributes that a user has assigned, which make no network.
SETS: dict[str, tuple[dict[str, Any], str]] = {
    "no weights": ({"coefs_": []}, "coefs_, intercepts_: expected one array for each layer .* got 0 and 2"),
    "no biases": ({"intercepts_": []}, "coefs_, intercepts_: expected one .* got 2 and 0"),
    "nothing": ({"coefs_": [], "intercepts_": []}, "coefs_, intercepts_: expected one .* got 0 and 0"),
    "None": ({"coefs_": None}, "coefs_: expected a list of arrays, got NoneType"),
    "a dictionary": ({"intercepts_": {0: 1.0}}, "intercepts_: expected a list of arrays, got dict"),
    "a vector": ({"coefs_": [ZEROS(4), ZEROS((5, 3))]}, r"coefs_\[0\]: expected shape .* got \(4,\)"),
    "no units": (
        {"coefs_": [ZEROS((4, 0)), ZEROS((0, 3))], "intercepts_": [ZEROS(0), ZEROS(3)]},
        r"coefs_\[0\]: expected shape \(4, out\), got \(4, 0\)",
    ),
    "no chain": (
        {"coefs_": [ZEROS((4, 5)), ZEROS((6, 3))], "intercepts_": [ZEROS(5), ZEROS(3)]},
        r"coefs_\[1\]: expected shape \(5, out\), got \(6, 3\)",
    ),
    "other features": (
        {"coefs_": [ZEROS((2, 3))], "intercepts_": [ZEROS(3)]},
        r"coefs_\[0\]: expected shape \(4, out\), got \(2, 3\)",
    ),
    "other outputs": (
        {"coefs_": [ZEROS((4, 2))], "intercepts_": [ZEROS(2)]},
        "coefs_: expected 3 outputs, as fitted, got 2",
    ),
    "other biases": (
        {"coefs_": [ZEROS((4, 3))], "intercepts_": [ZEROS(1)]},
        r"intercepts_\[0\]: expected shape \(3,\), got \(1,\)",
    ),
    "text": (
        {"coefs_": [np.full((4, 3), "a")], "intercepts_": [ZEROS(3)]},
        r"coefs_\[0\]: expected real numbers, got dtype <U1",
    ),
    "complex numbers": (
        {"coefs_": [ZEROS((4, 3))], "intercepts_": [ZEROS(3) * 1j]},
        r"intercepts_\[0\]: expected real numbers, got dtype complex128",
    ),
    "a mask": (
        {"coefs_": [np.ma.masked_array(ZEROS((4, 3)), True)], "intercepts_": [ZEROS(3)]},
        r"coefs_\[0\]: a masked array",
    ),
    "ragged lists": (
        {"coefs_": [[[1.0], [2.0, 3.0]]], "intercepts_": [ZEROS(3)]},
        r"coefs_\[0\]: expected an array of real numbers",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_arrays_that_are_no_network_are_named(name: str) -> None:
    given, message = SETS[name]
    made = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, Y)
    vars(made).update(given)
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        made.predict(X)


def test_arrays_of_the_network_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, Y)

    def refuse(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("simdnn.sklearn._base.checked_arrays", refuse)
    for one in (made, copy.deepcopy(made)):
        one.predict(X)
        one.coefs_ = tuple(one.coefs_)
        with pytest.raises(ZeroDivisionError):
            one.predict(X)


def test_numbers_beyond_the_network_are_refused_and_change_nothing() -> None:
    made = MLPClassifier((5,), max_iter=2, random_state=0, dtype=np.float32).fit(X, Y)
    wanted, before = made.predict_proba(X), list(made.coefs_)
    made.coefs_ = [before[0] + 1, np.full((5, 3), 1e300)]
    with pytest.raises(ValueError, match=r"^coefs_\[1\]: .* 1e\+300, which is beyond float32"):
        made.predict(X)
    made.coefs_ = before
    assert same_bits(made.predict_proba(X), wanted)


@pytest.mark.parametrize("dtype", [int, bool, np.float16, np.float32, np.float64])
def test_arrays_of_any_real_dtype_make_a_network(dtype: Any) -> None:
    made = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, Y)
    made.coefs_, made.intercepts_ = [np.eye(4, 3).astype(dtype)], [np.zeros(3, dtype)]
    assert np.array_equal(made.predict(X), X[:, :3].argmax(axis=1))


def test_a_fit_goes_on_from_arrays_that_were_set() -> None:
    first, second = (MLPClassifier(**QUICK, warm_start=True).fit(X, Y) for _ in range(2))
    second.coefs_ = [coef.copy() for coef in second.coefs_]
    second.intercepts_[0] = second.intercepts_[0].copy()
    for estimator in (first, second):
        estimator.fit(X, Y)
    assert same_bits(flat(first), flat(second))


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.csc_matrix])
@pytest.mark.parametrize(
    "settings", [{}, {"early_stopping": True}, {"solver": "lbfgs", "max_iter": 5}, {"shuffle": False}]
)
def test_sparse_samples_give_the_bits_of_dense_ones(settings: dict[str, Any], make: Any) -> None:
    x, y = load_digits(return_X_y=True)
    x, y = x[:200], y[:200]
    dense, sparse = (MLPClassifier(**QUICK | {"max_iter": 5} | settings) for _ in range(2))
    dense.fit(x, y)
    sparse.fit(make(x), y)
    assert same_bits(flat(dense), flat(sparse))
    assert same_bits(dense.predict_proba(x), sparse.predict_proba(make(x)))


def test_entries_of_one_place_add_up() -> None:
    twice = scipy.sparse.csr_matrix((np.ones(4), [0, 0, 1, 1], [0, 2, 4]), shape=(2, 2))
    once = twice.toarray()
    found = [MLPRegressor(**QUICK).fit(x, [1.0, 2.0]).predict(once) for x in (twice, once)]
    assert same_bits(found[0], found[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_stay_what_they_are(dtype: Any) -> None:
    x = X.astype(dtype)
    for solver in ("adam", "lbfgs"):
        classifier = MLPClassifier(**QUICK, solver=solver).fit(x, Y)
        regressor = MLPRegressor(**QUICK, solver=solver).fit(x, Y)
        found = [flat(classifier), flat(regressor), classifier.predict_proba(x), regressor.predict(x)]
        assert {array.dtype for array in found} == {np.dtype(dtype)}


def test_a_dtype_may_be_asked_for() -> None:
    asked = MLPClassifier(**QUICK, dtype="float32").fit(X, Y)
    cast = MLPClassifier(**QUICK).fit(X.astype(np.float32), Y)
    assert same_bits(flat(asked), flat(cast))
    with pytest.raises(ValueError, match="dtype: expected float32, float64 or None, got 'int32'"):
        MLPClassifier(dtype="int32").fit(X, Y)


def test_bits_do_not_depend_on_threads() -> None:
    x, y = load_digits(return_X_y=True)
    found = [
        flat(MLPClassifier((256,), max_iter=2, random_state=0, n_threads=threads).fit(x, y))
        for threads in (1, 2)
    ]
    assert same_bits(found[0], found[1])
    simdnn.set_num_threads(1)
    MLPClassifier((4,), max_iter=1, n_threads=2).fit(X, Y)
    assert simdnn.get_num_threads() == 1
    simdnn.set_num_threads(None)


@pytest.mark.parametrize(
    ("load", "settings"),
    [
        (load_digits, {"hidden_layer_sizes": (64,), "max_iter": 40}),
        (load_breast_cancer, {"hidden_layer_sizes": (32, 32), "batch_size": 32, "max_iter": 30}),
    ],
)
def test_scores_are_no_worse_than_theirs(load: Any, settings: dict[str, Any]) -> None:
    """Mean scores over five seeds and splits, in float32 too."""
    x, y = load(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    scores: dict[str, list[float]] = {}
    for seed in range(5):
        train, test, y_train, y_test = train_test_split(x, y, random_state=seed)
        for name, estimator in (
            ("ours", MLPClassifier(random_state=seed, **settings)),
            ("single", MLPClassifier(random_state=seed, dtype=np.float32, **settings)),
            ("theirs", TheirClassifier(random_state=seed, **settings)),
        ):
            scores.setdefault(name, []).append(estimator.fit(train, y_train).score(test, y_test))
    assert scores["ours"] == scores["theirs"]
    assert np.mean(scores["single"]) >= np.mean(scores["theirs"]) - 0.002
