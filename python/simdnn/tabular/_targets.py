"""Targets: classes as indices, numbers in units of their spread; the weights of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from .._utils.arrays import refuse_masked
from .._utils.dates import without_dates
from .._utils.missing import plain_target
from .._utils.scores import unit_of

Array = NDArray[Any]

#: The range of numbers, relative to their size, up to which they are a constant that was rounded.
ROUNDING = 1e-14


@dataclass(frozen=True)
class Scaling:
    """Scaling of numbers [n, outputs] to mean 0 and standard deviation 1, and the range that was seen."""

    #: The names of the numbers of a scaling.
    NAMES: ClassVar = ("mean", "scale", "low", "high")
    mean: Array
    scale: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, y: Array, weight: Array | None) -> Scaling:
        """The scaling of y; a constant but for rounding has scale 1.

        Means are counted from the smallest value, so that those of numbers far from 0 are exact, and are
        rounded to the digits of float32, which hides a machine's last bits.
        """
        seen = y if weight is None else y[weight > 0]
        low, high = seen.min(axis=0), seen.max(axis=0)
        mean = low + rounded(np.average(y - low, axis=0, weights=weight))
        steps = y - mean if weight is None else np.where(weight[:, np.newaxis] > 0, y - mean, 0)
        unit = unit_of(steps)
        spread = rounded(np.sqrt(np.average((steps / unit) ** 2, axis=0, weights=weight))) * unit
        constant = (high - low <= ROUNDING * np.abs(low)) | (spread == 0)
        return cls(mean, np.where(constant, 1.0, spread), low, high)

    def encode(self, y: Array) -> NDArray[np.float32]:
        """The targets of the networks."""
        return ((y - self.mean) / self.scale).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON can hold; `from_dict` reads it."""
        return {name: getattr(self, name).tolist() for name in self.NAMES}

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Scaling:
        """The scaling that `to_dict` has described; raises for any other description."""
        found = {name: np.array(description[name], np.float64) for name in cls.NAMES}
        if len({one.shape for one in found.values()}) > 1 or found["mean"].ndim != 1:
            raise ValueError("target: expected lists of one length")
        if not (np.isfinite(list(found.values())).all() and (found["scale"] > 0).all()):
            raise ValueError("target: expected finite numbers and scales > 0")
        return cls(**found)

    def decode(self, outputs: Array, clip: bool) -> Array:
        """Numbers for outputs of the networks [..., outputs]; `clip` keeps them in the seen range."""
        found = np.asarray(outputs, np.float64) * self.scale + self.mean
        return np.asarray(np.clip(found, self.low, self.high)) if clip else found


def rounded(numbers: Array) -> Array:
    """Numbers of float64 with the digits of float32, but any exponent."""
    digits, exponents = np.frexp(numbers)
    return np.asarray(np.ldexp(digits.astype(np.float32).astype(np.float64), exponents))


def checked_labels(y: Any) -> Array:
    """One class for each row."""
    refuse_masked("y", y)
    labels: Array = column_or_1d(plain_target(y), warn=True)
    check_classification_targets(labels)
    return labels


def checked_numbers(y: Any, estimator: Any) -> Array:
    """Numbers in float64, of shape (n,) or (n, outputs)."""
    if y is None:
        raise ValueError("y: fit requires y to be passed, but the target y is None")
    refuse_masked("y", y)
    y = plain_target(without_dates("y", y))
    try:
        numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=estimator)
    except ValueError as error:
        if "could not convert" not in str(error):
            raise
        raise ValueError(f"y: expected numbers: {error}; TabularClassifier predicts words") from None
    if numbers.ndim > 2:
        raise ValueError(f"y: expected shape (n,) or (n, outputs), got {numbers.shape}")
    if np.abs(numbers).max(initial=0) > np.finfo(np.float32).max:
        raise ValueError("y: expected numbers within float32's range")
    return np.asarray(numbers)


def checked_weights(sample_weight: Any, rows: int) -> Array | None:
    """Weights of rows as float64, or None."""
    if sample_weight is None:
        return None
    refuse_masked("sample_weight", sample_weight)
    sample_weight = without_dates("sample_weight", sample_weight)
    weight = _check_sample_weight(sample_weight, np.empty((rows, 1)), dtype=np.float64)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(f"sample_weight[{row}]: expected a number >= 0, got {weight[row]:g}")
    if not weight.any():
        raise ValueError("sample_weight: all weights are zero")
    return within_range("sample_weight", np.asarray(weight))


def within_range(name: str, weight: Array) -> Array:
    """Weights >= 0, if float32 can hold the largest one and all their sums."""
    if not np.finfo(np.float32).tiny <= weight.max() <= np.finfo(np.float32).max / len(weight):
        raise ValueError(f"{name}: expected a sum in float32's range, got weights up to {weight.max():g}")
    return weight
