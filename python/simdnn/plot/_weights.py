"""`weights`: the distribution of the weights of each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_int
from ..nn import Sequential
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Height of the highest ridge, in units of the distance of two ridges.
OVERLAP = 0.85
#: The largest and smallest weights that are left out on each side, as a fraction.
TAIL = 0.001


def weights(model: Sequential, *, bins: int = 30, ax: Axes | None = None) -> Axes:
    """Plot histograms of the weights of a model, a ridge for each array with two or more axes.

    Parameters
    ----------
    model : Sequential
        Network whose weights are drawn.
    bins : int
        Bins of each histogram, >= 1; all ridges have the same ones.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Each ridge has its name on the left and its standard deviation on the right.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If `model` is not a Sequential, or has no weights, or `bins` is no integer of at least 1.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import nn, plot
    >>> model = nn.Sequential(nn.Dense(8, 32, activation="relu"), nn.Dense(32, 2), rng=0)
    >>> axes = plot.weights(model)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['0.weight', '1.weight']
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    bins = check_int("bins", bins)
    arrays = {name: value for name, value in model.parameters().items() if value.ndim >= 2}
    if not arrays:
        raise ValueError("model: expected a network with weights, got none")
    size = (_style.SINGLE[0], min(9.0, 1.3 + 0.55 * len(arrays)))
    axes = _style.single(ax, size)
    _draw(axes, arrays, bins)
    return axes  # type: ignore[no-any-return]


def _draw(axes: Any, arrays: dict[str, NDArray[Any]], bins: int) -> None:
    """One ridge above the other, the first layer at the top."""
    ink = _style.frame(axes, x="weight", grid="x")
    finite = {name: value[np.isfinite(value)].astype(np.float64) for name, value in arrays.items()}
    inner = [np.quantile(value, [TAIL, 1 - TAIL]) for value in finite.values() if value.size]
    reach = float(np.max(np.abs(inner), initial=0.0)) or 1.0
    edges = np.linspace(-reach, reach, bins + 1)
    centers = (edges[1:] + edges[:-1]) / 2
    step = max(1, math.ceil(1.3 * _style.TICK * len(finite) / _style.points_high(axes)))
    for row, (name, value) in enumerate(finite.items()):
        counts = np.histogram(value, edges)[0]
        ridge = OVERLAP * counts / max(1, counts.max())
        axes.fill_between(centers, row, row - ridge, color=ink.series[0], alpha=0.75, linewidth=0, zorder=2)
        axes.plot(centers, row - ridge, color=ink.series[0], linewidth=1, zorder=3, label=name)
        spread = (
            f"{_style.number(float(value.std()))}" if 0 < value.size == arrays[name].size else "not finite"
        )
        if row % step:
            continue
        axes.text(
            1.02, row - 0.2, spread, transform=axes.get_yaxis_transform(), fontsize=_style.TICK,
            color=ink.soft, va="center",
        )  # fmt: skip
    axes.text(
        1.02,
        1,
        "std",
        transform=axes.transAxes,
        fontsize=_style.TICK,
        color=ink.soft,
        style="italic",
        va="bottom",
    )
    names = [name if row % step == 0 else "" for row, name in enumerate(finite)]
    axes.set_yticks(range(len(finite)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(finite) - 0.7, -1.1)
    spreads = {name: float(value.std()) for name, value in finite.items() if value.size}
    if not spreads:
        _style.title(axes, "No weight is a finite number")
        return
    wide, narrow = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
    text = f"Weights spread most in {wide}, least in {narrow}" if wide != narrow else f"Weights of {wide}"
    _style.title(axes, text)
