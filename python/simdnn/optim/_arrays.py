"""Lists of arrays: whether they can be updated in place, their norm, clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.arrays import refuse_unread
from .._utils.check import check_float


def _overlaps_itself(array: NDArray[Any]) -> bool:
    """True if an element may share memory with another one, as in a view of sliding windows."""
    reach = array.itemsize  # bytes that the axes so far cover
    axes = sorted((abs(step), n) for step, n in zip(array.strides, array.shape, strict=True) if n > 1)
    for step, n in axes if array.size else ():
        if step < reach:
            return True
        reach += step * (n - 1)
    return False


def unpacked(params: Any) -> tuple[Any, list[NDArray[Any]] | None]:
    """The arrays of a list of arrays and models, or of one model, and the gradients if all are models."""
    items = [params] if hasattr(params, "gradients") else params
    if isinstance(items, np.ndarray) or not isinstance(items, Sequence):
        return items, None
    arrays: list[Any] = []
    gradients: list[NDArray[Any]] | None = []
    for item in items:
        if not hasattr(item, "gradients"):
            arrays.append(item)
            gradients = None
            continue
        arrays += item.parameters().values()
        if gradients is not None:
            gradients += item.gradients().values()
    return arrays, gradients if arrays else None


def checked_params(arrays: Any, name: str = "params") -> list[NDArray[Any]]:
    """The arrays, if an update in place is possible."""
    if isinstance(arrays, np.ndarray) or not isinstance(arrays, Sequence):
        hint = "; pass the model itself" if isinstance(arrays, Mapping) else ""
        if name == "params" and isinstance(arrays, float):
            hint = f"; write lr={arrays:g}"
        raise TypeError(f"{name}: expected a list of arrays, got {type(arrays).__name__}{hint}")
    if not arrays:
        raise ValueError(f"{name}: expected at least one array, got an empty list")
    for i, array in enumerate(arrays):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name}[{i}]: expected a NumPy array, got {type(array).__name__}")
        refuse_unread(f"{name}[{i}]", array)
        if array.dtype not in (np.float32, np.float64) or array.dtype != arrays[0].dtype:
            wanted = "float32 or float64" if i == 0 else f"{arrays[0].dtype}, as {name}[0]"
            raise TypeError(f"{name}[{i}]: expected {wanted}, got {array.dtype}")
        if not array.flags.writeable:
            raise ValueError(f"{name}[{i}]: expected a writeable array")
        if _overlaps_itself(array):
            raise ValueError(f"{name}[{i}]: its elements share memory with each other")
        if any(np.shares_memory(array, other) for other in arrays[:i]):
            raise ValueError(f"{name}[{i}]: shares memory with an array before it")
    return list(arrays)


def clip_grad_norm_(grads: Sequence[NDArray[Any]], max_norm: float) -> float:
    """Scale gradients in place so that their norm, as of one long vector, is at most `max_norm`.

    They are multiplied by ``min(1, max_norm / (norm + 1e-6))``, as PyTorch does. The norm is summed in
    double precision over blocks that do not depend on threads, nor on how the gradients are split.

    Parameters
    ----------
    grads : list of arrays
        float32 or float64, all of one dtype, of any layout.
    max_norm : float
        Above or equal to 0.

    Returns
    -------
    float
        The norm before clipping; NaN or infinite where the gradients are, which are then scaled by NaN or 0.

    Raises
    ------
    TypeError, ValueError
        If an array cannot be changed in place, or `max_norm` is negative; nothing is changed.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> optim.clip_grad_norm_(grads, max_norm=1.0)
    5.0
    >>> [g.round(5).tolist() for g in grads]
    [[0.6], [0.8]]

    Source: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1.
    """
    arrays = checked_params(grads, "grads")
    bound = check_float("max_norm", max_norm)
    if not bound >= 0:
        raise ValueError(f"max_norm: expected >= 0, got {bound}")
    norm_of = _core.global_norm_f32 if arrays[0].dtype == np.float32 else _core.global_norm_f64
    norm = norm_of([np.require(array, requirements=["C", "A"]) for array in arrays])
    share = bound / (norm + 1e-6)
    if not share >= 1:
        for array in arrays:
            array *= array.dtype.type(share)
    return norm


def clip_grad_value_(grads: Sequence[NDArray[Any]], clip_value: float) -> None:
    """Hold gradients in place within +-`clip_value`; a NaN stays.

    Parameters
    ----------
    grads : list of arrays
        float32 or float64, all of one dtype, of any layout.
    clip_value : float
        Above or equal to 0.

    Raises
    ------
    TypeError, ValueError
        If an array cannot be changed in place, or `clip_value` is negative; nothing is changed.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> g = np.array([-3.0, 0.5, 4.0])
    >>> optim.clip_grad_value_([g], clip_value=1.0)
    >>> g
    array([-1. ,  0.5,  1. ])

    Source: PyTorch's ``torch.nn.utils.clip_grad_value_``.
    """
    bound = check_float("clip_value", clip_value)
    if not bound >= 0:
        raise ValueError(f"clip_value: expected >= 0, got {bound}")
    for array in checked_params(grads, "grads"):
        np.clip(array, -bound, bound, out=array)
