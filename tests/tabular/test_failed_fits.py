"""A fit that is refused or interrupted leaves an estimator as it was; later settings change no prediction."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import nn, tabular
from simdnn.tabular import TabularClassifier, TabularRegressor, _bag

from .tables import KINDS, QUICK, make_classes, make_numbers, make_table

every_kind = pytest.mark.parametrize("kind", KINDS)
X = make_table(60)
NEGATIVE = np.r_[-1.0, np.ones(59)]

#: Arguments of fits that are refused.
FAULTS: dict[str, dict[str, Any]] = {
    "eval_set": {"eval_set": 5},
    "eval_set of other columns": {"eval_set": ({"size": X["size"]}, np.ones(60))},
    "a negative weight": {"sample_weight": NEGATIVE},
    "a missing weight": {"sample_weight": np.full(60, np.nan)},
    "short weights": {"sample_weight": np.ones(3)},
    "an infinite sample": {"X": X | {"size": np.full(60, np.inf)}},
    "a short column": {"X": X | {"size": X["size"][:-1]}},
    "y of another length": {"y": np.arange(59) % 2},
    "y of one value": {"y": np.zeros(60, int), "sample_weight": np.zeros(60)},
    "other columns": {"X": np.ones((60, 2)), "y": np.arange(60) % 2, "sample_weight": NEGATIVE},
}


def target_for(kind: type) -> Any:
    return make_classes(X) if kind is TabularClassifier else make_numbers(X)


def seen(estimator: Any) -> dict[str, Any]:
    """The attributes, and what is predicted from them."""
    found = {name: repr(value) for name, value in vars(estimator).items()}
    if "ensemble_" in found:
        found["predictions"] = repr(estimator.predict(X))
        found["importance"] = repr(estimator.permutation_importance(n_repeats=1, random_state=0))
    return found


@every_kind
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("state", ["new", "fitted"])
def test_a_fit_that_is_refused_changes_nothing(kind: Any, fault: str, state: str) -> None:
    y, model = target_for(kind), kind(**QUICK)
    if state == "fitted":
        model.fit(X, y)
    before = seen(model)
    others = np.roll(y, 1) if kind is TabularClassifier else 1000 * y
    with pytest.raises((TypeError, ValueError)):
        model.fit(**{"X": X | {"weight": 1e3 * X["weight"]}, "y": others} | FAULTS[fault])
    assert seen(model) == before


@every_kind
@pytest.mark.parametrize("place", ["fit_many", "Ensemble"])
def test_ctrl_c_in_a_second_fit_changes_nothing(kind: Any, place: str, monkeypatch: Any) -> None:
    y = target_for(kind)
    model = kind(**QUICK).fit(X, y)
    before = seen(model)

    def interrupted(*args: Any, **settings: Any) -> None:
        raise KeyboardInterrupt

    module = _bag if place == "fit_many" else nn
    monkeypatch.setattr(module, place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X | {"weight": 1e3 * X["weight"]}, np.roll(y, 1))
    monkeypatch.undo()
    assert seen(model) == before


@pytest.mark.parametrize("clip", [False, True])
def test_clip_after_a_fit_waits_for_the_next(clip: bool, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    y, file = (make_numbers(X) > 0).astype(float), tmp_path / "model.safetensors"
    model = TabularRegressor(clip=clip, **QUICK | {"epochs": 40}).fit(X, y)
    before, score, target = model.predict(X), model.score(X, y), model.target("y")
    mean = model.predict(X, return_std=True)[0]
    importance = model.permutation_importance(X, y, random_state=0).importances
    assert (before.min() < 0) != clip
    model.set_params(clip=not clip).save(file)
    for one in (model, pickle.loads(pickle.dumps(model)), tabular.load(file)):
        np.testing.assert_array_equal(one.predict(X), before)
        np.testing.assert_array_equal(one.predict(X, return_std=True)[0], mean)
        found = one.permutation_importance(X, y, random_state=0).importances
        np.testing.assert_array_equal(found, importance)
        assert (one.score(X, y), one.target("y")) == (score, target)
    assert (model.fit(X, y).predict(X).min() < 0) == clip
