"""Bins by a target: half of their borders are the thresholds of scikit-learn's decision trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simdnn.table import Columns
from simdnn.tabular._bins import FEWEST_ROWS, borders, with_target_bins
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def sample(outputs: int, seed: int, rows: int = 500) -> tuple[Any, Any]:
    """Numbers, exact in float32, and a target that depends on them: classes, or numbers if `outputs` < 0."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rows).astype(np.float32).astype(np.float64)
    wave = np.sin(3 * values) + rng.normal(size=rows) / 2
    if outputs < 0:
        return values, np.column_stack([wave, *rng.normal(size=(-outputs - 1, rows))])
    return values, np.digitize(wave, np.quantile(wave, np.arange(1, outputs) / outputs))


@pytest.mark.parametrize("outputs", [2, 5, -1, -3])
@pytest.mark.parametrize("bins", [2, 7, 16])
def test_half_of_the_borders_are_thresholds_of_a_tree(outputs: int, bins: int) -> None:
    values, targets = sample(outputs, bins)
    kind = DecisionTreeClassifier if outputs > 0 else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=bins // 2 + 1, min_samples_leaf=FEWEST_ROWS)
    tree = tree.fit(values[:, np.newaxis], targets).tree_
    wanted = tree.threshold[tree.children_left >= 0]
    found = np.array(borders(values, targets, bins))
    assert len(found) == bins - 1
    nearest = np.abs(found[:, np.newaxis] - wanted).min(axis=0)
    np.testing.assert_allclose(nearest, 0, atol=1e-6)
    holes = np.insert(values, [3, 100], np.nan), np.insert(targets, [3, 100], 0, axis=0)
    np.testing.assert_array_equal(borders(*holes, bins), found)


def test_the_other_borders_halve_the_largest_bins() -> None:
    values = np.random.default_rng(0).permutation(256.0 * np.arange(256))
    found = borders(values, np.zeros(256, int), 8)
    assert found == (256 * (np.arange(32, 256, 32) - 0.5)).tolist()
    counts = np.repeat([0.0, 1.0, 2.0, 3.0], [200, 60, 20, 20])
    assert borders(counts, np.zeros(300, int), 3) == [0.5, 1.5]


def test_bins_have_enough_rows() -> None:
    values, targets = sample(2, 0, rows=3 * FEWEST_ROWS)
    found = borders(values, targets, 100)
    assert np.histogram(values, [-np.inf, *found, np.inf])[0].min() >= FEWEST_ROWS
    assert borders(values[: 2 * FEWEST_ROWS - 1], targets[: 2 * FEWEST_ROWS - 1], 100) == []
    assert borders(np.full(9, np.nan), targets[:9], 100) == []


@pytest.mark.parametrize("power", [-1074, -1022, 0, 1000])
def test_neighboring_numbers_are_told_apart(power: int) -> None:
    """Borders ascend strictly between the smallest and the largest number, also between neighbors."""
    numbers = [2.0**power]
    for _ in range(4):
        numbers.append(float(np.nextafter(numbers[-1], np.inf)))
    values = np.repeat(numbers, FEWEST_ROWS)
    found = borders(values, np.repeat(np.arange(5) % 2, FEWEST_ROWS), 10)
    assert (np.diff([values[0], *found, values[-1]]) > 0).all()


def test_only_columns_with_bins_change() -> None:
    values, targets = sample(2, 1)
    table = {"x": values, "one": np.ones(500), "word": np.array(["a", "b"] * 250, object)}
    columns, rows = Columns.fit(table, bins=8), np.arange(0, 500, 2)
    found = with_target_bins(columns, table, targets, rows)
    x, *others = found.parts
    assert tuple(others) == columns.parts[1:]
    assert x.edges == (values.min(), *borders(values[rows], targets[rows], 8), values.max())
    assert found.features == columns.features


def test_many_classes_take_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    values, targets = sample(5, 2)
    columns = Columns.fit({"x": values}, bins=8)
    monkeypatch.setattr("simdnn.tabular._bins.MOST_SUMS", 1000)
    found = with_target_bins(columns, {"x": values}, targets, np.arange(500))
    assert list(found.parts[0].edges[1:-1]) == borders(values[::3], targets[::3], 8)
