"""Layers that look at several features at once, or change how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import init as initializers
from .._utils.check import check_int
from ._dense import Initializer, check_initializer, initial_weight
from ._layer import Layer, Shape


class CReLU(Layer):
    """Concatenated rectified linear units, f(x) = [relu(x), relu(-x)]: the features double.

    Source: Shang, Sohn, Almeida & Lee 2016, "Understanding and improving convolutional neural networks via
    concatenated rectified linear units", arXiv:1603.05201, section 2.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.CReLU(), nn.Dense(8, 2), rng=0)
    >>> model.out_features
    2
    """

    def _output(self, given: Shape) -> Shape:
        return given._replace(features=2 * given.features)

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "crelu"}


class Softmax(Layer):
    """Probabilities of classes: `simdnn.functional.softmax` over the features, as a layer.

    For a last layer before a loss of probabilities. A `Trainer` refuses it before one of logits, such as
    cross-entropy, which has its own.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Softmax(), in_features=4, dtype=np.float64)
    >>> model([0.0, 0.0, 0.0, 0.0])
    array([0.25, 0.25, 0.25, 0.25])
    """

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "softmax"}


class Maxout(Layer):
    """y[j] = max over k of (x @ weight + bias)[j, k]: the largest of several linear pieces.

    Parameters
    ----------
    in_features, out_features : int
    pieces : int
        How many compete for each output. The weight has shape (in_features, out_features * pieces), its
        columns ordered (j, k), k the fastest, as in `simdnn.functional.maxout`; the bias one number each.
    bias : bool
    init : str, callable or None
        As in `Dense`; None is `init.he_uniform`.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1.

    Notes
    -----
    The gradient goes to the first of the largest pieces.

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout networks", arXiv:1302.4389,
    section 3.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Maxout(3, 4, pieces=2), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["0.weight"].shape
    (3, 8)
    """

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
        self.bias = bool(bias)
        self.init = check_initializer(init)

    def _output(self, given: Shape) -> Shape:
        return given._replace(features=self.out_features)

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "maxout", "pieces": self.pieces, "bias": self.bias}

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        columns = self.out_features * self.pieces
        init = initializers.he_uniform if self.init is None else self.init
        values = {"weight": initial_weight(init, None, (self.in_features, columns), rng, dtype)}
        if self.bias:
            values["bias"] = initializers.zeros((columns,), dtype=dtype)
        return values
