"""The column to predict: classes as indices, or scaled numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_name
from .._utils.check import check_range as check_limits
from .._utils.jsonable import checked_list, only_keys
from .._utils.rows import row_name
from ._arrays import as_column, check_exact
from ._cells import Table, as_text, canonical
from ._encoders import Places
from ._frames import checked_columns
from ._moments import Moments
from ._numbers import check_range, checked_scaling, numbers_from
from ._parts import one_kind, parts_of, rows_from
from ._request import listed

#: The tasks that `Target.fit` takes.
TASKS = ("auto", "classification", "regression")
#: The keys that each description has.
NEEDED = ("name", "classes", "mean", "scale")
#: Largest number of distinct integers that "auto" takes for classes.
MAX_INTEGER_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """Encoder of the column to predict: its classes, or the mean and scale of its numbers.

    Parameters
    ----------
    name : str
        Name of the column.
    classes : tuple of str
        Names of the classes in the order of the network's outputs; empty for a regression.
    mean, scale : float
        Mean and standard deviation of the training data, for a regression.
    seen : tuple of two floats, optional
        Smallest and largest number of the training data, to which predictions are clipped.

    Raises
    ------
    TypeError
        If a setting has a wrong type.
    ValueError
        If a class is there twice, the mean is not finite, the scale not above 0, or `seen` no range.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import table
    >>> target = table.Target.fit({"pet": np.array(["dog", "cat", "dog"], object)}, "pet")
    >>> target.classes
    ('cat', 'dog')
    >>> target.transform({"pet": np.array(["cat", "dog"], object)})
    array([0, 1])
    """

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    seen: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_text(self.name)
        classes = tuple(checked_list(self.classes, "target", "classes"))
        if not all(isinstance(one, str) for one in classes):
            raise TypeError("target: expected strings as classes")
        if twice := [one for one, count in Counter(classes).items() if count > 1]:
            raise ValueError(f"target: expected distinct classes, got {twice[0]!r} twice")
        mean, scale = checked_scaling(vars(self))
        seen = None if self.seen is None else checked_seen(self.seen)
        vars(self).update(classes=classes, mean=mean, scale=scale, seen=seen)

    @classmethod
    def fit(
        cls, table: Table | Iterable[Table], name: str, task: str = "auto", *, clip: bool = False
    ) -> Target:
        """Learn the classes, or the mean and scale, from training data.

        Parameters
        ----------
        table : dict, DataFrame or iterable of them
            Columns as `Columns.fit` takes them, at once or in parts.
        name : str
            Name of the column to predict.
        task : "auto", "classification" or "regression"
            With "auto", a column is for classification if it holds text, or integers with two distinct
            values, or with at most 20 distinct values and on average at least ten rows each.
        clip : bool
            If true, `restore` clips the predictions of a regression to the range of the training data.

        Returns
        -------
        Target

        Raises
        ------
        TypeError
            If `name` or `task` is not a string, `clip` is not a bool, or the column is a masked array.
        ValueError
            If the column does not exist, has no rows or is refused as in `Columns.fit`, a value is missing,
            infinite or beyond float32, it holds numbers in one part and text in another, or text that is no
            number for a regression, it has fewer than two classes, classes are floats from 2**53 on, which
            may stand for several, or `task` is not known.
        """
        check_text(name)
        fit, clip = TargetFit(name, check_name("task", task, TASKS)), check_flag("clip", clip)
        holes = Holes(name)
        for part in parts_of(table):
            with rows_from(holes.rows):
                values = finite(part, name)
            holes.add(values)
            if not holes.count:
                with rows_from(fit.rows):
                    fit.add(values)
        holes.check()
        if not fit.rows:
            raise ValueError(f"target {name}: expected at least one row")
        if fit.has_classes():
            return cls(name, fit.classes())
        return cls(name, (), *fit.scaling(), (fit.moments.low, fit.moments.high) if clip else None)

    @cached_property
    def _places(self) -> Places:
        """The positions of the classes."""
        return Places(self.classes)

    @property
    def outputs(self) -> int:
        """Number of outputs that a network for this target has."""
        return len(self.classes) or 1

    def transform(self, table: Table) -> NDArray[Any]:
        """Encode the column of a table.

        Returns
        -------
        array
            Class indices, shape (rows,), int64; for a regression scaled numbers, shape (rows, 1), float32.

        Raises
        ------
        ValueError
            If the column is refused as in `fit`, or holds a class that was not in the training data.
        """
        values = checked(table, self.name)
        if not self.classes:
            numbers = regression_numbers(self.name, values)
            with np.errstate(over="ignore"):
                scaled = (numbers - self.mean) / self.scale
            check_range(f"target {self.name}", numbers, scaled)
            found: NDArray[Any] = scaled.astype(np.float32)[:, np.newaxis]
            return found
        if values.dtype == np.float64:
            check_exact(f"target {self.name}", values)
        indices = self._places.of(np.array([as_text(cell) for cell in values.tolist()], object))
        if (unknown := indices == len(self.classes)).any():
            row = int(np.argmax(unknown))
            raise ValueError(
                f"target {self.name}: {row_name(row)}: an unknown class, {as_text(values[row])!r}"
            )
        return indices.astype(np.int64)

    def restore(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Decode a network's outputs, shape (rows, outputs).

        Returns
        -------
        array, shape (rows,)
            Names of the most probable classes, dtype object; for a regression numbers in the target's units,
            float64, clipped to `seen`.

        Raises
        ------
        TypeError
            If `outputs` is not made of real numbers, or is a masked array.
        ValueError
            If its shape is another, or it holds NaN, which is no class; as a number NaN stays NaN.
        """
        given = self._checked_outputs(outputs)
        if not self.classes:
            restored: NDArray[Any] = given[:, 0].astype(np.float64) * self.scale + self.mean
            return np.clip(restored, *self.seen) if self.seen else restored
        found: NDArray[Any] = np.array(self.classes, dtype=object)[np.argmax(given, axis=1)]
        return found

    def _checked_outputs(self, outputs: Any) -> NDArray[Any]:
        """Outputs as an array [rows, outputs] of real numbers, without NaN for classes."""
        found = as_cpu_array("outputs", outputs)
        if found.dtype.kind not in "fiub":
            raise TypeError(f"outputs: expected real numbers, got dtype {found.dtype}")
        if found.ndim != 2 or found.shape[1] != self.outputs:
            raise ValueError(f"outputs: expected shape (rows, {self.outputs}), got {found.shape}")
        if self.classes and (missing := np.isnan(found)).any():
            row, place = np.argwhere(missing)[0]
            raise ValueError(
                f"outputs: {row_name(row)}, class {self.classes[place]}: expected a number, got nan"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """A description as a dictionary that JSON can hold; `from_dict` reads it."""
        return {key: value for key, value in asdict(self).items() if key != "seen" or value}

    @classmethod
    def from_dict(cls, description: Any) -> Target:
        """The target that `to_dict` has described.

        Raises
        ------
        TypeError, ValueError
            If the description is not one of `to_dict`.
        """
        found = only_keys(description, ("name", "classes", "mean", "scale", "seen"), "target", NEEDED)
        return cls(**found | {"name": str(found["name"])})


def check_text(name: Any) -> None:
    """Raises unless the name of a target is a string."""
    if not isinstance(name, str):
        raise TypeError(f"target: expected a string as name, got {type(name).__name__}")


def checked_seen(seen: Any) -> tuple[float, float]:
    """The smallest and the largest number of the training data, if these are two finite numbers."""
    if len(checked_list(seen, "target", "seen numbers")) != 2:
        raise ValueError(f"seen: expected two numbers, got {seen!r:.80}")
    return check_limits("seen[0], seen[1]", *seen)


def checked(table: Table, name: str) -> NDArray[Any]:
    """The values of the target column; raises if one is missing or infinite."""
    values, holes = finite(table, name), Holes(name)
    holes.add(values)
    holes.check()
    return values


def finite(table: Table, name: str) -> NDArray[Any]:
    """The values of the target column, which may be missing; raises if one is infinite."""
    columns = checked_columns(table)
    if name not in columns:
        raise ValueError(f"target {name!r} is missing; there are {listed(name, list(columns))}")
    values = as_column(f"target {name}", columns[name])
    if values.dtype == np.float64 and np.isinf(values).any():
        raise ValueError(f"target {name}: {row_name(int(np.argmax(np.isinf(values))))} is infinite")
    return values


class Holes:
    """Rows without a target in a table, which may come in parts."""

    def __init__(self, name: str) -> None:
        self.name, self.first, self.count, self.rows = name, 0, 0, 0

    def add(self, values: NDArray[Any]) -> None:
        """Adds the values of a part."""
        words = values.dtype == object
        absent = np.array([one is None for one in values], bool) if words else ~np.isfinite(values)
        if absent.any() and not self.count:
            self.first = self.rows + int(np.argmax(absent))
        self.count, self.rows = self.count + int(absent.sum()), self.rows + len(values)

    def check(self) -> None:
        """Raises if there are such rows."""
        if self.count:
            counted = f"{self.count:,} of {self.rows:,} rows {'has' if self.count == 1 else 'have'} no target"
            raise ValueError(
                f"target {self.name}: {row_name(self.first)} is missing; {counted}: remove"
                f" {'it' if self.count == 1 else 'them'} from the table"
            )


def regression_numbers(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The numbers of a regression as float64; words are read as numbers."""
    if values.dtype == object:
        try:
            values = numbers_from(f"target {name}", values)
        except ValueError as error:
            raise ValueError(f"{error}, which a regression needs") from None
    numbers: NDArray[Any] = values.astype(np.float64, copy=False)
    check_range(f"target {name}", numbers)
    return numbers


def class_name(value: Any) -> str:
    """The name of a class: a word, or the text of a number."""
    return canonical(as_text(value))


class TargetFit:
    """Statistics of the column to predict, which may come in parts: its distinct values, and its moments."""

    def __init__(self, name: str, task: str) -> None:
        self.name, self.task, self.rows, self.kind = name, task, 0, ""
        self.distinct: set[Any] | None = None if task == "regression" else set()
        self.moments = Moments()
        self.no_class: ValueError | None = None
        self.no_number: ValueError | None = None

    def add(self, values: NDArray[Any]) -> None:
        """Adds the values of a part."""
        if len(values) and self.task != "regression":  # regressions read words as numbers
            self.kind = one_kind(f"target {self.name}", self.kind, values)
        if self.distinct is not None:
            self.add_classes(values)
        if self.task != "classification" and self.kind != "text":
            self.add_numbers(values)
        self.rows += len(values)

    def add_classes(self, values: NDArray[Any]) -> None:
        """Adds distinct values, unless they are quantities for sure."""
        if values.dtype == np.float64 and self.no_class is None:
            try:
                with rows_from(self.rows):
                    check_exact(f"target {self.name}", values)
            except ValueError as error:
                self.no_class = error
        kinds = set((values if values.dtype == object else np.unique(values)).tolist())
        self.distinct = (self.distinct or set()) | kinds
        if self.task == "auto" and self.kind != "text":
            few = len(self.distinct) <= MAX_INTEGER_CLASSES and all(one == round(one) for one in kinds)
            self.distinct = self.distinct if few else None

    def add_numbers(self, values: NDArray[Any]) -> None:
        """Adds numbers; an error counts only if the target has no classes."""
        try:
            with rows_from(self.rows):
                self.moments.add(regression_numbers(self.name, values))
        except ValueError as error:
            self.no_number = self.no_number or error

    def has_classes(self) -> bool:
        """True for a classification; "auto" takes text and few distinct integers for classes."""
        if self.distinct is None:
            return False
        count = len(self.distinct)
        return self.task == "classification" or self.kind == "text" or count <= 2 or 10 * count <= self.rows

    def classes(self) -> tuple[str, ...]:
        """Names of the classes in their order."""
        if self.no_class is not None:
            raise self.no_class
        names = tuple(dict.fromkeys(class_name(one) for one in sorted(self.distinct or ())))
        if len(names) < 2:
            raise ValueError(f"target {self.name}: expected at least two classes, got only {names[0]!r}")
        return names

    def scaling(self) -> tuple[float, float]:
        """Mean and scale of the numbers of a regression."""
        if self.no_number is not None:
            raise self.no_number
        return self.moments.scaling()
