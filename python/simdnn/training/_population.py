"""Arguments of functions over many networks: one value for all, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_items
from ._trainer import Trainer

Value = TypeVar("Value")


def checked_trainers(trainers: Sequence[Trainer]) -> list[Trainer]:
    """The trainers as a list, no two of which share a model; raises with the place in the list."""
    members = check_items("trainers", trainers, "a sequence of Trainer")
    places: dict[int, int] = {}
    for i, trainer in enumerate(members):
        if not isinstance(trainer, Trainer):
            raise TypeError(f"trainers[{i}]: expected a Trainer, got {type(trainer).__name__}")
        first = places.setdefault(id(trainer.model), i)
        if first != i:
            shared = "is" if trainer is members[first] else "has the model of"
            raise ValueError(f"trainers[{i}]: {shared} trainers[{first}]; each needs a model of its own")
    return members


def for_each(name: str, value: Any, count: int, check: Callable[[str, Any], Value]) -> list[Value]:
    """`value` for each of `count` networks, checked: a list or array has one for each, another serves all."""
    if not is_sequence(value):
        return [check(name, value)] * count
    return [check(f"{name}[{i}]", each) for i, each in enumerate(one_each(name, list(value), count))]


def arrays_for_each(name: str, value: Any, count: int) -> list[Any]:
    """The array of each of `count` networks: a list of arrays has one for each, another value serves all."""
    return one_each(name, value, count) if is_list_of_arrays(value) else [value] * count


def is_sequence(value: Any) -> bool:
    """True for a list, a tuple or an array with an axis."""
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def is_list_of_arrays(value: Any) -> bool:
    """True for a list in which something has the shape of an array."""
    return isinstance(value, list) and any(getattr(each, "shape", ()) for each in value)


def one_each(name: str, values: list[Any], count: int) -> list[Any]:
    """`values`; raises unless there is one for each of `count` networks."""
    if len(values) != count:
        raise ValueError(f"{name}: expected one for each of {count} networks, got {len(values)}")
    return values


def in_place(X: Any) -> Any:
    """X as an array that native code reads without a copy, so that many networks share it."""
    if hasattr(X, "tocsr"):
        return X
    array = as_cpu_array("X", X)
    if array.dtype.kind in "biu" and array.dtype != np.uint8:
        return np.require(array, np.float64, ("C", "A"))
    return np.require(array, requirements=("C", "A")) if array.dtype.kind in "fu" else array


def renamed(error: Exception, place: str) -> Exception:
    """An error like another one, whose message begins with a place, such as "trainers[3]"."""
    for kind in (TypeError, IndexError, MemoryError, ValueError):
        if isinstance(error, kind):
            return kind(f"{place}: {error}")
    return RuntimeError(f"{place}: {type(error).__name__}: {error}")


class Place:
    """Names a place in the message of an error inside: ``with Place("trainers", 3): ...``."""

    def __init__(self, name: str, index: int) -> None:
        self._name, self._index = name, index

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            raise renamed(error, f"{self._name}[{self._index}]") from error


def raise_first(errors: Sequence[Exception | None]) -> None:
    """Raises the first error of a population, if there is one, with its place."""
    failed = [(i, error) for i, error in enumerate(errors) if error is not None]
    if failed:
        place, first = failed[0]
        others = f" (and {len(failed) - 1} others)" if len(failed) > 1 else ""
        raise renamed(first, f"trainers[{place}]{others}") from first


def _checked_rows(name: str, value: Any) -> NDArray[np.intp] | None:
    """Rows of a dataset as an array of indices, or None for all; their range is checked by native code."""
    if value is None:
        return None
    rows = as_cpu_array(name, value)
    if rows.size == 0:
        raise ValueError(f"{name}: expected at least one row")
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        hint = "; np.flatnonzero gives the rows of a mask" if rows.dtype.kind == "b" else ""
        raise TypeError(
            f"{name}: expected integers of shape (n,), got {rows.dtype} of shape {rows.shape}{hint}"
        )
    if rows.dtype.kind == "u" and rows.max() > np.iinfo(np.intp).max:
        raise IndexError(f"{name}: {rows.max()} is out of range")
    return rows.astype(np.intp, copy=False)


def is_rows(value: Any) -> bool:
    """True for one array or list of row numbers, False for a list of them."""
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype == object):
        return not any(each is None or hasattr(each, "__len__") for each in value)
    return isinstance(value, range) or getattr(value, "ndim", None) == 1


def rows_of_each(name: str, value: Any, count: int) -> list[Any]:
    """The rows of each network as an array, or None for all rows."""
    if value is None or is_rows(value):
        return [_checked_rows(name, value)] * count
    return [_checked_rows(f"{name}[{i}]", each) for i, each in enumerate(_list_of(name, value, count))]


def _list_of(name: str, value: Any, count: int) -> list[Any]:
    """A list or array with one entry for each of `count` networks."""
    if not isinstance(value, list) and getattr(value, "ndim", 0) != 2:
        raise TypeError(
            f"{name}: expected integers of shape (n,), or a list with one array for each network, got"
            f" {type(value).__name__}"
        )
    return one_each(name, list(value), count)


def validation_of_each(value: Any, count: int) -> list[Any]:
    """The validation of each network: None, an array of rows, or a tuple of data."""
    if value is None or isinstance(value, tuple):
        return [_checked_data("validation", value)] * count
    if is_rows(value):
        return [_checked_rows("validation", value)] * count
    found = []
    for i, one in enumerate(_list_of("validation", value, count)):
        check = _checked_data if one is None or isinstance(one, tuple) else _checked_rows
        found.append(check(f"validation[{i}]", one))
    return found


def _checked_data(name: str, value: Any) -> Any:
    """A pair (X, y) or a triple (X, y, sample_weight) to evaluate; None for no data."""
    if value is None:
        return None
    if len(value) not in (2, 3):
        raise TypeError(f"{name}: expected rows, a pair (X, y) or a triple (X, y, sample_weight)")
    if getattr(value[0], "ndim", 2) == 1:
        raise TypeError(
            f"{name}: expected a pair (X, y) in a tuple, got X of shape ({len(value[0])},); rows for each"
            " network go in a list"
        )
    return value
