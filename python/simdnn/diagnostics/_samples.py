"""The samples of a report: numbers that are not finite, ignored labels, scales, the best constant guess."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array
from ..nn import BatchNorm1d, Sequential
from ..training._samples import class_targets

#: Label that losses of classes leave out by default.
IGNORED = -100
#: Outputs above which a loss of one output predicts the larger of its two targets.
THRESHOLDS = {
    "binary_cross_entropy": 0.5,
    "binary_cross_entropy_with_logits": 0.0,
    "hinge": 0.0,
    "squared_hinge": 0.0,
}


class Samples(NamedTuple):
    """The samples that a network is examined with, and the faults of those that were given.

    ``x`` [n, ...] and ``y`` are the samples whose numbers are all finite. ``bad_inputs``, ``bad_targets`` and
    ``ignored`` name what is wrong with the given ones, or are None. ``labels`` [n * time] has classes that
    count, or is None for a regression.
    """

    x: NDArray[Any]
    y: Any
    bad_inputs: str | None
    bad_targets: str | None
    ignored: str | None
    labels: NDArray[Any] | None
    scales: NDArray[Any] | None


def samples_of(
    model: Sequential,
    x: NDArray[Any],
    y: ArrayLike,
    loss: Any,
    native: _core.Loss,
    rows: NDArray[np.intp] | None = None,
) -> Samples:
    """The samples X [n, ...] and their targets, examined for a network and a loss.

    They are the `rows` of the caller's arrays; None is all of them.
    """
    cast = x.astype(model.dtype)
    y = class_targets(model, y) if native.classifies else y
    parts = [as_cpu_array("y", part) for part in (y if isinstance(y, tuple) else (y,))]
    if not native.classifies and model.out_features == 1 and parts[0].ndim == 1 + model._output.sequence:
        parts = [parts[0][..., np.newaxis]]  # one number for each output
    wrong = ~np.isfinite(cast) & ~_masked(model, cast)
    bad_inputs = _place("X", x, wrong, rows)
    bad_targets, keep = None, ~wrong.reshape(len(x), -1).any(axis=1)
    for part in parts:
        if part.dtype.kind == "f" and part.ndim and len(part) == len(x):
            wrong = ~np.isfinite(part)
            bad_targets = bad_targets or _place("y", part, wrong, rows)
            keep &= ~wrong.reshape(len(x), -1).any(axis=1)
    if bad_inputs or bad_targets:
        cast = cast[keep]
        parts = [part[keep] if part.ndim and len(part) == len(x) else part for part in parts]
    kept: Any = tuple(parts) if isinstance(y, tuple) else parts[0]
    labels, ignored = _labels(kept, loss, native, model.out_features)
    return Samples(cast, kept, bad_inputs, bad_targets, ignored, labels, _scales(model, cast))


def _place(
    name: str, values: NDArray[Any], wrong: NDArray[np.bool_], rows: NDArray[np.intp] | None
) -> str | None:
    """The first number that is wrong, and the number of all of them."""
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    first = place[0] if rows is None else int(rows[place[0]])
    inside = ", ".join(map(str, (first, *place[1:])))
    return f"{name}[{inside}] is {values[place]:g} (not finite: {int(wrong.sum())} of {wrong.size} numbers)"


def _masked(model: Sequential, x: NDArray[Any]) -> NDArray[np.bool_]:
    """True for the time steps that a recurrent first layer skips because all their features are NaN."""
    mask = getattr(model.layers[0], "mask_value", None)
    if mask is None or math.isfinite(mask):
        return np.zeros(x.shape, bool)
    equal = np.isnan(x) if math.isnan(mask) else x == mask
    return np.broadcast_to(equal.all(axis=-1, keepdims=True), x.shape)


def _labels(y: Any, loss: Any, native: _core.Loss, outputs: int) -> tuple[NDArray[Any] | None, str | None]:
    """The classes that count, if there are any, and a description if all labels are ignored."""
    if isinstance(y, tuple) or y.size == 0:
        return None, None
    if native.classifies and y.dtype.kind in "iu":
        settings = loss.keywords if isinstance(loss, functools.partial) else {}
        ignore = settings.get("ignore_index", IGNORED)
        counted = y[y != ignore]
        ignored = f"all {y.size} labels are ignore_index = {ignore}" if counted.size == 0 else None
        return counted.ravel(), ignored
    if native.classifies and y.ndim > 1 and y.shape[-1] == outputs:
        return y.argmax(axis=-1).ravel(), None
    if native.name in THRESHOLDS and outputs == 1 and len(values := np.unique(y)) == 2:
        return (y == values[1]).astype(int).ravel(), None
    return None, None


def _scales(model: Sequential, x: NDArray[Any]) -> NDArray[Any] | None:
    """Largest distance of each feature from its mean; None if the first layer reads ids or scales inputs."""
    first = model.layers[0]
    if first._takes_input() or isinstance(first, BatchNorm1d) or len(x) < 2:
        return None
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return np.abs(rows - rows.mean(axis=0)).max(axis=0, initial=0) if len(rows) else None


def predictions(output: NDArray[Any], samples: Samples, native: _core.Loss) -> NDArray[Any] | None:
    """The predicted class of each sample, or time step, that counts; None for a regression."""
    if samples.labels is None:
        return None
    if native.classifies:
        found = output.argmax(axis=-1).ravel()
    else:
        found = (output > THRESHOLDS[native.name]).astype(int).ravel()
    return found if len(found) == len(samples.labels) else None


def size_of_targets(samples: Samples) -> float:
    """Root mean square of the targets of a regression; NaN for classes."""
    y = samples.y
    if isinstance(y, tuple) or samples.labels is not None or y.dtype.kind not in "fiu" or not y.size:
        return math.nan
    return math.sqrt(float(np.square(y, dtype=np.float64).mean()))


def constant_loss(samples: Samples, outputs: NDArray[Any], native: _core.Loss) -> float:
    """The least mean loss of several outputs that are equal for all samples; NaN if unknown."""
    y, least = samples.y, math.nan
    if isinstance(y, tuple):
        return least
    for constant in _constants(samples, outputs.shape[-1], native):
        output = np.broadcast_to(constant, outputs.shape).astype(outputs.dtype)
        try:
            value = float(native.evaluate(output, y, None, "constant", "mean", False)[0])
        except ValueError:  # outside of the domain of the loss
            continue
        least = value if math.isnan(least) else min(least, value)
    return least


def _constants(samples: Samples, width: int, native: _core.Loss) -> list[Any]:
    """Outputs worth trying: zeros, log-frequencies of classes, means, medians, and logits and logarithms."""
    y, labels = samples.y, samples.labels
    if native.classifies and labels is not None:
        if labels.size == 0 or labels.min() == labels.max():
            return []  # samples of one class, for which the best guess is perfect
        frequencies = np.bincount(labels, minlength=width) / labels.size
        return [np.log(np.maximum(frequencies, 1e-12))]
    rows = y.reshape(-1, width).astype(np.float64) if y.size % width == 0 and y.size else np.zeros((1, width))
    mean, median = rows.mean(axis=0), np.median(rows, axis=0)
    with np.errstate(all="ignore"):
        return [0.0, mean, median, np.log(mean / (1 - mean)), np.log(mean)]
