"""Optimizers with a first and a second moment: Adam and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ._optimizer import Optimizer
from ._settings import Argument


class Adam(Optimizer):
    """Adaptive moment estimation.

    m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and
    p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), all with g += weight_decay * p.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adam([p], lr=0.5).step([[3.0, -0.1]])
    >>> p.round(6)
    array([0.5, 2.5])

    Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, and the end of
    section 2 for "hat", which Keras and scikit-learn have; eps inside: Géron 2019, "Hands-on machine
    learning", chapter 11; amsgrad: Reddi, Kale & Kumar 2018, "On the convergence of Adam and beyond",
    algorithm 2.
    """

    _rules = ("adam", "amsgrad")
    _positional = ("betas", "eps", "weight_decay", "amsgrad")
    _own_arguments = (Argument("amsgrad", False, "Divides by the largest v so far.", "flag"),)
    _structure = ("amsgrad",)
    _fixed = ("amsgrad",)
    _presets: ClassVar = {
        "keras": {"eps": 1e-7, "eps_mode": "hat", "decoupled_weight_decay": True},
        "sklearn": {"eps_mode": "hat"},
        "textbook": {"eps_mode": "inside"},
    }

    def _choose_rule(self, values: Mapping[str, Any]) -> str:
        return "amsgrad" if values["amsgrad"] else "adam"


class AdamW(Adam):
    """Adam with decoupled weight decay: p *= 1 - lr * weight_decay, then Adam's step.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.AdamW([p], lr=0.5, weight_decay=0.1).step([[3.0, -0.1]])
    >>> p.round(6)
    array([0.45, 2.4 ])

    Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with lr times
    weight_decay as in PyTorch.
    """

    _defaults: ClassVar = {"weight_decay": 1e-2, "decoupled_weight_decay": True}
    _presets: ClassVar = {"keras": {"eps": 1e-7, "eps_mode": "hat", "weight_decay": 4e-3}}


class NAdam(Optimizer):
    """Adam with Nesterov's look-ahead, whose momentum warms up.

    With u_t = b1 * (1 - 0.96^(t * momentum_decay) / 2) and m, v as in Adam:
    p -= lr * d / (sqrt(v / (1 - b2^t)) + eps), where
    d = u_{t+1} m / (1 - u_1 .. u_{t+1}) + (1 - u_t) g / (1 - u_1 .. u_t).

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.NAdam([p], lr=0.5).step([[3.0, -0.1]])
    >>> p.round(3)
    array([0.472, 2.528])

    Source: Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2.
    """

    _rules = ("nadam",)
    _positional = ("betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay")
    _presets: ClassVar = {
        "keras": {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1.0, "decoupled_weight_decay": True},
        "textbook": {"eps_mode": "inside"},
    }


class RAdam(Optimizer):
    """Adam that omits the division while its second moment rests on too few gradients.

    With R = 2 / (1 - b2) - 1 and r = R - 2 t b2^t / (1 - b2^t): if r > 5,
    p -= lr * rect * (m / (1 - b1^t)) * sqrt(1 - b2^t) / (sqrt(v) + eps), with
    rect = sqrt((r - 4)(r - 2) R / ((R - 4)(R - 2) r)), else p -= lr * m / (1 - b1^t).

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.RAdam([p], lr=0.5).step([[1.0, -0.5]])
    >>> p
    array([0.5 , 2.25])

    Source: Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2; eps as
    "hat" by default, as in PyTorch.
    """

    _rules = ("radam",)
    _positional = ("betas", "eps", "weight_decay", "decoupled_weight_decay")
    _presets: ClassVar = {"textbook": {"eps_mode": "inside"}}


class Adamax(Optimizer):
    """Adam with a decaying largest gradient in place of the second moment.

    m = b1 m + (1 - b1) g, u = max(b2 u, abs(g) + eps), p -= lr * m / ((1 - b1^t) * u), with
    g += weight_decay * p.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adamax([p], lr=0.5).step([[3.0, -0.1]])
    >>> p.round(6)
    array([0.5, 2.5])

    Source: Kingma & Ba 2015, section 7.1, algorithm 2.
    """

    _rules = ("adamax",)
    _positional = ("betas", "eps", "weight_decay")
