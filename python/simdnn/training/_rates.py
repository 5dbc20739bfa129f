"""Learning rates over the steps of a fit."""

from __future__ import annotations

import warnings
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import numpy as np

from ..schedules import Schedule
from ..schedules._schedule import MOST_STEPS

if TYPE_CHECKING:
    from ._trainer import Trainer

#: Number of steps of the second half of a fit that are looked at.
LOOKS = 1000


def warn_if_frozen(trainer: Trainer, epochs: int, batches: int, stacklevel: int) -> None:
    """Warns of a schedule whose rate is 0 in the model's dtype from the first half of a fit to its end.

    The step after the fit counts, too, so that a warm-up that begins at 0 is none of these. A fit of one step
    tells nothing.
    """
    schedule, begin = trainer.optimizer._schedule, trainer.optimizer.steps
    if not isinstance(schedule, Schedule) or epochs * batches < 2:
        return
    half, end = (min(begin + count, MOST_STEPS) for count in (epochs * batches // 2, epochs * batches))

    def is_zero(steps: Any) -> bool:
        return not np.any(np.asarray(schedule(steps), trainer.model.dtype))

    if is_zero([half, end]) and is_zero(np.linspace(half, end, LOOKS).astype(np.int64)):
        first = bisect_left(range(begin, half), True, key=is_zero) + begin
        warnings.warn(
            f"lr: {schedule!r} is 0 from step {first} on, but this fit ends at step {end}, after {epochs}"
            f" epochs of {batches} batches; a schedule counts steps, not epochs",
            stacklevel=stacklevel + 1,
        )
