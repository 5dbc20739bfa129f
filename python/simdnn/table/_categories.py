"""Columns of pandas' categories: their values once, and a code for each row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Coded(NamedTuple):
    """Values as a column of their own type, and the place among them of each row, -1 for a missing one."""

    categories: Any
    codes: NDArray[Any]

    def of(self, values: NDArray[Any], missing: Any) -> NDArray[Any]:
        """The column of these values, one for each category."""
        found: NDArray[Any] = np.append(values, np.array([missing], values.dtype))[self.codes]
        return found


def coded(values: Any) -> Coded | None:
    """The categories of a column of pandas, or None for any other column."""
    array = getattr(values, "array", values)  # a Series or an Index has one
    if not (hasattr(array, "codes") and type(array).__module__.startswith("pandas")):
        return None
    return Coded(array.categories.to_series(), np.asarray(array.codes))
