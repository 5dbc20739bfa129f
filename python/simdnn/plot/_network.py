"""`network`: the layers of a model, drawn with their shapes and numbers of parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ..nn import Layer, Sequential
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Half widths of the narrowest and the widest layer, in units of the width of the axes.
NARROW, BROAD = 0.03, 0.17
#: Half height of a layer; rows have the distance 1.
HALF = 0.34
#: More equal layers than this in sequence are drawn once.
REPEATED = 2


class Row(NamedTuple):
    """Equal layers in sequence: their name, shapes in and out, and parameters of each."""

    name: str
    before: Any
    after: Any
    parameters: int
    times: int


def network(model: Sequential, *, ax: Axes | None = None) -> Axes:
    """Draw the layers of a model with the shapes of their outputs and their numbers of parameters.

    Parameters
    ----------
    model : Sequential
        Network to draw.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Widths grow with the logarithm of the number of features; layers without parameters are pale. Equal
        layers in sequence are drawn once, with their number.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError
        If `model` is not a Sequential.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import nn, plot
    >>> model = nn.Sequential(nn.Dense(64, 32, activation="relu"), nn.Dropout(0.2), nn.Dense(32, 10), rng=0)
    >>> axes = plot.network(model)
    >>> axes.get_title()
    '3 layers, 2,410 parameters'
    >>> [text.get_text() for text in axes.texts][:3]
    ['input', '(n, 64)', 'Dense, relu']
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    rows = _rows(model)
    axes = _style.single(ax, (5.6, 1.1 + 0.46 * (len(rows) + 1)))
    _style.bare(axes)
    widest = max(max(row.before.features, row.after.features) for row in rows)
    high = _style.points_high(axes) / (len(rows) + 1.1)
    _write(axes, 0, "input", str(rows[0].before), "", high)
    for place, row in enumerate(rows, 1):
        _box(axes, place, row, widest)
        times = f" \u00d7 {row.times}" if row.times > 1 else ""
        _write(axes, place, row.name + times, str(row.after), _counted(row.parameters * row.times), high)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) + 0.6, -0.5)
    layers = len(model.layers)
    plural = "s" if layers > 1 else ""
    _style.title(axes, f"{layers} layer{plural}, {model.flat_parameters.size:,} parameters")
    return axes  # type: ignore[no-any-return]


def _rows(model: Sequential) -> list[Row]:
    """The layers, long repetitions as one row."""
    sizes: dict[str, int] = {}
    for name, value in model.parameters().items():
        sizes[name.split(".", 1)[0]] = sizes.get(name.split(".", 1)[0], 0) + value.size
    shape, rows, kinds = model._input, [], []
    for i, layer in enumerate(model.layers):
        after = layer._output(shape)
        rows.append(Row(_name(layer), shape, after, sizes.get(str(i), 0), 1))
        kinds.append(repr(layer))
        shape = after
    found: list[Row] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and kinds[end] == kinds[start] and rows[end] == rows[start]:
            continue
        run = rows[start:end]
        found += [run[0]._replace(times=len(run))] if len(run) > REPEATED else run
        start = end
    return found


def _name(layer: Layer) -> str:
    """The class of a layer with its activation, or with the layers inside it."""
    inside = [type(inner).__name__ for _, chain in layer._children() for inner in chain]
    if inside:
        shown = inside if len(inside) <= 2 else [inside[0], "...", inside[-1]]
        return f"{type(layer).__name__} of {', '.join(shown)}"
    activation = getattr(layer, "activation", None)
    name = type(layer).__name__
    if activation is None:
        return name
    return f"{name}, {activation if isinstance(activation, str) else type(activation).__name__}"


def _box(axes: Any, place: int, row: Row, widest: int) -> None:
    """A trapezoid from the width of the input to the width of the output."""
    ink = _style.ink_of(axes)

    def half(features: int) -> float:
        return NARROW + (BROAD - NARROW) * math.log1p(features) / math.log1p(widest)

    top, bottom = half(row.before.features), half(row.after.features)
    y = place - HALF, place + HALF
    corners = [(0.5 - top, y[0]), (0.5 + top, y[0]), (0.5 + bottom, y[1]), (0.5 - bottom, y[1])]
    learns = row.parameters > 0
    axes.fill(
        *zip(*corners, strict=True),
        facecolor=ink.series[0] if learns else ink.grid,
        edgecolor=ink.series[0] if learns else ink.soft,
        alpha=0.9,
        linewidth=0.8,
        zorder=2,
    )
    axes.plot([0.5, 0.5], [place - 1 + HALF * (place > 1), y[0]], color=ink.soft, linewidth=1, zorder=1)


def _write(axes: Any, place: int, name: str, shape: str, parameters: str, high: float) -> None:
    """The name on the left, shape and number of parameters on the right, in a row `high` points high."""
    ink, size = _style.ink_of(axes), min(_style.TICK, 0.7 * high)
    between = "\n" if high > 2.6 * size else ", "
    axes.text(0.3, place, name, ha="right", va="center", fontsize=size + 0.5, color=ink.text)
    right = f"{shape}{between}{parameters}" if parameters else shape
    axes.text(0.7, place, right, ha="left", va="center", fontsize=size, color=ink.soft, linespacing=1.25)


def _counted(parameters: int) -> str:
    """The number of parameters in words; nothing for none."""
    return f"{parameters:,} parameter{'s' if parameters > 1 else ''}" if parameters else ""
