"""Laws of the estimators: bits, files, folds, weights."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import functional as F
from simdnn import tabular
from simdnn.tabular import TabularClassifier, TabularRegressor
from sklearn.metrics import accuracy_score, log_loss, r2_score

from .tables import KINDS, QUICK, fitted, make_classes, make_numbers, make_table

every_kind = pytest.mark.parametrize("kind", KINDS)


def outputs(model: Any, X: Any) -> Any:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@every_kind
def test_bits_do_not_depend_on_threads_or_batch(kind: type) -> None:
    model, X, y = fitted(kind)
    other = kind(**QUICK, n_threads=2).fit(X, y)
    np.testing.assert_array_equal(outputs(model, X), outputs(other, X))
    np.testing.assert_array_equal(model.oof_prediction_, other.oof_prediction_)
    part = {name: values[7:9] for name, values in X.items()}
    np.testing.assert_array_equal(outputs(model, part), outputs(model, X)[7:9])


@every_kind
@pytest.mark.parametrize("preset", ["default", "best"])
def test_a_file_has_the_same_bits(kind: type, preset: str, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    if preset == "best":
        pytest.importorskip("skops")
    more = {"quantiles": True} if kind is TabularRegressor else {}
    model, X, _ = fitted(kind, preset, n_members=2, **more)
    model.save(tmp_path / "model.safetensors")
    found = tabular.load(tmp_path / "model.safetensors")
    assert type(found) is kind
    np.testing.assert_array_equal(outputs(found, X), outputs(model, X))
    assert found.get_params() == model.get_params()
    without_times = [replace(one, seconds=[]) for one in model.history_]
    assert (found.oof_score_, found.history_) == (model.oof_score_, without_times)
    np.testing.assert_array_equal(found.oof_prediction_, model.oof_prediction_)
    assert found.oof_prediction_.dtype == model.oof_prediction_.dtype
    with pytest.raises(ValueError, match="X, y: a file does not hold the rows of the fit"):
        found.permutation_importance()
    if more:
        levels = [0.1, 0.9]
        np.testing.assert_array_equal(found.predict(X, levels), model.predict(X, levels))


@every_kind
def test_a_file_without_trees_holds_an_ensemble(kind: type, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model, X, _ = fitted(kind)
    model.save(tmp_path / "model.safetensors")
    ensemble = simdnn.load(tmp_path / "model.safetensors")
    inputs = model.columns_.transform(X)
    np.testing.assert_array_equal(ensemble(inputs), model.ensemble_(inputs))


def test_words_that_no_file_holds_are_shown(tmp_path: Path) -> None:
    X, y = np.zeros((20, 1)), np.array(["a", "b\ud800"])[np.arange(20) % 2]
    model = TabularClassifier("fast", n_members=2, epochs=8, random_state=0, progress=False).fit(X, y)
    pytest.importorskip("onnx")
    words = np.where(np.arange(20) % 2, "a", "b\ud800").astype(object)
    others = TabularClassifier("fast", n_members=2, epochs=8, progress=False).fit(
        {"a": words}, np.arange(20) % 2
    )
    for one in (model, others):
        made = one.ensemble_, {"columns": one.columns_, "target": one.target("y")}
        for call in (
            lambda one=one: one.save(tmp_path / "model.safetensors"),
            lambda one=one: one.to_onnx(tmp_path / "model.onnx"),
            lambda made=made: simdnn.export_c(made[0], tmp_path / "model.h", **made[1]),
        ):
            with pytest.raises(ValueError, match=r"^'b.ud800' has half of a surrogate pair"):
                call()
    assert not list(tmp_path.iterdir())


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model, _, _ = fitted(TabularRegressor)
    simdnn.save(model.ensemble_, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"holds no estimator of simdnn\.tabular but an ensemble; load it with simdnn"
    ):
        tabular.load(tmp_path / "model.safetensors")


@every_kind
def test_a_subclass_is_saved_as_the_estimator_that_it_comes_from(kind: Any, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")

    class Fewer(kind):
        def __init__(self, preset: Any = "fast", *, epochs: int = 2) -> None:
            super().__init__(preset, epochs=epochs, n_members=2, random_state=7, progress=False)

    class More(Fewer):
        def __init__(self, preset: Any = "fast", *, epochs: int = 2, own: str = "a") -> None:
            super().__init__(preset, epochs=epochs)
            self.own = own

    X = make_table(60)
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    for made in (Fewer, More):
        model = made().fit(X, y)
        model.save(tmp_path / "model.safetensors")
        found = tabular.load(tmp_path / "model.safetensors")
        assert type(found) is kind
        assert found.get_params() == {name: getattr(model, name) for name in found.get_params()}
        np.testing.assert_array_equal(outputs(found, X), outputs(model, X))


@every_kind
def test_a_pickle_has_the_same_bits(kind: type) -> None:
    model, X, _ = fitted(kind)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model)), X), outputs(model, X))


@every_kind
def test_predictions_out_of_fold_are_those_of_the_network_that_left_the_rows_out(kind: type) -> None:
    """Each network of the ensemble predicts some rows out of fold: one loop over members finds them all."""
    model, X, y = fitted(kind)
    members = model.ensemble_.predict_members(model.columns_.transform(X)).astype(np.float64)
    found = model.oof_prediction_
    if kind is TabularRegressor:
        members = np.clip(members[..., 0] * np.std(y) + np.mean(y), y.min(), y.max())
    near = np.isclose(members, found, rtol=1e-4, atol=1e-4)
    near = near.all(axis=-1) if near.ndim == 3 else near
    assert near.any(axis=0).all()
    counts = near.sum(axis=1)
    assert counts.min() >= len(y) // len(members) - 1


@every_kind
def test_the_score_out_of_fold_is_that_of_its_predictions(kind: type) -> None:
    weight = np.linspace(0.1, 2, 120)
    X = make_table()
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    model = kind(**QUICK).fit(X, y, weight)
    found = model.oof_prediction_
    if kind is TabularClassifier:
        wanted = accuracy_score(y, model.classes_[found.argmax(axis=1)], sample_weight=weight)
    else:
        wanted = r2_score(y, found, sample_weight=weight)
    assert model.oof_score_ == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("class_weight", ["balanced", {"low": 4.0, "high": 0.0}])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes_are_not_part_of_scores(class_weight: Any, weighted: bool) -> None:
    weight = np.linspace(0.1, 2, 120) if weighted else None
    X = make_table()
    y = make_classes(X)
    model = TabularClassifier(**QUICK, class_weight=class_weight).fit(X, y, weight)
    guess = model.classes_[model.oof_prediction_.argmax(axis=1)]
    assert model.oof_score_ == pytest.approx(accuracy_score(y, guess, sample_weight=weight), rel=1e-12)
    np.testing.assert_array_equal(model._kept.weight, weight if weight is None else weight[model._kept.rows])


def test_the_temperature_is_the_best() -> None:
    """Other temperatures have no lower log loss out of fold."""
    model, _, y = fitted(TabularClassifier)
    logits = np.log(model.oof_prediction_.astype(np.float64)) * model.temperature_

    def loss(temperature: float) -> float:
        raised = np.exp(logits / temperature)
        return float(log_loss(y, raised / raised.sum(axis=1, keepdims=True), labels=model.classes_))

    assert 0.25 < model.temperature_ < 4
    assert loss(model.temperature_) <= min(loss(model.temperature_ + by) for by in (-1 / 64, 1 / 64)) + 1e-6


@every_kind
def test_rows_of_no_weight_are_left_out(kind: type) -> None:
    X = make_table()
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    weight = np.ones(120)
    weight[100:] = 0
    changed = y.copy()
    changed[100:] = y[:20]
    one, other = (kind(**QUICK).fit(X, target, weight) for target in (y, changed))
    np.testing.assert_array_equal(outputs(one, X), outputs(other, X))
    assert np.isfinite(one.oof_prediction_).all()


@pytest.mark.parametrize("class_weight", ["balanced", {"low": 4.0}])
def test_weights_of_classes_do_not_count_rows_of_no_weight(class_weight: Any) -> None:
    X = make_table()
    y, weight = make_classes(X), np.arange(120) % 3 / 2
    on = weight > 0
    y[~on] = "low"
    whole = TabularClassifier(**QUICK, class_weight=class_weight).fit(X, y, weight)
    part = TabularClassifier(**QUICK, class_weight=class_weight).fit(
        {name: values[on] for name, values in X.items()}, y[on], weight[on]
    )
    np.testing.assert_array_equal(whole.predict_proba(X), part.predict_proba(X))


@every_kind
@pytest.mark.parametrize("preset", ["fast", "best"])
def test_rows_of_no_weight_are_predicted_out_of_fold_by_all_members(kind: type, preset: Any) -> None:
    X = make_table()
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    model = kind(preset, **QUICK).fit(X, y, np.arange(120) % 2)
    np.testing.assert_allclose(model.oof_prediction_[::2], outputs(model, X)[::2], rtol=1e-12)
    assert not np.allclose(model.oof_prediction_[1::2], outputs(model, X)[1::2], rtol=1e-3)


def test_the_standard_deviation_is_that_of_the_members() -> None:
    model, X, y = fitted(TabularRegressor)
    mean, std = model.predict(X, return_std=True)
    members = model.ensemble_.predict_members(model.columns_.transform(X))[..., 0].astype(np.float64)
    np.testing.assert_allclose(std, members.std(axis=0) * np.std(y), rtol=1e-5)
    np.testing.assert_allclose(mean, model.predict(X), rtol=1e-5, atol=1e-6)


def test_networks_have_several_shapes_in_turn() -> None:
    model, _, _ = fitted(TabularClassifier, n_members=5, hidden_layer_sizes=None, epochs=1)
    shapes = [
        tuple(len(value) for name, value in network.parameters().items() if name.endswith("bias"))[:-1]
        for network in model.ensemble_
    ]
    assert shapes == [(96, 96, 96), (128, 96), (96,), (64, 64, 64, 64), (96, 96, 96)]


def test_the_epoch_that_is_kept_by_a_classifier() -> None:
    """It is the last one whose mean accuracy on the folds is at most .25 standard errors below the best."""
    model, _, y = fitted(TabularClassifier, hidden_layer_sizes=None, label_smoothing=0.1)
    accuracies = np.mean([one.val_accuracy for one in model.history_], axis=0)  # folds have 40 rows each
    losses = np.mean([one.val_loss for one in model.history_], axis=0)
    assert len(losses) == QUICK["epochs"]
    best = accuracies.max()
    kept = np.flatnonzero(accuracies >= best - 0.25 * np.sqrt(best * (1 - best) / 120))[-1]
    assert model.oof_score_ == pytest.approx(accuracies[kept])
    assert model._epochs_kept == [kept + 1] * len(model.history_)
    logits = np.log(model.oof_prediction_) * model.temperature_
    places = np.searchsorted(model.classes_, y)
    loss = float(F.cross_entropy(logits, places, label_smoothing=0.1))
    assert loss == pytest.approx(losses[kept], rel=1e-5)


def test_the_epochs_that_are_kept_by_a_regressor() -> None:
    """Each network has the lowest loss on its fold."""
    model, _, y = fitted(TabularRegressor, hidden_layer_sizes=None, clip=False)
    losses = [min(one.val_loss) for one in model.history_]
    assert [one.val_loss[i - 1] for one, i in zip(model.history_, model._epochs_kept, strict=True)] == losses
    assert np.mean((model.oof_prediction_ - y) ** 2) / np.var(y) == pytest.approx(np.mean(losses), rel=1e-4)


@every_kind
def test_an_evaluation_set_decides_the_epoch(kind: type) -> None:
    X = make_table()
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    model = kind(**QUICK).fit(X, y, eval_set=(X, y))
    other = kind(**QUICK).fit(X, y)
    assert model.history_[0].val_loss != other.history_[0].val_loss
    assert model.history_[0].loss == other.history_[0].loss


def test_several_outputs_of_a_regression() -> None:
    X = make_table()
    y = np.column_stack([make_numbers(X), -make_numbers(X) * 100 + 7])
    model = TabularRegressor(**QUICK).fit(X, y)
    assert model.predict(X).shape == model.oof_prediction_.shape == (120, 2)
    assert model.score(X, y) > 0


@every_kind
def test_a_time_limit_leaves_fewer_epochs(kind: type) -> None:
    X = make_table(2000)
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    with pytest.warns(UserWarning, match="time_limit: 1e-09 s are short .* the fit takes longer"):
        model = kind(time_limit=1e-9, progress=False).fit(X, y)
    assert len(model.history_) == 2
    assert model.history_[0].epochs == 2
    unlimited = kind(**QUICK | {"time_limit": 1e6}).fit(X, y)
    assert [one.epochs for one in unlimited.history_] == [8, 8, 8]


@every_kind
def test_best_weights_networks_and_trees_by_their_predictions_out_of_fold(kind: type) -> None:
    model, X, _ = fitted(kind, "best")
    assert 0 <= model.networks_share_ <= 1
    networks = model.ensemble_.predict(model.columns_.transform(X))
    alone = [one for models in model.trees_.folds for one in models]
    assert len(alone) == 3
    mean = model._mean(model.columns_.transform(X), model._samples(X))
    trees = (mean - model.networks_share_ * networks) / max(1 - model.networks_share_, 1e-9)
    assert model.networks_share_ == 1 or np.isfinite(trees).all()


@every_kind
def test_onnx_has_the_predictions(kind: type, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model, X, _ = fitted(kind)
    model.to_onnx(tmp_path / "model.onnx", target="kind")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    feed = {}
    for name, values in X.items():
        words = values.dtype == object
        column = (
            np.array(["" if one is None else one for one in values]) if words else values.astype(np.float64)
        )
        feed[name] = column[:, np.newaxis]
    found = dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))
    if kind is TabularClassifier:
        np.testing.assert_allclose(found["P(kind)"], model.predict_proba(X), rtol=1e-4, atol=1e-6)
        assert (found["kind"] == model.predict(X)).all()
    else:
        np.testing.assert_allclose(found["kind"], model.predict(X), rtol=1e-4, atol=1e-5)
