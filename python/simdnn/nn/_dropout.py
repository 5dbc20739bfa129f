"""Layers that are random while they train."""

from __future__ import annotations

from typing import Any

from .._check import number
from ._layer import Layer, Shape


def probability(name: str, value: Any) -> float:
    """`value` as a float in [0, 1)."""
    p = number(name, value)
    if not 0 <= p < 1:
        raise ValueError(f"{name}: expected a probability in [0, 1), got {p}")
    return p


class Dropout(Layer):
    """Sets each number to zero with probability p while training, and divides the others by 1 - p.

    In evaluation it does nothing. Which numbers are dropped follows from the seed (of the `Trainer`, or of
    the model for `forward`), the step and the place in the batch alone: not from threads.

    Parameters
    ----------
    p : float
        In [0, 1).

    Raises
    ------
    TypeError, ValueError
        If `p` is no number, or out of range.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15; scaled while training ("inverted"), as in PyTorch and Keras.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dropout(0.5), nn.Dense(4, 2), rng=0)
    >>> model(np.ones((3, 4))).shape
    (3, 2)
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("p", p)

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "dropout", "p": self.p}
