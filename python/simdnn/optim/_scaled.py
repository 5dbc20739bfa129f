"""Optimizers that divide by the root of a mean square: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ._optimizer import Optimizer
from ._settings import Argument


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    s += g^2, p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps), with g += weight_decay * p.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adagrad([p], lr=0.5).step([[3.0, -0.1]])
    >>> p
    array([0.5, 2.5])

    Source: Duchi, Hazan & Singer 2011, "Adaptive subgradient methods", section 1.1; eps inside: Géron 2019,
    "Hands-on machine learning", chapter 11.
    """

    _rules = ("adagrad",)
    _positional = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")
    _own_arguments = (Argument("initial_accumulator_value", 0.0, "Initial value of s.", low=0.0),)
    _presets: ClassVar = {
        "keras": {
            "lr": 1e-3,
            "initial_accumulator_value": 0.1,
            "eps": 1e-7,
            "eps_mode": "inside",
            "decoupled_weight_decay": True,
        },
        "textbook": {"eps": 1e-9, "eps_mode": "inside"},
    }

    def _bind(self, native: Any, shapes: list[tuple[int, ...]], params: list[Any]) -> None:
        super()._bind(native, shapes, params)
        self._reset()

    def _reset(self) -> None:
        super()._reset()
        self._native.slots()[0][...] = self._own["initial_accumulator_value"]


class RMSprop(Optimizer):
    """Steps divided by the root of a decaying mean of squared gradients.

    s = alpha * s + (1 - alpha) * g^2, p -= lr * g / (sqrt(s) + eps), with g += weight_decay * p. Centered:
    the square of the decaying mean of g is subtracted from s. With momentum:
    b = momentum * b + g / (sqrt(s) + eps), p -= lr * b.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.RMSprop([p], lr=0.5, alpha=0.75).step([[3.0, -0.1]])
    >>> p.round(5)
    array([0., 3.])

    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e; centered: Graves 2013,
    "Generating sequences with recurrent neural networks", eq. 38-41; eps inside, and lr inside the velocity:
    Goodfellow, Bengio & Courville 2016, "Deep Learning", algorithms 8.5 and 8.6.
    """

    _rules = ("rmsprop_momentum", "rmsprop_centered_momentum", "rmsprop_centered", "rmsprop")
    _positional = ("alpha", "eps", "weight_decay", "momentum", "centered")
    _own_arguments = (
        Argument("centered", False, "Subtracts the square of the mean gradient from s.", "flag"),
    )
    _structure = ("centered",)
    _fixed = ("momentum", "centered", "lr_in_velocity")
    _presets: ClassVar = {
        "keras": {
            "lr": 1e-3,
            "alpha": 0.9,
            "eps": 1e-7,
            "eps_mode": "inside",
            "lr_in_velocity": True,
            "decoupled_weight_decay": True,
        },
        "textbook": {"eps": 1e-9, "eps_mode": "inside", "lr_in_velocity": True},
    }

    def _choose_rule(self, values: Mapping[str, Any]) -> str:
        momentum = bool(values["momentum"] != 0)
        return "rmsprop" + "_centered" * bool(values["centered"]) + "_momentum" * momentum


class Adadelta(Optimizer):
    """Steps in the units of the parameters, as long as the steps before: no learning rate is needed.

    s = rho * s + (1 - rho) * g^2, u = sqrt(a + eps) / sqrt(s + eps) * g, a = rho * a + (1 - rho) * u^2,
    p -= lr * u, with g += weight_decay * p.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adadelta([p]).step([[3.0, -0.1]])
    >>> p.round(4)
    array([0.9968, 2.0032])

    Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1.
    """

    _rules = ("adadelta",)
    _positional = ("rho", "eps", "weight_decay")
    _presets: ClassVar = {
        "keras": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7, "decoupled_weight_decay": True},
    }
