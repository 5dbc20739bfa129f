"""Predictions of many networks in one native call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_items
from ..config import checked_threads
from ._predictor import Predictor
from ._sequential import Sequential

__all__ = ["predict_many"]


def predict_many(
    models: Sequence[Sequential | Predictor],
    xs: ArrayLike | Sequence[ArrayLike],
    *,
    n_threads: int | None = None,
) -> list[NDArray[Any]]:
    """The outputs of many networks, of any shapes, in one native call.

    Free threads take the next network, the longest expected first. The results have the bits of ``model(x)``
    and ``predictor.predict(x)``, one after another.

    Parameters
    ----------
    models : sequence of Sequential or Predictor
        The networks, float32 and float64 mixed as you like. One that is in the list several times predicts
        one batch after another.
    xs : list of arrays, or array
        The input of each network; an array is shared by all. It is a batch, or one sample without the first
        axis.
    n_threads : int or None
        Number of threads; None is `simdnn.get_num_threads()`. A network stays on one thread.

    Returns
    -------
    list of array
        The output of each model, in its dtype.

    Raises
    ------
    TypeError, ValueError, IndexError
        If a model or an input is none, or they do not fit; the message names the place, such as ``xs[3]``,
        and nothing has been computed.

    Examples
    --------
    >>> import numpy as np, simdnn
    >>> from simdnn import nn
    >>> models = [nn.Sequential(nn.Dense(3, 8, "relu"), nn.Dense(8, 2), rng=seed) for seed in range(4)]
    >>> outputs = simdnn.predict_many(models, np.ones((5, 3), np.float32))
    >>> len(outputs), outputs[0].shape
    (4, (5, 2))
    >>> outputs = simdnn.predict_many(models, [np.ones((rows, 3)) for rows in range(1, 5)])
    >>> [len(output) for output in outputs]
    [1, 2, 3, 4]
    """
    natives = [native_of(model) for model in checked_models(models)]
    threads = checked_threads(n_threads)
    if not isinstance(xs, list | tuple) or not any(getattr(x, "shape", ()) for x in xs):
        return _core.predict_many(natives, xs, True, threads)
    if len(xs) != len(natives):
        raise ValueError(f"xs: expected one array for each of the {len(natives)} models, got {len(xs)}")
    return _core.predict_many(natives, list(xs), False, threads)


def checked_models(models: Any) -> tuple[Sequential | Predictor, ...]:
    """The models as a tuple; raises a TypeError with the place of anything else."""
    members = tuple(check_items("models", models, "a sequence of models"))
    for i, model in enumerate(members):
        if not isinstance(model, Sequential | Predictor):
            raise TypeError(f"models[{i}]: expected a Sequential or a Predictor, got {type(model).__name__}")
    return members


def native_of(model: Sequential | Predictor) -> Any:
    """The native object of a model or predictor."""
    return model._model if isinstance(model, Sequential) else model._predictor
