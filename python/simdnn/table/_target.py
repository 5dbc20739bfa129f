"""What is to be predicted: classes by name, or scaled numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_float, check_name
from .._utils.jsonable import only_keys
from ._read import Table, word

#: The tasks that `Target.fit` takes.
TASKS = ("auto", "classification", "regression")
#: Whole numbers of so few kinds are classes, unless one says otherwise.
FEW = 20


@dataclass(frozen=True)
class Target:
    """A column to predict: its classes, or the mean and scale of its numbers.

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
        """Learn the classes, or mean and scale.

        Parameters
        ----------
        table : dict
            As `read` returns it.
        name : str
            Of the column.
        task : "auto", "classification" or "regression"
            By "auto", words are classes, and whole numbers of two kinds, or of at most 20 with ten rows each.

        Raises
        ------
        ValueError
            If there is no such column, one of its values is missing or infinite, it has words for a
            regression, or less than two classes.
        """
        check_name("task", task, TASKS)
        values = checked(table, name)
        if values.dtype == object and task == "regression":
            row, cell = next((i, cell) for i, cell in enumerate(values) if not is_float(cell))
            raise ValueError(f"target {name}: row {row + 1}: {cell!r} is no number, as a regression needs")
        if task == "classification" or (task == "auto" and are_classes(values)):
            kinds = sorted(set(values.tolist()))
            if len(kinds) < 2:
                raise ValueError(
                    f"target {name}: expected at least two classes, got {word(kinds[0])!r} alone"
                )
            return cls(name, tuple(map(word, kinds)))
        scale = float(values.std())
        return cls(name, (), float(values.mean()), scale if scale > 0 else 1.0)

    @property
    def outputs(self) -> int:
        """How many numbers a network gives."""
        return len(self.classes) or 1

    def transform(self, table: Table) -> NDArray[Any]:
        """Class indices, or scaled numbers of shape (rows, 1).

        Raises
        ------
        ValueError
            As `fit`, or if a class was not seen there.
        """
        values = checked(table, self.name)
        if not self.classes:
            if values.dtype == object:
                raise ValueError(f"target {self.name}: expected numbers")
            scaled: NDArray[Any] = ((values - self.mean) / self.scale).astype(np.float32)
            return scaled[:, np.newaxis]
        places = {one: i for i, one in enumerate(self.classes)}
        found = [places.get(word(cell), -1) for cell in values.tolist()]
        if -1 in found:
            raise ValueError(f"target {self.name}: row {found.index(-1) + 1}: an unknown class")
        return np.array(found, np.int64)

    def restore(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Predictions in the target's own words or units, from a network's outputs."""
        if not self.classes:
            restored: NDArray[Any] = np.asarray(outputs, np.float64)[:, 0] * self.scale + self.mean
            return restored
        found: NDArray[Any] = np.array(self.classes, dtype=object)[np.argmax(outputs, axis=1)]
        return found

    def to_dict(self) -> dict[str, Any]:
        """As a plain value, for `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, description: Any) -> Target:
        """What `to_dict` described.

        Raises
        ------
        TypeError, ValueError
            If it is no such description.
        """
        found = only_keys(description, ("name", "classes", "mean", "scale"), "target")
        if not all(isinstance(one, str) for one in found["classes"]):
            raise TypeError("target: expected words as classes")
        numbers = [check_float(key, found[key]) for key in ("mean", "scale")]
        return cls(str(found["name"]), tuple(found["classes"]), *numbers)


def checked(table: Table, name: str) -> NDArray[Any]:
    """The column, which has no holes."""
    if name not in table:
        raise ValueError(f"target {name!r} is missing; there are {', '.join(table)}")
    values = table[name]
    holes = np.array([one is None for one in values]) if values.dtype == object else ~np.isfinite(values)
    if holes.any():
        raise ValueError(f"target {name}: row {int(np.argmax(holes)) + 1} is missing or infinite")
    return values


def are_classes(values: NDArray[Any]) -> bool:
    """Whether values are classes rather than quantities."""
    if values.dtype == object:
        return True
    kinds = np.unique(values)
    return bool((kinds == np.round(kinds)).all()) and (
        kinds.size <= 2 or (kinds.size <= FEW and 10 * kinds.size <= values.size)
    )


def is_float(cell: Any) -> bool:
    """Whether a word is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
