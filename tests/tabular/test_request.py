"""Samples as a service gets them, and columns of times that are no dates: errors with the way out."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from simdnn import table

pytest.importorskip("sklearn", reason="needs the extra [tabular]: scikit-learn")
from simdnn.tabular import TabularClassifier

DAY = datetime.timedelta(days=1)
COUNT = 40


@pytest.fixture(scope="module")
def model() -> TabularClassifier:
    rng = np.random.default_rng(0)
    X = {"age": rng.normal(size=COUNT), "kind": rng.choice(np.array(["p", "q"], object), COUNT)}
    return TabularClassifier("fast", n_members=2, random_state=0).fit(X, X["age"] > 0)


@pytest.mark.parametrize("value", [62.0, 3, "p", None, np.float64(2), np.datetime64("2020-01-01")])
@pytest.mark.parametrize("name", ["age", "kind"])
def test_a_single_value_is_told_to_be_a_list(name: str, value: Any, model: TabularClassifier) -> None:
    row: dict[str, Any] = {"age": [1.0], "kind": ["p"]}
    with pytest.raises(
        ValueError, match=f"^column {name}: expected a list of values, got .*; one row is a list"
    ):
        model.predict(row | {name: value})
    assert len(model.predict(row)) == 1


def test_a_list_of_dictionaries_is_told_to_be_columns(model: TabularClassifier) -> None:
    rows = [{"age": 1.0, "kind": "p"}, {"age": 2.0, "kind": "q"}]
    with pytest.raises(TypeError, match=r"^X: expected columns, got a list of dict.*pandas\.DataFrame\(X\)"):
        model.predict(rows)
    pandas = pytest.importorskip("pandas")
    assert len(model.predict(pandas.DataFrame(rows))) == 2


#: Columns of times without a place on the calendar: their kind in words, and a hint.
TIMES: dict[str, tuple[Any, str, str]] = {
    "spans of NumPy": (np.arange(COUNT).astype("m8[h]"), "spans of time", r"\.dt\.days"),
    "spans of Python": ([DAY * i for i in range(COUNT)], "spans of time", r"\.dt\.days"),
    "times of day": ([datetime.time(i % 24) for i in range(COUNT)], "times of day", "hours"),
}


@pytest.mark.parametrize("dates", [False, True])
@pytest.mark.parametrize("name", TIMES)
def test_times_that_are_no_dates_are_called_what_they_are(name: str, dates: bool) -> None:
    values, kind, hint = TIMES[name]
    with pytest.raises(ValueError, match=f"^column t: .*{kind} are not supported .*{hint}"):
        table.Columns.fit({"t": values}, dates=dates)
    with pytest.raises(ValueError, match=f"^column t: .*{kind} are not supported .*{hint}"):
        TabularClassifier("fast").fit({"t": values}, np.arange(COUNT) % 2)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_spans_and_periods_of_libraries_are_called_what_they_are(library: str) -> None:
    module = pytest.importorskip(library)
    found = {"spans of time": module.array([DAY] * COUNT)}
    if library == "pandas":
        found["periods"] = module.period_range("2020-01", periods=COUNT, freq="M")
    for kind, values in found.items():
        with pytest.raises(ValueError, match=f"^column t: .*{kind} are not supported"):
            table.Columns.fit({"t": values}, dates=True)
