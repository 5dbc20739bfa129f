"""Rows dealt to folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dealt(y: NDArray[Any], count: int, random: Any) -> NDArray[np.intp]:
    """The fold of each row, so that each fold has its share of the classes, or of small and large numbers.

    Rows that follow each other in the order of y go to different folds, in a random order of ``random``, a
    generator of NumPy's.
    """
    rows = len(y)
    shuffled = random.permutation(rows)
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    places = np.concatenate([random.permutation(count) for _ in range(-(-rows // count))])[:rows]
    fold = np.empty(rows, np.intp)
    fold[order] = places
    return fold
