"""Columns of booleans: the numbers 0 and 1 are spellings of False and True."""

from typing import Any

import numpy as np
import pytest
from simdnn import table


def words(*cells: Any) -> np.ndarray[Any, Any]:
    return np.array([*cells, None], object)[:-1]


BOOLEANS = np.array([True, False, True])


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 1]),
        np.uint8([1, 0, 1]),
        np.array([1.0, 0.0, 1.0]),
        ["1", "0", "1.0"],
        [1, False, "true"],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "seen", [BOOLEANS, BOOLEANS[:1], words(True, False, None), ["false", "true"]], ids=str
)
@pytest.mark.parametrize("options", [{}, {"binary": True}, {"max_one_hot": 0}], ids=str)
def test_0_and_1_are_booleans(options: dict[str, Any], seen: Any, values: Any) -> None:
    columns = table.Columns.fit({"a": seen}, **options)
    wanted = columns.transform({"a": BOOLEANS})
    np.testing.assert_array_equal(columns.transform({"a": values}), wanted)
    if len(seen) == 2:
        target = table.Target.fit({"a": seen}, "a")
        np.testing.assert_array_equal(target.transform({"a": values}), target.transform({"a": BOOLEANS}))


def test_0_and_1_are_no_booleans_among_other_words() -> None:
    columns = table.Columns.fit({"a": words("True", "False", "maybe")})
    assert not columns.transform({"a": words("1", "0", "x", "maybe")})[:3].any()
