"""The HTML of optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._utils.html import Markup, block, chart, table
from ..schedules import ReduceOnPlateau, Schedule
from ._settings import OPTIONS

if TYPE_CHECKING:
    from ._optimizer import Optimizer

#: Number of steps for which the learning rate of a schedule is drawn, at least.
STEPS = 100


def optimizer_html(optimizer: Optimizer) -> Markup:
    """The settings, the learning rate if it is a schedule, and the progress."""
    settings = optimizer.get_params()
    shown = {
        name: value
        for name, value in settings.items()
        if name not in OPTIONS or value not in (OPTIONS[name]["default"], None)
    }
    rows = [[name, repr(value)] for name, value in shown.items()]
    rows.append(["steps done", str(optimizer.steps)])
    picture = Markup("")
    if isinstance(optimizer._schedule, Schedule) and not isinstance(optimizer._schedule, ReduceOnPlateau):
        count = max(STEPS, 2 * optimizer.steps)
        every = [optimizer._schedule(count * i // STEPS) for i in range(STEPS)]
        picture = chart(f"lr in steps 0 to {count}", {"lr": every})
    return block(type(optimizer).__name__, picture, table(["setting", "value"], rows, text_columns=2))
