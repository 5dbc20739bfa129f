"""Columns of dates: points in time of every kind, and the numbers that they become."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.jsonable import only_keys
from ._numbers import Numbers
from ._times import dates_from

#: The keys of a description of dates.
KEYS = ("name", "missing", "dates")
#: Microseconds of a day and of an hour.
DAY, HOUR = 86_400_000_000, 3_600_000_000

#: The numbers of a point in time, each a function of its microseconds since 1970 and of its date.
NUMBERS: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "days": lambda at, _: at / DAY,
    "month": lambda _, date: date.astype("M8[M]").astype(np.int64) % 12 + 1,
    "day": lambda _, date: (date - date.astype("M8[M]")).astype(np.int64) + 1,
    "weekday": lambda _, date: (date.astype(np.int64) + 3) % 7,
    "hour": lambda at, _: at % DAY / HOUR,
}


@dataclass(frozen=True)
class Dates:
    """Encoder of a column of dates: encoders of their numbers by the names of `NUMBERS`.

    With `missing`, the last input is 1 where the date is missing and 0 elsewhere.
    """

    name: str
    missing: bool
    numbers: tuple[tuple[str, Numbers], ...]

    @property
    def positions(self) -> list[str]:
        """Names of the positions that the column becomes."""
        return [position for _, part in self.numbers for position in part.positions]

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes, positions apart."""
        return [part.name for _, part in self.numbers] + [f"{self.name} is missing"] * self.missing

    @property
    def most_bins(self) -> int:
        """The largest number of bins of a number."""
        return max((part.most_bins for _, part in self.numbers), default=0)

    def encode(self, values: NDArray[Any], warn: bool = True) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values; words of ISO 8601 are read as dates."""
        points = dates_from(f"column {self.name}", values)
        absent, numbers = np.isnat(points), numbers_of_dates(points)
        if warn and not self.missing and absent.size and absent.all():
            warnings.warn(f"column {self.name}: all values are missing", stacklevel=4)
        inputs = [part.encode(numbers[key], warn=False) for key, part in self.numbers]
        return np.column_stack([*inputs, *[absent] * self.missing])

    def position(self, values: NDArray[Any]) -> NDArray[Any]:
        """Positions [rows, len(positions)] of these values."""
        numbers = numbers_of_dates(dates_from(f"column {self.name}", values))
        return np.column_stack([part.position(numbers[key]) for key, part in self.numbers])

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON can hold."""
        numbers = {key: part.to_dict() for key, part in self.numbers}
        return {"name": self.name, "missing": self.missing, "dates": numbers}

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Dates:
        """The encoder that `to_dict` has described; raises for any other description."""
        found = only_keys(description, KEYS, "column", KEYS)
        numbers = only_keys(found["dates"], tuple(NUMBERS), "dates")
        parts = tuple((key, Numbers.from_dict(one)) for key, one in numbers.items())
        return cls(str(found["name"]), bool(found["missing"]), parts)


def numbers_of_dates(points: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """The numbers of points in time, NaN for missing ones.

    "days" counts from 1970 on, with the time as a fraction; months and days count from 1, weekdays from
    Monday, which is 0; "hour" has minutes as a fraction.
    """
    at, date, absent = points.astype(np.int64), points.astype("M8[D]"), np.isnat(points)
    return {key: np.where(absent, np.nan, number(at, date)) for key, number in NUMBERS.items()}
