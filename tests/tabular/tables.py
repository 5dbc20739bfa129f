"""Small tables of numbers and words with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from simdnn.tabular import TabularClassifier, TabularRegressor

#: Settings of quick fits.
QUICK: dict[str, Any] = {
    "n_members": 3,
    "hidden_layer_sizes": [16, 16],
    "epochs": 8,
    "random_state": 0,
    "progress": False,
}


def make_table(rows: int = 120, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Two columns of numbers, of words and of few numbers, with missing values among them."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows)
    size[::11] = np.nan
    color = rng.choice(np.array(["red", "green", "blue"], object), rows)
    color[::13] = None
    return {
        "size": size,
        "weight": rng.lognormal(size=rows),
        "color": color,
        "old": rng.choice(np.array(["yes", "no"], object), rows),
        "doors": rng.integers(2, 6, rows),
    }


def make_numbers(table: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Numbers that depend on the columns."""
    bonus = np.where(table["color"] == "red", 1.0, 0.0)
    return np.asarray(np.nan_to_num(table["size"]) + bonus * table["doors"] + np.log(table["weight"]))


def make_classes(table: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Three classes that depend on the columns."""
    places = np.digitize(make_numbers(table), [-0.5, 1.0])
    return np.array(["low", "middle", "high"])[places]


def fitted(kind: type, preset: Any = "default", rows: int = 120, **settings: Any) -> tuple[Any, Any, Any]:
    """A fitted estimator, and its samples and y."""
    X = make_table(rows)
    y = make_classes(X) if kind is TabularClassifier else make_numbers(X)
    return kind(preset, **QUICK | settings).fit(X, y), X, y


KINDS = (TabularClassifier, TabularRegressor)
