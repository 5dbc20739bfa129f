"""Tables in which a date alone decides: every library's dates, words of ISO 8601, files and graphs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import tabular
from simdnn.tabular import TabularClassifier

from .tables import KINDS, QUICK

every_kind = pytest.mark.parametrize("kind", KINDS)
ROWS = 400
#: Points in time of three years, some of them missing.
WHEN = np.datetime64("2020-01-01T00:00", "us") + np.random.default_rng(0).integers(
    0, 3 * 365 * 24 * 60, ROWS
).astype("m8[m]")
WHEN[::50] = np.datetime64("NaT")
NOISE = np.random.default_rng(1).normal(size=ROWS)


def target_for(kind: type) -> Any:
    """Winter or summer, or the month; missing dates are of month 0."""
    month = np.where(np.isnat(WHEN), 0, WHEN.astype("M8[M]").astype(np.int64) % 12 + 1)
    return np.isin(month, [5, 6, 7, 8]).astype(int) if kind is TabularClassifier else month * 1.0


def outputs(model: Any, X: Any) -> Any:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def fit(kind: type, X: Any, preset: Any = "default", **settings: Any) -> Any:
    return kind(preset, **QUICK | {"epochs": 20} | settings).fit(X, target_for(kind))


def words_of(points: Any) -> list[str | None]:
    return [None if np.isnat(one) else str(one.astype("M8[s]")) for one in points]


def frames() -> dict[str, Any]:
    """One table in several libraries."""
    found: dict[str, Any] = {"words": {"when": np.array(words_of(WHEN), object), "noise": NOISE}}
    found["objects"] = {"when": WHEN.tolist(), "noise": NOISE}
    for library in ("pandas", "polars", "pyarrow"):
        module = pytest.importorskip(library)
        data: dict[str, Any] = {"when": WHEN if library == "pandas" else WHEN.tolist(), "noise": NOISE}
        found[library] = module.table(data) if library == "pyarrow" else module.DataFrame(data)
    return found


@every_kind
def test_a_date_decides(kind: type) -> None:
    X = {"when": WHEN, "noise": NOISE}
    model = fit(kind, X)
    assert model.oof_score_ > 0.9
    assert (model.columns_.dates, model.columns_.text) == (["when"], [])
    falls = model.permutation_importance(X, target_for(kind), random_state=0).importances_mean
    assert falls[0] > 0.3
    assert abs(falls[1]) < 0.05


@pytest.mark.parametrize("name", ["words", "objects", "pandas", "polars", "pyarrow"])
@every_kind
def test_dates_of_all_libraries_give_the_same_bits(kind: type, name: str) -> None:
    X = frames()[name]
    wanted = fit(kind, {"when": WHEN, "noise": NOISE}, epochs=2)
    found = fit(kind, X, epochs=2)
    np.testing.assert_array_equal(found.oof_prediction_, wanted.oof_prediction_)
    np.testing.assert_array_equal(outputs(wanted, X), outputs(wanted, {"when": WHEN, "noise": NOISE}))


@every_kind
@pytest.mark.parametrize("preset", ["default", "best"])
def test_a_file_keeps_the_dates(kind: type, preset: str, tmp_path: Path) -> None:
    for package in ("safetensors", "skops"):
        pytest.importorskip(package)
    X = {"when": WHEN, "noise": NOISE}
    model = fit(kind, X, preset, epochs=4)
    model.save(tmp_path / "model.safetensors")
    found = tabular.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(outputs(found, X), outputs(model, X))
    falls = found.permutation_importance(X, target_for(kind), n_repeats=2, random_state=0)
    assert falls.importances_mean.argmax() == 0


def test_trees_read_the_numbers_of_dates() -> None:
    model = fit(TabularClassifier, {"when": WHEN, "noise": NOISE}, "best", epochs=1)
    assert model.trees_.folds[0][0].n_features_in_ == 6  # days, month, day, weekday, hour; noise
    assert model.oof_score_ > 0.95


@every_kind
def test_a_graph_takes_microseconds(kind: type, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    X = {"when": WHEN, "noise": NOISE}
    model = fit(kind, X)
    model.to_onnx(tmp_path / "model.onnx", target="y")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    assert [(one.name, one.type) for one in session.get_inputs()] == [
        ("when", "tensor(int64)"),
        ("noise", "tensor(double)"),
    ]
    feed = {"when": WHEN.astype(np.int64)[:, np.newaxis], "noise": NOISE[:, np.newaxis]}
    found = dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))
    if kind is TabularClassifier:
        np.testing.assert_allclose(found["P(y)"], model.predict_proba(X), rtol=1e-4, atol=1e-6)
    else:
        np.testing.assert_allclose(found["y"], model.predict(X), rtol=1e-4, atol=1e-5)


def test_other_values_in_a_column_of_dates_are_named() -> None:
    model = fit(TabularClassifier, {"when": WHEN}, epochs=1)
    with pytest.raises(
        ValueError, match="column when: row 1 \\(counted from 0\\): 'soon' is not a date such as 2020-01-31"
    ):
        model.predict({"when": np.array(["2020-01-31", "soon"], object)})
    with pytest.raises(ValueError, match="column when: expected dates, got numbers"):
        model.predict({"when": [1.0]})


@every_kind
@pytest.mark.parametrize("word", ["2025-08-18T10:00+02:00", "08/18/2025", "18.8.2025"])
def test_words_that_look_like_dates_are_pointed_out(kind: type, word: str) -> None:
    """Time-zone offsets and other orders are words; the warning is the command's, and points at the fit."""
    words = np.array([word, None] * 20, object)
    X, y = {"when": words, "noise": NOISE[:40]}, np.arange(40) % 2
    wanted = f"column when: values such as {re.escape(repr(word))} look like dates"
    with pytest.warns(UserWarning, match=wanted) as caught:
        kind(**QUICK).fit(X, y)
    assert [one.filename for one in caught] == [__file__]
    assert "write them as 2020-01-31, or leave the column out" in str(caught[0].message)
    words[1] = "later"
    kind(**QUICK).fit(X, y)  # other words among them: no warning, which the tests take as an error


def categories() -> dict[str, Any]:
    """A table with a column of dates as the categories of several libraries."""
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    days = pd.Series(WHEN).dt.normalize()
    zone = days.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    arrow = pa.array(days.to_numpy().astype("M8[us]")).dictionary_encode()
    arrows = pd.Series(arrow.dictionary_decode(), dtype=pd.ArrowDtype(pa.timestamp("us")))
    plain = {"pandas": days, "zone": zone, "objects": days.dt.date.astype(object), "arrow": arrows}
    found = {name: pd.DataFrame({"when": one.astype("category")}) for name, one in plain.items()}
    found["dictionary"] = pa.table({"when": arrow, "noise": NOISE})
    found["pandas of pyarrow"] = pd.DataFrame({"when": pd.Series(arrow, dtype=pd.ArrowDtype(arrow.type))})
    for name in (*plain, "pandas of pyarrow"):
        found[name]["noise"] = NOISE
    return found


def test_categories_of_dates_are_dates() -> None:
    plain = {"when": WHEN.astype("M8[D]"), "noise": NOISE}
    wanted = fit(TabularClassifier, plain, epochs=2).predict_proba(plain)
    for name, frame in categories().items():
        model = fit(TabularClassifier, frame, epochs=2)
        assert model.columns_.dates == ["when"], name
        np.testing.assert_array_equal(model.predict_proba(frame), wanted, err_msg=name)
        np.testing.assert_array_equal(model.predict_proba(plain), wanted, err_msg=name)
