"""Optimisers, with PyTorch's names, defaults and updates: alone on arrays, or bound by a `Trainer`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._check import known_name, number

__all__ = ["SGD", "Adam", "Optimizer"]


class _Hyper:
    """A hyper-parameter that may change between steps; checked by the rule it belongs to."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: "Optimizer | None", owner: type) -> Any:
        return self if optimizer is None else optimizer._rule[self.name]

    def __set__(self, optimizer: "Optimizer", value: float) -> None:
        optimizer._rule[self.name] = number(self.name, value)


class Optimizer:
    """What all optimisers share; use one of its subclasses.

    Examples
    --------
    >>> from simdnn import optim
    >>> optimizer = optim.Adam(lr=1e-3)
    >>> optimizer.lr /= 10
    >>> isinstance(optimizer, optim.Optimizer)
    True
    """

    lr = _Hyper("lr")
    weight_decay = _Hyper("weight_decay")

    def __init__(self, rule: str, params: Sequence[NDArray[Any]] | None, hypers: dict[str, Any]) -> None:
        self._rule = _core.Rule(rule, {name: number(name, value) for name, value in hypers.items()})
        self._updater: _core.UpdaterF32 | _core.UpdaterF64 | None = None
        self._bound = params is not None
        if params is not None:
            arrays = _checked(params)
            make = _core.UpdaterF32 if arrays[0].dtype == np.float32 else _core.UpdaterF64
            self._updater = make(self._rule, arrays)

    def step(self, grads: Sequence[ArrayLike]) -> None:
        """Update the arrays given as `params` in place.

        Parameters
        ----------
        grads : sequence of arrays
            Shapes as `params`, in their order; real numbers, cast to the dtype of `params`.

        Raises
        ------
        ValueError
            If there are no params, or the number or a shape of the gradients is another; nothing is changed.
        """
        if self._updater is None:
            raise ValueError("step: no params to update; give params=[...] to use an optimizer alone")
        self._updater.step(grads)

    def __repr__(self) -> str:
        names = next(row["hypers"] for row in _core.rules() if row["name"] == self._rule.name)
        return f"{type(self).__name__}({', '.join(f'{name}={self._rule[name]:g}' for name in names)})"


def _checked(params: Any) -> list[NDArray[Any]]:
    """The arrays, if an update in place is possible."""
    if isinstance(params, np.ndarray) or not isinstance(params, Sequence):
        raise TypeError(f"params: expected a list of arrays, got {type(params).__name__}")
    if not params:
        raise ValueError("params: expected at least one array, got an empty list")
    for i, array in enumerate(params):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"params[{i}]: expected a NumPy array, got {type(array).__name__}")
        if array.dtype not in (np.float32, np.float64) or array.dtype != params[0].dtype:
            wanted = "float32 or float64" if i == 0 else f"{params[0].dtype}, as params[0]"
            raise TypeError(f"params[{i}]: expected {wanted}, got {array.dtype}")
        if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
            raise ValueError(f"params[{i}]: expected a writeable, aligned, C-contiguous array")
        if any(np.shares_memory(array, other) for other in params[:i]):
            raise ValueError(f"params[{i}]: shares memory with an array before it")
    return list(params)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's look-ahead.

    p -= lr * g; with momentum b = momentum * b + (1 - dampening) * g (b = g at the first step) and
    p -= lr * b, or p -= lr * (g + momentum * b) for Nesterov, all with g += weight_decay * p.

    Parameters
    ----------
    params : list of arrays, or None
        float32 or float64 arrays to update in place; left out when a `Trainer` binds the optimizer.
    lr : float
        Learning rate, >= 0.
    momentum, dampening, weight_decay : float
    nesterov : bool
        Needs a momentum and no dampening.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.SGD([p], lr=0.5).step([[1.0, 1.0]])
    >>> p
    array([0.5, 1.5])

    Source: Robbins & Monro 1951; Polyak 1964; Sutskever, Martens, Dahl & Hinton 2013, section 2.
    """

    def __init__(
        self,
        params: Sequence[NDArray[Any]] | None = None,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        hypers: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
        if number("momentum", momentum) != 0:
            hypers |= {"momentum": momentum, "dampening": dampening, "nesterov": bool(nesterov)}
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                "nesterov: needs momentum > 0 and dampening = 0,"
                f" got momentum={momentum}, dampening={dampening}"
            )
        super().__init__("momentum" if "momentum" in hypers else "sgd", params, hypers)

    @property
    def momentum(self) -> float:
        """Decay of the velocity; 0 is plain gradient descent."""
        return float(self._rule["momentum"]) if self._rule.name == "momentum" else 0.0


class Adam(Optimizer):
    """Adaptive moment estimation.

    m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and
    p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), all with g += weight_decay * p.

    Parameters
    ----------
    params : list of arrays, or None
        float32 or float64 arrays to update in place; left out when a `Trainer` binds the optimizer.
    lr : float
        Learning rate, >= 0.
    betas : (float, float)
        Decay of the two moments, each in [0, 1).
    eps : float
        Added outside the square root, >= 0.
    weight_decay : float
        L2 penalty added to the gradient.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adam([p], lr=0.5).step([[3.0, -0.1]])
    >>> p.round(6)
    array([0.5, 2.5])

    Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
    """

    eps = _Hyper("eps")

    def __init__(
        self,
        params: Sequence[NDArray[Any]] | None = None,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        try:
            beta1, beta2 = betas
        except (TypeError, ValueError):
            raise TypeError(f"betas: expected two numbers, got {betas!r}") from None
        hypers = {"lr": lr, "weight_decay": weight_decay, "beta1": beta1, "beta2": beta2, "eps": eps}
        super().__init__("adam", params, hypers)

    @property
    def betas(self) -> tuple[float, float]:
        """Decay of the two moments."""
        return self._rule["beta1"], self._rule["beta2"]


_OPTIMIZERS: dict[str, type[SGD] | type[Adam]] = {"sgd": SGD, "adam": Adam}


def from_name(name: str) -> Optimizer:
    """The optimizer of that name with its defaults.

    Raises
    ------
    ValueError
        If there is none; the known ones are listed.

    Examples
    --------
    >>> from simdnn import optim
    >>> optim.from_name("sgd")
    SGD(lr=0.001, weight_decay=0)
    """
    return _OPTIMIZERS[known_name("optimizer", name, _OPTIMIZERS)]()
