"""Permutation importance: of new samples, and out of fold of the rows of the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simdnn.tabular import TabularClassifier, _importance

from .tables import KINDS, QUICK, fitted

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_importance_finds_the_columns_that_matter(kind: type) -> None:
    rng = np.random.default_rng(0)
    X = {"noise": rng.normal(size=300), "signal": rng.normal(size=300), "none": np.zeros(300)}
    y = (X["signal"] > 0).astype(int) if kind is TabularClassifier else X["signal"]
    model = kind(**QUICK | {"epochs": 20}).fit(X, y)
    found = model.permutation_importance(X, y, n_repeats=3, random_state=0)
    assert found.importances.shape == (3, 3)
    assert found.importances_mean.argmax() == 1
    assert found.importances_mean[2] == 0
    order = np.random.RandomState(0).permutation(300)
    changed = X | {"noise": X["noise"][order]}
    assert found.importances[0, 0] == pytest.approx(model.score(X, y) - model.score(changed, y), abs=1e-6)


def noisy_table(rows: int = 900) -> dict[str, Any]:
    """A column that decides, and two hundred words that have nothing to do with the answer."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in rng.integers(0, 200, rows)], object)
    return {"noise": words, "signal": rng.normal(size=rows)}


@every_kind
@pytest.mark.parametrize("preset", ["default", "best"])
def test_a_column_of_noise_has_no_importance_out_of_fold(kind: type, preset: str) -> None:
    """Networks learn the words by heart: on rows of the training they seem to matter."""
    X = noisy_table()
    y = X["signal"] + np.random.default_rng(1).normal(size=900)
    y = (y > 0).astype(int) if kind is TabularClassifier else y
    model = kind(preset, **QUICK | {"epochs": 30}).fit(X, y)
    noise, signal = model.permutation_importance(n_repeats=5, random_state=0).importances_mean
    assert abs(noise) < 0.02
    assert signal > 0.1
    if preset == "default":
        seen = model.permutation_importance(X, y, n_repeats=5, random_state=0).importances_mean[0]
        assert seen > noise + 0.01


@every_kind
@pytest.mark.parametrize("preset", ["default", "best"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_score_out_of_fold_is_the_base(kind: type, preset: Any, weighted: bool) -> None:
    """A column of equal values has no importance; for others, the base is the score out of fold."""
    _, X, y = fitted(kind, epochs=1)
    weight = np.arange(120) % 4 / 2.0 if weighted else None
    model = kind(preset, **QUICK).fit(X, y, weight)
    base, rows = [], model._kept
    assert len(rows.rows) == (90 if weighted else 120)

    def look(parts: Any, score: Any, *rest: Any) -> None:
        base.extend(score([array for array, _ in parts]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simdnn.tabular._base.permutation_importance", look)
        model.permutation_importance()
    assert base == [pytest.approx(model.oof_score_, rel=1e-5)]


def test_rows_of_the_fit_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_importance, "KEPT_ROWS", 50)
    model, X, _ = fitted(TabularClassifier)
    assert len(model._kept.inputs) == 50
    assert model.permutation_importance(n_repeats=2).importances.shape == (len(X), 2)


def test_one_of_samples_and_target_is_refused() -> None:
    model, X, y = fitted(TabularClassifier)
    for given in ({"X": X}, {"y": y}, {"sample_weight": np.ones(120)}):
        with pytest.raises(ValueError, match="X, y: expected both, or neither"):
            model.permutation_importance(**given)


def test_an_unknown_keyword_is_that_of_the_estimator() -> None:
    model, X, y = fitted(TabularClassifier)
    with pytest.raises(TypeError, match=r"TabularClassifier\.permutation_importance\(\).*'scoring'"):
        model.permutation_importance(X, y, scoring="roc_auc")
