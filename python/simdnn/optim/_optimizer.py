"""What all optimisers share: settings, binding to arrays, steps, state."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, TypeAlias, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_float, check_name
from ..schedules import ReduceOnPlateau, Schedule
from ._arrays import checked_params

if TYPE_CHECKING:
    from typing_extensions import Unpack  # noqa: F401

    from ..nn import Sequential

RULES = {row["name"]: row for row in _core.rules()}
EPS_MODES = ("outside", "inside", "hat")

Rate: TypeAlias = "float | Callable[[int], float]"
EpsMode: TypeAlias = Literal["outside", "inside", "hat"]
Params: TypeAlias = "Sequence[NDArray[Any]] | Sequential | None"
P = ParamSpec("P")


class Options(TypedDict, total=False):
    """Keywords that every optimiser takes."""

    like: Literal["torch", "keras", "sklearn", "notes"]
    maximize: bool
    l1: float
    l2: float
    penalize_bias: bool
    clip_norm: float | None
    clip_value: float | None
    max_norm: float | None
    skip_nonfinite: bool


def with_likes(init: Callable[P, None]) -> Callable[P, None]:
    """Replaces defaults by those of the library that ``like`` names; arguments that are given win."""

    @functools.wraps(init)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        likes = args[0]._likes  # type: ignore[attr-defined]
        like = check_name("like", kwargs.pop("like", "torch"), likes)
        if likes[like]:
            given = inspect.signature(init).bind_partial(*args, **kwargs).arguments
            kwargs.update({name: value for name, value in likes[like].items() if name not in given})
        init(*args, **kwargs)

    return wrapped


class Setting:
    """A setting of the rule that may change between steps; None where one of `BOUNDS` bounds nothing."""

    def __init__(self, name: str, doc: str) -> None:
        self.name = name
        self.__doc__ = doc

    def __get__(self, optimizer: Optimizer | None, owner: type) -> Any:
        return self if optimizer is None else readable(self.name, optimizer._rule[self.name])

    def __set__(self, optimizer: Optimizer, value: Any) -> None:
        optimizer._rule[self.name] = native(self.name, value)


#: Settings that every rule has, by the names of the native ones.
OPTIONS = (
    "maximize",
    "l1",
    "l2",
    "penalize_bias",
    "clip_norm",
    "clip_value",
    "max_norm",
    "skip_nonfinite",
)
BOUNDS = ("clip_norm", "clip_value", "max_norm")
FLAGS = (
    "maximize",
    "skip_nonfinite",
    "penalize_bias",
    "nesterov",
    "lr_in_velocity",
    "decoupled_weight_decay",
)


def native(name: str, value: Any) -> float:
    """A setting as the rule keeps it."""
    if name == "eps_mode":
        return EPS_MODES.index(check_name(name, value, EPS_MODES))
    if name in FLAGS:
        return float(bool(value))
    if name in BOUNDS and value is None:
        return math.inf
    return check_float(name, value)


def readable(name: str, value: float) -> Any:
    """A setting as users write it."""
    if name == "eps_mode":
        return EPS_MODES[int(value)]
    if name in FLAGS:
        return bool(value)
    return None if name in BOUNDS and value == math.inf else value


class Optimizer:
    """What all optimisers share; use one of its subclasses.

    Parameters that each of them takes by keyword:

    like : "torch", "keras", "sklearn" or "notes"
        Whose defaults and variants to follow; arguments that are given win. Each class lists what it knows.
    maximize : bool
        Go up the gradient.
    l1, l2 : float
        Penalties ``l1 * sum(abs(p)) + l2 / 2 * sum(p**2)``, >= 0: ``l1 * sign(p) + l2 * p`` is added to
        the gradient, after clipping.
    penalize_bias : bool
        Whether l1 and l2 are also for parameters with one axis or none, such as biases; `weight_decay` is
        for all, as in PyTorch.
    clip_norm : float or None
        If the norm of all gradients together is above it, they are scaled down to it, as PyTorch's
        ``clip_grad_norm_`` does. `grad_norm` holds the norm.
    clip_value : float or None
        Each gradient is held within +-clip_value, after the norm is.
    max_norm : float or None
        After the step, the incoming weights of each unit (columns of an (inputs, outputs) matrix; a vector
        as a whole, but not the biases of a network) are scaled down to this norm where they exceed it.
    skip_nonfinite : bool
        Refuse a step whose gradients hold an infinity or a NaN, and count it in `skipped`. Otherwise they
        spread as IEEE 754 says.

    All of this happens in the one pass that updates the parameters; only `clip_norm` and `skip_nonfinite`
    read the gradients once before. The bits do not depend on the number of threads, on alignment, or on how
    the parameters are split into arrays.

    A copy or pickle holds the settings alone: it is bound to no parameters, and begins at step 0.

    Examples
    --------
    >>> from simdnn import optim
    >>> optimizer = optim.Adam(lr=1e-3)
    >>> optimizer.lr /= 10
    >>> isinstance(optimizer, optim.Optimizer)
    True

    Source: Srebro & Shraibman 2005 (max-norm); Pascanu, Mikolov & Bengio 2013 (clip_norm).
    """

    _likes: ClassVar[dict[str, dict[str, Any]]] = {"torch": {}}
    #: Settings that choose the rule itself, and so never change.
    _structure: ClassVar[tuple[str, ...]] = ()

    weight_decay = Setting(
        "weight_decay", "Penalty in the gradient, or the share of p that goes with each lr."
    )
    decoupled_weight_decay = Setting("decoupled_weight_decay", "Whether weight_decay shrinks p itself.")
    maximize = Setting("maximize", "Whether steps go up the gradient.")
    l1 = Setting("l1", "Penalty of the absolute values.")
    l2 = Setting("l2", "Penalty of the squares, beside weight_decay.")
    penalize_bias = Setting("penalize_bias", "Whether l1 and l2 are also for biases.")
    clip_norm = Setting("clip_norm", "Bound of the norm of all gradients, or None.")
    clip_value = Setting("clip_value", "Bound of each gradient, or None.")
    max_norm = Setting("max_norm", "Bound of each unit's incoming weights, or None.")
    skip_nonfinite = Setting("skip_nonfinite", "Whether steps with an infinity or a NaN are refused.")

    def __init__(self, rule: str, params: Params, hypers: dict[str, Any], options: Mapping[str, Any]) -> None:
        if unknown := options.keys() - Options.__annotations__.keys():
            raise TypeError(f"{type(self).__name__}: unexpected argument {sorted(unknown)[0]!r}")
        rate = hypers.pop("lr")
        settings = {name: native(name, value) for name, value in {**hypers, **options}.items()}
        self._rule = _core.Rule(rule, settings)
        self._schedule: Callable[[int], float] | None = None
        self.lr = rate
        self._updater: _core.UpdaterF32 | _core.UpdaterF64 | None = None
        self._native: Any = None
        self._shapes: list[tuple[int, ...]] = []
        self._bound = params is not None
        self._gradients: list[NDArray[Any]] | None = None  # of a model, beside its parameters
        if params is not None:
            if not isinstance(params, Sequence) and hasattr(params, "gradients"):
                self._gradients = list(params.gradients().values())
                params = list(params.parameters().values())
            arrays = checked_params(params)
            make = _core.UpdaterF32 if arrays[0].dtype == np.float32 else _core.UpdaterF64
            self._updater = make(self._rule, arrays)
            self._bind(self._updater, [array.shape for array in arrays])

    def _bind(self, updater: Any, shapes: list[tuple[int, ...]]) -> None:
        """Takes the state of whoever updates parameters of these shapes."""
        self._native = updater
        self._shapes = shapes
        self._bound = True

    def _adopt(self, options: Mapping[str, Any]) -> None:
        """Takes over settings of a `Trainer`, unless it has other ones of its own."""
        used = {name: value for name, value in options.items() if value is not None}
        chosen = {name: native(name, value) for name, value in used.items() if name in BOUNDS or value != 0}
        for name in chosen:
            if self._rule[name] not in (chosen[name], _core.Rule(self._rule.name, {})[name]):
                raise ValueError(
                    f"{name}: the optimizer has {self._rule[name]:g}, the Trainer {chosen[name]:g}"
                )
        _core.Rule(self._rule.name, chosen)  # refuses what is out of range
        for name, value in chosen.items():
            self._rule[name] = value

    @property
    def lr(self) -> Any:
        """The learning rate: a number >= 0, or a schedule: a function of the steps done so far."""
        return self._rule["lr"] if self._schedule is None else self._schedule

    @lr.setter
    def lr(self, value: Rate) -> None:
        if not callable(value):
            self._rule["lr"] = check_float("lr", value)
        self._rule.set_schedule(value._pieces if isinstance(value, Schedule) else [])
        self._rule.set_rates(0, [])
        self._schedule = value if callable(value) else None

    @property
    def current_lr(self) -> float:
        """The learning rate of the next step."""
        if self._schedule is None:
            return self._rule["lr"]
        return check_float("lr", self._schedule(self.steps))

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return 0 if self._native is None else int(self._native.steps)

    @property
    def skipped(self) -> int:
        """How many steps were refused as not finite."""
        return 0 if self._native is None else int(self._native.skipped)

    @property
    def grad_norm(self) -> float:
        """The norm of the last step's gradients before clipping; NaN where `clip_norm` is None."""
        return math.nan if self._native is None else float(self._native.norm)

    def step(self, grads: Sequence[ArrayLike] | None = None) -> None:
        """Update the arrays given as `params` in place.

        Parameters
        ----------
        grads : sequence of arrays, or None
            Shapes as `params`, in their order; real numbers, cast to the dtype of `params`. None, where
            `params` is a model: what its last `backward` left in its gradients.

        Raises
        ------
        ValueError
            If there are no params, or the number or a shape of the gradients is another; nothing is changed.
        """
        if self._updater is None:
            raise ValueError("step: no params to update; give params=[...] to use an optimizer alone")
        if grads is None:
            if self._gradients is None:
                raise ValueError(
                    "step: no gradients; give them, or a model as params, whose own are then taken"
                )
            grads = self._gradients
        if self._schedule is not None:
            self._provide_rates(1)
        self._updater.step(grads)

    def _provide_rates(self, count: int) -> None:
        """Tells the rule the learning rates of so many steps, unless it computes them itself."""
        if self._schedule is not None and not isinstance(self._schedule, Schedule):
            steps = range(self.steps, self.steps + count)
            self._rule.set_rates(self.steps, [checked_rate(self._schedule(step)) for step in steps])

    def _observe(self, loss: float) -> None:
        """Tells a schedule that wants to know how an epoch went."""
        if isinstance(self._schedule, ReduceOnPlateau):
            self._schedule.observe(loss)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state and the settings, in the structure and by the names of PyTorch.

        Returns
        -------
        dict
            ``{"state": {0: {"step": ..., "exp_avg": array, ...}, ...}, "param_groups": [{"lr": ..., ...}]}``,
            a state for each parameter, by position; empty before the first step, as in PyTorch. In the order
            of `params`, or of the parameters of the model. Hand it to PyTorch with its arrays as tensors
            (and weights, which PyTorch lays out (out, in), transposed).

        Raises
        ------
        ValueError
            If the optimizer has no parameters yet.
        """
        from ._state import state_of

        return state_of(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over state and settings: of another optimizer, or of PyTorch's one, tensors and all.

        A schedule stays, at the step that the state says.

        Parameters
        ----------
        state : dict
            As `state_dict` returns it.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing, or of another kind or shape; nothing is changed.
        """
        from ._state import load_state

        load_state(self, state)

    def _reset(self) -> None:
        """The state before the first step."""
        for slot in self._native.slots():
            slot[...] = 0
        self._native.carried = list(RULES[self._rule.name]["carried"].values())
        self._native.steps = 0

    def __reduce__(self) -> tuple[Any, ...]:
        names = (*RULES[self._rule.name]["hypers"], *OPTIONS)
        settings = {name: readable(name, self._rule[name]) for name in names}
        own = {name: value for name, value in vars(self).items() if name not in _OF_A_BINDING}
        return _copied, (type(self), self._rule.name, settings, own)

    def __repr__(self) -> str:
        defaults = RULES[self._rule.name]["hypers"]
        shown = [f"lr={self.lr!r}" if self._schedule is not None else f"lr={self.lr:g}"]
        for name, value in defaults.items():
            if name != "lr" and self._rule[name] != value:
                shown.append(f"{name}={readable(name, self._rule[name])!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


#: Attributes that a copy has anew.
_OF_A_BINDING = ("_rule", "_updater", "_native", "_shapes", "_bound", "_gradients")


def _copied(kind: type[Optimizer], rule: str, settings: dict[str, Any], own: dict[str, Any]) -> Optimizer:
    """An optimizer of these settings, without parameters."""
    optimizer = kind.__new__(kind)
    Optimizer.__init__(optimizer, rule, None, settings, {})
    vars(optimizer).update(own)
    if optimizer._schedule is not None:
        optimizer.lr = optimizer._schedule
    return optimizer


def checked_rate(rate: Any) -> float:
    """A learning rate that a schedule gave."""
    value = check_float("lr", rate)
    if not 0 <= value < math.inf:
        raise ValueError(f"lr: expected finite and >= 0 from the schedule, got {value}")
    return value


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Two numbers."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected two numbers, got {value!r}") from None
    return first, second
