"""Optimisers that follow the gradient itself: SGD and Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._optimizer import Optimizer, Options, Params, Rate, pair, with_likes

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's look-ahead.

    p -= lr * g; with momentum b = momentum * b + (1 - dampening) * g (b = g at the first step) and
    p -= lr * b, or p -= lr * (g + momentum * b) for Nesterov, all with g += weight_decay * p. Batch,
    single-sample and mini-batch descent differ in the ``batch_size`` of `Trainer.fit` alone.

    With ``lr_in_velocity`` the learning rate is inside the velocity, b = momentum * b + lr * g, and p -= b:
    the same path at a constant rate, but after a change of it the old steps keep theirs. So do the notes
    (chapter 3.2), Keras and scikit-learn; PyTorch has it outside.

    Nesterov's gradient is one at the point ahead, p - momentum * b. What is stored, and what you see as the
    parameters, is that point itself, so that a step needs one gradient (Sutskever et al. 2013). The notes
    (chapter 3.3) write p + momentum * b, away from where the step goes: on a parabola of curvature c that
    diverges as soon as lr * c > 1 / momentum - 1, so for momentum 0.9 from lr * c = 0.111 on.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    momentum, dampening, weight_decay : float
    nesterov : bool
        Needs a momentum and no dampening.
    lr_in_velocity : bool
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    **options
        See `Optimizer`. ``like="keras"``: lr 0.01 inside the velocity, decay decoupled; ``"sklearn"``:
        momentum 0.9, nesterov, lr inside the velocity; ``"notes"``: lr inside the velocity.

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

    _likes: ClassVar = {
        "torch": {},
        "keras": {"lr": 1e-2, "lr_in_velocity": True, "decoupled_weight_decay": True},
        "sklearn": {"momentum": 0.9, "nesterov": True, "lr_in_velocity": True},
        "notes": {"lr_in_velocity": True},
    }

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        *,
        lr_in_velocity: bool = False,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        hypers: dict[str, Any] = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                "nesterov: needs momentum > 0 and dampening = 0,"
                f" got momentum={momentum}, dampening={dampening}"
            )
        if momentum != 0:
            hypers |= {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
            hypers["lr_in_velocity"] = lr_in_velocity
        super().__init__("momentum" if momentum != 0 else "sgd", params, hypers, options)

    @property
    def momentum(self) -> float:
        """Decay of the velocity; 0 is plain gradient descent."""
        return self._rule["momentum"] if self._rule.name == "momentum" else 0.0


class Lion(Optimizer):
    """The sign of an interpolated momentum: one buffer, and steps of the same size everywhere.

    p = (1 - lr * weight_decay) * p - lr * sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0; three to ten times smaller than Adam's.
    betas : (float, float)
        Shares of the old momentum in the step and in the new momentum, each in [0, 1).
    weight_decay : float
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay, as in the paper, instead of a part of the gradient.
    **options
        See `Optimizer`. ``like="keras"``: lr 1e-3.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

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

    _likes: ClassVar = {"torch": {}, "keras": {"lr": 1e-3}}

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = True,
        **options: Unpack[Options],
    ) -> None:
        beta1, beta2 = pair("betas", betas)
        hypers = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "beta1": beta1,
            "beta2": beta2,
        }
        super().__init__("lion", params, hypers, options)

    @property
    def betas(self) -> tuple[float, float]:
        """Shares of the old momentum in the step and in the new momentum."""
        return self._rule["beta1"], self._rule["beta2"]
