"""Weights of samples by their classes."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.class_weight import compute_class_weight

from ._labels import MULTILABEL, Labels

Array = NDArray[Any]


def weights_of_samples(class_weight: Any, labels: Labels, y: Any) -> Array:
    """The weight of each sample in y, whichever of the classes y holds."""
    if labels.kind != MULTILABEL:
        if isinstance(class_weight, list):
            raise ValueError(
                "class_weight: a list of dictionaries is for multilabel y; give a dict or 'balanced'"
            )
        return weights_of_column(class_weight, labels.classes, np.asarray(y))
    columns = (y.toarray() if issparse(y) else np.asarray(y)).T
    each = class_weight if isinstance(class_weight, list) else [class_weight] * len(columns)
    if len(each) != len(columns):
        raise ValueError(f"class_weight: expected {len(columns)} dictionaries, one a label, got {len(each)}")
    weight = np.ones(columns.shape[1])
    for one, column in zip(each, columns, strict=True):
        weight *= weights_of_column(one, np.array([0, 1]), column)
    return weight


def weights_of_column(class_weight: Any, classes: Array, y: Array) -> Array:
    """The weight of each sample of a column; "balanced" is n / (classes in y * samples of the class)."""
    if isinstance(class_weight, str):
        classes = np.unique(y)
    found = compute_class_weight(checked(class_weight), classes=classes, y=y)
    return np.asarray(found[np.searchsorted(classes, y)])


def checked(class_weight: Any) -> Any:
    """`class_weight`, if all weights of a dictionary are finite and >= 0."""
    for name, weight in class_weight.items() if isinstance(class_weight, dict) else ():
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise ValueError(f"class_weight: expected a finite number >= 0 for {name!r}, got {weight!r}")
    return class_weight
