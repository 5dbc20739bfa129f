"""Layers that combine several features, or change their number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import init as initializers
from .._utils.check import check_flag, check_int
from ._dense import Initializer, check_initializer, initial_weight
from ._layer import Layer, Shape

__all__ = ["CReLU", "Maxout", "Softmax"]


class CReLU(Layer):
    """Concatenated rectified linear units, f(x) = [relu(x), relu(-x)], with twice the features.

    Source: Shang, Sohn, Almeida & Lee 2016, "Understanding and improving convolutional neural networks via
    concatenated rectified linear units", arXiv:1603.05201, section 2.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.CReLU(), nn.Dense(8, 2), rng=0)
    >>> model.out_features
    2
    """

    _kind = "crelu"

    def _output(self, given: Shape) -> Shape:
        return given._replace(features=2 * given.features)


class Softmax(Layer):
    """Probabilities of classes: `simdnn.functional.softmax` over the features, as a layer.

    It is meant as the last layer before a loss of probabilities. A `Trainer` refuses it before a loss of
    logits, such as cross-entropy, which includes a softmax.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Softmax(), in_features=4, dtype=np.float64)
    >>> model([0.0, 0.0, 0.0, 0.0])
    array([0.25, 0.25, 0.25, 0.25])
    """

    _kind = "softmax"


class Maxout(Layer):
    """y[j] = max over k of (x @ weight + bias)[j, k]: the largest of several linear pieces.

    Parameters
    ----------
    in_features, out_features : int
        The numbers of features of x and y.
    pieces : int
        The number of pieces of each output. The weight has shape (in_features, out_features * pieces), with
        columns ordered (j, k), k the fastest, as in `simdnn.functional.maxout`; the bias has shape
        (out_features * pieces,).
    bias : bool
        True adds a bias, which is initialized to zero.
    init : str, callable or None
        The initializer of the weight, see `Dense`; None is `init.he_uniform`.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1.

    Notes
    -----
    Where several pieces are the largest, the gradient goes to the first of them.

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout networks", arXiv:1302.4389,
    section 3.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Maxout(3, 4, pieces=2), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["0.weight"].shape
    (3, 8)
    """

    _kind = "maxout"

    in_features: int

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int = 2,
        bias: bool = True,
        init: Initializer | str | None = None,
    ) -> None:
        self.in_features = check_int("in_features", in_features)
        self.out_features = check_int("out_features", out_features)
        self.pieces = check_int("pieces", pieces)
        self.bias = check_flag("bias", bias)
        self.init = check_initializer(init)

    def _output(self, given: Shape) -> Shape:
        return given._replace(features=self.out_features)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        columns = self.out_features * self.pieces
        init = initializers.he_uniform if self.init is None else self.init
        values = {"weight": initial_weight(init, None, (self.in_features, columns), rng, dtype)}
        if self.bias:
            values["bias"] = initializers.zeros((columns,), dtype=dtype)
        return values
