"""`activation`: f and f' of one activation or of several, with their kinks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._utils.check import check_items, check_real
from . import _style
from ._kinks import Curve, curves_of, grid, with_gaps
from ._labels import End, label_ends, label_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More names than this are counted in a title.
LISTED = 5


def activation(
    name: str | Iterable[str],
    *,
    low: float = -6.0,
    high: float = 6.0,
    ax: Axes | Sequence[Axes] | None = None,
    **parameters: float | Sequence[float],
) -> Any:
    """Plot an activation f and its derivative f', or compare several.

    Parameters
    ----------
    name : str or iterable of str
        Name of an activation of `simdnn.functional`, or several names.
    low, high : float
        Range of x.
    ax : matplotlib.axes.Axes, pair of Axes, or None
        Axes to draw into; f and f' share one, or have one each. None makes a new figure: with one panel for
        one curve, with two for several.
    **parameters : float or sequence of float
        Parameters of the activation, such as ``negative_slope=0.2``, where not the defaults; a sequence
        draws a curve for each value.

    Returns
    -------
    matplotlib.axes.Axes, or array of two
        A dot marks f' at a kink: the value that the derivative has there.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If a name or a parameter is not known, a number has a wrong type, or low is not below high.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import plot
    >>> plot.activation("leaky_relu", negative_slope=0.2).get_title()
    "leaky_relu(negative_slope=0.2): f' jumps at 0"
    >>> plot.activation(["relu", "elu", "silu"]).shape
    (2,)
    >>> [line.get_label() for line in plot.activation("swish", beta=[0.5, 2])[0].lines[:2]]
    ['swish(beta=0.5)', 'swish(beta=2)']
    """
    names = [name] if isinstance(name, str) else check_items("name", name, "a name or a list of names")
    curves = curves_of(names, parameters)
    if not curves:
        raise ValueError("name: expected at least one name, got none")
    low, high = check_real("low", low), check_real("high", high)
    if not low < high:
        raise ValueError(f"low: expected a number below high = {high}, got {low}")
    if len(curves) == 1 and (ax is None or not hasattr(ax, "__iter__")):
        return _alone(_style.single(ax), curves[0], low, high)
    found = _style.panels(ax, 2, len(curves))
    if len(found) == 1:
        _compare(found[0], curves, low, high, "value")
        _compare(found[0], curves, low, high, "slope", names=False)
        _style.title(found[0], f"{_listed(curves)}: f, and f' as thin lines")
        return found[0]
    for axes, part, text in zip(found, ("value", "slope"), (_listed(curves), "Derivatives"), strict=True):
        _compare(axes, curves, low, high, part)
        _style.title(axes, text)
    if ax is None:
        found[0].set_xlabel("")
    return np.array(found, dtype=object)


def _alone(axes: Any, curve: Curve, low: float, high: float) -> Any:
    """One curve with its derivative and the values of f' at the kinks."""
    ink = _cross(axes, low, high)
    kinks, x = curve.kinks(low, high), grid(low, high, curve.kinks(low, high))
    value = draw_value(axes, curve, x, kinks, ink.series[0])
    slope = draw_slope(axes, curve, x, kinks, ink.series[1], stroke=_style.STROKES[1])
    ends = [
        End(high, float(y[-1]), text, line.get_color())
        for line, y, text in (
            (value, curve.value(x), "f"),
            (slope, curve.slope(x), "f'"),
        )
    ]
    label_ends(axes, ends, size=_style.TITLE)
    origin(axes)
    _style.title(axes, f"{curve.label(complete=True)}: {_behavior(curve, kinks, x)}")
    if len(kinks):
        slopes = curve.slope(kinks)
        texts = [f"f'({_style.number(a)}) = {_style.number(b)}" for a, b in zip(kinks, slopes, strict=True)]
        lines = np.concatenate([np.stack([x, y], axis=1) for y in (curve.value(x), curve.slope(x))])
        label_points(axes, np.stack([kinks, slopes], axis=1), texts, ink.series[1], lines)
    return axes


def _behavior(curve: Curve, kinks: NDArray[Any], x: NDArray[Any]) -> str:
    """The derivative in words: its jumps, or its range."""
    if len(kinks):
        smooth = np.all(curve.slope(kinks - 1e-6) == curve.slope(kinks + 1e-6))
        places = " and ".join(_style.number(kink) for kink in kinks)
        return f"{'f' if smooth else chr(102) + chr(39)} jumps at {places}"
    slope = curve.slope(x)
    least, most = _style.number(float(slope.min().round(3)) + 0.0), _style.number(float(slope.max().round(3)))
    return f"f' is {least} everywhere" if least == most else f"smooth, f' from {least} to {most}"


def _compare(axes: Any, curves: list[Curve], low: float, high: float, part: str, names: bool = True) -> None:
    """Several curves, or their derivatives, with their names at their ends."""
    ink, ends = _cross(axes, low, high), []
    for i, curve in enumerate(curves):
        color, stroke = _style.stroke_of(ink, i)
        kinks = curve.kinks(low, high)
        x = grid(low, high, kinks)
        draw = draw_value if part == "value" else draw_slope
        draw(axes, curve, x, kinks, color, stroke=stroke, width=2 if names else 1.1)
        ends.append(End(high, float(getattr(curve, part)(high)), curve.label(), color))
    if names:
        label_ends(axes, ends)
        origin(axes)


def draw_value(
    axes: Any,
    curve: Curve,
    x: NDArray[Any],
    kinks: NDArray[Any],
    color: str,
    stroke: Any = "-",
    width: float = 2,
) -> Any:
    """The line of f, interrupted where it jumps."""
    broken = [k for k in kinks if abs(curve.value(k + 1e-6) - curve.value(k - 1e-6)) > 1e-3]
    y = with_gaps(x, curve.value(x), np.array(broken))
    (line,) = axes.plot(x, y, color=color, linestyle=stroke, linewidth=width, label=curve.label(), zorder=3)
    return line


def draw_slope(
    axes: Any,
    curve: Curve,
    x: NDArray[Any],
    kinks: NDArray[Any],
    color: str,
    stroke: Any = "-",
    width: float = 2,
) -> Any:
    """The line of f', interrupted at its jumps, where dots show its values."""
    y = with_gaps(x, curve.slope(x), kinks)
    (line,) = axes.plot(
        x, y, color=color, linestyle=stroke, linewidth=width, label=f"{curve.label()} derivative", zorder=3
    )
    if len(kinks):
        axes.plot(kinks, curve.slope(kinks), "o", color=color, markersize=4, zorder=4, label="_kinks")
    return line


def _cross(axes: Any, low: float, high: float) -> _style.Ink:
    """The frame of a panel of curves over x."""
    ink = _style.frame(axes, x="x", grid="both")
    axes.set_xlim(low, high)
    return ink


def origin(axes: Any) -> None:
    """Lines through the origin, below the curves."""
    ink = _style.ink_of(axes)
    axes.axhline(0, color=ink.soft, linewidth=0.8, zorder=1, label="_zero")
    if axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
        axes.axvline(0, color=ink.soft, linewidth=0.8, zorder=1, label="_zero")


def _listed(curves: list[Curve]) -> str:
    """Names of the curves in words."""
    if len(curves) > LISTED:
        return f"{len(curves)} activations"
    *first, last = [curve.label() for curve in curves]
    return f"{', '.join(first)} and {last}" if first else last
