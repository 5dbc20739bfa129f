"""Encoders of numeric columns: scaled numbers, filled-in missing values, positions among quantiles."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_float, check_real
from .._utils.jsonable import only_keys
from .._utils.rows import row_name
from ._cells import column_of, numbers_of
from ._hints import number_hint

#: The largest number of the networks' precision.
MOST = float(np.finfo(np.float32).max)
#: The keys that each description of numbers has.
NEEDED = ("name", "mean", "scale", "missing")
#: The magnitude from which on the smooth clip is 3 to the last bit, and below which its square is finite.
FLAT = 1e9
#: The number of bins up to which comparisons with all borders are faster than a binary search.
FEW = 64


@dataclass(frozen=True)
class Numbers:
    """Encoder of a numeric column: z = (x - center) / scale, and 0 for a missing value.

    If `robust` is true, z is bounded: z / sqrt(1 + (z / 3)^2) is between -3 and 3 (Holzmüller, Grinsztajn &
    Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data").

    With `missing`, a second input is 1 where the value is missing and 0 elsewhere. With `edges`, the borders
    of bins, the column has a position too: the number of bins below a value, and its fraction of the bin that
    it is in. A missing value has the position 0.
    """

    name: str
    center: float
    scale: float
    missing: bool
    robust: bool = False
    edges: tuple[float, ...] = ()

    @property
    def positions(self) -> list[str]:
        """Names of the positions that the column becomes."""
        return [f"{self.name} (0 to {len(self.edges) - 1})"] if self.edges else []

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes, positions apart."""
        return [self.name, f"{self.name} is missing"][: 1 + self.missing]

    @property
    def most_bins(self) -> int:
        """Number of bins."""
        return max(len(self.edges) - 1, 0)

    @cached_property
    def bins(self) -> Bins:
        """The bins of the positions."""
        return Bins(self.edges)

    def encode(self, values: NDArray[Any], warn: bool = True) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values; words are read as numbers."""
        values = numbers_from(f"column {self.name}", values)
        check_range(f"column {self.name}", values)
        absent = np.isnan(values)
        if warn and not self.missing and absent.size and absent.all():
            warnings.warn(f"column {self.name}: all values are missing", stacklevel=4)
        scaled = self.scaled(values)
        scaled[absent] = 0.0
        check_range(f"column {self.name}", values, scaled)
        return np.column_stack([scaled, absent][: 1 + self.missing])

    def position(self, values: NDArray[Any]) -> NDArray[Any]:
        """Positions [rows, len(positions)] of these values, which `encode` has checked."""
        numbers = numbers_from(f"column {self.name}", values)
        if not self.edges:
            return numbers[:, np.newaxis][:, :0]
        found = self.bins.positions(numbers)
        found[np.isnan(numbers)] = 0.0
        return found[:, np.newaxis]

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values of the column's first input."""
        with np.errstate(over="ignore"):
            z: NDArray[np.float64] = (values - self.center) / self.scale
        if not self.robust:
            return z
        z = np.clip(z, -FLAT, FLAT)
        bounded: NDArray[np.float64] = z / np.sqrt(1 + np.square(z / 3))
        return bounded

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON can hold; settings that are off are left out."""
        found = {"name": self.name, "mean": self.center, "scale": self.scale, "missing": self.missing}
        return (
            found | ({"robust": True} if self.robust else {}) | ({"edges": self.edges} if self.edges else {})
        )

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Numbers:
        """The encoder that `to_dict` has described; raises for any other description."""
        found = only_keys(
            description, ("name", "mean", "scale", "missing", "robust", "edges"), "column", NEEDED
        )
        edges = tuple(check_real("edges", edge) for edge in found.get("edges", ()))
        if len(edges) == 1 or (np.diff(edges) <= 0).any():
            raise ValueError(f"edges: expected at least two ascending numbers, got {edges!r:.80}")
        flags = bool(found["missing"]), bool(found.get("robust"))
        return cls(str(found["name"]), *checked_scaling(found), *flags, edges)


class Bins:
    """Bins of numbers; their borders ascend."""

    def __init__(self, edges: tuple[float, ...]) -> None:
        borders = np.array(edges)
        self.begins, self.widths, self.inner = borders[:-1], np.diff(borders), borders[1:-1]

    def positions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The position of each value, from 0 to the number of bins; NaN for NaN."""
        places = self.places(values)
        with np.errstate(over="ignore"):
            fractions = (values - self.begins.take(places)) / self.widths.take(places)
        found: NDArray[np.float64] = places + np.clip(fractions, 0, 1)
        return found

    def places(self, values: NDArray[np.float64]) -> NDArray[Any]:
        """The bin of each value."""
        if self.inner.size >= FEW:
            return np.searchsorted(self.inner, values, side="right")
        places = np.zeros(values.shape, np.uint8)
        for border in self.inner:
            places += values >= border
        return places


def checked_scaling(description: dict[str, Any]) -> tuple[float, float]:
    """The mean and the scale in a description; raises unless they are finite and the scale is positive."""
    mean, scale = (check_float(key, description[key]) for key in ("mean", "scale"))
    if not (np.isfinite(mean) and 0 < scale < np.inf):
        raise ValueError(f"mean, scale: expected finite numbers and a scale > 0, got {mean} and {scale}")
    return mean, scale


def check_range(what: str, values: NDArray[Any], scaled: NDArray[Any] | None = None) -> None:
    """Raises for the first value that is infinite or, itself or `scaled`, beyond float32."""
    beyond = np.abs(values if scaled is None else scaled) > MOST
    if beyond.any():
        row = int(np.argmax(beyond))
        how = "beyond float32" if scaled is None else "beyond float32 after scaling"
        reason = "is infinite" if np.isinf(values[row]) else f"holds {values[row]:g}, which is {how}"
        raise ValueError(f"{what}: {row_name(row)} {reason}")


def numbers_from(what: str, values: NDArray[Any]) -> NDArray[Any]:
    """A column as float64; words are read as numbers, and one that is none raises a ValueError."""
    if values.dtype == object:
        found = column_of(values.tolist(), text=False)
        if found.dtype == object:
            raise ValueError(not_a_number(what, found))
        values = found
    return values.astype(np.float64, copy=False)


def not_a_number(what: str, values: NDArray[Any]) -> str:
    """The message for a column of words, of which at least one is not a number."""
    for row, cell in enumerate(values):
        if cell is not None and numbers_of([cell]) is None:
            hint = number_hint([cell])
            if hint == "decimal='.'":  # plain digits are refused for their zeros alone
                return f"{what}: {row_name(row)}: {cell!r} is not a number but an id, for its leading zeros"
            ending = f"; read the file with {hint} if it is (--decimal, --thousands)" if hint else ""
            return f"{what}: {row_name(row)}: {cell!r} is not a number{ending}"
    return f"{what}: expected numbers"
