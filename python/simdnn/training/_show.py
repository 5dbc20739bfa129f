"""The text and the HTML of trainers and histories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._utils.html import Markup, block, chart, table

if TYPE_CHECKING:
    from ._history import History
    from ._trainer import Trainer

METRICS = ("loss", "val_loss", "accuracy", "val_accuracy", "penalty")


def loss_text(loss: Any) -> str:
    """A loss as the user wrote it, or nearly so."""
    if isinstance(loss, str):
        return repr(loss)
    if hasattr(loss, "func"):
        settings = ", ".join(f"{key}={value!r}" for key, value in loss.keywords.items())
        return f"{loss.func.__name__}({settings})"
    return str(getattr(loss, "__name__", None) or repr(loss))


def trainer_text(trainer: Trainer) -> str:
    """The arguments of a trainer, and its progress."""
    penalty = "" if trainer.penalty == "mean" else f", penalty={trainer.penalty!r}"
    hook = "" if trainer.grad_hook is None else f", grad_hook={trainer.grad_hook!r}"
    settings = f"optimizer={trainer.optimizer!r}, seed={trainer.seed}{penalty}{hook}"
    done = f"<{trainer.epochs_done} epochs, {trainer.optimizer.steps} steps done>"
    return f"{type(trainer).__name__}({trainer.model!r}, loss={loss_text(trainer.loss)}, {settings}) {done}"


def trainer_html(trainer: Trainer) -> Markup:
    """The progress, the model, the optimizer."""
    rows: list[list[object]] = [
        ["loss", loss_text(trainer.loss)],
        ["seed", trainer.seed],
        ["epochs done", trainer.epochs_done],
        ["steps done", trainer.optimizer.steps],
    ]
    if trainer.penalty != "mean":
        rows.append(["penalty", trainer.penalty])
    parts = Markup(trainer.model._repr_html_()), Markup(trainer.optimizer._repr_html_())
    return block(type(trainer).__name__, table(["setting", "value"], rows, text_columns=2), *parts)


def history_text(history: History) -> str:
    """The first and the last value of each metric."""
    parts = [f"epochs={history.epochs}", f"steps={history.steps}"]
    for name in METRICS:
        if values := getattr(history, name):
            parts.append(f"{name}: {values[0]:.4g} -> {values[-1]:.4g}")
    if history.seconds:
        parts.append(f"{sum(history.seconds):.3g} s")
    return f"<History {', '.join(parts)}{', stopped' if history.stopped else ''}>"


def history_html(history: History) -> Markup:
    """Charts of the metrics, and their first, best and last values."""
    rows = []
    for name in METRICS:
        if values := getattr(history, name):
            finite = [value for value in values if not math.isnan(value)] or [math.nan]
            best = max(finite) if name.endswith("accuracy") else min(finite)
            epoch = values.index(best) + 1 if not math.isnan(best) else ""
            rows.append([name, *(f"{value:.4g}" for value in (values[0], values[-1], best)), epoch])
    charts = [
        chart(
            title,
            {name: getattr(history, name) for name in (title, f"val_{title}") if getattr(history, name)},
        )
        for title in ("loss", "accuracy")
    ]
    ending = ", stopped by a callback" if history.stopped else ""
    title = f"History: {history.epochs} epochs, {history.steps} steps, {sum(history.seconds):.3g} s{ending}"
    return block(title, *charts, table(["metric", "first", "last", "best", "in epoch"], rows))
