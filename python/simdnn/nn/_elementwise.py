"""The base class of activation layers, and activations with settings that the registry does not have."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import _core
from .._utils.check import check_flag, check_int, check_name, check_single
from ._layer import Layer, Shape, native_fields

__all__ = ["Activation", "PReLU"]

REGISTRY = {row["name"]: row for row in _core.activations()}


class Activation(Layer):
    """A function of `simdnn.functional` applied to each number: the base of the activation layers.

    A layer that has no activation yet fuses the one that follows it, which then costs no pass over memory.

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
        """True for a function without trainable parameters, which another layer can fuse."""
        return True

    def _registered(self) -> tuple[str, list[float]]:
        """The registry's name of the function, and its parameters."""
        return self.function, [getattr(self, name) for name in REGISTRY[self.function]["parameters"]]

    def _native(self, given: Shape) -> dict[str, Any]:
        return native_fields("activation", self, activation=self._registered())


class GELU(Activation):
    """Gaussian error linear unit: `simdnn.functional.gelu` as a layer.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "none" is x Phi(x), "tanh" its approximation by tanh.

    Raises
    ------
    ValueError
        If `approximate` is not one of the two.

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
        """The name in the registry: "gelu" or "gelu_tanh"."""
        return "gelu" if self.approximate == "none" else "gelu_tanh"


class Swish(Activation):
    """f(x) = x sigmoid(beta x): `simdnn.functional.swish` as a layer, with a constant or trainable beta.

    Parameters
    ----------
    beta : float
        The constant, or the initial value of a trainable beta.
    trainable : bool
        True makes beta a parameter of the network, ``"beta"``.
    num_parameters : int
        The size of a trainable beta: 1 is shared by all features; otherwise the number of features.

    Raises
    ------
    TypeError, ValueError
        If `beta` is not a number, `num_parameters` is not an integer of at least 1, or it is above 1 for a
        beta that is not trainable.

    Source: Ramachandran, Zoph & Le 2017, "Searching for activation functions", arXiv:1710.05941.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.Swish(trainable=True), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["1.beta"].tolist()
    [1.0]
    """

    function = "swish"
    _kept = frozenset({"in_features"})

    def __init__(self, beta: float = 1.0, trainable: bool = False, num_parameters: int = 1) -> None:
        self.beta = check_single("beta", beta)
        self.trainable = check_flag("trainable", trainable)
        self.num_parameters = check_int("num_parameters", num_parameters)
        if self.num_parameters != 1 and not self.trainable:
            raise ValueError(f"num_parameters: only a trainable beta has {num_parameters} of them")
        self.in_features = None if num_parameters == 1 else self.num_parameters

    @property
    def fixed(self) -> bool:
        """True if beta is a constant."""
        return not self.trainable

    def _native(self, given: Shape) -> dict[str, Any]:
        return trainable_activation(self, "swish", "beta") if self.trainable else super()._native(given)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return {"beta": np.full(self.num_parameters, self.beta, dtype)} if self.trainable else {}


class PReLU(Layer):
    """Parametric rectified linear unit: f(x) = x if x > 0 else weight * x, with a trainable weight.

    Parameters
    ----------
    num_parameters : int
        The size of the weight: 1 is shared by all features; otherwise the number of features.
    init : float
        The initial value of the weight.

    Raises
    ------
    TypeError, ValueError
        If `num_parameters` is not an integer of at least 1, or `init` is not a number.

    Notes
    -----
    The parameter is ``"weight"``, as in PyTorch. The paper applies no weight decay to it, which would pull it
    towards a plain relu.

    Source: He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", arXiv:1502.01852, section 2.1.

    Examples
    --------
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.Dense(3, 4), nn.PReLU(4), nn.Dense(4, 2), rng=0)
    >>> model.parameters()["1.weight"].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    _kept = frozenset({"in_features"})

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = check_int("num_parameters", num_parameters)
        self.in_features = None if self.num_parameters == 1 else self.num_parameters
        self.init = check_single("init", init)

    def _native(self, given: Shape) -> dict[str, Any]:
        return trainable_activation(self, "leaky_relu", "weight")

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        return {"weight": np.full(self.num_parameters, self.init, dtype)}


def trainable_activation(layer: PReLU | Swish, function: str, name: str) -> dict[str, Any]:
    """The native description of a function of the registry whose parameter is trained under `name`."""
    return native_fields(
        "trainable_activation",
        layer,
        activation=(function, []),
        name=name,
        shared=layer.num_parameters == 1,
    )


class BinaryStep(Activation):
    """f(x) = 1 if x >= 0 else 0: `simdnn.functional.binary_step` as a layer.

    Its derivative is zero, so that no gradient reaches the layers before it, unless a substitute is chosen.

    Parameters
    ----------
    straight_through : bool or "clipped"
        The substitute for the derivative in training: True is that of the identity, "clipped" that of the
        identity where abs(x) <= 1 and zero elsewhere; False is none.

    Raises
    ------
    ValueError
        If `straight_through` is another string.

    Source: McCulloch & Pitts 1943; the straight-through estimator: Bengio, Leonard & Courville 2013,
    arXiv:1308.3432, section 3.1; its clipped form: Hubara et al. 2016, arXiv:1602.02830, section 1.3.

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
        """True if the derivative has no substitute."""
        return self.straight_through is False

    def _native(self, given: Shape) -> dict[str, Any]:
        if self.fixed:
            return super()._native(given)
        return native_fields("straight_through", self, clipped=self.straight_through == "clipped")
