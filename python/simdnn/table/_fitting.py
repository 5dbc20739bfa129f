"""Statistics of columns that come in parts, from which encoders are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_flag, check_int, check_name
from ._cells import canonical
from ._dates import Dates, numbers_of_dates
from ._encoders import Categories
from ._moments import Moments
from ._numbers import Numbers
from ._parts import kind_of, one_kind
from ._quantiles import Sample, edges_of, robust_scaling

#: The encoder of a column.
Encoder = Numbers | Categories | Dates
#: The ways to scale numbers.
SCALINGS = ("standard", "robust")
#: The largest number of bins of a column.
MOST_BINS = 1024


@dataclass(frozen=True)
class Recipe:
    """The options of `Columns.fit`."""

    max_categories: int = 1000
    max_one_hot: int = 32
    min_frequency: int = 1
    binary: bool = False
    numbers: str = "standard"
    bins: int | None = None
    dates: bool = False

    def __post_init__(self) -> None:
        check_int("max_categories", self.max_categories, 2, 2**24)
        check_int("max_one_hot", self.max_one_hot, 0)
        check_int("min_frequency", self.min_frequency)
        check_flag("binary", self.binary)
        check_flag("dates", self.dates)
        check_name("numbers", self.numbers, SCALINGS)
        if self.bins is not None:
            check_int("bins", self.bins, 1, MOST_BINS)


def is_blank(column: NDArray[Any]) -> bool:
    """True for numbers or words that are all missing, as those of a part may be, whatever the others hold."""
    if column.dtype == object:
        return all(one is None for one in column)
    return column.dtype == np.float64 and bool(np.isnan(column).all())


class ColumnFit:
    """Statistics of one column: those of numbers or dates, or counts of words.

    A column that is words in some parts and, unless `words` says that it is read as words, dates in others
    is `mixed`: it has to be fitted again as words.
    """

    def __init__(self, name: str, recipe: Recipe, words: bool = False) -> None:
        self.name, self.recipe, self.words = name, recipe, words
        self.kind, self.mixed = "", False
        self.missing, self.blank, self.blank_words = False, 0, False
        self.moments = Moments() if recipe.numbers == "standard" else None
        self.sample = Sample() if recipe.bins or recipe.numbers == "robust" else None
        self.counts: Counter[str | None] = Counter()
        self.spelled: set[str] = set()
        self.numbers: dict[str, ColumnFit] = {}

    def add(self, column: NDArray[Any], rows: Any) -> None:
        """Adds the values of a part in some rows; raises if the part is of another kind than those before."""
        values: NDArray[Any] = column[rows]
        if is_blank(column):
            self.blank += len(values)
            self.blank_words = self.blank_words or column.dtype == object
            return
        self.mixed = self.mixed or (not self.words and {self.kind, kind_of(values)} == {"dates", "text"})
        if self.mixed:
            return
        self.kind = kind = one_kind(f"column {self.name}", self.kind, values)
        if kind == "text":
            for word, count in Counter(values.tolist()).items():
                known = None if word is None else canonical(word)
                self.counts[known] += count
                if known != word:
                    self.spelled.add(word)
        elif kind == "dates":
            self.add_dates(values)
        else:
            self.add_numbers(values.astype(np.float64, copy=False))

    def add_numbers(self, values: NDArray[np.float64]) -> None:
        """Adds numbers, NaN for missing ones."""
        self.missing = self.missing or bool(np.isnan(values).any())
        for statistics in (self.moments, self.sample):
            if statistics is not None:
                statistics.add(values)

    def add_dates(self, values: NDArray[Any]) -> None:
        """Adds dates, NaT for missing ones."""
        self.missing = self.missing or bool(np.isnat(values).any())
        for key, numbers in numbers_of_dates(values).items():
            fit = self.numbers.setdefault(key, ColumnFit(f"{self.name}: {key}", self.recipe))
            fit.add_numbers(numbers)

    def encoder(self) -> Encoder:
        """The encoder of the column."""
        if self.kind == "dates":
            return self.date_parts()
        words = self.kind == "text" or (self.kind == "" and self.blank_words)
        return self.categories() if words else self.scaled_numbers()

    def date_parts(self) -> Dates:
        """The encoder of a column of dates: of its days, and of those numbers that are not constant."""
        missing = self.missing or self.blank > 0
        numbers = {
            key: replace(fit.scaled_numbers(), missing=False)
            for key, fit in self.numbers.items()
            if key == "days" or not fit.is_constant
        }
        return Dates(self.name, missing, tuple(numbers.items()))

    @property
    def is_constant(self) -> bool:
        """True if all numbers are equal, or missing."""
        found = self.moments or self.sample
        return found is None or found.low >= found.high

    def scaled_numbers(self) -> Numbers:
        """The encoder of a column of numbers."""
        missing, robust = self.missing or self.blank > 0, self.recipe.numbers == "robust"
        edges: tuple[float, ...] = ()
        scaling = self.moments.scaling() if self.moments else (0.0, 1.0)
        if self.sample:
            ordered = self.sample.sorted()
            scaling = robust_scaling(self.sample, ordered) if robust else scaling
            edges = edges_of(self.sample, ordered, self.recipe.bins) if self.recipe.bins else ()
        return Numbers(self.name, *scaling, missing, robust, edges)

    def categories(self) -> Categories:
        """The encoder of a column of words: the most frequent ones, which are an index if they are many."""
        recipe, counts = self.recipe, self.counts + Counter({None: self.blank})
        order = sorted(counts, key=lambda one: (-counts[one], one is not None, one or ""))
        frequent = [one for one in order if counts[one] >= recipe.min_frequency]
        most = recipe.max_categories - (len(frequent) < len(order))
        kept = frequent if len(frequent) <= most else frequent[: recipe.max_categories - 1]
        embedded, shared = len(kept) > recipe.max_one_hot, len(kept) < len(order)
        categories = tuple(sorted(kept, key=lambda one: (one is None, one or "")))
        binary = recipe.binary and len(kept) == 2 and not (embedded or shared)
        made = Categories(self.name, categories, embedded or shared, embedded, bool(binary))
        usual, names = made.spellings(), set(kept)
        spelled = sorted(word for word in self.spelled if word not in usual and canonical(word) in names)
        return replace(made, spelled=tuple(spelled))
