"""Samples in lists of rows: columns keep their kinds, whatever there is in the others."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from simdnn.tabular import TabularRegressor

from .tables import QUICK

#: Columns of one kind each, in types of Python and NumPy.
KINDS: dict[str, list[Any]] = {
    "booleans": [True, False, False, True],
    "booleans of NumPy": [*map(np.bool_, (True, True, False, False))],
    "whole numbers": [3, 1, 4, 1],
    "large numbers": [2**60, 2**60 + 1, 2**60 + 1, 2**60],
    "floats": [0.5, -2.0, 0.25, 1e9],
    "floats of NumPy": [*map(np.float32, (0.1, 0.2, 0.3, 0.4))],
    "decimals": [*map(Decimal, ("0.5", "1", "1.5", "2"))],
    "words": ["a", "b", "b", "a"],
    "holes": [1.5, None, 2.5, None],
}


@pytest.mark.parametrize("kinds", [*itertools.combinations(KINDS, 2)], ids="-".join)
def test_rows_have_the_columns_of_a_dictionary(kinds: tuple[str, str]) -> None:
    columns = {f"x{i}": KINDS[kind] * 5 for i, kind in enumerate(kinds)}
    rows, y = [list(row) for row in zip(*columns.values(), strict=True)], np.arange(20.0)
    made = TabularRegressor(**QUICK)
    wanted = made.fit(columns, y).columns_.to_dict()
    predictions = made.predict(columns)
    for given in (
        rows,
        list(map(tuple, rows)),
        np.array([*rows, None], object)[:-1].tolist(),
        np.array(rows, object),
    ):
        assert made.fit(given, y).columns_.to_dict() == wanted
        np.testing.assert_array_equal(made.predict(given), predictions)
