"""Plots of activations, histories and gradients; they need matplotlib, the extra ``[plot]``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._utils.check import check_int, check_name, check_real
from ._utils.domains import domain_of
from .diagnostics._report import Report
from .training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["activation", "gallery", "gradient_flow", "history"]

#: Descriptions of the activations by name.
_REGISTRY = {row["name"]: row for row in _core.activations()}


def _pyplot() -> Any:
    """matplotlib.pyplot, imported at the first plot; raises ImportError with the command that installs it."""
    try:
        import matplotlib.pyplot
    except ImportError:
        raise ImportError("simdnn.plot needs matplotlib: pip install 'simdnn[plot]'") from None
    return matplotlib.pyplot


def _axes(ax: Axes | None) -> Any:
    """The given axes, or those of a new figure."""
    return _pyplot().subplots(layout="constrained")[1] if ax is None else ax


def activation(
    name: str, *, low: float = -6.0, high: float = 6.0, ax: Axes | None = None, **parameters: float
) -> Axes:
    """Plot an activation f and its derivative f'.

    Parameters
    ----------
    name : str
        Name of an activation of `simdnn.functional`.
    low, high : float
        Range of x.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.
    **parameters : float
        Parameters of the activation, such as ``negative_slope=0.2``, where not the defaults.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If the name or a parameter is not known, a number has a wrong type, or low is not below high.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import plot
    >>> plot.activation("leaky_relu", negative_slope=0.2).get_title()
    'leaky_relu(negative_slope=0.2)'
    """
    row = _REGISTRY[check_name("name", name, _REGISTRY)]
    if unknown := parameters.keys() - row["parameters"].keys():
        known = ", ".join(row["parameters"]) or "none"
        raise TypeError(f"{name}: unexpected parameter {sorted(unknown)[0]!r}; known: {known}")
    low, high = check_real("low", low), check_real("high", high)
    if not low < high:
        raise ValueError(f"low: expected a number below high = {high}, got {low}")
    values = {key: check_real(key, parameters.get(key, value)) for key, value in row["parameters"].items()}
    if (domain := domain_of(name)) is not None:
        domain(*values.values())
    axes = _axes(ax)
    x = np.linspace(low, high, 1001)
    axes.plot(x, getattr(_core, name)(x, *values.values()), label="f")
    axes.plot(x, getattr(_core, name + "_derivative")(x, *values.values()), "--", label="f'")
    settings = ", ".join(f"{key}={value:g}" for key, value in values.items())
    axes.set_title(f"{name}({settings})" if settings else name)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.legend()
    return axes  # type: ignore[no-any-return]


def gallery(names: Iterable[str] | None = None, *, columns: int = 4) -> Figure:
    """Plot many activations in a grid.

    Parameters
    ----------
    names : iterable of str or None
        Names of activations; None is all of `simdnn.functional`.
    columns : int
        Number of columns of the grid, >= 1.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If a name is not known.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import plot
    >>> len(plot.gallery(["relu", "elu", "silu"], columns=3).axes)
    3
    """
    chosen = [check_name("names", name, _REGISTRY) for name in (_REGISTRY if names is None else names)]
    columns = check_int("columns", columns)
    rows = max(1, math.ceil(len(chosen) / columns))
    size = (3 * columns, 2.2 * rows)
    figure = _pyplot().figure(figsize=size, layout="constrained")
    for i, name in enumerate(chosen):
        axes = activation(name, ax=figure.add_subplot(rows, columns, i + 1))
        axes.set_title(axes.get_title(), fontsize="small")
        if i > 0 and (legend := axes.get_legend()):
            legend.remove()
    return figure  # type: ignore[no-any-return]


def history(history: History, *, ax: Axes | None = None) -> Axes:
    """Plot the losses of a training, and the accuracies, if there are any, on a second axis.

    Parameters
    ----------
    history : History
        Return value of `Trainer.fit`.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the losses.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError
        If `history` is not a History.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import simdnn
    >>> from simdnn import plot
    >>> len(plot.history(simdnn.History(loss=[2.0, 1.0], val_loss=[2.1, 1.3])).lines)
    2
    """
    if not isinstance(history, History):
        raise TypeError(f"history: expected a History, got {type(history).__name__}")
    axes = _axes(ax)
    right = axes.twinx() if history.accuracy else None
    handles = []
    for where, style, names in (
        (axes, "-", ("loss", "val_loss")),
        (right, ":", ("accuracy", "val_accuracy")),
    ):
        for color, name in zip(("C0", "C1"), names, strict=True):
            if where is not None and (values := getattr(history, name)):
                epochs = np.arange(1, len(values) + 1)
                handles += where.plot(epochs, values, style, color=color, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    if right is not None:
        right.set_ylabel("accuracy")
        right.set_ylim(0, 1.02)
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
    return axes  # type: ignore[no-any-return]


def gradient_flow(report: Report, *, ax: Axes | None = None) -> Axes:
    """Plot the root mean square of each layer's gradients on a logarithmic scale, titled by the verdict.

    Parameters
    ----------
    report : diagnostics.Report
        Return value of `diagnostics.report`.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError
        If `report` is not a Report.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from simdnn import diagnostics, nn, plot
    >>> model = nn.Sequential(nn.Dense(4, 8, "relu"), nn.Dense(8, 2), rng=0)
    >>> found = diagnostics.report(model, np.eye(4), [0, 1, 0, 1])
    >>> len(plot.gradient_flow(found).patches)
    2
    """
    if not isinstance(report, Report):
        raise TypeError(f"report: expected a diagnostics.Report, got {type(report).__name__}")
    axes = _axes(ax)
    layers = [layer for layer in report.layers if layer.parameters]
    heights = [layer.gradient_rms if math.isfinite(layer.gradient_rms) else 0.0 for layer in layers]
    axes.bar([layer.name for layer in layers], heights)
    if any(height > 0 for height in heights):
        axes.set_yscale("log")
    axes.set_xlabel("layer")
    axes.set_ylabel("root mean square of the gradients")
    axes.set_title(report.verdict)
    return axes  # type: ignore[no-any-return]
