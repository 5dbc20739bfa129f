"""Optimisers that divide by the root of a mean square: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .._utils.check import check_float
from ._optimizer import EpsMode, Optimizer, Options, Params, Rate, Setting, with_likes

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    s += g^2, p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps), with g += weight_decay * p.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    lr_decay, weight_decay : float
    initial_accumulator_value : float
        What s begins with, >= 0.
    eps : float
    eps_mode : "outside" or "inside"
        Inside is sqrt(s + eps), as in the notes (chapter 3.4) and Keras. There the same number is another
        one: an eps inside acts as its root does outside.
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    **options
        See `Optimizer`. ``like="keras"``: lr 1e-3, eps 1e-7 inside, s begins with 0.1, decay decoupled;
        ``"notes"``: eps 1e-9 inside.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.Adagrad([p], lr=0.5).step([[3.0, -0.1]])
    >>> p
    array([0.5, 2.5])

    Source: Duchi, Hazan & Singer 2011, "Adaptive subgradient methods", section 1.1.
    """

    _likes: ClassVar = {
        "torch": {},
        "keras": {
            "lr": 1e-3,
            "initial_accumulator_value": 0.1,
            "eps": 1e-7,
            "eps_mode": "inside",
            "decoupled_weight_decay": True,
        },
        "notes": {"eps": 1e-9, "eps_mode": "inside"},
    }

    eps = Setting("eps", "Guards the division.")
    eps_mode = Setting("eps_mode", "Where eps stands.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        eps_mode: EpsMode = "outside",
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self.initial_accumulator_value = check_float("initial_accumulator_value", initial_accumulator_value)
        if not 0 <= self.initial_accumulator_value < float("inf"):
            raise ValueError(
                f"initial_accumulator_value: expected finite and >= 0, got {self.initial_accumulator_value}"
            )
        hypers = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "lr_decay": lr_decay,
            "eps": eps,
            "eps_mode": eps_mode,
        }
        super().__init__("adagrad", params, hypers, options)

    def _bind(self, updater: Any, shapes: list[tuple[int, ...]]) -> None:
        super()._bind(updater, shapes)
        self._reset()

    def _reset(self) -> None:
        super()._reset()
        self._native.slots()[0][...] = self.initial_accumulator_value


class RMSprop(Optimizer):
    """Steps divided by the root of a decaying mean of squared gradients.

    s = alpha * s + (1 - alpha) * g^2, p -= lr * g / (sqrt(s) + eps), with g += weight_decay * p. Centred: the
    square of the decaying mean of g is taken off s. With momentum: b = momentum * b + g / (sqrt(s) + eps),
    p -= lr * b.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    alpha : float
        Decay of the mean, in [0, 1).
    eps : float
    weight_decay, momentum : float
    centered : bool
    eps_mode : "outside" or "inside"
        Inside is sqrt(s + eps), as in the notes (chapter 3.5) and Keras. There the same number is another
        one: an eps inside acts as its root does outside.
    lr_in_velocity : bool
        b takes lr * g / (sqrt(s) + eps), and p -= b, as in Keras: see `SGD`.
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    **options
        See `Optimizer`. ``like="keras"``: lr 1e-3, alpha 0.9, eps 1e-7 inside, lr inside the velocity, decay
        decoupled; ``"notes"``: eps 1e-9 inside, lr inside the velocity.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import optim
    >>> p = np.array([1.0, 2.0])
    >>> optim.RMSprop([p], lr=0.5, alpha=0.75).step([[3.0, -0.1]])
    >>> p.round(5)
    array([0., 3.])

    Source: Hinton 2012, "Neural networks for machine learning", lecture 6e; centred: Graves 2013,
    "Generating sequences with recurrent neural networks", eq. 38-41.
    """

    _likes: ClassVar = {
        "torch": {},
        "keras": {
            "lr": 1e-3,
            "alpha": 0.9,
            "eps": 1e-7,
            "eps_mode": "inside",
            "lr_in_velocity": True,
            "decoupled_weight_decay": True,
        },
        "notes": {"eps": 1e-9, "eps_mode": "inside", "lr_in_velocity": True},
    }
    _structure = ("centered",)

    alpha = Setting("alpha", "Decay of the mean of squares.")
    eps = Setting("eps", "Guards the division.")
    eps_mode = Setting("eps_mode", "Where eps stands.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        eps_mode: EpsMode = "outside",
        lr_in_velocity: bool = False,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._centered = bool(centered)
        hypers = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "alpha": alpha,
            "eps": eps,
            "eps_mode": eps_mode,
        }
        if momentum != 0:
            hypers |= {"momentum": momentum, "lr_in_velocity": lr_in_velocity}
        rule = "rmsprop" + "_centered" * self._centered + "_momentum" * (momentum != 0)
        super().__init__(rule, params, hypers, options)

    @property
    def centered(self) -> bool:
        """Whether the square of the mean gradient is taken off."""
        return self._centered

    @property
    def momentum(self) -> float:
        """Decay of the velocity; 0 has none."""
        return self._rule["momentum"] if self._rule.name.endswith("momentum") else 0.0


class Adadelta(Optimizer):
    """Steps as long as the steps before, in the units of the parameters: no learning rate is needed.

    s = rho * s + (1 - rho) * g^2, u = sqrt(a + eps) / sqrt(s + eps) * g, a = rho * a + (1 - rho) * u^2,
    p -= lr * u, with g += weight_decay * p.

    Parameters
    ----------
    params : list of arrays, Sequential or None
        float32 or float64 arrays, or a model, to update in place; left out when a `Trainer` binds it.
    lr : float or schedule
        Learning rate, >= 0, or a function of the steps done so far.
    rho : float
        Decay of both means, in [0, 1).
    eps : float
    weight_decay : float
    decoupled_weight_decay : bool
        p *= 1 - lr * weight_decay instead of a part of the gradient.
    **options
        See `Optimizer`. ``like="keras"``: lr 1e-3, rho 0.95, eps 1e-7, decay decoupled.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range (a NaN is in none), or an array cannot be updated in place.

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

    _likes: ClassVar = {
        "torch": {},
        "keras": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7, "decoupled_weight_decay": True},
    }

    rho = Setting("rho", "Decay of both means.")
    eps = Setting("eps", "Guards the division.")

    @with_likes
    def __init__(
        self,
        params: Params = None,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        **options: Unpack[Options],
    ) -> None:
        hypers = {
            "lr": lr,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "rho": rho,
            "eps": eps,
        }
        super().__init__("adadelta", params, hypers, options)
