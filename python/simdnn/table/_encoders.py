"""Encoders of categorical columns: one-hot inputs, indices for embeddings, two categories as -1 and 1."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.jsonable import checked_list, only_keys
from ._arrays import words_of_numbers
from ._cells import MISSING, canonical, is_padded, similar

#: The keys that each description of categories has.
NEEDED = ("name", "categories", "other", "embedded")
#: The numbers of the booleans.
BOOLEANS = {"false": "0", "true": "1"}
#: Display name of the input that rare and unseen categories share.
OTHER = "(other)"


@dataclass(frozen=True)
class Categories:
    """Encoder of a categorical column: one-hot inputs, or the category's index for an embedding.

    With `other`, rare and unseen categories share one more input or index. With `binary`, two categories are
    one input, -1 for the first and 1 for the second; an unseen category is 0. `spelled` are spellings of
    whole numbers in the training data, such as " 4", that exported programs know besides the usual ones.
    """

    name: str
    categories: tuple[str | None, ...]
    other: bool
    embedded: bool = False
    binary: bool = False
    spelled: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of categories, including the shared one of `other`."""
        return len(self.categories) + self.other

    @property
    def positions(self) -> list[str]:
        """Names of positions among quantiles, which categories have not."""
        return []

    @property
    def most_bins(self) -> int:
        """Number of bins."""
        return 0

    @property
    def features(self) -> list[str]:
        """Names of the inputs that the column becomes."""
        if self.embedded:
            return [f"{self.name} (one of {self.size})"]
        words = ["(missing)" if one is None else one for one in self.categories]
        if self.binary:
            return [f"{self.name} ({' or '.join(words)})"]
        return [f"{self.name}={word}" for word in words] + [f"{self.name}={OTHER}"] * self.other

    def encode(self, values: NDArray[Any], warn: bool = True) -> NDArray[Any]:
        """Inputs [rows, len(features)] of these values."""
        words = values if values.dtype == object else words_of_numbers(f"column {self.name}", values)
        indices, unknown = self.places.of(words), len(self.categories)
        if warn and (indices == unknown).any():
            self.point_out(words[indices == unknown], len(words))
        if self.embedded:
            return indices[:, np.newaxis]
        if self.binary:
            return np.array([-1, 1, 0]).take(indices)[:, np.newaxis]
        inputs = np.zeros((len(indices), self.size), np.float32)
        rows = np.flatnonzero(indices < self.size)
        inputs[rows, indices[rows]] = 1
        return inputs

    def position(self, values: NDArray[Any]) -> NDArray[Any]:
        """No positions [rows, 0]."""
        return np.empty((len(values), 0))

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON can hold; `binary` and `spelled` are left out if they are off or empty."""
        found: dict[str, Any] = {"name": self.name, "categories": self.categories, "other": self.other}
        found["embedded"] = self.embedded
        found |= {"binary": True} if self.binary else {}
        return found | ({"spelled": self.spelled} if self.spelled else {})

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Categories:
        """The encoder that `to_dict` has described; raises for any other description."""
        found = only_keys(description, (*NEEDED, "binary", "spelled"), "column", NEEDED)
        categories = checked_list(found["categories"], "column", "categories")
        if not all(one is None or isinstance(one, str) for one in categories):
            raise TypeError("column: expected strings as categories")
        spelled = checked_list(found.get("spelled", ()), "column", "spellings")
        if not all(isinstance(one, str) for one in spelled):
            raise TypeError("column: expected strings as spellings")
        other, embedded, binary = (bool(found.get(key)) for key in ("other", "embedded", "binary"))
        return cls(str(found["name"]), tuple(categories), other, embedded, binary, tuple(spelled))

    @cached_property
    def places(self) -> Places:
        """The positions of the categories."""
        return Places(self.categories)

    def spellings(self) -> dict[str, int]:
        """The position of each spelling of a category that exported programs know: `Places` knows more.

        All spellings of a missing cell are one category, also with a blank before or behind them; "1" and
        "1.0" are one, and so are "True" and "TRUE"; booleans have those of 0 and 1, too. Whole numbers also
        have their spellings in the training data.
        """
        found = {one: i for one in self.spelled if (i := self.places.place(one)) < len(self.categories)}
        for i, one in enumerate(self.categories):
            if one is None:
                found |= dict.fromkeys(("".join(one) for one in product(("", " "), MISSING, ("", " "))), i)
                continue
            forms = dict.fromkeys((one, f"{one}.0", one.lower(), one.upper(), one.capitalize()))
            forms |= dict.fromkeys(("0", "0.0", "1", "1.0"))
            found |= {form: i for form in forms if self.places.place(form) == i}
        return found

    def point_out(self, words: NDArray[Any], rows: int) -> None:
        """Warns if the unknown words are those of all rows, or categories without their leading zeros."""
        if word := next((one for one in words if one in self.places.short), None):
            warnings.warn(
                f"column {self.name}: {word!r} is unknown, but {self.places.short[word]!r} is a category: ids"
                " lose their leading zeros when they are stored as numbers",
                stacklevel=5,
            )
        if len(words) < rows or not self.categories:
            return
        new = next((repr(one) for one in words if one is not None), "missing ones")
        known = ", ".join(repr(one) for one in self.categories[:3] if one is not None)
        warnings.warn(
            f"column {self.name}: all values are unknown, such as {new}; the training data had"
            f" {len(self.categories)} categories, such as {known}",
            stacklevel=5,
        )


class Places:
    """Positions of words in a list of categories; other spellings count if they fit one alone.

    The numbers 0 and 1 are spellings of booleans.
    """

    def __init__(self, categories: tuple[str | None, ...]) -> None:
        self.exact = {category: i for i, category in enumerate(categories)}
        keys = Counter(similar(one) for one in categories if one is not None)
        self.similar = {
            similar(one): i for i, one in enumerate(categories) if one is not None and keys[similar(one)] == 1
        }
        if keys.keys() <= set(BOOLEANS):
            self.similar |= {BOOLEANS[word]: place for word, place in self.similar.items()}
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
