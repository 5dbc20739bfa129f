"""Columns to a network's inputs: scaled numbers, one-hot categories, filled-in missing values."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.check import check_generator, check_items, check_probability
from .._utils.jsonable import only_keys
from ._arrays import as_column, check_lengths
from ._cells import Table
from ._dates import Dates
from ._encoders import Categories
from ._fitting import ColumnFit, Encoder, Recipe
from ._frames import checked_columns, is_table
from ._numbers import Numbers, check_range
from ._parts import RowChoice, parts_of, read_once, rows_from
from ._request import are_missing

#: The keys of encoders that the first version of the format describes.
FIRST_VERSION = (
    frozenset(("name", "mean", "scale", "missing")),
    frozenset(("name", "categories", "other", "embedded")),
)


class Columns:
    """Encoder of a table's columns as the inputs of a network, fitted to training data by `fit`.

    Numeric columns are scaled to mean 0 and standard deviation 1, or to median 0 and interquartile range 1;
    one that is constant but for rounding has scale 1. A missing number becomes 0; if the training data has
    missing numbers in that column, a second input is 1 where the number is missing.

    Text columns are one-hot: one input per category, where missing is a category too. If a column has more
    than `max_categories` categories, the rare ones share an input. A category that was not in the training
    data sets that shared input, or none if there is no such input. A column with more than `max_one_hot`
    categories becomes a single input, the index of the category, for the tables that `embeddings` describes.
    The number 1 and the words "1" and "1.0" are one category; 007 and 7 are two. Where all categories are
    booleans, 0 and 1 are False and True.

    With `bins`, each numeric column also has a *position* among bins, which come before all other inputs:
    `encoded` is their number. The borders of the bins are quantiles of the distinct numbers of the training
    data; the position is the number of bins below x, plus its fraction of the bin that it is in, from 0 to
    the number of bins. The piecewise-linear codes of Gorishniy, Rubachev & Babenko 2022, "On embeddings for
    numerical features in tabular deep learning", follow from it: code b of x is clip(position - b, 0, 1), and
    `nn.PiecewiseLinear` multiplies them by weights.
    A column with n distinct numbers has at most n - 1 bins, and one that is constant no position. The
    position of a missing number is 0.

    Parameters
    ----------
    parts : sequence of encoders
        One for each column; use `fit` or `from_dict` to make them.
    left_out : sequence of encoders
        Columns of the table that become no inputs. `transform` does not read them; a graph of ONNX takes
        them, so that it can be given whole rows of the table.

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

    def __init__(self, parts: Sequence[Encoder], left_out: Sequence[Encoder] = ()) -> None:
        self.parts = checked_parts("parts", parts)
        if not self.parts:
            raise ValueError("parts: expected at least one encoder, got none")
        self.left_out = checked_parts("left_out", left_out)

    @classmethod
    def fit(
        cls,
        table: Table | Iterable[Table],
        *,
        max_categories: int = 1000,
        max_one_hot: int = 32,
        rows: ArrayLike | None = None,
        numbers: str = "standard",
        bins: int | None = None,
        binary: bool = False,
        min_frequency: int = 1,
        dates: bool = False,
    ) -> Columns:
        """Learn scales, quantiles and categories from training data.

        Parameters
        ----------
        table : dict, DataFrame or iterable of them
            Columns as `read` returns them, or other arrays, lists and pandas' types of numbers, text and
            booleans, without the target. Decimals are numbers; booleans and pandas' categories are text. A
            large table may come in parts, such as those of `chunks`: the result is that of the whole table.
            With `dates`, parts are read a second time if a column of words has dates alone in some of them.
        max_categories : int
            Largest number of categories of a text column, >= 2; rarer ones share one of them.
        max_one_hot : int
            Largest number of categories that are one-hot, >= 0; a column with more is an index.
        rows : array of int or bool, optional
            Indices of the rows to learn from, or a mask; by default all. The others are checked like them,
            and errors name the row of the table. Indices in a table of parts are ascending.
        numbers : "standard" or "robust"
            With "standard", a number becomes z = (x - mean) / (standard deviation). With "robust", z is
            (x - median) / (interquartile range), or by half of the whole range if that is 0, and becomes
            z / sqrt(1 + (z/3)^2), which outliers cannot make larger than 3.
        bins : int, optional
            Largest number of bins of a numeric column, from 1 to 1024; with it each column that is not
            constant has a position as one more input.
        binary : bool
            If true, two categories are one input, -1 or 1, where an unknown one is 0.
        min_frequency : int
            Smallest number of rows of a category; rarer ones share an input or index, which unknown ones get
            too. From 2 on, training sees that index.
        dates : bool
            If true, dates become numbers: days since 1970, month, day, weekday (Monday is 0) and hour, with
            the time of the day as a fraction of the days and the minutes as one of the hour; all but the days
            are left out if they are constant. Time zones are converted to UTC. Dates are NumPy's datetime64,
            those of pandas, Polars, pyarrow and Python, and columns of words such as "2020-01-31" or
            "2020-01-31T12:30" alone. By default dates are refused, and such words are categories.

        Returns
        -------
        Columns

        Raises
        ------
        TypeError
            If an option has a wrong type, a row is not an integer, the name of a column no string, or an
            array is masked.
        ValueError
            If there are no columns or no rows, columns differ in length or between parts, or hold dates,
            complex numbers or other objects, a number is infinite or beyond float32, or an option is out of
            its range.
        IndexError
            If a row is out of range, or a mask has another length.
        """
        recipe = Recipe(max_categories, max_one_hot, min_frequency, binary, numbers, bins, dates)
        fits = fits_of(table, recipe, rows)
        if mixed := {name for name, fit in fits.items() if fit.mixed}:
            fits = fits_of(table, recipe, rows, mixed)
        return cls([fit.encoder() for fit in fits.values()])

    @property
    def features(self) -> list[str]:
        """Names of the inputs, in order."""
        positions = [position for part in self.parts for position in part.positions]
        return positions + [feature for part in self.parts for feature in part.features]

    @property
    def encoded(self) -> int:
        """Number of positions, which are the first inputs."""
        return sum(len(part.positions) for part in self.parts)

    @property
    def bins(self) -> int:
        """Largest number of bins of a column; positions are from 0 to this number."""
        return max((part.most_bins for part in self.parts), default=0)

    @property
    def embeddings(self) -> dict[int, tuple[int, int]]:
        """(number of categories, embedding size) of each input that is the index of a category.

        The size, min(50, round(1.6 * count**0.56)), is the rule of thumb of Howard & Gugger 2020, "fastai".
        """
        sizes = itertools.accumulate((len(part.features) for part in self.parts), initial=self.encoded)
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

    @property
    def dates(self) -> list[str]:
        """Names of the columns of dates."""
        return [part.name for part in self.parts if isinstance(part, Dates)]

    def transform(
        self, table: Table, *, unknown: float = 0.0, rng: int | np.random.Generator | None = 0
    ) -> NDArray[np.float32]:
        """Encode a table.

        Parameters
        ----------
        table : dict or DataFrame
            Columns as in `fit`; columns that were not in the training data are not looked at.
        unknown : float
            Share of the rows, in [0, 1), whose category in a column for an embedding counts as an unknown
            one. A share such as 0.02 of the training data trains the vector of unknown categories.
        rng : int, Generator or None
            Seed of the draw of these rows.

        Returns
        -------
        array, shape (rows, len(features)), float32

        Raises
        ------
        TypeError
            If an array is masked, or the share is no number.
        ValueError
            If the share is out of its range, a column is missing, a numeric column holds text that is no
            number, a number is infinite or, itself or scaled, beyond float32, a column of dates holds
            anything else, or a column is refused as in `fit`.

        Warns
        -----
        UserWarning
            If a column has not a single category of the training data, or ids without their leading zeros, or
            no numbers where the training data had no missing ones.
        """
        share = check_probability("unknown", unknown)
        inputs = self._inputs(table, warn=True)
        generator = check_generator("rng", rng)
        for at, (size, _) in self.embeddings.items() if share else ():
            inputs[generator.random(len(inputs)) < share, at] = size - 1
        return inputs

    def _inputs(self, table: Table, warn: bool) -> NDArray[np.float32]:
        """The inputs of `transform`; `warn` is false for a part of a table, which may be unlike others."""
        given = checked_columns(table)
        if missing := [part.name for part in self.parts if part.name not in given]:
            raise ValueError(f"{are_missing(missing)}; there are {', '.join(given)}")
        columns = {
            part.name: as_column(
                f"column {part.name}",
                given[part.name],
                text=isinstance(part, Categories),
                dates=isinstance(part, Dates),
            )
            for part in self.parts
        }
        check_lengths(columns)
        # Rows of a transposed matrix are contiguous; its copy costs less than strided writes.
        inputs = np.empty((len(self.features), len(next(iter(columns.values())))), np.float32)
        at, place = 0, self.encoded
        for part in self.parts:
            after, end = at + len(part.positions), place + len(part.features)
            inputs[place:end] = part.encode(columns[part.name], warn).T
            inputs[at:after] = part.position(columns[part.name]).T
            at, place = after, end
        return np.ascontiguousarray(inputs.T)

    def to_dict(self) -> list[dict[str, Any]] | dict[str, Any]:
        """A description of lists and dictionaries that JSON can hold; `from_dict` reads it.

        It is a list that every version of simdnn reads, or a dictionary with the version of the format if
        there are encoders that the first version does not know.
        """
        found, others = ([part.to_dict() for part in parts] for parts in (self.parts, self.left_out))
        if not others and all(frozenset(one) in FIRST_VERSION for one in found):
            return found
        return {"version": 2, "columns": found} | ({"left_out": others} if others else {})

    @classmethod
    def from_dict(cls, description: Any) -> Columns:
        """The columns that `to_dict` has described.

        Raises
        ------
        TypeError, ValueError
            If the description is not one of `to_dict`, or is one of a later version.
        """
        others: Any = []
        if isinstance(description, dict):
            found = only_keys(description, ("version", "columns", "left_out"), "columns")
            if found.get("version") != 2:
                raise ValueError(f"columns: expected version 2 or older, got {found.get('version')!r}")
            description, others = found.get("columns"), found.get("left_out", [])
        if not isinstance(description, list) or not description or not isinstance(others, list):
            raise TypeError("columns: expected a list")
        return cls([part_of(one) for one in description], [part_of(one) for one in others])


def checked_parts(name: str, parts: Sequence[Encoder]) -> tuple[Encoder, ...]:
    """The encoders of an argument; raises for anything else."""
    found = tuple(check_items(name, parts, "a list of encoders"))
    for i, part in enumerate(found):
        if not isinstance(part, Encoder):
            raise TypeError(f"{name}[{i}]: expected an encoder, got {type(part).__name__}")
    return found


def fits_of(
    table: Table | Iterable[Table], recipe: Recipe, rows: ArrayLike | None, words: Collection[str] = ()
) -> dict[str, ColumnFit]:
    """The statistics of the columns of a table or of its parts; dates in the columns `words` are words."""
    choice, fits = RowChoice(rows, not is_table(table)), dict[str, ColumnFit]()
    again = (read_once(min(words)),) if words else ()
    for part in parts_of(table, *again):
        with rows_from(choice.begin):
            columns = finite_columns(part, recipe.dates, words)
        fits = fits or {name: ColumnFit(name, recipe, name in words) for name in columns}
        if fits.keys() != columns.keys():
            raise ValueError(f"expected the columns {', '.join(fits)} in all parts, got {', '.join(columns)}")
        chosen = choice.of_next(len(next(iter(columns.values()))))
        for name, fit in fits.items():
            fit.add(columns[name], chosen)
            if fit.mixed and isinstance(table, Iterator):
                raise ValueError(read_once(name))
    choice.check_end()
    return fits


def finite_columns(table: Table, dates: bool, words: Collection[str]) -> dict[str, NDArray[Any]]:
    """The columns of a table as arrays; raises unless all numbers are finite or missing."""
    columns = {
        name: as_column(f"column {name}", values, dates=dates, words=name in words)
        for name, values in checked_columns(table).items()
    }
    if not columns:
        raise ValueError("expected at least one column besides the target")
    check_lengths(columns)
    for name, values in columns.items():
        if values.dtype.kind not in "OM":
            check_range(f"column {name}", values.astype(np.float64, copy=False))
    return columns


def part_of(description: Any) -> Encoder:
    """The encoder of a column from its description, which is checked."""
    if isinstance(description, dict) and "categories" in description:
        return Categories.from_dict(description)
    if isinstance(description, dict) and "dates" in description:
        return Dates.from_dict(description)
    return Numbers.from_dict(description)
