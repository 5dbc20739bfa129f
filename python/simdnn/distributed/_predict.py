"""Predictions of Dask arrays and data frames, block by block."""

from __future__ import annotations

import copy
from typing import Any

from .._utils.lazy import blockwise, is_lazy
from ..nn import Predictor, Sequential


def predict(model: Any, x: Any, method: str = "predict") -> Any:
    """The output of a model for a Dask array or data frame, as a lazy Dask array.

    Parameters
    ----------
    model : Sequential, Predictor or estimator
        The model as it is now: later training does not change the result. An estimator gets the columns
        of a data frame by name.
    x : dask array or data frame
        Samples. Each block of rows is read and predicted when its output is needed. Anything else is
        predicted at once.
    method : str
        Method of an estimator, such as ``"predict_proba"``.

    Returns
    -------
    dask array, shape (n, ...)
        Equal, bit for bit, to the output for all samples at once, whatever the blocks.

    Raises
    ------
    TypeError, ValueError
        If the model has no such method, or `x` has a different number of features.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import distributed, nn
    >>> model = nn.Sequential(nn.Dense(3, 2), rng=0)
    >>> distributed.predict(model, np.zeros((4, 3), np.float32)).shape
    (4, 2)

    >>> import dask.array
    >>> x = dask.array.zeros((1000, 3), chunks=(100, 3), dtype=np.float32)
    >>> distributed.predict(model, x).sum().compute().shape
    ()
    """
    is_network, lazy = isinstance(model, Sequential | Predictor), is_lazy(x)
    frozen = model.freeze() if isinstance(model, Sequential) else model
    same = frozen if is_network or not lazy else copy.deepcopy(frozen)
    function = getattr(same, method, None)
    if not callable(function):
        raise TypeError(f"model: expected one with a method {method}, got {type(model).__name__}")
    return blockwise(function, x, None if is_network else same) if lazy else function(x)
