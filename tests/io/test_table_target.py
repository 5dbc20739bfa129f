"""Targets that are made by hand, come in parts, or whose numbers vanish beside those of float32."""

import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
from simdnn import table

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"scale": 0}, ValueError, "mean, scale: expected finite numbers and a scale > 0, got 0.0 and 0.0"),
        ({"scale": -1}, ValueError, "mean, scale: expected finite numbers and a scale > 0"),
        ({"scale": NAN}, ValueError, "mean, scale: expected finite numbers and a scale > 0"),
        ({"scale": "a"}, TypeError, "scale: expected a number, got str"),
        ({"mean": "a"}, TypeError, "mean: expected a number, got str"),
        ({"mean": INF}, ValueError, "mean, scale: expected finite numbers"),
        ({"classes": ("a", "a")}, ValueError, "target: expected distinct classes, got 'a' twice"),
        ({"classes": "ab"}, TypeError, "target: expected a list of classes, got str"),
        ({"classes": (1, 2)}, TypeError, "target: expected strings as classes"),
        ({"seen": (2, 1, 3)}, ValueError, "seen: expected two numbers, got (2, 1, 3)"),
        ({"seen": (2, 1)}, ValueError, "seen[0], seen[1]: expected seen[0] <= seen[1], got 2 and 1"),
        ({"seen": (NAN, 1)}, ValueError, "seen[0]: expected a finite number, got nan"),
        ({"seen": 5}, TypeError, "target: expected a list of seen numbers, got int"),
    ],
)
def test_settings_of_a_target_are_checked(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        table.Target("y", **settings)
    described = table.Target("y").to_dict() | settings
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        table.Target.from_dict(described)


def test_a_target_keeps_its_own_classes() -> None:
    names: Any = ["a", "b"]
    target = table.Target("y", names, np.float64(0), 2)
    names[0] = "c"
    assert target == table.Target("y", ("a", "b"), 0.0, 2.0)
    assert target.restore(np.eye(2)).tolist() == ["a", "b"]
    assert table.Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


@pytest.mark.parametrize("task", ["auto", "classification"])
@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ([1, 2], ["a", "b"], ("numbers", "text")),
        (["a", "b"], [1, 2], ("text", "numbers")),
        ([True, False], [1, 0], ("text", "numbers")),
        (np.linspace(0, 1, 50), ["a", "b"], ("numbers", "text")),
    ],
)
def test_parts_of_a_target_are_of_one_kind(first: Any, second: Any, kinds: Any, task: str) -> None:
    message = f"target y: {kinds[0]} in the parts before, but {kinds[1]} in this one"
    with pytest.raises(ValueError, match=f"^{message}: read the column as text in all of them"):
        table.Target.fit([{"y": first}, {"y": second}], "y", task)


def test_parts_of_a_target_without_rows_are_of_any_kind() -> None:
    for parts in ([[], ["a", "b"]], [["a", "b"], []], [[1, 2], [], [2]], [["1", "2"], ["2"]]):
        found = table.Target.fit([{"y": part} for part in parts], "y")
        assert found.classes == table.Target.fit({"y": [*itertools.chain(*parts)]}, "y").classes


def test_a_regression_reads_words_in_some_of_the_parts() -> None:
    found = table.Target.fit([{"y": [1, 2]}, {"y": ["6", "8"]}], "y", "regression")
    assert found == table.Target.fit({"y": [1, 2, 6, 8]}, "y", "regression")


@pytest.mark.parametrize("size", [1e-30, 1e-47, 1e-160, 1e-200, 1e-250])
def test_numbers_of_any_size_are_scaled(size: float) -> None:
    z = np.random.default_rng(0).normal(size=5000)
    y = np.append(z, [2.5, -0.5]) * size
    target = table.Target.fit({"y": y}, "y")
    np.testing.assert_allclose([target.mean, target.scale], [y.mean(), (y / size).std() * size], 1e-12)
    np.testing.assert_allclose(target.restore(target.transform({"y": y})), y, 1e-6, size * 1e-6)
    inputs = table.Columns.fit({"x": y}).transform({"x": y})
    np.testing.assert_allclose(inputs[:, 0], (y / size - z.mean()) / z.std(), 0, 2e-2)
    np.testing.assert_allclose([inputs.mean(), inputs.std()], [0, 1], 0, 1e-6)
