"""Linear layers over piecewise-linear codes of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import init as initializers
from .._utils.check import check_flag, check_int
from ._activation import Activation, activation_of
from ._dense import Initializer, check_initializer, initial_weight
from ._layer import Layer, Shape, native_fields

__all__ = ["PiecewiseLinear"]

#: The most bins of a number; the lists of rows of each bin have room for them.
MOST_BINS = 1024


class PiecewiseLinear(Layer):
    """A linear layer over piecewise-linear codes of numbers: y = activation(codes(x) @ weight + bias).

    An encoded input is the position t in [0, bins] of a number among its bins: the bin, counted from 0, plus
    the fraction of the bin that is below the number. It stands for `bins` codes, clip(t - b, 0, 1) for b = 0,
    ..., bins - 1: those below its bin are 1, those above it 0. The output is therefore a piecewise linear
    function of each number, with its bends at the edges of the bins.

    Parameters
    ----------
    in_features, out_features : int
        The numbers of features of x and y. The weight has shape (encoded * bins + in_features - encoded,
        out_features): the rows of the codes, those of a number next to each other, and then a row for each
        other input. The bias has shape (out_features,).
    encoded : int or None
        The number of positions, which are the first inputs; the inputs after them are read as by a `Dense`.
        At least 1; None is all of them.
    bins : int
        The number of bins of each encoded input, from 1 to 1,024.
    activation : str, Activation or None
        The activation, see `Dense`; None is linear.
    bias : bool
        True adds a bias, which is initialized to zero.
    init : str, callable or None
        The initializer of the weight, see `Dense`; the fan-in counts the codes.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer in its range, or the activation is not known.

    Notes
    -----
    The codes are never stored: at most one of a number is a fraction, so its product with the weights is the
    sum of the weights below its bin plus a fraction of those of the bin, and gradients are found the same
    way. The time does not grow with the number of bins, apart from one pass through the weights for each
    batch.

    A position below 0 counts as 0 and one above `bins` as `bins`; NaN makes all outputs of its row NaN. The
    gradient w.r.t. a position is that within its bin, and 0 at 0 and `bins` and beyond.

    Source: Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features in tabular deep
    learning", arXiv:2203.05556, section 3.2.

    Examples
    --------
    Two numbers among three bins each, and one plain input:

    >>> import numpy as np
    >>> from simdnn import nn
    >>> layer = nn.PiecewiseLinear(3, 2, encoded=2, bins=3, init="ones")
    >>> model = nn.Sequential(layer, rng=0)
    >>> model.parameters()["0.weight"].shape
    (7, 2)
    >>> model([[0.25, 3.0, 10.0], [1.5, 7.0, 10.0]])
    array([[13.25, 13.25],
           [14.5 , 14.5 ]], dtype=float32)
    """

    in_features: int

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        encoded: int | None = None,
        bins: int = 16,
        activation: str | Activation | None = None,
        bias: bool = True,
        init: Initializer | str | None = None,
    ) -> None:
        self.in_features = check_int("in_features", in_features)
        self.out_features = check_int("out_features", out_features)
        self.encoded = None if encoded is None else check_int("encoded", encoded, 1, self.in_features)
        self.bins = check_int("bins", bins, 1, MOST_BINS)
        self.activation = activation
        self._activation = activation_of(activation)
        self.bias = check_flag("bias", bias)
        self.init = check_initializer(init)

    def _positions(self) -> int:
        """The number of encoded inputs."""
        return self.in_features if self.encoded is None else self.encoded

    def _output(self, given: Shape) -> Shape:
        return given._replace(features=self.out_features)

    def _native(self, given: Shape) -> dict[str, Any]:
        own = {"encoded": self._positions(), "activation": self._activation._registered()}
        return native_fields("piecewise_linear", self, **own)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        rows = self.in_features + self._positions() * (self.bins - 1)
        shape = (rows, self.out_features)
        values = {"weight": initial_weight(self.init, self._activation, shape, rng, dtype)}
        if self.bias:
            values["bias"] = initializers.zeros((self.out_features,), dtype=dtype)
        return values
