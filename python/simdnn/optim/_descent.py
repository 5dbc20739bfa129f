"""Optimizers that follow the gradient itself: SGD and Lion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ._optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's look-ahead.

    p -= lr * g; with momentum b = momentum * b + (1 - dampening) * g (b = g at the first step) and
    p -= lr * b, or p -= lr * (g + momentum * b) for Nesterov, all with g += weight_decay * p. Batch,
    single-sample and mini-batch descent differ in the ``batch_size`` of `Trainer.fit` alone.

    With ``lr_in_velocity`` the learning rate is inside the velocity, b = momentum * b + lr * g, and p -= b:
    the same path at a constant rate, but after a change of the rate past steps keep theirs. Goodfellow et al.
    (2016, algorithm 8.2), Keras and scikit-learn do so; PyTorch has the rate outside.

    Nesterov's gradient is taken at the point ahead, p - momentum * b. The parameters that are stored are that
    point itself, so that a step needs one gradient (Sutskever et al. 2013). The opposite sign,
    p + momentum * b, looks away from where the step goes: on a parabola of curvature c it diverges as soon as
    lr * c > 1 / momentum - 1, for momentum 0.9 from lr * c = 0.111 on.

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

    _rules = ("momentum", "sgd")
    _positional = ("momentum", "dampening", "nesterov", "weight_decay")
    _fixed = ("momentum", "dampening", "nesterov", "lr_in_velocity")
    _presets: ClassVar = {
        "keras": {"lr": 1e-2, "lr_in_velocity": True, "decoupled_weight_decay": True},
        "sklearn": {"momentum": 0.9, "nesterov": True, "lr_in_velocity": True},
        "textbook": {"lr_in_velocity": True},
    }

    def _choose_rule(self, values: Mapping[str, Any]) -> str:
        momentum, dampening = values["momentum"], values["dampening"]
        if values["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(
                "nesterov: needs momentum > 0 and dampening = 0,"
                f" got momentum={momentum}, dampening={dampening}"
            )
        return "momentum" if momentum != 0 else "sgd"


class Lion(Optimizer):
    """Sign of an interpolated momentum: one buffer, and steps of one size for all parameters.

    p = (1 - lr * weight_decay) * p - lr * sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g. Learning rates
    are three to ten times smaller than Adam's.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Lion([p], lr=0.25).step([[3.0, -0.1]])
    >>> p
    array([0.75, 2.25])

    Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2.
    """

    _rules = ("lion",)
    _positional = ("betas", "weight_decay")
    _presets: ClassVar = {"keras": {"lr": 1e-3}}
