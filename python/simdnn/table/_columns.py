"""Columns to a network's inputs: scaled numbers, one-hot categories, filled-in missing values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.check import check_int
from .._utils.jsonable import only_keys
from ._arrays import as_column, check_lengths, checked_columns
from ._cells import Table
from ._encoders import Categories, Numbers, check_range, checked_scaling
from ._fitting import ColumnFit
from ._parts import RowChoice, parts_of, rows_from


class Columns:
    """Encoder of a table's columns as the inputs of a network, fitted to training data by `fit`.

    Numeric columns are scaled to mean 0 and standard deviation 1; one that is constant but for rounding has
    scale 1. A missing number becomes the mean; if the training data has missing numbers in that column, a
    second input is 1 where the number is missing.

    Text columns are one-hot: one input per category, where missing is a category too. If a column has more
    than `max_categories` categories, the rare ones share an input. A category that was not in the training
    data sets that shared input, or none if there is no such input. A column with more than `max_one_hot`
    categories becomes a single input, the index of the category, for the tables that `embeddings` describes.
    The number 1 and the words "1" and "1.0" are one category; 007 and 7 are two.

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
    def fit(
        cls,
        table: Table | Iterable[Table],
        *,
        max_categories: int = 1000,
        max_one_hot: int = 32,
        rows: ArrayLike | None = None,
    ) -> Columns:
        """Learn means, scales and categories from training data.

        Parameters
        ----------
        table : dict, DataFrame or iterable of them
            Columns as `read` returns them, or other arrays, lists and pandas' types of numbers, text and
            booleans, without the target. Decimals are numbers; booleans and pandas' categories are text. A
            large table may come in parts, such as those of `chunks`: the result is that of the whole table.
        max_categories : int
            Largest number of categories of a text column, >= 2; rarer ones share one of them.
        max_one_hot : int
            Largest number of categories that are one-hot, >= 0; a column with more is an index.
        rows : array of int or bool, optional
            Indices of the rows to learn from, or a mask; by default all. The others are checked like them,
            and errors name the row of the table. Indices in a table of parts are ascending.

        Returns
        -------
        Columns

        Raises
        ------
        TypeError
            If a limit or a row is not an integer, the name of a column no string, or an array is masked.
        ValueError
            If there are no columns, they differ in length or between parts, or hold dates, complex numbers or
            other objects, a number is infinite or beyond float32, or a limit is out of its range.
        IndexError
            If a row is out of range.
        """
        most, hot = (
            check_int("max_categories", max_categories, 2, 2**24),
            check_int("max_one_hot", max_one_hot, 0),
        )
        choice, fits = RowChoice(rows, not hasattr(table, "items")), dict[str, ColumnFit]()
        for part in parts_of(table):
            with rows_from(choice.begin):
                columns = finite_columns(part)
            fits = fits or {name: ColumnFit(name) for name in columns}
            if fits.keys() != columns.keys():
                raise ValueError(
                    f"expected the columns {', '.join(fits)} in all parts, got {', '.join(columns)}"
                )
            chosen = choice.of_next(len(next(iter(columns.values()))))
            for name, fit in fits.items():
                fit.add(columns[name][chosen])
        choice.check_end()
        return cls([fit.encoder(most, hot) for fit in fits.values()])

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
    def names(self) -> list[str]:
        """Names of the columns, in order; `transform` reads no other."""
        return [part.name for part in self.parts]

    @property
    def text(self) -> list[str]:
        """Names of the text columns."""
        return [part.name for part in self.parts if isinstance(part, Categories)]

    def transform(self, table: Table) -> NDArray[np.float32]:
        """Encode a table.

        Parameters
        ----------
        table : dict or DataFrame
            Columns as in `fit`; columns that were not in the training data are not looked at.

        Returns
        -------
        array, shape (rows, len(features)), float32

        Raises
        ------
        TypeError
            If an array is masked.
        ValueError
            If a column is missing, a numeric column holds text that is no number, a number is infinite or,
            itself or scaled, beyond float32, or a column is refused as in `fit`.

        Warns
        -----
        UserWarning
            If a column has not a single category of the training data, or ids without their leading zeros, or
            no numbers where the training data had no missing ones.
        """
        return self._inputs(table, warn=True)

    def _inputs(self, table: Table, warn: bool) -> NDArray[np.float32]:
        """The inputs of `transform`; `warn` is false for a part of a table, which may be unlike others."""
        given = checked_columns(table)
        if missing := [part.name for part in self.parts if part.name not in given]:
            raise ValueError(f"column {missing[0]!r} is missing; there are {', '.join(given)}")
        columns = {
            part.name: as_column(f"column {part.name}", given[part.name], isinstance(part, Categories))
            for part in self.parts
        }
        check_lengths(columns)
        inputs = []
        for part in self.parts:  # a comprehension would be a frame of its own in some versions of Python
            inputs.append(part.encode(columns[part.name], warn))
        return np.column_stack(inputs).astype(np.float32)

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


def finite_columns(table: Table) -> dict[str, NDArray[Any]]:
    """The columns of a table as arrays; raises unless all numbers are finite or missing."""
    columns = {name: as_column(f"column {name}", values) for name, values in checked_columns(table).items()}
    if not columns:
        raise ValueError("expected at least one column besides the target")
    check_lengths(columns)
    for name, values in columns.items():
        if values.dtype != object:
            check_range(f"column {name}", values.astype(np.float64, copy=False))
    return columns


def part_of(description: Any) -> Numbers | Categories:
    """The encoder of a column from its description, which is checked."""
    if isinstance(description, dict) and "categories" in description:
        found = only_keys(description, ("name", "categories", "other", "embedded"), "column")
        if not all(one is None or isinstance(one, str) for one in found["categories"]):
            raise TypeError("column: expected strings as categories")
        flags = (bool(found[key]) for key in ("other", "embedded"))
        return Categories(str(found["name"]), tuple(found["categories"]), *flags)
    found = only_keys(description, ("name", "mean", "scale", "missing"), "column")
    mean, scale = checked_scaling(found)
    return Numbers(str(found["name"]), mean, scale, bool(found["missing"]))
