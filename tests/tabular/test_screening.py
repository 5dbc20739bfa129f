"""Columns that tell nothing are left out of the fit of enough rows; those that tell something stay."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import tabular
from simdnn.tabular import TabularClassifier, TabularRegressor, _base, _screening

from tests.support.processes import LEVELS, missing, run

from .tables import KINDS, QUICK

every_kind = pytest.mark.parametrize("kind", KINDS)
every_preset = pytest.mark.parametrize("preset", ["default", "best"])
NOISE = ("word", *(f"noise{i}" for i in range(6)))


def make_noisy(rows: int = 2000) -> tuple[dict[str, Any], Any]:
    """Two columns that decide between columns of noise, and numbers to predict."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(50)], object)
    noise = {name: rng.normal(size=rows) for name in NOISE[1:]}
    columns = {"word": words[rng.integers(0, 50, rows)], "kind": rng.choice(["a", "b"], rows).astype(object)}
    X = columns | noise | {"size": rng.normal(size=rows)}
    return X, np.where(X["kind"] == "a", X["size"], -X["size"]) + rng.normal(size=rows) / 5


@functools.cache
def noisy(kind: type, preset: str = "default") -> tuple[Any, dict[str, Any], Any]:
    """A fitted estimator, its samples and y."""
    X, y = make_noisy()
    y = y > 0 if kind is TabularClassifier else y
    return kind(preset, random_state=1, progress=False).fit(X, y), X, y


def outputs(model: Any, X: Any) -> Any:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@every_preset
@every_kind
def test_columns_of_noise_are_left_out(kind: type, preset: str) -> None:
    model, X, _ = noisy(kind, preset)
    assert set(model.columns_.names) >= {"kind", "size"}
    assert len(set(model.columns_.names) & set(NOISE)) <= 3
    assert model.n_features_in_ == len(X)
    fast, _, _ = noisy(kind, "fast")
    assert fast.columns_.names == list(X)
    assert fast.oof_score_ < model.oof_score_


@every_preset
@every_kind
def test_samples_to_predict_need_only_the_columns_that_stay(kind: type, preset: str) -> None:
    pandas = pytest.importorskip("pandas")
    model, X, _ = noisy(kind, preset)
    needed = {name: X[name] for name in model.columns_.names}
    np.testing.assert_array_equal(outputs(model, needed), outputs(model, X))
    np.testing.assert_array_equal(outputs(model, pandas.DataFrame(X)), outputs(model, X))
    del needed["size"]
    with pytest.raises(ValueError, match="column 'size' is missing"):
        model.predict(needed)


@every_preset
@every_kind
def test_a_column_that_is_left_out_has_no_importance(kind: type, preset: str) -> None:
    model, X, y = noisy(kind, preset)
    for given in ({}, {"X": X, "y": y}):
        found = model.permutation_importance(**given, n_repeats=2, random_state=0).importances
        assert found.shape == (len(X), 2)
        for name, falls in zip(X, found, strict=True):
            assert (name in model.columns_.names) or (falls == 0).all()
        assert (found[[list(X).index("kind"), list(X).index("size")]] > 0.1).all()


@every_kind
def test_a_file_has_the_same_bits(kind: type, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model, X, _ = noisy(kind)
    model.save(tmp_path / "model.safetensors")
    found = tabular.load(tmp_path / "model.safetensors")
    assert found.columns_.names == model.columns_.names
    assert found.columns_.left_out == model.columns_.left_out
    assert {one.name for one in found.columns_.left_out} == set(X) - set(found.columns_.names)
    np.testing.assert_array_equal(outputs(found, X), outputs(model, X))


@every_kind
def test_the_graph_of_onnx_takes_whole_rows(kind: type, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model, X, _ = noisy(kind)
    model.to_onnx(tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    names = [one.name for one in session.get_inputs()]
    assert set(names) == set(X)
    found = session.run(None, {name: values[:50, np.newaxis] for name, values in X.items()})
    wanted = outputs(model, {name: values[:50] for name, values in X.items()})
    np.testing.assert_allclose(np.asarray(found[-1]).reshape(wanted.shape), wanted, rtol=2e-4, atol=2e-5)


def test_columns_that_tell_a_little_each_stay() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 20))
    model = TabularRegressor(random_state=0, progress=False, epochs=8).fit(X, X.sum(axis=1))
    assert len(model.columns_.names) == 20


def test_one_of_equal_columns_stays() -> None:
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=2000), rng.normal(size=2000)
    model = TabularRegressor(random_state=0, progress=False, epochs=8).fit(np.c_[x, noise, x], np.abs(x))
    assert {"x0", "x2"} & set(model.columns_.names)


def test_a_column_stays_if_none_tells_anything() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(2000, 3))
    model = TabularClassifier(random_state=0, progress=False, epochs=2).fit(X, rng.integers(0, 2, 2000))
    assert len(model.columns_.names) >= 1
    assert model.predict(X).shape == (2000,)


@every_kind
@pytest.mark.parametrize("change", ["few rows", "weights of zero", "little time", "many columns"])
def test_columns_are_not_judged_by_few_rows_or_in_no_time(kind: type, change: str) -> None:
    X, y = make_noisy(1999 if change == "few rows" else 2000)
    y = y > 0 if kind is TabularClassifier else y
    weight = (np.arange(len(y)) < 1999).astype(float) if change == "weights of zero" else None
    limit = {"time_limit": 0.02} if change == "little time" else {}
    X |= {f"wide{i}": y for i in range(193)} if change == "many columns" else {}
    model = kind(**QUICK | {"epochs": 2, "n_members": 2} | limit)
    with pytest.warns(UserWarning, match="time_limit") if limit else contextlib.nullcontext():
        model.fit(X, y, weight)
    assert model.columns_.names == list(X)


def test_quantiles_keep_a_column_that_decides_the_spread() -> None:
    rng = np.random.default_rng(3)
    X = {"noise": rng.normal(size=2000), "place": rng.normal(size=2000), "wide": np.arange(2000) % 2}
    y = X["place"] + rng.normal(size=2000) * np.where(X["wide"], 1.0, 0.1)
    model = TabularRegressor(**QUICK, quantiles=True).fit(X, y)
    assert model.columns_.names == list(X)
    low, high = model.predict(X, quantiles=[0.1, 0.9]).T
    assert np.mean((high - low)[1::2]) > 1.5 * np.mean((high - low)[::2])


def test_an_error_about_an_eval_set_comes_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = make_noisy()
    monkeypatch.setattr(_base, "screened", lambda *_: pytest.fail("trained"))
    with pytest.raises(ValueError, match=r"^eval_set: X: columns 'word', .* are missing"):
        TabularRegressor(**QUICK).fit(X, y, eval_set=({"size": X["size"]}, y))


def test_an_eval_set_decides_epochs_by_the_columns_that_are_left() -> None:
    X, y = make_noisy()
    model = TabularRegressor(**QUICK).fit(X, y, eval_set=(X, y))
    assert len(model.columns_.names) < len(X)


def test_a_rise_is_in_standard_errors() -> None:
    """The rise of the loss of one network, beside the formula in NumPy."""
    mixed = object.__new__(_screening.Mixed)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 3)).astype(np.float32)
    mixed.inputs, mixed.targets, mixed.weight = inputs, inputs[:, :1], None
    mixed.parts, mixed.classes = [(lambda x: x[:, :1] + x[:, 1:2], slice(40))], False
    mixed.order, mixed.base = rng.permutation(40), mixed.losses()
    other = inputs.astype(np.float64)
    rises = other[mixed.order, 1] ** 2 - other[:, 1] ** 2
    wanted = rises.mean() / (rises.std() / np.sqrt(40))
    assert mixed.rise([1]) == pytest.approx(wanted, abs=1e-4)
    assert mixed.rise([2]) == 0


SCRIPT = """
import hashlib
import numpy as np
from tests.tabular.test_screening import QUICK, make_noisy
from simdnn.tabular import TabularRegressor, _screening

_screening.FEWEST_ROWS = 400
X, y = make_noisy(400)
model = TabularRegressor(**QUICK).fit(X, y)
assert len(model.columns_.names) < len(X)
print(model.columns_.names, hashlib.sha256(model.predict(X).tobytes()).hexdigest())
"""


def test_bits_do_not_depend_on_the_level() -> None:
    levels = [level for level in LEVELS if not missing(level)]
    if len(levels) < 2:
        pytest.skip("this machine runs one level alone")
    assert len({run(SCRIPT, timeout=120, SIMDNN_ISA=level) for level in levels}) == 1
