"""Columns to a network's inputs: scaled numbers, one-hot categories, filled-in missing values."""

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
from ._cells import Table, as_text, column_of, is_number

#: Display name of the input that rare and unseen categories share.
OTHER = "(other)"


@dataclass(frozen=True)
class Numbers:
    """Encoder of a numeric column: (x - mean) / scale, and 0 for a missing value.

    With `missing`, a second input is 1 where the value is missing and 0 elsewhere.
    """

    name: str
    mean: float
    scale: float
    missing: bool

    @classmethod
    def fitted(cls, name: str, values: NDArray[Any]) -> Numbers:
        """An encoder with the mean and the standard deviation of these values."""
        known = values[~np.isnan(values)]
        if np.isinf(known).any():
            raise ValueError(f"column {name}: row {int(np.argmax(np.isinf(values))) + 1} is infinite")
        mean, scale = (float(known.mean()), float(known.std())) if known.size else (0.0, 1.0)
        return cls(name, mean, scale if scale > 0 else 1.0, known.size < values.size)

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes."""
        return [self.name, f"{self.name} is missing"][: 1 + self.missing]

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values."""
        if values.dtype == object:
            row, cell = next((i, cell) for i, cell in enumerate(values) if not is_number(cell))
            raise ValueError(f"column {self.name}: row {row + 1}: {cell!r} is not a number")
        absent = np.isnan(values)
        scaled = np.where(absent, 0.0, (values - self.mean) / self.scale)
        return np.column_stack([scaled, absent][: 1 + self.missing])


@dataclass(frozen=True)
class Categories:
    """Encoder of a categorical column: one-hot inputs, or the category's index for an embedding.

    With `other`, rare and unseen categories share one more input or index.
    """

    name: str
    categories: tuple[str | None, ...]
    other: bool
    embedded: bool = False

    @classmethod
    def fitted(cls, name: str, values: NDArray[Any], max_categories: int, max_one_hot: int) -> Categories:
        """An encoder of the most frequent categories; it embeds more than `max_one_hot` of them."""
        counts = Counter(values.tolist())
        order = sorted(counts, key=lambda one: (-counts[one], one is not None, one or ""))
        kept = order if len(order) <= max_categories else order[: max_categories - 1]
        embedded = len(kept) > max_one_hot
        categories = tuple(sorted(kept, key=lambda one: (one is None, one or "")))
        return cls(name, categories, embedded or len(order) > max_categories, embedded)

    @property
    def size(self) -> int:
        """Number of categories, including the shared one of `other`."""
        return len(self.categories) + self.other

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes."""
        if self.embedded:
            return [f"{self.name} (one of {self.size})"]
        named = [f"{self.name}={'(missing)' if one is None else one}" for one in self.categories]
        return named + [f"{self.name}={OTHER}"] * self.other

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values."""
        index_of = {category: i for i, category in enumerate(self.categories)}
        unknown = len(self.categories)
        indices = np.array([index_of.get(value, unknown) for value in values.tolist()], np.intp)
        return indices[:, np.newaxis] if self.embedded else np.eye(unknown + 1)[indices, : self.size]


class Columns:
    """Encoder of a table's columns as the inputs of a network, fitted to training data by `fit`.

    Numeric columns are scaled to mean 0 and standard deviation 1. A missing number becomes the mean; if the
    training data has missing numbers in that column, a second input is 1 where the number is missing.

    Text columns are one-hot: one input per category, where missing is a category too. If a column has more
    than `max_categories` categories, the rare ones share an input. A category that was not in the training
    data sets that shared input, or none if there is no such input. A column with more than `max_one_hot`
    categories becomes a single input, the index of the category, for the tables that `embeddings` describes.

    Parameters
    ----------
    parts : sequence of encoders
        One for each column; use `fit` or `from_dict` to make them.

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
        """Learn means, scales and categories from training data.

        Parameters
        ----------
        table : dict
            Columns as `read` returns them, without the target.
        max_categories : int
            Largest number of categories of a text column, >= 2; rarer ones share one of them.
        max_one_hot : int
            Largest number of categories that are one-hot, >= 0; a column with more is an index.

        Returns
        -------
        Columns

        Raises
        ------
        TypeError
            If a limit is not an integer.
        ValueError
            If there are no columns, a number is infinite, or a limit is out of its range.
        """
        if not table:
            raise ValueError("expected at least one column besides the target")
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
        """Names of the inputs, in order."""
        return [feature for part in self.parts for feature in part.features]

    @property
    def embeddings(self) -> dict[int, tuple[int, int]]:
        """(number of categories, embedding size) of each input that is the index of a category.

        The size, min(50, round(1.6 * count**0.56)), is the rule of thumb of Howard & Gugger 2020, "fastai".
        """
        sizes = itertools.accumulate((len(part.features) for part in self.parts), initial=0)
        return {
            at: (part.size, min(50, round(1.6 * part.size**0.56)))
            for at, part in zip(sizes, self.parts, strict=False)
            if isinstance(part, Categories) and part.embedded
        }

    @property
    def text(self) -> list[str]:
        """Names of the text columns."""
        return [part.name for part in self.parts if isinstance(part, Categories)]

    def transform(self, table: Table) -> NDArray[np.float32]:
        """Encode a table.

        Parameters
        ----------
        table : dict
            Columns as `read` returns them; columns that were not in the training data are ignored.

        Returns
        -------
        array, shape (rows, len(features)), float32

        Raises
        ------
        ValueError
            If a column is missing, or a numeric column holds text.
        """
        if missing := [part.name for part in self.parts if part.name not in table]:
            raise ValueError(f"column {missing[0]!r} is missing; there are {', '.join(table)}")
        return np.column_stack(
            [part.encode(self._kind(part, table[part.name])) for part in self.parts]
        ).astype(np.float32)

    @staticmethod
    def _kind(part: Numbers | Categories, values: NDArray[Any]) -> NDArray[Any]:
        """The values of a column, numbers being turned into text where the encoder expects text."""
        if isinstance(part, Numbers) or values.dtype == object:
            return values
        return column_of([None if cell != cell else as_text(cell) for cell in values.tolist()], text=True)

    def to_dict(self) -> list[dict[str, Any]]:
        """A description of lists and dictionaries that JSON can hold; `from_dict` reads it."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_dict(cls, description: Any) -> Columns:
        """The columns that `to_dict` has described.

        Raises
        ------
        TypeError, ValueError
            If the description is not one of `to_dict`.
        """
        if not isinstance(description, list) or not description:
            raise TypeError("columns: expected a list")
        return cls([part_of(one) for one in description])


def part_of(description: Any) -> Numbers | Categories:
    """The encoder of a column from its description, which is checked."""
    if isinstance(description, dict) and "categories" in description:
        found = only_keys(description, ("name", "categories", "other", "embedded"), "column")
        if not all(one is None or isinstance(one, str) for one in found["categories"]):
            raise TypeError("column: expected strings as categories")
        flags = (bool(found[key]) for key in ("other", "embedded"))
        return Categories(str(found["name"]), tuple(found["categories"]), *flags)
    found = only_keys(description, ("name", "mean", "scale", "missing"), "column")
    mean, scale = (check_float(key, found[key]) for key in ("mean", "scale"))
    return Numbers(str(found["name"]), mean, scale, bool(found["missing"]))
