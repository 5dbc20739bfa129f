"""Arguments of training, checked: targets, the order of the samples, and the parameters, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array
from ..nn import Sequential

if TYPE_CHECKING:
    from ._trainer import Trainer


def targets(trainer: Trainer, y: Any) -> Any:
    """Targets of a trainer for native code: those of `class_targets` if its loss is of classes."""
    return class_targets(trainer.model, y) if trainer._classifies else y


def class_targets(model: Sequential, y: Any) -> Any:
    """Targets of a loss of classes: booleans as the classes 0 and 1, others as they are.

    Raises
    ------
    IndexError
        If a model of one output is given another class than 0.
    """
    if y is None or isinstance(y, tuple):
        return y
    found = as_cpu_array("y", y)
    if found.dtype.kind == "b":
        y = found = found.astype(np.int64)
    if model.out_features == 1 and found.dtype.kind in "iu" and found.size and found.max() > 0:
        first = tuple(np.argwhere(found > 0)[0])
        raise IndexError(
            f"y[{', '.join(map(str, first))}]: class {found[first]}, but the model has 1 output: give it one"
            " for each class, or loss='binary_cross_entropy_with_logits', which takes the logit of class 1"
        )
    return y


def checked_order(order: ArrayLike) -> NDArray[np.intp]:
    """An order of samples, shape (n,), as an array of indices; raises for other kinds and shapes."""
    indices = as_cpu_array("order", order)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise TypeError(
            f"order: expected integers of shape (n,), got {indices.dtype} of shape {indices.shape}"
        )
    return indices.astype(np.intp, copy=False)


def set_parameters(model: Sequential, parameters: ArrayLike) -> None:
    """Sets all parameters of a model from an array; raises for other kinds of numbers and other shapes."""
    values, size = as_cpu_array("parameters", parameters), model.flat_parameters.size
    if values.dtype.kind not in "fiu":
        raise TypeError(f"parameters: expected real numbers, got dtype {values.dtype}")
    if values.shape != (size,):
        raise ValueError(f"parameters: expected shape ({size},), got {values.shape}")
    with model._model.locked():
        model.flat_parameters[:] = values


def copied_gradients(model: Sequential) -> NDArray[Any]:
    """A copy of all gradients of a model."""
    with model._model.locked():
        return model.flat_gradients.copy()
