"""`optimizer_paths`: the ways of optimizers over a function of two variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import optim
from .._utils.check import check_int, check_real, check_sequence
from . import _style
from ._labels import label_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Relative step of the central differences: the cube root of the machine epsilon.
DIFFERENCE = float(np.finfo(np.float64).eps) ** (1 / 3)
#: Lines of equal height.
LEVELS = 14
#: A range of the points this many times as wide as that of most is one of a way that diverges.
FAR = 6.0
#: A coordinate of this size is one of a way that has diverged.
BEYOND = 1e6

#: Optimizers by name, with rates that suit the valley.
VALLEY_RATES: dict[str, Callable[[list[NDArray[Any]]], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.8),
    "momentum": lambda p: optim.SGD(p, lr=0.15, momentum=0.85),
    "Nesterov": lambda p: optim.SGD(p, lr=0.15, momentum=0.85, nesterov=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.9),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.22, alpha=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.5),
}


def valley(x: Any, y: Any) -> Any:
    """A long valley, 36 times steeper across (y) than along it (x)."""
    return 0.03 * np.square(x) + 1.08 * np.square(y)


def optimizer_paths(
    function: Callable[[Any, Any], Any] | None = None,
    gradient: Callable[[float, float], ArrayLike] | None = None,
    *,
    start: tuple[float, float] = (-9.0, 2.2),
    steps: int = 40,
    optimizers: Mapping[str, Callable[[list[NDArray[Any]]], optim.Optimizer]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the ways of optimizers over a function of two variables, computed by `simdnn.optim`.

    Parameters
    ----------
    function : function or None
        Function f(x, y) of two arrays; None is a long valley, 36 times steeper across than along it.
    gradient : function or None
        Function (x, y) -> (df/dx, df/dy); None takes central differences of f.
    start : pair of float
        First point of all ways.
    steps : int
        Number of steps, >= 1.
    optimizers : mapping of str to function, or None
        Functions that make an optimizer of a list of arrays, such as
        ``functools.partial(optim.SGD, lr=0.1)``, by name. None is SGD, momentum, Nesterov, Adagrad, RMSprop
        and Adam, with rates that suit the valley.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A dot marks each step, a large one the last.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If an argument has a wrong type or value.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from functools import partial
    >>> from simdnn import optim, plot
    >>> axes = plot.optimizer_paths(optimizers={"SGD": partial(optim.SGD, lr=0.9)}, steps=10)
    >>> axes.get_title()
    'The way of SGD in 10 steps'
    >>> len(axes.lines[0].get_xdata())
    11

    Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", figure 8.5.
    """
    steps = check_int("steps", steps)
    for name, value in (("function", function), ("gradient", gradient)):
        if value is not None and not callable(value):
            raise TypeError(f"{name}: expected a function or None, got {type(value).__name__}")
    check_sequence("start", start, "two numbers")
    if len(start) != 2:
        raise ValueError(f"start: expected two numbers, got {len(start)}")
    first = np.array([check_real(f"start[{i}]", value) for i, value in enumerate(start)])
    makers = dict(VALLEY_RATES if optimizers is None else optimizers)
    if not makers:
        raise ValueError("optimizers: expected at least one, got none")
    f = valley if function is None else function
    slope = gradient if gradient is not None else _differences(f)
    paths = {name: _path(name, make, slope, first, steps) for name, make in makers.items()}
    axes = _style.single(ax, (5.6, 4.0))
    _style.frame(axes, x="x", y="y", grid="")
    _contours(axes, f, list(paths.values()))
    ends = {name: float(f(*path[-1])) for name, path in paths.items()}
    best = min(ends, key=lambda name: ends[name] if np.isfinite(ends[name]) else np.inf)
    several = f"After {steps} steps {best} is lowest"
    _style.title(axes, several if len(paths) > 1 else f"The way of {best} in {steps} steps")
    _draw(axes, paths)
    return axes  # type: ignore[no-any-return]


def _differences(f: Callable[[Any, Any], Any]) -> Callable[[float, float], ArrayLike]:
    """The gradient of f by central differences."""

    def slope(x: float, y: float) -> tuple[float, float]:
        h, k = DIFFERENCE * max(1.0, abs(x)), DIFFERENCE * max(1.0, abs(y))
        along_x = (f(x + h, y) - f(x - h, y)) / (2 * h)
        return float(along_x), float((f(x, y + k) - f(x, y - k)) / (2 * k))

    return slope


def _path(
    name: str,
    make: Callable[[list[NDArray[Any]]], optim.Optimizer],
    slope: Callable[[float, float], ArrayLike],
    first: NDArray[np.float64],
    steps: int,
) -> NDArray[np.float64]:
    """The points [steps + 1, 2] of an optimizer's way; it ends where it has diverged."""
    point = first.copy()
    if not callable(make):
        raise TypeError(f"optimizers: expected a function for {name!r}, got {type(make).__name__}")
    if not isinstance(optimizer := make([point]), optim.Optimizer):
        raise TypeError(f"optimizers: expected {name!r} to make an Optimizer, got {type(optimizer).__name__}")
    path = [first]
    for _ in range(steps):
        optimizer.step([np.asarray(slope(float(point[0]), float(point[1])), dtype=np.float64)])
        if not np.abs(point).max() < BEYOND:
            break
        path.append(point.copy())
    return np.array(path)


def _contours(axes: Any, f: Callable[[Any, Any], Any], paths: Sequence[NDArray[Any]]) -> None:
    """Lines of equal height around all ways, closer where f is low; sets the limits."""
    points = np.concatenate(paths)
    low, high = _range(points, paths[0][0])
    margin = 0.12 * np.maximum(high - low, 1e-6)
    low, high = low - margin, high + margin
    x, y = (np.linspace(low[i], high[i], 201) for i in (0, 1))
    with np.errstate(all="ignore"):
        height = np.broadcast_to(np.asarray(f(*np.meshgrid(x, y)), dtype=np.float64), (201, 201))
    height = np.ma.masked_invalid(height)
    lowest, highest = height.min(), height.max()
    if height.count() and highest > lowest:
        levels = lowest + (highest - lowest) * np.linspace(0, 1, LEVELS + 1) ** 2.5
        lines = np.linspace(0.42, 0, LEVELS)
        axes.contourf(x, y, height, levels=levels, colors=_style.color_map(axes)(lines), zorder=0)
        axes.contour(x, y, height, levels[1:-1], colors=[_style.ink_of(axes).grid], linewidths=0.6, zorder=1)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])


def _range(points: NDArray[Any], start: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lowest and highest coordinates; without the farthest points if they are far from all others."""
    ends = [(0.0, 1.0), (0.02, 0.98)]
    (low, high), inner = (np.quantile(points, one, axis=0) for one in ends)
    low = np.where(high - low > FAR * (inner[1] - inner[0]), inner[0], low)
    high = np.where(high - low > FAR * (inner[1] - inner[0]), inner[1], high)
    return np.minimum(low, start), np.maximum(high, start)


def _draw(axes: Any, paths: Mapping[str, NDArray[Any]]) -> None:
    """The ways with their names."""
    ink = _style.ink_of(axes)
    colors = [ink.series[i % len(ink.series)] for i in range(len(paths))]
    for i, (name, path) in enumerate(paths.items()):
        stroke = _style.stroke_of(ink, i)[1]
        axes.plot(*path.T, color=colors[i], linestyle=stroke, linewidth=1.5, label=name, zorder=3)
        axes.plot(*path.T, "o", color=colors[i], markersize=2.2, label="_steps", zorder=3)
        axes.plot(
            *path[-1],
            "o",
            color=colors[i],
            markersize=7,
            markeredgecolor=ink.background,
            label="_last",
            zorder=4,
        )
    start = next(iter(paths.values()))[0]
    axes.plot(*start, "s", color=ink.text, markersize=5, label="_start", zorder=4)
    label_paths(axes, [_filled(path) for path in paths.values()], list(paths), colors, skip=0.08)


def _filled(path: NDArray[Any]) -> NDArray[Any]:
    """The path with points between its steps, so that labels keep off its lines."""
    steps = np.arange(len(path))
    fine = np.linspace(0, max(len(path) - 1, 0), 6 * len(path))
    return np.stack([np.interp(fine, steps, path[:, i]) for i in (0, 1)], axis=1)
