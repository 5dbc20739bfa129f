"""Encoders of single columns: scaled numbers, one-hot categories, filled-in missing values."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_float
from ._arrays import words_of_numbers
from ._cells import canonical, column_of, is_padded, numbers_of, similar
from ._hints import number_hint

#: Display name of the input that rare and unseen categories share.
OTHER = "(other)"
#: The largest number of the networks' precision.
MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Numbers:
    """Encoder of a numeric column: (x - mean) / scale, and 0 for a missing value.

    With `missing`, a second input is 1 where the value is missing and 0 elsewhere.
    """

    name: str
    mean: float
    scale: float
    missing: bool

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes."""
        return [self.name, f"{self.name} is missing"][: 1 + self.missing]

    def encode(self, values: NDArray[Any], warn: bool = True) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values; words are read as numbers."""
        values = numbers_from(f"column {self.name}", values)
        check_range(f"column {self.name}", values)
        absent = np.isnan(values)
        if warn and not self.missing and absent.size and absent.all():
            warnings.warn(f"column {self.name}: all values are missing", stacklevel=4)
        with np.errstate(over="ignore"):
            scaled = np.where(absent, 0.0, (values - self.mean) / self.scale)
        check_range(f"column {self.name}", values, scaled)
        return np.column_stack([scaled, absent][: 1 + self.missing])


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
        raise ValueError(f"{what}: row {row + 1} {reason}")


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
                return f"{what}: row {row + 1}: {cell!r} is not a number but an id, for its leading zeros"
            ending = f"; read the file with {hint} if it is (--decimal, --thousands)" if hint else ""
            return f"{what}: row {row + 1}: {cell!r} is not a number{ending}"
    return f"{what}: expected numbers"


@dataclass(frozen=True)
class Categories:
    """Encoder of a categorical column: one-hot inputs, or the category's index for an embedding.

    With `other`, rare and unseen categories share one more input or index.
    """

    name: str
    categories: tuple[str | None, ...]
    other: bool
    embedded: bool = False

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

    def encode(self, values: NDArray[Any], warn: bool = True) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values."""
        words = values if values.dtype == object else words_of_numbers(f"column {self.name}", values)
        indices, unknown = self.places.of(words), len(self.categories)
        if warn and (indices == unknown).any():
            self.point_out(words[indices == unknown], len(words))
        return indices[:, np.newaxis] if self.embedded else np.eye(unknown + 1)[indices, : self.size]

    @cached_property
    def places(self) -> Places:
        """The positions of the categories."""
        return Places(self.categories)

    def point_out(self, words: NDArray[Any], rows: int) -> None:
        """Warns if the unknown words are those of all rows, or categories without their leading zeros."""
        if word := next((one for one in words if one in self.places.short), None):
            warnings.warn(
                f"column {self.name}: {word!r} is unknown, but {self.places.short[word]!r} is a category: ids"
                " lose their leading zeros when they are stored as numbers",
                stacklevel=5,
            )
        if len(words) < rows:
            return
        new = next((repr(one) for one in words if one is not None), "missing ones")
        known = ", ".join(repr(one) for one in self.categories[:3] if one is not None)
        warnings.warn(
            f"column {self.name}: all values are unknown, such as {new}; the training data had"
            f" {len(self.categories)} categories, such as {known}",
            stacklevel=5,
        )


class Places:
    """Positions of words in a list of categories; other spellings count if they fit one alone."""

    def __init__(self, categories: tuple[str | None, ...]) -> None:
        self.exact = {category: i for i, category in enumerate(categories)}
        keys = Counter(similar(one) for one in categories if one is not None)
        self.similar = {
            similar(one): i for i, one in enumerate(categories) if one is not None and keys[similar(one)] == 1
        }
        self.short = {one.lstrip("0"): one for one in categories if one and is_padded(one)}
        self.unknown = len(categories)

    def of(self, words: NDArray[Any]) -> NDArray[np.intp]:
        """The position of each word; the number of categories for an unknown one."""
        listed = words.tolist()
        found = {word: self.place(word) for word in set(listed)}
        return np.array([found[word] for word in listed], np.intp)

    def place(self, word: str | None) -> int:
        """The position of one word."""
        if word is None or word in self.exact:
            return self.exact.get(word, self.unknown)
        short = canonical(word)
        return self.exact.get(short, self.similar.get(similar(short), self.unknown))
