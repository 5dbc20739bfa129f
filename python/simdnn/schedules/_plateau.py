"""A learning rate that falls when a metric stops improving."""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable
from typing import Any, Literal

from .._utils.check import check_finite, check_float, check_int, check_name
from .._utils.hints import points_out_keywords


def no_owner() -> None:
    """The owner of a schedule that no optimizer has."""


class ReduceOnPlateau:
    """A learning rate that falls when a metric stops improving, returned by `reduce_on_plateau`.

    Each optimizer has a state of its own, and begins with that in which the object was given to the first.
    An optimizer takes the object itself, so that `observe` may be called on it in a loop of your own, or a
    copy while another optimizer has it.

    Attributes
    ----------
    lr : float
        Current learning rate.
    best : float
        Best metric so far.
    bad_epochs : int
        Epochs since the last improvement or reduction.
    cooling : int
        Epochs that are left of the cooldown.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedule = schedules.reduce_on_plateau(1.0, factor=0.5, patience=0)
    >>> for loss in (3.0, 2.0, 2.0):
    ...     schedule.observe(loss)
    >>> schedule(0)
    0.5
    """

    __slots__ = ("__weakref__", "_owner", "_settings", "_start", "bad_epochs", "best", "cooling", "lr")

    def __init__(self, lr: float, settings: dict[str, Any]) -> None:
        self.lr = lr
        self._settings = settings
        self.best = math.inf if settings["mode"] == "min" else -math.inf
        self.bad_epochs = 0
        self.cooling = 0
        self._start: dict[str, Any] | None = None
        self._owner: Callable[[], Any] = no_owner

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """The state of a copy, which no optimizer has yet."""
        return None, self._state() | {"_settings": self._settings, "_start": None, "_owner": no_owner}

    def _state(self) -> dict[str, Any]:
        """The attributes that `observe` changes."""
        return {name: getattr(self, name) for name in ("bad_epochs", "best", "cooling", "lr")}

    def __call__(self, step: int) -> float:
        """The current learning rate; the step does not matter."""
        return self.lr

    def observe(self, metric: float) -> None:
        """Record the metric of an epoch, and reduce the rate if it is due.

        `Trainer.fit` calls this after each epoch with the validation loss, or else the training loss.
        """
        settings, value = self._settings, check_float("metric", metric)
        if self._improves(value):
            self.best, self.bad_epochs = value, 0
        else:
            self.bad_epochs += 1
        if self.cooling > 0:
            self.cooling, self.bad_epochs = self.cooling - 1, 0
        if self.bad_epochs > settings["patience"]:
            self.cooling, self.bad_epochs = settings["cooldown"], 0
            lr = max(self.lr * settings["factor"], settings["min_lr"])
            if self.lr - lr > settings["eps"]:
                self.lr = lr

    def _taken(self, optimizer: Any) -> ReduceOnPlateau:
        """The schedule of an optimizer that is given this one."""
        owner = self._owner()
        if owner is optimizer:
            return self
        made = self if owner is None else copy.copy(self)
        for name, value in (self._start or {}).items():
            setattr(made, name, value)
        made._start, made._owner = made._state(), weakref.ref(optimizer)
        return made

    def _improves(self, metric: float) -> bool:
        """True if `metric` is better than the best so far by more than the threshold."""
        settings, best = self._settings, self.best
        rises, threshold = settings["mode"] == "max", settings["threshold"]
        if settings["threshold_mode"] == "abs":
            bound: float = best + threshold if rises else best - threshold
        elif math.isinf(best):
            bound = best
        else:
            bound = best * (1 + (threshold if rises == (best >= 0) else -threshold))
        return metric > bound if rises else metric < bound

    def __repr__(self) -> str:
        return f"reduce_on_plateau({self.lr}, {', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"


@points_out_keywords
def reduce_on_plateau(
    lr: float,
    mode: Literal["min", "max"] = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
) -> ReduceOnPlateau:
    """Multiply the learning rate by `factor` after more than `patience` epochs without improvement.

    Parameters
    ----------
    lr : float
        Initial learning rate, finite and >= 0.
    mode : {"min", "max"}, default "min"
        The direction of an improvement: a lower or a higher metric.
    factor : float, default 0.1
        At least 0 and below 1.
    patience : int, default 10
        Epochs without improvement that are tolerated.
    threshold : float, default 1e-4
        Smallest improvement that counts, finite and >= 0.
    threshold_mode : {"rel", "abs"}, default "rel"
        An improvement exceeds ``threshold * abs(best)`` with "rel", `threshold` with "abs". For metrics < 0
        PyTorch's "rel" has the other sign, and takes a metric that is a little worse for an improvement.
    cooldown : int, default 0
        Epochs after a reduction in which none is counted as bad.
    min_lr : float, default 0.0
        Lower limit of the learning rate.
    eps : float, default 1e-8
        A reduction by `eps` or less is not made.

    Returns
    -------
    ReduceOnPlateau

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or out of its range, or a mode is an unknown word.

    Examples
    --------
    >>> from simdnn import schedules
    >>> schedules.reduce_on_plateau(0.1).lr
    0.1

    Source: PyTorch's ``ReduceLROnPlateau``: the same names, defaults and rule.
    """
    check_name("mode", mode, ("min", "max"))
    check_name("threshold_mode", threshold_mode, ("rel", "abs"))
    settings = {
        "mode": mode,
        "factor": check_finite("factor", factor, 0.0, math.nextafter(1.0, 0.0)),
        "patience": check_int("patience", patience, 0),
        "threshold": check_finite("threshold", threshold),
        "threshold_mode": threshold_mode,
        "cooldown": check_int("cooldown", cooldown, 0),
        "min_lr": check_finite("min_lr", min_lr),
        "eps": check_finite("eps", eps),
    }
    return ReduceOnPlateau(check_finite("lr", lr), settings)
