"""What activation layers share, and those with settings beyond the registry's."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import _core
from .._utils.check import check_float, check_int, check_name
from ._layer import Layer, Shape

REGISTRY = {row["name"]: row for row in _core.activations()}


class Activation(Layer):
    """A function of `simdnn.functional` applied to each number: the base of the activation layers.

    Behind a layer that has none of its own, it costs no pass over memory: that layer applies it.

    Examples
    --------
    >>> from simdnn import nn
    >>> isinstance(nn.ReLU(), nn.Activation), nn.ReLU().function
    (True, 'relu')
    """

    function: ClassVar[str]

    @property
    def rectifier(self) -> bool:
        """True for rectifier-like functions: weights before them get He initialization."""
        return bool(REGISTRY[self.function]["rectifier"])

    @property
    def fixed(self) -> bool:
        """Whether it is that function and no more, so that another layer can apply it."""
        return True

    def _registered(self) -> dict[str, Any]:
        """The native registry's name and parameters."""
        values = [getattr(self, name) for name in REGISTRY[self.function]["parameters"]]
        return {"activation": self.function, "parameters": values}

    def _native(self, given: Shape) -> dict[str, Any]:
        return {"kind": "activation", **self._registered()}


class GELU(Activation):
    """Gaussian error linear unit: `simdnn.functional.gelu` as a layer.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        x Phi(x), or its approximation by tanh.

    Raises
    ------
    ValueError
        If `approximate` is another word.

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = check_name("approximate", approximate, ("none", "tanh"))

    @property
    def function(self) -> str:  # type: ignore[override]
        """The registry's name."""
        return "gelu" if self.approximate == "none" else "gelu_tanh"


class Swish(Activation):
    """f(x) = x sigmoid(beta x): `simdnn.functional.swish` as a layer, whose beta may be learned.

    Parameters
    ----------
    beta : float
        Where it is learned, what it begins with.
    trainable : bool
        Whether beta is a parameter of the network, ``"beta"``.
    num_parameters : int
        Of a trainable beta: 1 is shared by all features, another number is one for each of so many.

    Raises
    ------
    TypeError, ValueError
        If `beta` is no number, or `num_parameters` not an integer of at least 1, and 1 unless trainable.

    Source: Ramachandran, Zoph & Le 2017, "Searching for activation functions", arXiv:1710.05941.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.Swish(trainable=True), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["1.beta"].tolist()
    [1.0]
    """

    function = "swish"

    def __init__(self, beta: float = 1.0, trainable: bool = False, num_parameters: int = 1) -> None:
        self.beta = check_float("beta", beta)
        self.trainable = bool(trainable)
        self.num_parameters = check_int("num_parameters", num_parameters)
        if num_parameters != 1 and not trainable:
            raise ValueError(f"num_parameters: only a trainable beta has {num_parameters} of them")
        self.in_features = None if num_parameters == 1 else self.num_parameters

    @property
    def fixed(self) -> bool:
        """Whether beta is a constant."""
        return not self.trainable

    def _native(self, given: Shape) -> dict[str, Any]:
        return learned("swish", "beta", self.num_parameters) if self.trainable else super()._native(given)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return {"beta": np.full(self.num_parameters, self.beta, dtype)} if self.trainable else {}


class PReLU(Layer):
    """Parametric rectified linear unit: f(x) = x if x > 0 else weight * x, where the weight is learned.

    Parameters
    ----------
    num_parameters : int
        1 is a weight shared by all features, another number is one for each of so many.
    init : float
        What the weights begin with.

    Raises
    ------
    TypeError, ValueError
        If `num_parameters` is not an integer of at least 1, or `init` no number.

    Notes
    -----
    The parameter is ``"weight"``, as in PyTorch. The paper does not decay it, as that pulls it to a plain
    relu.

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", arXiv:1502.01852, section 2.1.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.PReLU(4), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["1.weight"].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = check_int("num_parameters", num_parameters)
        self.in_features = None if self.num_parameters == 1 else self.num_parameters
        self.init = check_float("init", init)

    def _native(self, given: Shape) -> dict[str, Any]:
        return learned("leaky_relu", "weight", self.num_parameters)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return {"weight": np.full(self.num_parameters, self.init, dtype)}


def learned(function: str, name: str, parameters: int) -> dict[str, Any]:
    """A function of the registry that learns its parameter."""
    return {"kind": "trainable_activation", "activation": function, "name": name, "shared": parameters == 1}


class BinaryStep(Activation):
    """f(x) = 1 if x >= 0 else 0: `simdnn.functional.binary_step` as a layer.

    Its derivative is zero, so that nothing before it learns, unless a substitute passes instead.

    Parameters
    ----------
    straight_through : bool or "clipped"
        While it trains: True passes gradients as the identity would, "clipped" where abs(x) <= 1 alone.

    Raises
    ------
    ValueError
        If `straight_through` is another word.

    Source: McCulloch & Pitts 1943; the straight-through estimator is of Bengio, Leonard & Courville 2013,
    arXiv:1308.3432, section 3.1, clipped by Hubara et al. 2016, arXiv:1602.02830, section 1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.BinaryStep(straight_through=True), in_features=3, dtype=np.float64)
    >>> model.forward([[-2.0, 0.0, 3.0]], training=True)
    array([[0., 1., 1.]])
    >>> model.backward([[5.0, 6.0, 7.0]])
    array([[5., 6., 7.]])
    """

    function = "binary_step"

    def __init__(self, straight_through: bool | Literal["clipped"] = False) -> None:
        if not isinstance(straight_through, bool):
            check_name("straight_through", straight_through, ("clipped",))
        self.straight_through = straight_through

    @property
    def fixed(self) -> bool:
        """Whether no substitute stands for its derivative."""
        return self.straight_through is False

    def _native(self, given: Shape) -> dict[str, Any]:
        if self.fixed:
            return super()._native(given)
        return {"kind": "straight_through", "clipped": self.straight_through == "clipped"}
