"""Settings after a fit wait for the next one or are refused; scores where there are no probabilities."""

import copy
import functools
import pickle
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim, schedules
from simdnn import functional as F
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import OneVsRestClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
BINARY = (X[:, 0] > 0).astype(int)
SEVERAL = np.digitize(X[:, 0], [-0.5, 0.5])
LABELS = (X[:, :3] > 0).astype(int)
LOSSES = ["log_loss", "cross_entropy", "mse", "hinge", "focal", "binary_cross_entropy_with_logits"]


def classifier(**settings: Any) -> Any:
    return MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **settings})


@pytest.mark.parametrize("target", ["binary", "several"])
@pytest.mark.parametrize("second", LOSSES)
@pytest.mark.parametrize("first", LOSSES)
def test_another_loss_changes_no_prediction(first: str, second: str, target: str) -> None:
    y = BINARY if target == "binary" else SEVERAL
    made = classifier(loss=first).fit(X, y)
    names = [
        n for n in ("predict", "predict_proba", "predict_log_proba", "decision_function") if hasattr(made, n)
    ]
    before = {name: getattr(made, name)(X) for name in names}
    for one in (made.set_params(loss=second), pickle.loads(pickle.dumps(made))):
        assert all(np.array_equal(getattr(one, name)(X), value) for name, value in before.items())
        assert hasattr(one, "predict_proba") != hasattr(one, "decision_function")
        assert one.score(X, y) == np.mean(before["predict"] == y)


CHANGES: list[dict[str, Any]] = [
    {"activation": "tanh"},
    {"hidden_layer_sizes": (3, 2)},
    {"dtype": np.float32},
    {"dropout": 0.5},
    {"batch_norm": True},
    {
        "alpha": 10.0,
        "solver": "lbfgs",
        "class_weight": None,
        "early_stopping": True,
        "learning_rate_init": 1.0,
    },
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_no_setting_changes_a_prediction(change: dict[str, Any]) -> None:
    whole = np.arange(40).reshape(10, 4)
    made = classifier().fit(X, BINARY)
    before, of_integers = made.predict_proba(X), made.predict_proba(whole + 2**24)
    made.set_params(**change)
    assert np.array_equal(made.predict_proba(X), before)
    assert np.array_equal(made.predict_proba(whole + 2**24), of_integers)
    regressor = MLPRegressor(max_iter=5, random_state=0).fit(X, BINARY)
    before = regressor.predict(X)
    change = {name: value for name, value in change.items() if name != "class_weight"}
    assert np.array_equal(regressor.set_params(loss="poisson", **change).predict(X), before)


def test_assigned_arrays_keep_the_fitted_activation() -> None:
    made = classifier(activation="tanh").fit(X, BINARY)
    right = made.predict_proba(X)
    made.coefs_, made.intercepts_ = [c.copy() for c in made.coefs_], [b.copy() for b in made.intercepts_]
    del made._model
    made.set_params(activation="relu")
    np.testing.assert_allclose(made.predict_proba(X), right, rtol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "cross_entropy"},
        {"loss": functools.partial(F.cross_entropy, label_smoothing=0.1)},
        {"activation": "tanh"},
        {"activation": nn.ELU(0.5)},
        {"hidden_layer_sizes": (9,)},
        {"dropout": 0.5},
        {"batch_norm": True},
        {"residual": True},
        {"dtype": np.float32},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
def test_going_on_with_another_network_is_refused(way: str, change: dict[str, Any]) -> None:
    made = classifier(warm_start=True, max_iter=3).fit(X, BINARY)
    before = made.predict_proba(X)
    made.set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))}: the fitted network has"):
        made.fit(X, BINARY) if way == "warm_start" else made.partial_fit(X, BINARY)
    assert np.array_equal(made.predict_proba(X), before)
    made.set_params(warm_start=False).fit(X, BINARY)


@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
@pytest.mark.parametrize("name", ["loss", "activation", "hidden_layer_sizes"])
def test_settings_that_are_changed_in_place_are_seen(name: str, way: str) -> None:
    weight, names, sizes = np.ones(2), ["relu"], [8]
    made = classifier(
        loss=functools.partial(F.cross_entropy, weight=weight),
        activation=names,
        hidden_layer_sizes=sizes,
        warm_start=True,
        max_iter=3,
    )
    made.fit(X, BINARY)
    before = made.predict_proba(X)
    if name == "loss":
        weight[:] = 90, 1
    elif name == "activation":
        names[0] = "tanh"
    else:
        sizes[0] = 5
    for one in (made, pickle.loads(pickle.dumps(made))):
        with pytest.raises(ValueError, match=f"{name}: the fitted network has"):
            one.fit(X, BINARY) if way == "warm_start" else one.partial_fit(X, BINARY)
        assert np.array_equal(one.predict_proba(X), before)


def test_going_on_with_equal_settings_works() -> None:
    smooth = functools.partial(F.cross_entropy, label_smoothing=0.1, weight=np.ones(2))
    made = classifier(warm_start=True, max_iter=3, loss=smooth).fit(X, BINARY)
    again = functools.partial(F.cross_entropy, label_smoothing=0.1, weight=np.ones(2))
    made.set_params(loss=again, hidden_layer_sizes=[8], activation=["relu"], dtype=np.float64, alpha=0.1)
    made.fit(X, BINARY)
    assert len(made.loss_curve_) == 6


def test_going_on_with_other_columns_is_refused() -> None:
    made = MLPRegressor(max_iter=2, warm_start=True).fit(X, X[:, :2])
    for fit in (made.fit, made.partial_fit):
        with pytest.raises(ValueError, match="y: expected 2 columns, as fitted, got 3"):
            fit(X, X[:, :3])


@pytest.mark.parametrize("eval_set", [("junk", 1), (X, BINARY), [(X, BINARY)]], ids=["junk", "pair", "list"])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_lbfgs_refuses_an_evaluation_set(make: Any, eval_set: Any) -> None:
    with pytest.raises(ValueError, match="eval_set: needs a stochastic solver"):
        make(solver="lbfgs").fit(X, BINARY, eval_set=eval_set)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_evaluation_set_is_checked(solver: str) -> None:
    made = MLPRegressor(solver=solver, max_iter=2)
    with pytest.raises(ValueError, match="eval_set: y: expected 1 columns"):
        made.fit(X, X[:, 0], eval_set=(X, X[:, :2]))
    with pytest.raises(TypeError, match="eval_set: "):
        made.fit(X, X[:, 0], eval_set=(X,))
    with pytest.raises(ValueError, match="features"):
        made.fit(X, X[:, 0], eval_set=(X[:, :2], X[:, 0]))


@pytest.mark.parametrize(
    ("name", "value"),
    [("l1", 0.1), ("dropout", 0.5), ("batch_norm", True), ("clip_norm", 0.0), ("callbacks", [print])],
)
def test_lbfgs_refuses_what_it_cannot_use(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}: needs a stochastic solver"):
        classifier(solver="lbfgs", **{name: value}).fit(X, BINARY)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "mse", "huber"])
def test_scores_decide_as_predict(loss: str) -> None:
    for y in (BINARY, SEVERAL, LABELS):
        made = classifier(loss=loss).fit(X, y)
        scores = made.decision_function(X)
        if y.ndim == 2:
            assert scores.shape == (120, 3)
            assert np.array_equal(scores > 0, made.predict(X) == 1)
        elif y is BINARY:
            assert scores.shape == (120,)
            assert np.array_equal(made.classes_[(scores > 0).astype(int)], made.predict(X))
        else:
            assert scores.shape == (120, 3)
            assert np.array_equal(made.classes_[scores.argmax(axis=1)], made.predict(X))
        assert not hasattr(made, "predict_proba")


def test_scores_and_probabilities_exclude_each_other() -> None:
    for loss in LOSSES:
        for made in (MLPClassifier(loss=loss), classifier(loss=loss).fit(X, BINARY)):
            assert hasattr(made, "predict_proba") != hasattr(made, "decision_function"), loss
    with pytest.raises(AttributeError, match="decision_function"):
        classifier().fit(X, BINARY).decision_function(X)
    assert not hasattr(MLPClassifier(loss="no such loss"), "predict_proba")


def test_meta_estimators_and_scorers_use_the_scores() -> None:
    made = classifier(loss="hinge", learning_rate_init=0.05)
    assert cross_val_score(made, X, BINARY, scoring="roc_auc", cv=3, error_score="raise").min() > 0.8
    assert (
        cross_val_score(made, X, BINARY, scoring="average_precision", cv=3, error_score="raise").min() > 0.8
    )
    calibrated = CalibratedClassifierCV(made, cv=3).fit(X, BINARY)
    assert calibrated.score(X, BINARY) > 0.8
    assert CalibratedClassifierCV(made, cv=3).fit(X, SEVERAL).predict_proba(X).shape == (120, 3)
    assert OneVsRestClassifier(made).fit(X, SEVERAL).score(X, SEVERAL) > 0.7
    assert OneVsRestClassifier(made).fit(X, LABELS).predict(X).shape == LABELS.shape
    assert get_scorer("roc_auc")(clone(made).fit(X, BINARY), X, BINARY) > 0.9


class TestClassWeights:
    """`class_weight` as scikit-learn's classifiers take it."""

    @pytest.mark.parametrize("make", [MLPClassifier, SGDClassifier])
    def test_a_dictionary_serves_batches_without_some_classes(self, make: Any) -> None:
        made = make(class_weight={0: 1, 1: 5}, random_state=0)
        made.partial_fit(X[:20], [0, 1] * 10, classes=[0, 1, 2])
        made.partial_fit(X[:20], [0, 2] * 10)
        made.partial_fit(X[:20], [1] * 20)
        assert made.predict(X).shape == (120,)

    def test_a_class_without_a_weight_has_the_weight_one(self) -> None:
        ones = classifier(max_iter=3).fit(X, SEVERAL, sample_weight=np.where(SEVERAL == 1, 5.0, 1.0))
        made = classifier(max_iter=3, class_weight={1: 5.0}).fit(X, SEVERAL)
        assert np.array_equal(made.coefs_[0], ones.coefs_[0])
        assert made.loss_curve_ == ones.loss_curve_

    @pytest.mark.parametrize("make", [MLPClassifier, SGDClassifier])
    def test_a_dictionary_may_name_classes_that_y_lacks(self, make: Any) -> None:
        make(class_weight={0: 1, 1: 5, 2: 3}, random_state=0).fit(X, BINARY)
        with pytest.raises(ValueError, match=r"\[1\].*not in class_weight"):
            make(class_weight={0: 1, 2: 3}, random_state=0).fit(X, BINARY)

    @pytest.mark.parametrize("class_weight", ["balance", "BALANCED", 3, ("balanced",)])
    def test_another_word_is_named(self, class_weight: Any) -> None:
        with pytest.raises(ValueError, match=r"class_weight.*balanced"):
            classifier(class_weight=class_weight).fit(X, BINARY)

    @pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "x", None])
    def test_weights_are_checked(self, weight: Any) -> None:
        with pytest.raises(ValueError, match="class_weight: "):
            classifier(class_weight={0: weight, 1: 1.0}).fit(X, BINARY)

    def test_balanced_weights_are_those_of_the_classes_in_y(self) -> None:
        y = np.where(X[:, 0] > 1, "rare", "common")
        share = np.mean(y == "rare")
        weight = np.where(y == "rare", 0.5 / share, 0.5 / (1 - share))
        made = classifier(max_iter=3, class_weight="balanced").fit(X, y)
        other = classifier(max_iter=3).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(made.coefs_[0], other.coefs_[0], rtol=1e-9)
        with pytest.raises(ValueError, match="class_weight: 'balanced' needs all samples"):
            classifier(class_weight="balanced").partial_fit(X, y, classes=np.unique(y))

    def test_multilabel_weights_are_products_over_the_columns(self) -> None:
        each = [{0: 1.0, 1: 2.0}, {1: 3.0}, {0: 1.0, 1: 1.0}]
        weight = np.where(LABELS[:, 0], 2.0, 1.0) * np.where(LABELS[:, 1], 3.0, 1.0)
        made = classifier(max_iter=3, class_weight=each).fit(X, LABELS)
        other = classifier(max_iter=3).fit(X, LABELS, sample_weight=weight)
        assert np.array_equal(made.coefs_[0], other.coefs_[0])
        with pytest.raises(ValueError, match="class_weight: expected 3 dictionaries"):
            classifier(class_weight=each[:2]).fit(X, LABELS)
        with pytest.raises(ValueError, match="class_weight: a list"):
            classifier(class_weight=each).fit(X, BINARY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "log_los"),
        ("loss", 3),
        ("activation", "rel"),
        ("activation", 3),
        ("activation", ["relu", "tanh"]),
        ("solver", "sdg"),
        ("solver", None),
        ("learning_rate", "constan"),
        ("init", "glorot_unifor"),
        ("init", 3),
        ("optimizer", "adan"),
        ("optimizer", 3),
        ("pretrain", "rbn"),
        ("pretrain", 3),
        ("dtype", "float3"),
        ("dtype", "int32"),
        ("dtype", 3),
        ("batch_size", "aut"),
        ("hidden_layer_sizes", "8"),
        ("hidden_layer_sizes", (8.5,)),
        ("hidden_layer_sizes", (0,)),
        ("n_threads", "two"),
        ("n_threads", 0),
        ("batch_norm", "yes"),
        ("residual", 2),
        ("shuffle", "no"),
        ("early_stopping", "no"),
        ("dropout", 1.0),
        ("dropout", "half"),
        ("l1", -1.0),
        ("clip_norm", -1.0),
        ("random_state", "zero"),
        ("callbacks", print),
        ("alpha", -1.0),
        ("tol", -1.0),
        ("n_iter_no_change", 0),
        ("validation_fraction", 1.5),
    ],
)
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_wrong_words_and_values_name_their_parameter(make: Any, name: str, value: Any) -> None:
    made = make(max_iter=2, **{name: value})
    with pytest.raises((TypeError, ValueError), match=name):
        made.fit(X, BINARY)


def steps_of(optimizer: Any, settings: list[dict[str, Any]], **start: Any) -> Any:
    """A network trained by partial_fit, with settings that are set before each call."""
    made = classifier(optimizer=optimizer, batch_size=40, shuffle=False, **start)
    for change in settings:
        made.set_params(**change)
        made.partial_fit(X, BINARY, classes=[0, 1])
    return made


def oracle_of(optimizer: optim.Optimizer, changes: list[dict[str, Any]], alpha: float = 1e-4) -> Any:
    """A network trained by a `Trainer`, whose optimizer is set by hand."""
    still = classifier(batch_size=40, shuffle=False, optimizer=optim.SGD(lr=0.0))
    start = still.partial_fit(X, BINARY, classes=[0, 1])._model
    optimizer.penalize_bias = False
    loss = "binary_cross_entropy_with_logits"
    trainer = Trainer(start, loss, optimizer, l2=alpha, penalty="sum", seed=0)
    for change in changes:
        optimizer.set_params(**change)
        trainer.fit(X, BINARY[:, np.newaxis] * 1.0, epochs=1, batch_size=40, shuffle=False, progress=False)
    return start


class TestPartialFitTakesOverSettings:
    """Each call uses the settings that the estimator has then; the optimizer's state stays."""

    RATES = (0.1, 0.02, 0.5)

    def expected(self, kind: Any, **settings: Any) -> Any:
        return oracle_of(kind(lr=0.1, **settings), [{"lr": rate} for rate in self.RATES]).flat_parameters

    @pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW, optim.RMSprop, optim.NAdam])
    def test_the_rate_of_an_object(self, kind: Any) -> None:
        made = steps_of(kind(lr=0.1), [{"optimizer__lr": rate} for rate in self.RATES])
        np.testing.assert_allclose(made._model.flat_parameters, self.expected(kind), rtol=1e-9, atol=1e-12)

    def test_the_rate_of_an_object_with_momentum(self) -> None:
        made = steps_of(optim.SGD(lr=0.1, momentum=0.9), [{"optimizer__lr": rate} for rate in self.RATES])
        expected = self.expected(optim.SGD, momentum=0.9)
        np.testing.assert_allclose(made._model.flat_parameters, expected, rtol=1e-9, atol=1e-12)

    def test_an_object_that_is_set_or_replaced(self) -> None:
        made = steps_of(optim.Adam(lr=0.1), [{}])
        made.optimizer.lr = 0.02
        made.partial_fit(X, BINARY)
        made.optimizer = optim.Adam(lr=0.5)
        made.partial_fit(X, BINARY)
        np.testing.assert_allclose(
            made._model.flat_parameters, self.expected(optim.Adam), rtol=1e-9, atol=1e-12
        )

    @pytest.mark.parametrize("name", ["adam", None])
    def test_the_rate_of_an_optimizer_by_name(self, name: str | None) -> None:
        made = steps_of(name, [{"learning_rate_init": rate} for rate in self.RATES])
        options = {} if name else {"eps_mode": "hat"}
        expected = self.expected(optim.Adam, **options)
        np.testing.assert_allclose(made._model.flat_parameters, expected, rtol=1e-9, atol=1e-12)

    def test_copies_and_pickles_go_on_alike(self) -> None:
        made = steps_of(optim.Adam(lr=0.1), [{}])
        others = [made, pickle.loads(pickle.dumps(made)), copy.deepcopy(made)]
        for one in others:
            for rate in self.RATES[1:]:
                one.set_params(optimizer__lr=rate).partial_fit(X, BINARY)
            np.testing.assert_allclose(
                one._model.flat_parameters, self.expected(optim.Adam), rtol=1e-9, atol=1e-12
            )

    def test_other_settings(self) -> None:
        """A momentum that is set anew keeps the velocity; one that becomes 0 has none."""
        made = steps_of(
            None,
            [
                {},
                {"momentum": 0.5, "clip_norm": 1e-9},
                {"momentum": 0.0, "clip_norm": None, "alpha": 0.0},
                {"momentum": 0.9},
            ],
            solver="sgd",
        )
        optimizer = made._optimizer
        assert (optimizer.momentum, optimizer.clip_norm, optimizer.l2) == (0.9, None, 0.0)
        assert optimizer.steps == 12

    def test_settings_of_the_object_are_not_replaced(self) -> None:
        made = steps_of(optim.SGD(lr=0.1, l1=0.25, l2=0.5, clip_norm=3.0), [{}, {}], alpha=0.0)
        assert (made._optimizer.l1, made._optimizer.l2, made._optimizer.clip_norm) == (0.25, 0.5, 3.0)

    def test_a_rate_that_training_has_changed_stays(self) -> None:
        plateau = schedules.reduce_on_plateau(0.1, patience=0, threshold=1e9, factor=0.5)
        made = steps_of(optim.SGD(lr=plateau), [{}] * 3 + [{"optimizer__clip_norm": 5.0}])
        assert (made._optimizer.lr.lr, made._optimizer.clip_norm) == (0.1 * 0.5**3, 5.0)
        made.optimizer.lr.lr = 0.3
        assert made.partial_fit(X, BINARY)._optimizer.lr.lr == 0.3
        falls = steps_of(None, [{}] * 3 + [{"tol": 2.0}], solver="sgd", learning_rate="invscaling")
        before = falls._optimizer.lr
        assert before == 0.001 / (4 * 120 + 1) ** 0.5
        falls.set_params(momentum=0.5).partial_fit(X, BINARY)
        assert falls._optimizer.lr == 0.001 / (5 * 120 + 1) ** 0.5

    @pytest.mark.parametrize("change", [{"solver": "sgd"}, {"optimizer": optim.SGD()}, {"optimizer": "sgd"}])
    def test_another_kind_is_refused(self, change: dict[str, Any]) -> None:
        made = steps_of(None, [{}])
        before = made._model.flat_parameters.copy()
        made.set_params(**change)
        with pytest.raises(ValueError, match=r"optimizer, solver: .* Adam.*SGD.*warm_start=False"):
            made.partial_fit(X, BINARY)
        assert np.array_equal(made._model.flat_parameters, before)
