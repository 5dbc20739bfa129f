"""Layers that are random while they train."""

from __future__ import annotations

from typing import Any, Literal

from .._utils.check import check_float, check_name
from ._layer import Layer, Shape


def probability(name: str, value: Any) -> float:
    """`value` as a float in [0, 1)."""
    p = check_float(name, value)
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


class AlphaDropout(Layer):
    """Dropout for networks of `SELU`: keeps mean 0 and variance 1.

    While it trains, a number becomes what selu tends to at -inf, with probability p, and an affine map
    restores mean and variance; in evaluation it does nothing.

    Parameters
    ----------
    p : float
        In [0, 1).

    Raises
    ------
    TypeError, ValueError
        If `p` is no number, or out of range.

    Source: Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks",
    arXiv:1706.02515.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.AlphaDropout(0.1)
    AlphaDropout(p=0.1)
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("p", p)

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "alpha_dropout", "p": self.p}


class RReLU(Layer):
    """Randomized leaky rectified linear unit: f(x) = x if x > 0 else slope * x.

    While it trains, every number draws a slope of its own, from the seed, the step and the place in the
    batch alone; in evaluation all have the mean (lower + upper) / 2.

    Parameters
    ----------
    lower, upper : float
        The range of slopes.
    distribution : {"uniform", "normal"}
        Uniform in [lower, upper) as in the paper, or Gaussian of the same mean and variance.

    Raises
    ------
    TypeError, ValueError
        If a bound is no number, lower > upper, or the distribution is another word.

    Source: Xu, Wang, Chen & Li 2015, "Empirical evaluation of rectified activations in convolutional
    network", arXiv:1505.00853, section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.RReLU(), in_features=2, dtype=np.float64)
    >>> model([-24.0, 2.0])
    array([-5.5,  2. ])
    """

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        distribution: Literal["uniform", "normal"] = "uniform",
    ) -> None:
        self.lower, self.upper = check_float("lower", lower), check_float("upper", upper)
        if not self.lower <= self.upper:
            raise ValueError(f"lower, upper: expected lower <= upper, got {lower} and {upper}")
        self.distribution = check_name("distribution", distribution, ("uniform", "normal"))

    def _native(self, given: Shape) -> dict[str, Any]:
        settings = {"lower": self.lower, "upper": self.upper, "normal": self.distribution == "normal"}
        return {"kind": "rrelu", **settings}
