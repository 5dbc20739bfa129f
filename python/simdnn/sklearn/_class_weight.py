"""Weights of samples by their classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .._utils.class_weight import weights_of_column
from ._labels import MULTILABEL, Labels

Array = NDArray[Any]


def weights_of_samples(class_weight: Any, labels: Labels, y: Any, sample_weight: Array | None) -> Array:
    """The weight of each sample in y, whichever of the classes y holds."""
    if sample_weight is not None:
        check_countable(sample_weight)
    if labels.kind != MULTILABEL:
        if isinstance(class_weight, list):
            raise ValueError(
                "class_weight: a list of dictionaries is for multilabel y; give a dict or 'balanced'"
            )
        return weights_of_column(class_weight, labels.classes, np.asarray(y), sample_weight)
    columns = (y.toarray() if issparse(y) else np.asarray(y)).T
    each = class_weight if isinstance(class_weight, list) else [class_weight] * len(columns)
    if len(each) != len(columns):
        raise ValueError(f"class_weight: expected {len(columns)} dictionaries, one a label, got {len(each)}")
    weight = np.ones(columns.shape[1])
    for one, column in zip(each, columns, strict=True):
        weight *= weights_of_column(one, np.array([0, 1]), column, sample_weight)
    return weight


def check_countable(weight: Array) -> None:
    """Raises unless weights are numbers >= 0 with a finite sum, as losses do; "balanced" adds them up."""
    negative = weight < 0
    if negative.any():
        i = int(np.argmax(negative))
        raise ValueError(f"sample_weight[{i}]: expected a number >= 0, got {float(weight[i])!r}")
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not 0 < total < np.inf:
        raise ValueError("sample_weight: expected a finite sum > 0")
