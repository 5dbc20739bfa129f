"""Extensions of the estimators: losses, optimizers, layers, weights, callbacks."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, nn, optim, schedules
from simdnn import functional as F
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from tests.sklearn.test_integration import flat
from tests.support.registry import ACTIVATIONS, same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Array = np.ndarray[Any, Any]

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
LABELS = np.c_[Y == 0, Y > 0, Y == 1].astype(int)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "random_state": 0,
    "max_iter": 60,
    "learning_rate_init": 0.01,
}


def fitted(**settings: Any) -> MLPClassifier:
    return MLPClassifier(**QUICK | settings).fit(X, Y)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_the_layer_of_its_name(name: str) -> None:
    classifier = fitted(activation=name, max_iter=5)
    z = X
    model = nn.Sequential(nn.Dense(4, 16, activation=name), nn.Dense(16, 3), dtype=np.float64)
    model.load_state_dict(
        {
            f"{i}.{kind}": arrays[i]
            for kind, arrays in (("weight", classifier.coefs_), ("bias", classifier.intercepts_))
            for i in range(2)
        }
    )
    assert same_bits(F.softmax(model(z)), classifier.predict_proba(X))
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0] or name == "binary_step"


def test_each_hidden_layer_may_have_its_own_activation() -> None:
    classifier = fitted(hidden_layer_sizes=(16, 8), activation=["silu", nn.LeakyReLU(0.2)])
    hidden = F.silu(X @ classifier.coefs_[0] + classifier.intercepts_[0])
    hidden = F.leaky_relu(hidden @ classifier.coefs_[1] + classifier.intercepts_[1], 0.2)
    wanted = F.softmax(hidden @ classifier.coefs_[2] + classifier.intercepts_[2])
    assert np.allclose(classifier.predict_proba(X), wanted)
    with pytest.raises(ValueError, match="activation: expected one name or one for each of 1 hidden layers"):
        fitted(activation=["relu", "relu"])


@pytest.mark.parametrize(
    "loss",
    [
        "cross_entropy",
        "focal",
        F.cross_entropy,
        partial(F.cross_entropy, label_smoothing=0.1),
        "hinge",
        "squared_hinge",
        "binary_cross_entropy_with_logits",
        "mse",
        "huber",
        partial(F.large_margin_softmax, margin=2, lam=5.0),
    ],
)
@pytest.mark.parametrize("target", ["two", "three", "labels"])
def test_classifiers_learn_with_every_loss_of_classes(loss: Any, target: str) -> None:
    y = {"two": Y > 0, "three": Y, "labels": LABELS}[target]
    classifier = MLPClassifier(**QUICK | {"max_iter": 150}, loss=loss)
    together = classifier_together(loss)
    if target == "labels" and together:
        with pytest.raises(ValueError, match="takes one class per sample, but y is multilabel"):
            classifier.fit(X, y)
        return
    assert classifier.fit(X, y).score(X, y) > 0.85
    if together or loss == "binary_cross_entropy_with_logits":
        p = classifier.predict_proba(X)
        assert np.allclose(p.sum(axis=1), 1) or target == "labels"
        assert np.allclose(np.exp(classifier.predict_log_proba(X)), p)
        if target == "three":
            assert np.array_equal(p.argmax(axis=1), classifier.predict(X))
    else:
        assert not hasattr(classifier, "predict_proba")


def classifier_together(loss: Any) -> bool:
    """True for a loss that compares all outputs of a sample with one class."""
    function = loss.func if isinstance(loss, partial) else loss
    return function in ("cross_entropy", "focal", F.large_margin_softmax, F.cross_entropy)


@pytest.mark.parametrize(
    "loss", ["mse", "l1", "huber", "smooth_l1", "log_cosh", "poisson_nll", partial(F.quantile_loss, q=0.5)]
)
def test_regressors_learn_with_every_loss_of_values(loss: Any) -> None:
    y = np.exp(X[:, 0] / 2)
    assert MLPRegressor(loss, **QUICK | {"max_iter": 300, "tol": 0.0}).fit(X, y).score(X, y) > 0.8


def test_a_quantile_is_one() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(size=(2000, 1))
    y = random.normal(size=2000)
    settings: dict[str, Any] = QUICK | {"max_iter": 30}
    for q in (0.1, 0.9):
        found = MLPRegressor(partial(F.quantile_loss, q=q), **settings).fit(x, y).predict(x)
        assert (y < found).mean() == pytest.approx(q, abs=0.03)


@pytest.mark.parametrize(
    ("make", "loss", "message"),
    [
        (MLPClassifier, "nll", "'nll' cannot be used here: it takes log-probabilities"),
        (MLPClassifier, "distillation", "'distillation' cannot be used here: it needs a teacher's logits"),
        (MLPClassifier, "nonsense", "'nonsense' is not known"),
        (MLPRegressor, "cross_entropy", "'cross_entropy' is a loss for classification; use an MLPClassifier"),
        (MLPRegressor, "hinge", "'hinge' is a loss for classification"),
    ],
)
def test_losses_that_do_not_fit_are_refused(make: Any, loss: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(loss=loss).fit(X, Y)


@pytest.mark.parametrize("name", sorted(optim.BY_NAME))
def test_every_optimizer_learns(name: str) -> None:
    rates = {"adadelta": 2.0, "lion": 4e-3, "sgd": 0.2, "adagrad": 0.05}
    classifier = fitted(optimizer=name, learning_rate_init=rates.get(name, 0.02), max_iter=300)
    assert classifier.score(X, Y) > 0.9


def test_an_optimizer_is_copied_and_its_schedule_followed() -> None:
    chosen = optim.SGD(lr=schedules.exponential(0.1, 0.9), momentum=0.9, like="sklearn")
    first, second = fitted(optimizer=chosen), fitted(optimizer=chosen)
    assert same_bits(flat(first), flat(second))
    assert chosen.steps == 0
    assert first._optimizer.steps == first.n_iter_
    by_hand = MLPClassifier(**QUICK | {"solver": "sgd", "learning_rate_init": 0.1, "max_iter": 1}).fit(X, Y)
    once = fitted(optimizer=chosen, max_iter=1)
    assert same_bits(flat(by_hand), flat(once))


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd"}, {"solver": "lbfgs", "max_iter": 20}])
def test_weights_of_classes_are_weights_of_samples(settings: dict[str, Any]) -> None:
    own = np.random.default_rng(0).uniform(0.5, 1.5, len(Y))
    of_class = np.array([1.0, 2.0, 4.0])[Y]
    by_class = MLPClassifier(**QUICK | settings, class_weight={1: 2.0, 2: 4.0}).fit(X, Y, own)
    by_sample = MLPClassifier(**QUICK | settings).fit(X, Y, own * of_class)
    assert same_bits(flat(by_class), flat(by_sample))


def test_balanced_classes_count_alike() -> None:
    few = np.r_[0:50, 50:54, 100:150]
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X[few], Y[few])
    weight = len(few) / (3 * np.bincount(Y[few])[Y[few]])
    by_hand = MLPClassifier(**QUICK).fit(X[few], Y[few], weight)
    assert np.allclose(flat(balanced), flat(by_hand), rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="'balanced' needs all samples"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_balanced_classes_count_weights() -> None:
    """A sample of weight 2 counts as two, and one of weight 0 as none."""
    weight = np.arange(150) % 3.0
    totals = np.bincount(Y, weights=weight)
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, Y, weight)
    by_hand = MLPClassifier(**QUICK).fit(X, Y, weight * totals.sum() / (3 * totals)[Y])
    assert np.allclose(flat(balanced), flat(by_hand), rtol=1e-9, atol=1e-12)
    none = np.where(Y == 1, 0, weight)  # a class without weight is no class
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, Y, none)
    by_hand = MLPClassifier(**QUICK).fit(X, Y, none * totals[[0, 2]].sum() / (2 * totals)[Y])
    assert np.allclose(flat(balanced), flat(by_hand), rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_what_balanced_classes_cannot_count_is_named() -> None:
    for weight, message in (
        (-1.0, r"sample_weight\[0\]: expected a number >= 0, got -1.0$"),
        (1e308, "sample_weight: expected a finite sum > 0"),
    ):
        for class_weight in ("balanced", {0: 2.0}, None):
            with pytest.raises(ValueError, match=message):
                MLPClassifier(**QUICK, class_weight=class_weight).fit(X, Y, np.full(len(Y), weight))
    labels = np.stack([Y == 0, Y == 1], axis=1).astype(int)
    with pytest.raises(ValueError, match="class_weight: expected a dictionary or 'balanced', got 'foo'"):
        MLPClassifier(**QUICK, class_weight=["balanced", "foo"]).fit(X, labels)


def test_penalties_are_of_weights_and_not_of_biases() -> None:
    sparse, plain = (fitted(l1=l1, alpha=0.0, max_iter=300) for l1 in (5.0, 0.0))
    small = [
        (np.abs(np.concatenate([c.ravel() for c in one.coefs_])) < 0.02).mean() for one in (sparse, plain)
    ]
    assert small[0] > 0.5 > 5 * small[1]
    settings = QUICK | {"max_iter": 400, "learning_rate_init": 0.1}
    shifted = MLPRegressor(**settings, alpha=1e5).fit(X, Y + 10.0)
    assert max(np.abs(coef).max() for coef in shifted.coefs_) < 0.05
    assert shifted.intercepts_[-1] == pytest.approx(11.0, abs=0.1)


def test_clipping_bounds_the_first_step() -> None:
    settings: dict[str, Any] = {
        "max_iter": 1,
        "alpha": 0.0,
        "optimizer": "sgd",
        "learning_rate_init": 1.0,
    }
    start = flat(fitted(**settings | {"learning_rate_init": 1e-300}))
    free, held = flat(fitted(**settings)), flat(fitted(**settings, clip_norm=1e-3))
    assert np.linalg.norm(free - start) > 0.01
    assert np.linalg.norm(held - start) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("name", ["he_normal", "orthogonal", simdnn.init.lecun_uniform])
def test_initializers_draw_by_the_random_state(name: Any) -> None:
    settings: dict[str, Any] = {"init": name, "max_iter": 1, "optimizer": optim.SGD(lr=0.0)}
    first, second, other = fitted(**settings), fitted(**settings), fitted(**settings, random_state=1)
    assert same_bits(flat(first), flat(second))
    assert not same_bits(flat(first), flat(other))
    assert not np.concatenate(first.intercepts_).any()
    if name == "orthogonal":
        assert np.allclose(first.coefs_[0] @ first.coefs_[0].T, np.eye(4))


LAYERS: list[dict[str, Any]] = [
    {"dropout": 0.3},
    {"residual": True},
    {"dropout": 0.2, "residual": True},
    {"batch_norm": True},
    {"dropout": 0.1, "residual": True, "batch_norm": True},
]


@pytest.mark.parametrize("settings", LAYERS, ids=" ".join)
def test_layers_beyond_dense_ones(settings: dict[str, Any]) -> None:
    settings = {"hidden_layer_sizes": (16, 16, 16), "batch_size": 30, "early_stopping": True, **settings}
    first, second = fitted(**settings), fitted(**settings)
    assert same_bits(first.predict_proba(X), second.predict_proba(X))
    assert first.score(X, Y) > 0.9
    assert [coef.shape for coef in first.coefs_] == [(4, 16), (16, 16), (16, 16), (16, 3)]
    plain = fitted(hidden_layer_sizes=(16, 16, 16), batch_size=30, early_stopping=True)
    assert not same_bits(first.predict_proba(X), plain.predict_proba(X))
    first.intercepts_[-1][...] = [100, 0, 0]
    assert (first.predict(X) == 0).all()
    if settings.get("dropout") or settings.get("batch_norm"):
        with pytest.raises(ValueError, match="needs a stochastic solver"):
            fitted(**settings, solver="lbfgs")


@pytest.mark.parametrize("method", ["autoencoder", {"method": "denoising", "epochs": 3, "corruption": 0.1}])
def test_pre_training_begins_from_what_the_samples_are(method: Any) -> None:
    settings: dict[str, Any] = {"optimizer": optim.SGD(lr=0.0), "max_iter": 1}
    first, second, plain = fitted(pretrain=method), fitted(pretrain=method), fitted()
    assert same_bits(flat(first), flat(second))
    assert first.score(X, Y) > 0.85
    start, drawn = fitted(**settings, pretrain=method), fitted(**settings)
    assert not np.allclose(start.coefs_[0], drawn.coefs_[0])
    assert same_bits(start.coefs_[1], drawn.coefs_[1])
    assert not same_bits(flat(first), flat(plain))


def test_a_validation_set_has_its_curve() -> None:
    classifier = MLPClassifier(**QUICK).fit(X[::2], Y[::2], eval_set=(X[1::2], Y[1::2]))
    assert len(classifier.validation_loss_curve_) == classifier.n_iter_
    log_p = classifier.predict_log_proba(X[1::2])
    last = -log_p[np.arange(75), Y[1::2]].mean()
    assert classifier.validation_loss_curve_[-1] == pytest.approx(last)
    assert same_bits(flat(classifier), flat(MLPClassifier(**QUICK).fit(X[::2], Y[::2])))
    weight = np.r_[np.ones(40), np.zeros(35)]
    settings = QUICK | {"early_stopping": True, "n_iter_no_change": 3}
    stopped = MLPClassifier(**settings).fit(X[::2], Y[::2], eval_set=[(X[1::2], Y[1::2], weight)])
    assert stopped.best_validation_score_ == stopped.score(X[1::2][:40], Y[1::2][:40])
    settings = QUICK | {"warm_start": True, "class_weight": "balanced", "max_iter": 3}
    again = MLPClassifier(**settings)
    for _ in range(2):
        again.fit(X, Y, eval_set=(X[:60], Y[:60]))  # this batch lacks some classes
    assert len(again.validation_loss_curve_) == 6
    with pytest.raises(ValueError, match="`y` has classes not in"):
        again.fit(X, Y, eval_set=(X, Y + 1))
    with pytest.raises(TypeError, match="eval_set: expected a pair"):
        MLPClassifier().fit(X, Y, eval_set=X)


def test_callbacks_see_each_epoch_and_may_end_it() -> None:
    seen: list[tuple[int, dict[str, float]]] = []

    def watch(estimator: Any, logs: dict[str, float]) -> bool:
        seen.append((estimator.n_iter_, logs))
        return estimator.n_iter_ == 7

    classifier = MLPClassifier(**QUICK, callbacks=[watch]).fit(X, Y, eval_set=(X, Y))
    assert [epoch for epoch, _ in seen] == list(range(1, 8))
    assert [logs["loss"] for _, logs in seen] == classifier.loss_curve_
    assert [logs["val_loss"] for _, logs in seen] == classifier.validation_loss_curve_


def test_public_callbacks_are_given_the_trainer(tmp_path: Path) -> None:
    settings, early = QUICK | {"tol": 0.0}, callbacks.EarlyStopping("val_accuracy", patience=4)
    log = callbacks.CSVLogger(tmp_path / "epochs.csv")
    given = MLPClassifier(**settings, callbacks=[early, callbacks.LearningRateLogger(), log])
    given.fit(X[::2], Y[::2], eval_set=(X[1::2], Y[1::2]))
    assert given.n_iter_ < 60
    lines = (tmp_path / "epochs.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy,penalty,val_loss,val_accuracy,lr"
    assert len(lines) == 1 + given.n_iter_
    assert given.score(X[1::2], Y[1::2]) == early.best


@pytest.mark.parametrize("method", ["on_fit_begin", "on_fit_end"])
def test_an_object_with_the_methods_of_a_callback_is_one(method: str) -> None:
    told: list[Any] = []

    class Listener:
        def __call__(self, trainer: simdnn.Trainer, logs: dict[str, float]) -> None:
            told.append(trainer)

    setattr(Listener, method, lambda self, trainer: told.append(trainer))
    fitted(callbacks=[Listener()], max_iter=1)
    assert [type(one) for one in told] == [simdnn.Trainer, simdnn.Trainer]


def test_a_checkpoint_has_the_network_of_an_estimator(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    path = tmp_path / "best.safetensors"
    saving = callbacks.ModelCheckpoint(path, "loss", model_only=True)
    classifier = fitted(callbacks=[saving], max_iter=5)
    assert same_bits(F.softmax(simdnn.load(path)(X)), classifier.predict_proba(X))
    with pytest.raises(TypeError, match=r"loss: .*estimator.*model_only=True"):
        fitted(callbacks=[callbacks.ModelCheckpoint(path, "loss")], max_iter=1)


def test_a_callback_may_stop_by_the_score_of_early_stopping() -> None:
    stopping = callbacks.EarlyStopping("val_score", patience=3)
    classifier = MLPClassifier(**QUICK, early_stopping=True, callbacks=[stopping]).fit(X, Y)
    assert stopping.best == classifier.best_validation_score_
    assert stopping.stopped_epoch == classifier.n_iter_ - 1


def test_parameters_out_of_range_are_refused() -> None:
    for settings in (
        {"dropout": 1.0},
        {"l1": -1.0},
        {"n_threads": 0},
        {"batch_norm": "yes"},
        {"optimizer": "sdg"},
    ):
        with pytest.raises(ValueError, match=next(iter(settings))):
            MLPClassifier(**settings).fit(X, Y)


def test_lbfgs_minimizes_the_sum_over_outputs() -> None:
    y = np.c_[X[:, 0], X[:, 1] ** 2]
    regressor = MLPRegressor(**QUICK | {"max_iter": 500, "tol": 1e-6}, solver="lbfgs", alpha=0.1).fit(X, y)
    error = ((regressor.predict(X) - y) ** 2).mean() / 2
    squares = sum((coef**2).sum() for coef in regressor.coefs_)
    assert regressor.loss_ == pytest.approx(error + 0.05 * squares / len(X), rel=1e-9)
    assert regressor.score(X, y) > 0.99
