"""Columns as the inputs of a network: numbers scaled, categories one-hot, what is missing filled in."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_float, check_int
from .._utils.jsonable import only_keys
from ._read import Table, column_of, word

OTHER = "(other)"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: (x - mean) / scale, and 0 for a missing one, which a second input says."""

    name: str
    mean: float
    scale: float
    missing: bool

    @classmethod
    def fitted(cls, name: str, values: NDArray[Any]) -> Numbers:
        known = values[~np.isnan(values)]
        if np.isinf(known).any():
            raise ValueError(f"column {name}: row {int(np.argmax(np.isinf(values))) + 1} is infinite")
        mean, scale = (float(known.mean()), float(known.std())) if known.size else (0.0, 1.0)
        return cls(name, mean, scale if scale > 0 else 1.0, known.size < values.size)

    @property
    def features(self) -> list[str]:
        return [self.name, f"{self.name} is missing"][: 1 + self.missing]

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.dtype == object:
            row, cell = next((i, cell) for i, cell in enumerate(values) if not is_number(cell))
            raise ValueError(f"column {self.name}: row {row + 1}: {cell!r} is no number")
        absent = np.isnan(values)
        scaled = np.where(absent, 0.0, (values - self.mean) / self.scale)
        return np.column_stack([scaled, absent][: 1 + self.missing])


@dataclass(frozen=True)
class Categories:
    """A column of words: an input for each category, or its number for an embedding to look up.

    All others share one more input or number, if there were too many, or the numbers need one.
    """

    name: str
    categories: tuple[str | None, ...]
    other: bool
    embedded: bool = False

    @classmethod
    def fitted(cls, name: str, values: NDArray[Any], most: int, one_hot: int) -> Categories:
        counts = Counter(values.tolist())
        order = sorted(counts, key=lambda one: (-counts[one], one is not None, one or ""))
        kept = order if len(order) <= most else order[: most - 1]
        embedded = len(kept) > one_hot
        named = tuple(sorted(kept, key=lambda one: (one is None, one or "")))
        return cls(name, named, embedded or len(order) > most, embedded)

    @property
    def size(self) -> int:
        """How many categories there are, with the others."""
        return len(self.categories) + self.other

    @property
    def features(self) -> list[str]:
        if self.embedded:
            return [f"{self.name} (one of {self.size})"]
        named = [f"{self.name}={'(missing)' if one is None else one}" for one in self.categories]
        return named + [f"{self.name}={OTHER}"] * self.other

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        places = {one: i for i, one in enumerate(self.categories)}
        unknown = len(self.categories)
        found = np.array([places.get(one, unknown) for one in values.tolist()], np.intp)
        return found[:, np.newaxis] if self.embedded else np.eye(unknown + 1)[found, : self.size]


def is_number(cell: Any) -> bool:
    """Whether a cell may stand in a column of numbers."""
    try:
        return cell is None or float(cell) is not None
    except ValueError:
        return False


class Columns:
    """What the inputs of a network are made of, learned from training data by `fit`.

    Numbers are scaled to mean 0 and deviation 1; a missing one becomes the mean, and if some were missing in
    the training data, an input of its own says so. Words are one-hot: an input for each category, and one for
    missing; rare ones share an input where there are more than `max_categories`, and one that was never seen
    is none of them. Columns of more than `max_one_hot` categories are one input, the number of the category,
    which `embeddings` says how to look up.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import table
    >>> data = {"kind": np.array(["cat", "dog"], object), "age": np.array([3.0, 5.0])}
    >>> columns = table.Columns.fit(data)
    >>> columns.features
    ['kind=cat', 'kind=dog', 'age']
    >>> columns.transform(data)
    array([[ 1.,  0., -1.],
           [ 0.,  1.,  1.]], dtype=float32)
    """

    def __init__(self, parts: Sequence[Numbers | Categories]) -> None:
        self.parts = tuple(parts)

    @classmethod
    def fit(cls, table: Table, *, max_categories: int = 1000, max_one_hot: int = 32) -> Columns:
        """Learn means, scales and categories.

        Parameters
        ----------
        table : dict
            As `read` returns it, without the target.
        max_categories : int
            Categories of a column of words, at most.
        max_one_hot : int
            How many of them are inputs of their own.

        Raises
        ------
        ValueError
            If there are no columns, or a number is infinite.
        """
        if not table:
            raise ValueError("expected at least one column beside the target")
        most, hot = check_int("max_categories", max_categories, 2), check_int("max_one_hot", max_one_hot, 0)
        return cls(
            [
                Categories.fitted(name, values, most, hot)
                if values.dtype == object
                else Numbers.fitted(name, values)
                for name, values in table.items()
            ]
        )

    @property
    def features(self) -> list[str]:
        """What each input is."""
        return [feature for part in self.parts for feature in part.features]

    @property
    def embeddings(self) -> dict[int, tuple[int, int]]:
        """For inputs that are numbers of categories how many there are, and a width for their vectors.

        The width, 1.6 * count**0.56 but at most 50, is a rule of thumb of Howard & Gugger 2020, "fastai".
        """
        sizes = itertools.accumulate((len(part.features) for part in self.parts), initial=0)
        return {
            at: (part.size, min(50, round(1.6 * part.size**0.56)))
            for at, part in zip(sizes, self.parts, strict=False)
            if isinstance(part, Categories) and part.embedded
        }

    @property
    def text(self) -> list[str]:
        """The columns of words."""
        return [part.name for part in self.parts if isinstance(part, Categories)]

    def transform(self, table: Table) -> NDArray[np.float32]:
        """The inputs for a table, shape (rows, len(features)); its other columns do not matter.

        Raises
        ------
        ValueError
            If a column is missing, or holds a word where numbers should be.
        """
        if missing := [part.name for part in self.parts if part.name not in table]:
            raise ValueError(f"column {missing[0]!r} is missing; there are {', '.join(table)}")
        return np.column_stack(
            [part.encode(self._kind(part, table[part.name])) for part in self.parts]
        ).astype(np.float32)

    @staticmethod
    def _kind(part: Numbers | Categories, values: NDArray[Any]) -> NDArray[Any]:
        """Numbers as words where words are expected."""
        if isinstance(part, Numbers) or values.dtype == object:
            return values
        return column_of([None if cell != cell else word(cell) for cell in values.tolist()], text=True)

    def to_dict(self) -> list[dict[str, Any]]:
        """As a plain value, for `from_dict`."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_dict(cls, description: Any) -> Columns:
        """What `to_dict` described.

        Raises
        ------
        TypeError, ValueError
            If it is no such description.
        """
        if not isinstance(description, list) or not description:
            raise TypeError("columns: expected a list")
        return cls([part_of(one) for one in description])


def part_of(description: Any) -> Numbers | Categories:
    """A column's description, checked."""
    if isinstance(description, dict) and "categories" in description:
        found = only_keys(description, ("name", "categories", "other", "embedded"), "column")
        if not all(one is None or isinstance(one, str) for one in found["categories"]):
            raise TypeError("column: expected words as categories")
        flags = (bool(found[key]) for key in ("other", "embedded"))
        return Categories(str(found["name"]), tuple(found["categories"]), *flags)
    found = only_keys(description, ("name", "mean", "scale", "missing"), "column")
    mean, scale = (check_float(key, found[key]) for key in ("mean", "scale"))
    return Numbers(str(found["name"]), mean, scale, bool(found["missing"]))
