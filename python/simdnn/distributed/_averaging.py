"""Averages of parameters and state over the ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._exchange import not_finite, raise_not_finite
from ._ranks import Ranks


@np.errstate(all="ignore")
def average(
    arrays: list[NDArray[Any]], ranks: Ranks, ordered: bool, error: BaseException | None = None
) -> None:
    """Replaces arrays by their averages over the ranks, in one message.

    Raises an error on every rank if one has an error, or numbers that are not finite.
    """
    if ranks.size == 1:
        return
    flags = np.array([error is not None, False], arrays[0].dtype)
    message = np.concatenate([*arrays, flags])
    if error is not None:
        message[:-2] = 0
    mine = not_finite(message[:-2])
    message[-1] = mine
    if ordered:
        message = ranks.ordered_sum(message[np.newaxis], "averaging")
    else:
        ranks.add(message, "averaging")
    failed, bad = message[-2:]
    if failed > 0:
        text = None if error is None else f"rank {ranks.rank}: {type(error).__name__}: {error}"
        found = ranks.gather(text, "averaging")
        if error is None:
            raise RuntimeError(f"averaging: {'; '.join(one for one in found if one)}")
        return
    if bad > 0:
        raise_not_finite(ranks, mine, "averaging", "its state is not finite; the ranks are left as they are")
    message /= ranks.size
    begin = 0
    for array in arrays:
        array[:] = message[begin : begin + array.size]
        begin += array.size
