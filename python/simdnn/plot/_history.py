"""`history`: the losses and the accuracies of trainings, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..training import History
from . import _style
from ._labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: With more runs than this, the training curves have no labels.
CROWD = 4


class Run(NamedTuple):
    """A training and its name, which is empty if there is one alone."""

    name: str
    history: History

    def values(self, metric: str, held_out: bool) -> list[float]:
        """The numbers of a metric, of the training or of the validation data."""
        found: list[float] = getattr(self.history, f"val_{metric}" if held_out else metric)
        return found

    def best(self, metric: str) -> tuple[int, float, bool] | None:
        """(epoch, value, True if of the validation data) of the best epoch; None without a finite number."""
        held_out = bool(self.values(metric, True))
        values = np.array(self.values(metric, held_out), dtype=float)
        if not np.isfinite(values).any():
            return None
        index = int(
            np.nanargmax(np.where(np.isfinite(values), values if metric != "loss" else -values, np.nan))
        )
        return index + 1, float(values[index]), held_out


def history(
    history: History | Sequence[History] | Mapping[str, History],
    *,
    ax: Axes | Sequence[Axes] | None = None,
) -> NDArray[np.object_]:
    """Plot the losses of trainings, and their accuracies if there are any, with the best epochs marked.

    Parameters
    ----------
    history : History, sequence of History, or mapping of str to History
        Return value of `Trainer.fit`, or several of them, by their names if it is a mapping.
    ax : matplotlib.axes.Axes, pair of Axes, or None
        Axes to draw into: of the losses, or of losses and accuracies. None makes a new figure.

    Returns
    -------
    array of matplotlib.axes.Axes
        The Axes of the losses, and those of the accuracies if they are drawn.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If `history` is not a History or several, or one has no epochs.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import simdnn
    >>> from simdnn import plot
    >>> fitted = simdnn.History(loss=[2.0, 1.0, 0.5], val_loss=[2.1, 1.3, 1.4])
    >>> (panel,) = plot.history(fitted)
    >>> panel.get_title()
    'Lowest validation loss: 1.3 in epoch 2'
    >>> [text.get_text() for text in panel.texts]
    ['training', 'validation']
    """
    runs = _runs(history)
    metrics = ["loss"]
    if any(run.history.accuracy or run.history.val_accuracy for run in runs):
        metrics.append("accuracy")
    found = _style.panels(ax, len(metrics), labels=2 * len(runs) if len(runs) <= CROWD else len(runs))
    for axes, metric in zip(found, metrics, strict=False):
        _panel(axes, metric, runs)
    if ax is None and len(found) > 1:
        found[0].set_xlabel("")
    return np.array(found, dtype=object)


def _runs(given: Any) -> list[Run]:
    """The trainings to draw, with their names."""
    if isinstance(given, History):
        runs = [Run("", given)]
    elif isinstance(given, Mapping):
        runs = [Run(str(name), one) for name, one in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        runs = [Run(f"run {i}" if len(given) > 1 else "", one) for i, one in enumerate(given, 1)]
    else:
        raise TypeError(f"history: expected a History or several, got {type(given).__name__}")
    if not runs:
        raise ValueError("history: expected at least one History, got none")
    for run in runs:
        if not isinstance(run.history, History):
            raise TypeError(f"history: expected a History or several, got one {type(run.history).__name__}")
        if not run.history.epochs:
            raise ValueError("history: expected at least one epoch, got none")
    return runs


def _panel(axes: Any, metric: str, runs: list[Run]) -> None:
    """One metric of all runs: training as dashes, validation as a full line, a dot at the best epoch."""
    ink = _style.frame(axes, x="epoch", y=metric)
    ends, several, crowd = [], len(runs) > 1, len(runs) > CROWD
    for i, run in enumerate(runs):
        for held_out in (False, True):
            values = run.values(metric, held_out)
            if not values:
                continue
            color = ink.series[(i if several else int(held_out)) % len(ink.series)]
            stroke = _style.STROKES[0 if held_out or not run.values(metric, True) else 1]
            epochs = np.arange(1, len(values) + 1)
            part = "validation" if held_out else "training"
            text = f"{run.name} {part}".strip()
            axes.plot(epochs, values, color=color, linestyle=stroke, linewidth=1.8, label=text, zorder=3)
            finite = np.flatnonzero(np.isfinite(values))
            named = not crowd or held_out or not run.values(metric, True)
            if finite.size and named:
                ends.append(
                    End(
                        float(epochs[finite[-1]]),
                        float(values[finite[-1]]),
                        run.name if crowd else text,
                        color,
                    )
                )
    _mark_best(axes, metric, runs, ink)
    _limits(axes, metric, runs)
    label_ends(axes, ends)
    _style.title(axes, _headline(metric, runs))


def _mark_best(axes: Any, metric: str, runs: list[Run], ink: _style.Ink) -> None:
    """A dot at the best epoch of each run; one alone gets a line to the axis."""
    for i, run in enumerate(runs):
        if (best := run.best(metric)) is None:
            continue
        epoch, value, held_out = best
        color = ink.series[(i if len(runs) > 1 else int(held_out)) % len(ink.series)]
        if len(runs) == 1:
            axes.axvline(epoch, color=ink.soft, linewidth=0.8, linestyle=_style.STROKES[2], label="_best")
        axes.plot(
            [epoch], [value], "o", markersize=6, color=color, markeredgecolor=ink.background,
            markeredgewidth=1.2, zorder=5, clip_on=False, label="_best",
        )  # fmt: skip


def _limits(axes: Any, metric: str, runs: list[Run]) -> None:
    """Whole epochs from 1; losses over more than two decades get a logarithmic scale."""
    from matplotlib.ticker import MaxNLocator

    longest = max(run.history.epochs for run in runs)
    axes.set_xlim(0.5 if longest == 1 else 1, max(longest, 1.5))
    axes.margins(x=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
    values = np.concatenate([run.values(metric, part) for run in runs for part in (False, True)])
    values = values[np.isfinite(values)]
    if metric == "loss" and values.size and values.min() > 0 and values.max() / values.min() > 100:
        axes.set_yscale("log")
    axes.tick_params(which="minor", length=0)


def _headline(metric: str, runs: list[Run]) -> str:
    """The best epoch in words."""
    found = [(run, best) for run in runs if (best := run.best(metric)) is not None]
    if not found:
        return f"The {metric} is never a finite number"
    sign = 1 if metric == "loss" else -1
    run, (epoch, value, held_out) = min(found, key=lambda item: sign * item[1][1])
    part = "validation" if held_out else "training"
    rank = "Lowest" if metric == "loss" else "Highest"
    shown = _style.number(value) if metric == "loss" else f"{_style.percent(value)} %"
    return f"{rank} {part} {metric}: {shown} in epoch {epoch}" + (f" of {run.name}" if run.name else "")
