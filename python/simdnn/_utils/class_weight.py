"""The weights of classes by a dictionary or "balanced", as in scikit-learn."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

Array = NDArray[Any]


def weights_of_column(class_weight: Any, classes: Array, y: Array, sample_weight: Array | None) -> Array:
    """The weight of each sample of a column; "balanced" is n / (classes in y * samples of the class).

    A sample of weight w counts as w samples there, as for the newer of scikit-learn's estimators.
    """
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight: expected a dictionary or 'balanced', got {class_weight!r}")
        places = np.unique(y, return_inverse=True)[1].reshape(-1)
        counts = np.bincount(places, weights=sample_weight)
        seen = counts > 0
        return np.asarray((counts.sum() / (seen.sum() * np.where(seen, counts, 1)))[places])
    found = compute_class_weight(checked(class_weight), classes=classes, y=y)
    return np.asarray(found[np.searchsorted(classes, y)])


def checked(class_weight: Any) -> Any:
    """`class_weight`, if all weights of a dictionary are finite and >= 0."""
    for name, weight in class_weight.items() if isinstance(class_weight, dict) else ():
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise ValueError(f"class_weight: expected a finite number >= 0 for {name!r}, got {weight!r}")
    return class_weight
