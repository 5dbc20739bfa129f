"""Statistics of columns that come in parts, from which encoders are made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._cells import canonical
from ._encoders import Categories, Numbers
from ._moments import Moments


class ColumnFit:
    """Statistics of one column: moments of numbers, or counts of words."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text: bool | None = None
        self.moments, self.missing, self.blank = Moments(), False, 0
        self.counts: Counter[str | None] = Counter()

    def add(self, values: NDArray[Any]) -> None:
        """Adds the values of a part; raises if they are words, but those before numbers, or reversed."""
        if values.dtype == np.float64 and np.isnan(values).all():  # missing words, or missing numbers
            self.blank += len(values)
            return
        text = values.dtype == object
        self.text = text if self.text is None else self.text
        if text != self.text:
            before, here = ("text", "numbers") if self.text else ("numbers", "text")
            raise ValueError(
                f"column {self.name}: {before} in the parts before, but {here} in this one: read the column"
                " as text in all of them"
            )
        if text:
            for word, count in Counter(values.tolist()).items():
                self.counts[None if word is None else canonical(word)] += count
            return
        values = values.astype(np.float64, copy=False)
        self.missing = self.missing or bool(np.isnan(values).any())
        self.moments.add(values)

    def encoder(self, max_categories: int, max_one_hot: int) -> Numbers | Categories:
        """The encoder of the column: scaled numbers, or the most frequent categories.

        More categories than `max_one_hot` become an index.
        """
        if not self.text:
            return Numbers(self.name, *self.moments.scaling(), self.missing or self.blank > 0)
        counts = self.counts + Counter({None: self.blank})
        order = sorted(counts, key=lambda one: (-counts[one], one is not None, one or ""))
        kept = order if len(order) <= max_categories else order[: max_categories - 1]
        embedded = len(kept) > max_one_hot
        categories = tuple(sorted(kept, key=lambda one: (one is None, one or "")))
        return Categories(self.name, categories, embedded or len(order) > max_categories, embedded)
