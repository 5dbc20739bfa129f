"""The house style of all plots: colors, strokes, fonts, frames, titles; the only import of matplotlib."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._utils import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes of fonts in points.
TITLE, NOTE, TICK = 10.0, 8.5, 8.0
#: Width and height in inches of a figure with one panel, and with two, one above the other.
SINGLE, DOUBLE = (5.6, 3.6), (5.6, 5.4)
#: Characters of all labels of an axis that are large numbers.
LABELS = 40
#: Mean width of a character of a bold title, in units of its font's size.
CHARACTER = 0.6
#: Patterns of lines, which tell series apart without color.
STROKES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (9, 2.5)),
    (0, (3, 1.2)),
)


class Ink(NamedTuple):
    """Colors that are readable on one background."""

    text: str
    soft: str
    grid: str
    background: str
    band: str
    series: tuple[str, ...]


#: Series that differ by 22 or more (CIELAB) with each kind of color blindness, at a contrast of 3 to white.
LIGHT = Ink(
    text="#1c2430",
    soft="#56616d",
    grid="#dfe3e8",
    background="#ffffff",
    band="#d6eadf",
    series=("#123274", "#ec5a0c", "#1f6b58", "#c06bb0", "#2b8be8", "#653a06"),
)
#: Colors on a dark background, such as that of matplotlib's style "dark_background".
DARK = Ink(
    text="#eceff3",
    soft="#a9b3be",
    grid="#39414b",
    background="#000000",
    band="#1f3d30",
    series=("#9db8ff", "#ff8746", "#5fc4a6", "#e9a6dc", "#3f97ec", "#c39a63"),
)


def pyplot() -> Any:
    """matplotlib.pyplot, imported at the first plot; raises ImportError with the command that installs it."""
    try:
        import matplotlib.pyplot
    except ImportError:
        raise ImportError("simdnn.plot needs matplotlib: pip install 'simdnn[plot]'") from None
    return matplotlib.pyplot


def single(ax: Axes | None, size: tuple[float, float] = SINGLE) -> Any:
    """The given axes, or those of a new figure."""
    return _grid(1, size)[0] if ax is None else checked(ax)


def panels(ax: Axes | Sequence[Axes] | None, count: int, labels: int = 0) -> list[Any]:
    """The axes for `count` panels: of a new figure, or the given ones, one alone for the first panel.

    A new figure is high enough for the given number of labels at the side of each panel.
    """
    if ax is None:
        width, height = DOUBLE if count > 1 else SINGLE
        return _grid(count, (width, max(height, count * (0.9 + 0.16 * labels))))
    given = np.ravel(np.array(ax, dtype=object)).tolist()
    if not 1 <= len(given) <= max(count, 2):
        raise ValueError(f"ax: expected one or {max(count, 2)} Axes, got {len(given)}")
    return [checked(one) for one in given[:count]]


def _grid(count: int, size: tuple[float, float]) -> list[Any]:
    """The axes of a new figure, one above the other."""
    figure, rows = pyplot().subplots(count, 1, figsize=size, layout="constrained", sharex=True, squeeze=False)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    return list(rows[:, 0])


def checked(ax: Any) -> Any:
    """The argument `ax`, if it is an Axes of matplotlib."""
    pyplot()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"ax: expected matplotlib's Axes or None, got {type(ax).__name__}")
    return ax


def ink_of(axes: Any) -> Ink:
    """The colors for the background of these axes."""
    from matplotlib.colors import to_rgba

    for color in (axes.get_facecolor(), axes.figure.get_facecolor()):
        red, green, blue, alpha = to_rgba(color)
        if alpha > 0:
            return DARK if 0.21 * red + 0.72 * green + 0.07 * blue < 0.4 else LIGHT
    return LIGHT


def color_map(axes: Any) -> Any:
    """A map from the background to the first color of the series, monotone in lightness."""
    from matplotlib.colors import LinearSegmentedColormap

    ink = ink_of(axes)
    middle = "#7fa3dd" if ink is LIGHT else "#2b4a8e"
    return LinearSegmentedColormap.from_list("simdnn", [ink.background, middle, ink.series[0]])


def frame(axes: Any, *, x: str = "", y: str = "", grid: str = "y") -> Ink:
    """Draws the frame of a panel: two spines, small ticks, a light grid ("x", "y", "both" or "")."""
    ink = ink_of(axes)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(ink.soft)
        spine.set_linewidth(0.8)
    axes.tick_params(which="both", color=ink.soft, labelcolor=ink.soft, labelsize=TICK, length=3, width=0.8)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)
    axes.grid(False, which="both")
    if grid:
        axes.grid(True, axis=grid, color=ink.grid, linewidth=0.7, linestyle="-")
    axes.set_xlabel(x, fontsize=NOTE, color=ink.soft)
    axes.set_ylabel(y, fontsize=NOTE, color=ink.soft)
    return ink


def group_digits(axis: Any) -> None:
    """Labels the large numbers of an axis in full, with commas between groups of three digits."""
    from matplotlib.ticker import MaxNLocator

    low, high = sorted(axis.get_view_interval())
    largest, locator = max(-low, high), axis.get_major_locator()
    large = numbers.GROUPED <= largest < numbers.LARGE and high - low >= largest / 1000
    if not large or not isinstance(locator, MaxNLocator):
        return
    locator.set_params(nbins=LABELS // len(numbers.number(largest)))
    axis.set_major_formatter(lambda value, _: numbers.number(value, 6).replace("-", "\N{MINUS SIGN}"))


def stroke_of(ink: Ink, index: int) -> tuple[str, Any]:
    """The color and the pattern of a series; 36 pairs differ."""
    colors = len(ink.series)
    return ink.series[index % colors], STROKES[(index + index // colors) % len(STROKES)]


def points_high(axes: Any) -> float:
    """The height of the axes in points."""
    return float(axes.bbox.height) * 72 / float(axes.figure.dpi)


def bare(axes: Any) -> Ink:
    """Hides frame, ticks and grid of a panel that is a drawing."""
    axes.set_axis_off()
    return ink_of(axes)


def title(axes: Any, text: str, size: float = TITLE) -> None:
    """Sets a title, aligned to the left and wrapped to the width of the axes, in lines of like lengths."""
    width = axes.bbox.width / (CHARACTER * size * axes.figure.dpi / 72)
    fits = range(18, max(19, int(width) + 1))
    choices = [textwrap.wrap(text, columns, break_long_words=False) for columns in fits]
    lines = next(lines for lines in choices if len(lines) == len(choices[-1]))
    axes.set_title(
        "\n".join(lines), x=0, ha="left", fontsize=size, fontweight="bold", color=ink_of(axes).text, pad=8
    )


def note(axes: Any, x: float, y: float, text: str, **options: Any) -> Any:
    """Writes a small text at a point of the data, with a halo that keeps it readable above lines."""
    ink = ink_of(axes)
    settings: dict[str, Any] = {"fontsize": TICK, "color": ink.text, "zorder": 6} | options
    return axes.text(x, y, text, path_effects=halo(axes), **settings)


def halo(axes: Any) -> list[Any]:
    """An outline of a text in the color of the background."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground=ink_of(axes).background, alpha=0.85)]


def number(value: float) -> str:
    """A number with three digits, as short as they allow: 0.0123, 12.3, 121,000, 1.2e-07."""
    return numbers.number(value, 3)


def percent(fraction: float) -> str:
    """A fraction in percent with one digit; 100 stands for the whole alone."""
    return f"{math.floor(1000 * fraction + 1e-9) / 10:g}"
