"""Targets of estimators of tables: dates, missing values, and types of every library."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from simdnn.sklearn import MLPClassifier
from simdnn.tabular import TabularClassifier, TabularRegressor
from sklearn.metrics import r2_score

from tests.support.frames import COLUMNS, KINDS, OTHERS, TIMES, check_times_are_refused

from .tables import QUICK

X = np.random.default_rng(0).normal(size=(20, 2))


def regressor() -> TabularRegressor:
    return TabularRegressor(**QUICK)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("values", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("kind", [*COLUMNS, *KINDS, *OTHERS])
def test_times_of_every_library_are_no_numbers(kind: str, values: list[Any]) -> None:
    check_times_are_refused(regressor, X, kind, values)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("values", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("kind", [*COLUMNS, "array"])
def test_times_are_classes_and_a_missing_one_is_named(kind: str, values: list[Any]) -> None:
    cells: list[Any] = values[:2] * 10
    array = np.array(cells, "m8[us]" if "delta" in type(values[0]).__name__ else "M8[us]")
    model = TabularClassifier(**QUICK).fit(X, array)
    assert model.classes_.tolist() == array[:2].tolist()
    cells[4] = None
    missing = np.array(cells, array.dtype) if kind == "array" else COLUMNS[kind](cells)
    made = (TabularClassifier(**QUICK), MLPClassifier(max_iter=1))
    for call in (*(one.fit for one in made), model.score):
        with pytest.raises(ValueError, match=r"^y\[4\] is missing; 1 of 20 rows has no target"):
            call(X, missing)


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_a_missing_number_in_a_table_of_targets_is_named(kind: str) -> None:
    columns: dict[str, list[Any]] = {"p": [*range(20)], "q": [0.5, *range(1, 20)]}
    columns["q"][4], of = None, (KINDS | OTHERS)[kind]
    for given in (columns, {"q": columns["q"]}):
        with pytest.raises(ValueError, match=r"^y\[4\] is missing; 1 of 20 rows has no target"):
            regressor().fit(X, of(given))


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_every_library_may_be_in_a_dictionary(kind: str) -> None:
    if kind.endswith("table"):
        pytest.skip("a table is no column")
    cells: list[Any] = (
        ["a", "b", None, "b"] * 5 if kind.endswith(("categories", "dictionary")) else [1, 2, None, 4] * 5
    )
    model = regressor().fit({"c": cells}, X[:, 0])
    other = regressor().fit({"c": COLUMNS[kind](cells)}, X[:, 0])
    np.testing.assert_array_equal(other.predict({"c": COLUMNS[kind](cells)}), model.predict({"c": cells}))


CLASSES = {
    "words": np.array(["a", "b"]),
    "objects": np.array(["a", "b"], object),
    "numbers": np.array([1, 2]),
    "booleans": np.array([False, True]),
    "dates": np.array(["2020-01-01", "2021-01-01"], "M8[D]"),
}


@pytest.mark.parametrize("fitted", CLASSES)
@pytest.mark.parametrize("other", CLASSES)
def test_classes_of_another_type_are_unknown(fitted: str, other: str) -> None:
    if {fitted, other} in ({"words", "objects"}, {"numbers", "booleans"}, {fitted}):
        return
    places = np.arange(20) % 2
    model = TabularClassifier(**QUICK).fit(X, CLASSES[fitted][places])
    y = CLASSES[other][places]
    message = f"y: expected classes of the fit, got {y.tolist()[0]!r}"
    with pytest.raises(ValueError, match=f"^eval_set: {re.escape(message)}"):
        model.fit(X, CLASSES[fitted][places], eval_set=(X, y))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        model.permutation_importance(X, y)


def test_rows_of_weight_zero_do_not_count_in_scores() -> None:
    """Scores are scikit-learn's, which counts rows of weight 0 as rows, whatever their numbers."""
    model = regressor().fit(X, X[:, 0])
    for used in (1, 2, 20):
        weight, y = (np.arange(20) < used) * 0.5, X[:, 0] + 1.0
        wanted = r2_score(y, model.predict(X), sample_weight=weight)
        assert model.score(X, y, weight) == pytest.approx(wanted, rel=1e-12)
        y[used:] = 1e30
        assert model.score(X, y, weight) == pytest.approx(wanted, rel=1e-12)
