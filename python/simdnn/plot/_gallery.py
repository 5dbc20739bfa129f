"""`gallery`: many activations as small panels, grouped by kind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_int
from . import _style
from ._activation import draw_slope, draw_value
from ._kinks import REGISTRY, Curve, curves_of, grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Range of x, wide enough for the kinks of all activations.
LOW, HIGH = -7.0, 7.0
#: Heights in inches: heading of a group, name, f, f' and the space below a panel.
HEADING, NAME, VALUE, SLOPE, SPACE = 0.42, 0.2, 0.75, 0.42, 0.2
#: Distance in inches of f' from f, and height of a row of panels.
GAP = 0.06
ROW = NAME + VALUE + SLOPE + SPACE
#: Width in inches of a panel with the space between two, and margins on the left and on the right.
PANEL, BETWEEN, LEFT, RIGHT = 1.35, 0.36, 0.5, 0.12


def gallery(
    names: Iterable[str] | None = None, *, columns: int = 4, ax: Axes | None = None
) -> NDArray[np.object_]:
    """Plot many activations as small panels: f above f', grouped by kind.

    All derivatives have one scale, so that their heights may be compared.

    Parameters
    ----------
    names : iterable of str or None
        Names of activations; None is all of `simdnn.functional`.
    columns : int
        Number of panels in a row, >= 1; 3 fit into a column of text.
    ax : matplotlib.axes.Axes or None
        Axes whose area the panels share; None makes a new figure.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (names, 2)
        The Axes of f and of f', in the order of `names`.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If a name is not known, there is none, or `columns` is no integer of at least 1.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import plot
    >>> panels = plot.gallery(["relu", "elu", "silu"], columns=3)
    >>> [panel.get_title() for panel in panels[:, 0]]
    ['relu', 'elu', 'silu']
    """
    columns = check_int("columns", columns)
    curves = curves_of(list(REGISTRY if names is None else names), {})
    if not curves:
        raise ValueError("names: expected at least one name, got none")
    groups: dict[str, list[int]] = {}
    for index, curve in enumerate(curves):
        groups.setdefault(curve.kind(), []).append(index)
    columns = min(columns, max(map(len, groups.values())))
    height = sum(HEADING + ROW * math.ceil(len(group) / columns) for group in groups.values()) + 0.1
    size = LEFT + columns * PANEL + (columns - 1) * BETWEEN + RIGHT, height
    area = _area(ax, *size)
    found = np.empty((len(curves), 2), dtype=object)
    top = height
    for heading, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        _heading(area, heading, top, size)
        top -= HEADING
        for place, index in enumerate(group):
            row, column = divmod(place, columns)
            found[index] = _pair(area, column, top - row * ROW, size)
            _panel(found[index, 0], found[index, 1], curves[index], first=column == 0)
        top -= ROW * math.ceil(len(group) / columns)
    low, high = _range([curve.slope(np.linspace(LOW, HIGH, 1001)) for curve in curves])
    for axes in found[:, 1]:
        axes.set_ylim(low, high)
        axes.set_yticks([0, 1])
    return found


def _heading(area: Any, text: str, top: float, size: tuple[float, float]) -> None:
    """The name of a group, below a height in inches."""
    width, height = size
    style = {"fontsize": _style.TITLE, "fontweight": "bold", "color": _style.ink_of(area).text}
    area.text(0.08 / width, (top - 0.14) / height, text, transform=area.transAxes, va="top", **style)


def _pair(area: Any, column: int, top: float, size: tuple[float, float]) -> list[Any]:
    """The Axes of f and f' in a column, below a height in inches."""
    width, height = size
    left, middle = LEFT + column * (PANEL + BETWEEN), top - NAME - VALUE
    boxes = [(middle, VALUE), (middle - GAP - SLOPE, SLOPE)]
    return [area.inset_axes((left / width, y / height, PANEL / width, h / height)) for y, h in boxes]


def _area(ax: Axes | None, width: float, height: float) -> Any:
    """The Axes that hold the panels: the given ones, or a new figure's of this size in inches."""
    area = _style.single(ax) if ax is not None else None
    if area is None:
        area = _style.pyplot().figure(figsize=(width, height)).add_axes((0, 0, 1, 1))
    _style.bare(area)
    return area


def _range(values: list[NDArray[Any]]) -> tuple[float, float]:
    """Limits around all values, 0 and 1, with a margin."""
    low, high = min(0.0, *(v.min() for v in values)), max(1.0, *(v.max() for v in values))
    margin = 0.1 * (high - low)
    return low - margin, high + margin


def _panel(upper: Any, lower: Any, curve: Curve, first: bool) -> None:
    """f above f'; the first panel of a row names both."""
    from matplotlib.ticker import MaxNLocator

    kinks = curve.kinks(LOW, HIGH)
    x = grid(LOW, HIGH, kinks, 401)
    ink = _style.ink_of(upper)
    draw_value(upper, curve, x, kinks, ink.series[0], width=1.6)
    draw_slope(lower, curve, x, kinks, ink.series[1], width=1.6)
    upper.set_title(curve.name, x=0, ha="left", fontsize=_style.NOTE, color=ink.text, pad=3)
    upper.set_ylim(*_range([curve.value(x)]))
    upper.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    lower.tick_params(labelleft=first)
    for axes, name, color in ((upper, "f", ink.series[0]), (lower, "f'", ink.series[1])):
        _style.frame(axes, grid="")
        axes.set_facecolor("none")
        axes.set_xlim(LOW, HIGH)
        axes.set_xticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.axhline(0, color=ink.soft, linewidth=0.7, zorder=1)
        axes.axvline(0, color=ink.soft, linewidth=0.7, zorder=1)
        axes.tick_params(labelsize=_style.TICK - 1, length=2, pad=1)
        if first:
            place = {"transform": axes.transAxes, "ha": "right", "va": "center"}
            axes.text(-0.21, 0.5, name, fontsize=_style.NOTE, color=color, **place)
