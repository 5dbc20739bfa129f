"""Predictions of many networks in one native call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_int
from ._predictor import Predictor
from ._sequential import Sequential

__all__ = ["predict_many"]


def predict_many(
    models: Sequence[Sequential | Predictor],
    xs: ArrayLike | Sequence[ArrayLike],
    *,
    n_threads: int | None = None,
) -> list[NDArray[Any]]:
    """The outputs of many networks in one native call, which threads share.

    Each network computes on one thread; a free thread takes the network that is expected to take longest. The
    results have the bits of ``model(x)`` and ``predictor.predict(x)``, one after another.

    Parameters
    ----------
    models : sequence of Sequential or Predictor
        The networks, float32 and float64 mixed as you like. One that is in the list several times predicts
        one batch after another.
    xs : array, or list with one array for each model
        The input of all networks, or of each: samples, or one sample without the first axis. A list or tuple
        is always one of inputs.
    n_threads : int or None
        The largest number of threads, never above `get_num_threads`; None is that number.

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
    natives = natives_of(models)
    threads = _core.thread_count() if n_threads is None else check_int("n_threads", n_threads, 1, 2**15 - 1)
    if not isinstance(xs, list | tuple):
        return _core.predict_many(natives, xs, True, threads)
    if len(xs) != len(natives):
        raise ValueError(f"xs: expected one array for each of the {len(natives)} models, got {len(xs)}")
    return _core.predict_many(natives, list(xs), False, threads)


def natives_of(models: Sequence[Sequential | Predictor]) -> list[Any]:
    """The native objects of models and predictors; raises a TypeError for anything else."""
    if isinstance(models, Sequential | Predictor):
        raise TypeError(f"models: expected a sequence of models, got one {type(models).__name__}")
    natives: list[Any] = []
    for i, model in enumerate(models):
        if isinstance(model, Sequential):
            natives.append(model._model)
        elif isinstance(model, Predictor):
            natives.append(model._predictor)
        else:
            raise TypeError(f"models[{i}]: expected a Sequential or a Predictor, got {type(model).__name__}")
    return natives
