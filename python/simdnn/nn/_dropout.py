"""Layers that are random in training."""

from __future__ import annotations

from typing import Any, Literal

from .._utils.check import check_name, check_probability, check_range, check_single
from ..schedules import Schedule
from ._layer import Layer, Shape, native_fields

__all__ = ["AlphaDropout", "Dropout", "RReLU"]


def checked_schedule(p: Any) -> float | Schedule:
    """A probability, or a schedule that begins with one."""
    if not isinstance(p, Schedule):
        return check_probability("p", p)
    check_probability("p", p(0))
    return p


class Dropout(Layer):
    """Sets each number to zero with probability p in training, and divides the others by 1 - p.

    In inference it is the identity. The random numbers depend only on the seed (of the `Trainer`, or of the
    model for `forward`), the step and the place in the batch, for any number of threads.

    Parameters
    ----------
    p : float or Schedule
        The probability of a zero, in [0, 1): a number, or a schedule of `simdnn.schedules` over the steps of
        a `Trainer` (over the forward passes for training, without one).

    Raises
    ------
    TypeError, ValueError
        If `p` is neither, or out of range: at step 0 when the layer is made, later in training.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15; scaled in training ("inverted"), as in PyTorch and Keras.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dropout(0.5), nn.Dense(4, 2), rng=0)
    >>> model(np.ones((3, 4))).shape
    (3, 2)
    >>> from simdnn import schedules
    >>> fading = nn.Dropout(schedules.flat_cos(0.15, steps=1000))
    """

    _kind = "dropout"

    def __init__(self, p: float | Schedule = 0.5) -> None:
        self.p = checked_schedule(p)

    def _native(self, given: Shape) -> dict[str, Any]:
        return native_fields(self._kind, self, p=self.p._pieces if isinstance(self.p, Schedule) else self.p)


class AlphaDropout(Layer):
    """Dropout for networks of `SELU`, which keeps mean 0 and variance 1.

    In training, a number becomes the limit of selu at -inf with probability p, and an affine map restores
    mean and variance. In inference it is the identity.

    Parameters
    ----------
    p : float or Schedule
        The probability that a number is dropped, in [0, 1), as in `Dropout`.

    Raises
    ------
    TypeError, ValueError
        If `p` is neither, or out of range: at step 0 when the layer is made, later in training.

    Source: Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks",
    arXiv:1706.02515.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.AlphaDropout(0.1)
    AlphaDropout(p=0.1)
    """

    _kind = "alpha_dropout"

    def __init__(self, p: float | Schedule = 0.5) -> None:
        self.p = checked_schedule(p)

    def _native(self, given: Shape) -> dict[str, Any]:
        return native_fields(self._kind, self, p=self.p._pieces if isinstance(self.p, Schedule) else self.p)


class RReLU(Layer):
    """Randomized leaky rectified linear unit: f(x) = x if x > 0 else slope * x.

    In training, each number has a random slope, which depends only on the seed, the step and the place in
    the batch. In inference the slope is the mean (lower + upper) / 2.

    Parameters
    ----------
    lower, upper : float
        The range of slopes.
    distribution : {"uniform", "normal"}
        Uniform in [lower, upper) as in the paper, or Gaussian of the same mean and variance.

    Raises
    ------
    TypeError, ValueError
        If a bound is not a number, lower > upper, or the distribution is not known.

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

    _kind = "rrelu"

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        distribution: Literal["uniform", "normal"] = "uniform",
    ) -> None:
        self.lower, self.upper = check_range("lower, upper", lower, upper)
        for name in ("lower", "upper"):
            check_single(name, getattr(self, name))
        self.distribution = check_name("distribution", distribution, ("uniform", "normal"))
