"""The best epoch of a fit: the metric that decides, and which of several equally good epochs is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._utils.check import check_name
from ..callbacks import EarlyStopping
from ..callbacks._patience import check_restore
from ..losses._registry import resolve

if TYPE_CHECKING:
    from ._trainer import Trainer

#: Metrics that a fit can observe natively.
METRICS = ("val_loss", "val_accuracy", "loss")


def check_metric(name: str, value: Any) -> str:
    """`value` if it is a metric that may decide."""
    return check_name(name, value, METRICS)


def check_observed(trainer: Trainer, metric: str, where: str, validates: bool, use: str) -> None:
    """Raises unless the fit of a trainer has this metric; `where` names the data, `use` what needs them."""
    if metric.startswith("val_") and not validates:
        raise ValueError(f"{where}: {use} needs data to evaluate, got None; monitor='loss' needs none")
    if metric.endswith("accuracy") and not trainer._classifies:
        loss = resolve(trainer.loss).name
        raise ValueError(
            f"monitor: the loss {loss!r} has no {metric}; losses of classes, as 'cross_entropy', have"
        )


def best_epoch(trainer: Trainer, restore: Any, monitor: Any, validates: bool) -> list[EarlyStopping]:
    """The callback that keeps the best epoch of `Trainer.fit`; none if none is to be restored."""
    metric, kept = check_metric("monitor", monitor), check_restore("restore_best", restore)
    if not kept:
        return []
    check_observed(trainer, metric, "validation_data", validates, "restore_best")
    return [EarlyStopping(metric, None, restore_best=kept)]
