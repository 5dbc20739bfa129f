"""Exporters of dates: microseconds since 1970 to days, months, weekdays and hours, in whole numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..table._dates import DAY, HOUR
from ._graph import Graph

#: The whole number that stands for a missing date, as in NumPy's datetime64.
MISSING = np.iinfo(np.int64).min
#: Days from 0000-03-01 to 1970-01-01, and days of 400 years.
EPOCH, ERA = 719_468, 146_097


class Calendar:
    """The numbers of dates `name` [n, 1], int64, as float64 with NaN for a missing date.

    Months and days follow Hinnant 2013, "chrono-compatible low-level date algorithms": years begin in March,
    so that leap days are their last ones. All divisions are exact or of numbers >= 0.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.absent = graph.add("Equal", name, self.whole(MISSING))
        self.at = graph.add("Where", self.absent, self.whole(0), name)
        self.time = self.of("Mod", self.at, DAY)
        self.day = self.of("Div", graph.add("Sub", self.at, self.time), DAY)

    def number(self, key: str) -> str:
        """One of the numbers, by its name in `Dates`."""
        numbers: dict[str, Callable[[], str]] = {
            "days": lambda: self.share(self.at, DAY),
            "month": lambda: self.graph.cast(self.month(), np.float64),
            "day": lambda: self.graph.cast(self.day_of_month(), np.float64),
            "weekday": lambda: self.graph.cast(self.of("Mod", self.of("Add", self.day, 3), 7), np.float64),
            "hour": lambda: self.share(self.time, HOUR),
        }
        return self.graph.add("Where", self.absent, self.graph.constant(np.nan, np.float64), numbers[key]())

    def whole(self, value: int) -> str:
        """A whole number."""
        return self.graph.constant(value, np.int64)

    def of(self, op: str, x: str, value: int) -> str:
        """The operator of x and a whole number."""
        return self.graph.add(op, x, self.whole(value))

    def share(self, x: str, unit: int) -> str:
        """x as a multiple of the unit."""
        return self.graph.add("Div", self.graph.cast(x, np.float64), self.graph.constant(unit, np.float64))

    def day_of_year(self) -> str:
        """Days since the first of March."""
        add, of = self.graph.add, self.of
        day = of("Mod", of("Add", self.day, EPOCH), ERA)
        leap = add("Sub", of("Div", day, 36_524), add("Add", of("Div", day, 1460), of("Div", day, 146_096)))
        year = of("Div", add("Add", day, leap), 365)
        before = add("Sub", add("Add", of("Mul", year, 365), of("Div", year, 4)), of("Div", year, 100))
        return add("Sub", day, before)

    def month_from_march(self) -> str:
        """Months since March."""
        return self.of("Div", self.of("Add", self.of("Mul", self.day_of_year(), 5), 2), 153)

    def month(self) -> str:
        """The month, from 1 to 12."""
        return self.of("Add", self.of("Mod", self.of("Add", self.month_from_march(), 2), 12), 1)

    def day_of_month(self) -> str:
        """The day of the month, from 1 on."""
        begin = self.of("Div", self.of("Add", self.of("Mul", self.month_from_march(), 153), 2), 5)
        return self.of("Add", self.graph.add("Sub", self.day_of_year(), begin), 1)
