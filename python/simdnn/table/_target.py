"""The column to predict: classes as indices, or scaled numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_float, check_name
from .._utils.jsonable import only_keys
from ._cells import Table, as_text, is_number

#: The tasks that `Target.fit` takes.
TASKS = ("auto", "classification", "regression")
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

    @classmethod
    def fit(cls, table: Table, name: str, task: str = "auto") -> Target:
        """Learn the classes, or the mean and scale, from training data.

        Parameters
        ----------
        table : dict
            Columns as `read` returns them.
        name : str
            Name of the column to predict.
        task : "auto", "classification" or "regression"
            With "auto", a column is for classification if it holds text, or integers with two distinct
            values, or with at most 20 distinct values and on average at least ten rows each.

        Returns
        -------
        Target

        Raises
        ------
        TypeError
            If `task` is not a string.
        ValueError
            If the column does not exist, a value is missing or infinite, it holds text for a regression, it
            has fewer than two classes, or `task` is not known.
        """
        check_name("task", task, TASKS)
        values = checked(table, name)
        if values.dtype == object and task == "regression":
            row, cell = next((i, cell) for i, cell in enumerate(values) if not is_number(cell))
            raise ValueError(
                f"target {name}: row {row + 1}: {cell!r} is not a number, which a regression needs"
            )
        if task == "classification" or (task == "auto" and are_classes(values)):
            kinds = sorted(set(values.tolist()))
            if len(kinds) < 2:
                raise ValueError(
                    f"target {name}: expected at least two classes, got only {as_text(kinds[0])!r}"
                )
            return cls(name, tuple(map(as_text, kinds)))
        scale = float(values.std())
        return cls(name, (), float(values.mean()), scale if scale > 0 else 1.0)

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
            If the column does not exist, a value is missing or infinite, it holds text for a regression, or
            a class that was not in the training data.
        """
        values = checked(table, self.name)
        if not self.classes:
            if values.dtype == object:
                raise ValueError(f"target {self.name}: expected numbers")
            scaled: NDArray[Any] = ((values - self.mean) / self.scale).astype(np.float32)
            return scaled[:, np.newaxis]
        index_of = {name: i for i, name in enumerate(self.classes)}
        indices = [index_of.get(as_text(cell), -1) for cell in values.tolist()]
        if -1 in indices:
            raise ValueError(f"target {self.name}: row {indices.index(-1) + 1}: an unknown class")
        return np.array(indices, np.int64)

    def restore(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Decode a network's outputs, shape (rows, outputs).

        Returns
        -------
        array, shape (rows,)
            Names of the most probable classes, dtype object; for a regression numbers in the target's units,
            float64.
        """
        if not self.classes:
            restored: NDArray[Any] = np.asarray(outputs, np.float64)[:, 0] * self.scale + self.mean
            return restored
        found: NDArray[Any] = np.array(self.classes, dtype=object)[np.argmax(outputs, axis=1)]
        return found

    def to_dict(self) -> dict[str, Any]:
        """A description as a dictionary that JSON can hold; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Any) -> Target:
        """The target that `to_dict` has described.

        Raises
        ------
        TypeError, ValueError
            If the description is not one of `to_dict`.
        """
        found = only_keys(description, ("name", "classes", "mean", "scale"), "target")
        if not all(isinstance(one, str) for one in found["classes"]):
            raise TypeError("target: expected strings as classes")
        numbers = [check_float(key, found[key]) for key in ("mean", "scale")]
        return cls(str(found["name"]), tuple(found["classes"]), *numbers)


def checked(table: Table, name: str) -> NDArray[Any]:
    """The values of the target column; raises if one is missing or infinite."""
    if name not in table:
        raise ValueError(f"target {name!r} is missing; there are {', '.join(table)}")
    values = table[name]
    absent = np.array([one is None for one in values]) if values.dtype == object else ~np.isfinite(values)
    if absent.any():
        raise ValueError(f"target {name}: row {int(np.argmax(absent)) + 1} is missing or infinite")
    return values


def are_classes(values: NDArray[Any]) -> bool:
    """True if "auto" takes these values for classes rather than quantities."""
    if values.dtype == object:
        return True
    kinds = np.unique(values)
    return bool((kinds == np.round(kinds)).all()) and (
        kinds.size <= 2 or (kinds.size <= MAX_INTEGER_CLASSES and 10 * kinds.size <= values.size)
    )
