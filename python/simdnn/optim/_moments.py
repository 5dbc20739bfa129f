"""Optimisers with a first and a second moment: Adam and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._optimizer import EpsMode, Optimizer, Options, Params, Rate, Setting, pair, with_likes

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Moments(Optimizer):
    """What Adam's relatives share."""

    eps = Setting("eps", "Guards the division.")

    @property
    def betas(self) -> tuple[float, float]:
        """Decay of the two moments."""
        return self._rule["beta1"], self._rule["beta2"]

    @betas.setter
    def betas(self, betas: tuple[float, float]) -> None:
        self._rule["beta1"], self._rule["beta2"] = pair("betas", betas)


def moments(
    lr: Rate, betas: Any, eps: float, weight_decay: float, decoupled_weight_decay: bool, **others: Any
) -> dict[str, Any]:
    """Settings by the rule's names."""
    beta1, beta2 = pair("betas", betas)
    return {
        "lr": lr,
        "weight_decay": weight_decay,
        "decoupled_weight_decay": decoupled_weight_decay,
        "beta1": beta1,
        "beta2": beta2,
        "eps": eps,
        **others,
    }


class Adam(Moments):
    """Adaptive moment estimation.

    m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and
    p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), all with g += weight_decay * p.

    The notes (chapter 3.6) write the corrections without the power t; it is meant, as in the paper: without
    it they would go on enlarging the steps tenfold for ever.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    betas : (float, float)
        Decay of the two moments, each in [0, 1).
    eps : float
        Guards the division, >= 0.
    weight_decay : float
        L2 penalty added to the gradient.
    amsgrad : bool
        Divide by the largest v so far.
    eps_mode : "outside", "inside" or "hat"
        outside: sqrt(v / (1 - b2^t)) + eps; inside: sqrt(v / (1 - b2^t) + eps), as in the notes; hat:
        (sqrt(v) + eps) / sqrt(1 - b2^t), the "epsilon hat" of the paper, as in Keras and scikit-learn. The
        same number means another thing in each: an eps inside acts as its root does outside.
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient: `AdamW`.
    **options
        See `Optimizer`. ``like="keras"``: eps 1e-7 as hat, decay decoupled; ``"sklearn"``: eps as hat;
        ``"notes"``: eps inside.

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

    Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1; amsgrad: Reddi, Kale
    & Kumar 2018, "On the convergence of Adam and beyond", algorithm 2.
    """

    _likes: ClassVar = {
        "torch": {},
        "keras": {"eps": 1e-7, "eps_mode": "hat", "decoupled_weight_decay": True},
        "sklearn": {"eps_mode": "hat"},
        "notes": {"eps_mode": "inside"},
    }
    _structure = ("amsgrad",)

    eps_mode = Setting("eps_mode", "Where eps stands.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        eps_mode: EpsMode = "outside",
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._amsgrad = bool(amsgrad)
        hypers = moments(lr, betas, eps, weight_decay, decoupled_weight_decay, eps_mode=eps_mode)
        super().__init__("amsgrad" if self._amsgrad else "adam", params, hypers, options)

    @property
    def amsgrad(self) -> bool:
        """Whether the largest second moment so far divides."""
        return self._amsgrad


class AdamW(Adam):
    """Adam with decoupled weight decay: p *= 1 - lr * weight_decay, then Adam's step.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, amsgrad, eps_mode, decoupled_weight_decay, **options
        As `Adam`. ``like="keras"``: eps 1e-7 as hat, weight_decay 0.004.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.AdamW([p], lr=0.5, weight_decay=0.1).step([[3.0, -0.1]])
    >>> p.round(6)
    array([0.45, 2.4 ])

    Source: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with lr times
    weight_decay as PyTorch has it.
    """

    _likes: ClassVar = {
        "torch": {},
        "keras": {"eps": 1e-7, "eps_mode": "hat", "weight_decay": 4e-3},
    }

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        eps_mode: EpsMode = "outside",
        decoupled_weight_decay: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            eps_mode=eps_mode,
            decoupled_weight_decay=decoupled_weight_decay,
            **options,
        )


class NAdam(Moments):
    """Adam with Nesterov's look-ahead, its momentum warming up.

    With u_t = b1 * (1 - 0.96^(t * momentum_decay) / 2) and m, v as in Adam:
    p -= lr * d / (sqrt(v / (1 - b2^t)) + eps), where
    d = u_{t+1} m / (1 - u_1 .. u_{t+1}) + (1 - u_t) g / (1 - u_1 .. u_t).

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    betas : (float, float)
        Decay of the two moments, each in [0, 1).
    eps, weight_decay : float
    momentum_decay : float
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    eps_mode : "outside", "inside" or "hat"
        See `Adam`.
    **options
        See `Optimizer`. ``like="keras"``: lr 1e-3, eps 1e-7, momentum_decay 1, decay decoupled; ``"notes"``:
        eps inside.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

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

    _likes: ClassVar = {
        "torch": {},
        "keras": {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1.0, "decoupled_weight_decay": True},
        "notes": {"eps_mode": "inside"},
    }

    eps_mode = Setting("eps_mode", "Where eps stands.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        eps_mode: EpsMode = "outside",
        **options: Unpack[Options],
    ) -> None:
        hypers = moments(
            lr,
            betas,
            eps,
            weight_decay,
            decoupled_weight_decay,
            momentum_decay=momentum_decay,
            eps_mode=eps_mode,
        )
        super().__init__("nadam", params, hypers, options)


class RAdam(Moments):
    """Adam that goes without the division while its second moment rests on too few gradients.

    With R = 2 / (1 - b2) - 1 and r = R - 2 t b2^t / (1 - b2^t): where r > 5,
    p -= lr * rect * (m / (1 - b1^t)) * sqrt(1 - b2^t) / (sqrt(v) + eps), with
    rect = sqrt((r - 4)(r - 2) R / ((R - 4)(R - 2) r)), and p -= lr * m / (1 - b1^t) before.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    betas : (float, float)
        Decay of the two moments, each in [0, 1).
    eps, weight_decay : float
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    eps_mode : "outside", "inside" or "hat"
        See `Adam`; PyTorch has the hat here.
    **options
        See `Optimizer`. ``like="notes"``: eps inside.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.RAdam([p], lr=0.5).step([[1.0, -0.5]])
    >>> p
    array([0.5 , 2.25])

    Source: Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2.
    """

    _likes: ClassVar = {"torch": {}, "notes": {"eps_mode": "inside"}}

    eps_mode = Setting("eps_mode", "Where eps stands.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        eps_mode: EpsMode = "hat",
        **options: Unpack[Options],
    ) -> None:
        hypers = moments(lr, betas, eps, weight_decay, decoupled_weight_decay, eps_mode=eps_mode)
        super().__init__("radam", params, hypers, options)


class Adamax(Moments):
    """Adam with a decaying largest gradient in place of the second moment.

    m = b1 m + (1 - b1) g, u = max(b2 u, abs(g) + eps), p -= lr * m / ((1 - b1^t) * u), with
    g += weight_decay * p.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    betas : (float, float)
        Decay of the moment and of the largest gradient, each in [0, 1).
    eps, weight_decay : float
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    **options
        See `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

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

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            "adamax", params, moments(lr, betas, eps, weight_decay, decoupled_weight_decay), options
        )
