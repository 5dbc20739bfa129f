"""The learning rate and the weight decay of an optimizer: numbers, or schedules over its steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from .. import _core
from .._utils.check import check_float, within_single
from ..schedules import ReduceOnPlateau, Schedule
from ._options import WithOptions

Rate: TypeAlias = "float | Callable[[int], float]"
Decay: TypeAlias = "float | Schedule"


class WithRates(WithOptions):
    """Base of `Optimizer` with its learning rate and its weight decay."""

    _config: _core.OptimizerConfig
    _schedule: Callable[[int], float] | None
    _decay: Schedule | None
    steps: Any

    @property
    def lr(self) -> Any:
        """The learning rate: a number >= 0, or a schedule: a function of the steps done so far."""
        return self._config["lr"] if self._schedule is None else self._schedule

    @lr.setter
    def lr(self, value: Rate) -> None:
        if not callable(value):
            self._config["lr"] = within_single("lr", check_float("lr", value))
        if isinstance(value, ReduceOnPlateau):
            value = value._taken(self)
        self._config.set_schedule(value._pieces if isinstance(value, Schedule) else [])
        self._config.set_rates(0, [])
        self._schedule = value if callable(value) else None

    @property
    def current_lr(self) -> float:
        """The learning rate of the next step."""
        if self._schedule is None:
            return self._config["lr"]
        return check_float("lr", self._schedule(self.steps))

    @property
    def weight_decay(self) -> Any:
        """The weight decay: a number >= 0, or a schedule, a function of the steps done so far."""
        return self._config["weight_decay"] if self._decay is None else self._decay

    @weight_decay.setter
    def weight_decay(self, value: Decay) -> None:
        schedule = value if isinstance(value, Schedule) else None
        if schedule is None:
            self._config["weight_decay"] = within_single("weight_decay", check_float("weight_decay", value))
        self._config.set_decay_schedule([] if schedule is None else schedule._pieces)
        self._decay = schedule

    @property
    def current_weight_decay(self) -> float:
        """The weight decay of the next step."""
        return self._config.decay(self.steps)

    def _provide_rates(self, count: int) -> None:
        """Hands over the learning rates of the next steps, unless the native schedule computes them."""
        if self._schedule is not None and not isinstance(self._schedule, Schedule):
            steps = range(self.steps, self.steps + count)
            self._config.set_rates(self.steps, [checked_rate(self._schedule(step)) for step in steps])

    def _observe(self, loss: float) -> None:
        """Reports the loss of an epoch to a schedule that depends on it."""
        if isinstance(self._schedule, ReduceOnPlateau):
            self._schedule.observe(loss)


def checked_rate(rate: Any) -> float:
    """The learning rate that a schedule gave, if it is valid."""
    value = within_single("lr", check_float("lr", rate))
    if not 0 <= value < math.inf:
        raise ValueError(f"lr: expected finite and >= 0 from the schedule, got {value}")
    return value
