"""`gradient_flow` and `activation_flow`: distributions of gradients and of outputs, layer by layer."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import diagnostics
from ..nn import LargeMarginSoftmax, Sequential
from ..training import Trainer
from . import _style
from ._models import loss_of, network_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Fractions of a distribution that are drawn: a thin line from the first to the last, a thick one between.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
#: Gradients within this factor of the last layer's are healthy.
HEALTHY_GRADIENT = 1e3
#: Outputs of a layer are healthy within this factor of one standard deviation of unit variance.
HEALTHY_OUTPUT = 3.0
#: Width in points of the label of a tick with the space around it.
TICK_WIDTH = 17.0


class Strip(NamedTuple):
    """The distribution of one layer: its name, quantiles (empty if only the mark is known), and a mark."""

    name: str
    quantiles: Sequence[float]
    mark: float


def gradient_flow(
    report: diagnostics.Report | Sequential | Trainer,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    loss: str | Callable[..., Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the gradients of each layer on a logarithmic scale, titled by the verdict.

    Parameters
    ----------
    report : diagnostics.Report, Sequential or Trainer
        Return value of `diagnostics.report`: the root mean square of each layer's gradients is drawn. A model
        shows their distribution too: the middle half as a bar, 5 % to 95 % as a line.
    X, y : array
        Samples and targets for a model, as in `Trainer.step`; it is not changed.
    loss : str, function or None
        Loss for a model, as for `Trainer`; None is that of the trainer.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Gradients in the shaded band are healthy: within a factor of 1000 of the last layer's.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError, IndexError
        If an argument has a wrong type, shape or value.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from simdnn import diagnostics, nn, plot
    >>> model = nn.Sequential(nn.Dense(4, 8, "relu"), nn.Dense(8, 2), rng=0)
    >>> found = diagnostics.report(model, np.eye(4), [0, 1, 0, 1])
    >>> plot.gradient_flow(found).get_ylabel()
    'absolute gradient (dot: RMS)'
    >>> plot.gradient_flow(model, np.eye(4), [0, 1, 0, 1]).get_yscale()
    'log'

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    figure 7.
    """
    if isinstance(report, diagnostics.Report):
        strips = [Strip(row.name, (), row.gradient_rms) for row in report.layers if row.parameters]
    elif isinstance(report, Sequential | Trainer):
        if X is None or y is None:
            raise TypeError("X, y: expected samples and targets for a model, got None")
        strips = _gradient_strips(network_of(report), X, y, loss_of(report, loss))
        report = diagnostics.report(report, X, y, loss)
    else:
        raise TypeError(
            f"report: expected a diagnostics.Report, Sequential or Trainer, got {type(report).__name__}"
        )
    axes = _style.single(ax)
    ink = _style.frame(axes, x="layer", y="absolute gradient (dot: RMS)")
    draw_strips(axes, strips, ink)
    if (healthy := _healthy_range(report)) is not None:
        axes.set_yscale("log")
        _decades(axes, strips, healthy)
        _band(axes, ink, *healthy)
    _style.title(axes, _flow_in_words(report))
    return axes  # type: ignore[no-any-return]


def _flow_in_words(report: diagnostics.Report) -> str:
    """The verdict, and the ratio of the first layer's gradients to the last one's."""
    text = report.verdict[:1].upper() + report.verdict[1:]
    learning = [row for row in report.layers if row.parameters]
    if len(learning) < 2 or not math.isfinite(report.gradient_ratio):
        return text
    return f"{text}: gradients of the first layer are {report.gradient_ratio:.2g} times those of the last"


def activation_flow(model: Sequential | Trainer, X: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Plot the distribution of the outputs of each layer, computed as in a training step.

    Parameters
    ----------
    model : Sequential or Trainer
        Network to look into; it is not changed.
    X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
        Samples; some hundred are enough.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The middle half of each layer's outputs is a bar, 5 % to 95 % a line, the median a dot. Outputs in the
        shaded band, from -3 to 3, have about the scale of standardized inputs.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If an argument has a wrong type or shape.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from simdnn import nn, plot
    >>> model = nn.Sequential(*[nn.Dense(8, 8, init="zeros") for _ in range(3)], rng=0)
    >>> plot.activation_flow(model, np.eye(8)).get_title()
    'Outputs are constant from layer 0 on'

    Source: Glorot & Bengio 2010, figures 2 to 6.
    """
    model = network_of(model)
    outputs = layer_outputs(model, X)
    with np.errstate(all="ignore"):
        spreads = [float(output.std(dtype=np.float64)) for output in outputs]
    strips = [Strip(str(i), _quantiles(output), float(np.median(output))) for i, output in enumerate(outputs)]
    axes = _style.single(ax)
    ink = _style.frame(axes, x="layer", y="output (dot: median)")
    most = max((abs(q) for strip in strips for q in strip.quantiles if math.isfinite(q)), default=0)
    if most > 30 * HEALTHY_OUTPUT:
        _symmetric_decades(axes, most)
    _band(axes, ink, -HEALTHY_OUTPUT, HEALTHY_OUTPUT)
    draw_strips(axes, strips, ink)
    axes.axhline(0, color=ink.soft, linewidth=0.8, zorder=1)
    _style.title(axes, _scale_in_words(spreads))
    return axes  # type: ignore[no-any-return]


def layer_outputs(model: Sequential, X: ArrayLike) -> list[NDArray[Any]]:
    """The outputs of each layer in a training step, from networks that end with that layer."""
    state, found = model.state_dict(), []
    for end in range(1, len(model.layers) + 1):
        part = Sequential._blank(model._arguments | {"layers": model.layers[:end]})
        names = part.state_dict().keys()
        part.load_state_dict({name: state[name] for name in names})
        found.append(part.forward(X, training=True))
    return found


def draw_strips(axes: Any, strips: Sequence[Strip], ink: _style.Ink) -> None:
    """A strip for each layer: a line, a bar and a dot; names below, as many as fit."""
    thick = max(2.0, min(9.0, 220 / max(1, len(strips))))
    for i, strip in enumerate(strips):
        color = ink.series[0]
        if len(strip.quantiles):
            low, first, _, third, high = strip.quantiles
            axes.plot([i, i], [low, high], color=color, linewidth=1, alpha=0.55, zorder=2, label="_tails")
            axes.plot(
                [i, i], [first, third], color=color, linewidth=thick, alpha=0.55, solid_capstyle="butt",
                zorder=3, label="_half",
            )  # fmt: skip
    marks = [strip.mark if math.isfinite(strip.mark) else math.nan for strip in strips]
    axes.plot(
        range(len(strips)), marks, "o", color=ink.series[1], markersize=max(3, min(6, thick)),
        markeredgecolor=ink.background, markeredgewidth=0.8, zorder=4, label="layers",
    )  # fmt: skip
    step = max(1, math.ceil(len(strips) * TICK_WIDTH * axes.figure.dpi / 72 / axes.bbox.width))
    shown = range(0, len(strips), step)
    axes.set_xticks(list(shown), [strips[i].name for i in shown])
    axes.set_xlim(-0.6, max(len(strips), 1) - 0.4)


def _gradient_strips(model: Sequential, X: ArrayLike, y: ArrayLike, loss: Any) -> list[Strip]:
    """Absolute gradients of each layer with parameters, with their root mean square."""
    own = copy.deepcopy(model)
    own.reset_states()
    trainer = Trainer(own, loss="cross_entropy" if _has_margin(own, loss) else loss, seed=0)
    with np.errstate(all="ignore"):
        trainer.objective(X, y)(own.flat_parameters.copy())
        layers: dict[str, list[NDArray[Any]]] = {}
        for name, gradient in own.gradients().items():
            layers.setdefault(name.split(".", 1)[0], []).append(np.abs(gradient, dtype=np.float64).ravel())
        found = []
        for name, parts in layers.items():
            values = np.concatenate(parts)
            found.append(Strip(name, _quantiles(values), math.sqrt(float(np.square(values).mean()))))
    return found


def _has_margin(model: Sequential, loss: Any) -> bool:
    """True if the loss would be that of a margin, which the verdict replaces by cross-entropy."""
    return loss is None and isinstance(model.layers[-1], LargeMarginSoftmax)


def _quantiles(values: NDArray[Any]) -> Sequence[float]:
    """The quantiles of the finite values; none if there are no such values."""
    finite = values[np.isfinite(values)]
    return [float(q) for q in np.quantile(finite.astype(np.float64), QUANTILES)] if finite.size else ()


def _band(axes: Any, ink: _style.Ink, low: float, high: float) -> None:
    """The healthy band with its name."""
    axes.axhspan(low, high, color=ink.band, zorder=0, linewidth=0)
    place = axes.get_yaxis_transform()
    axes.annotate(
        "healthy", (1, high), (-4, -3), xycoords=place, textcoords="offset points", ha="right", va="top",
        fontsize=_style.TICK, color=ink.soft, path_effects=_style.halo(axes), zorder=6,
    )  # fmt: skip


def _healthy_range(report: diagnostics.Report) -> tuple[float, float] | None:
    """Sizes of healthy gradients; None if no layer has any.

    They are within a factor of the last layer's, and not longer than its weights by more than that factor.
    """
    rows = [row for row in report.layers if row.parameters and 0 < row.gradient_rms < math.inf]
    if not rows:
        return None
    longest = HEALTHY_GRADIENT * max(rows[-1].weight_norm, 1.0) / math.sqrt(rows[-1].parameters)
    high = min(rows[-1].gradient_rms * HEALTHY_GRADIENT, longest)
    return min(rows[-1].gradient_rms / HEALTHY_GRADIENT, high / HEALTHY_GRADIENT**2), high


def _decades(axes: Any, strips: Sequence[Strip], healthy: tuple[float, float]) -> None:
    """Limits of a logarithmic scale around marks and band; tails far below the marks leave it."""
    from matplotlib.ticker import LogLocator

    marks = [strip.mark for strip in strips if 0 < strip.mark < math.inf]
    tails = [q for strip in strips for q in strip.quantiles if min(marks) / 100 < q < math.inf]
    axes.set_ylim(min(*marks, *tails, healthy[0]) / 3, max(*marks, *tails, healthy[1]) * 3)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.tick_params(which="minor", length=0)


def _symmetric_decades(axes: Any, most: float) -> None:
    """A scale that is linear in the healthy band and logarithmic outside, with few ticks."""
    decades = math.ceil(math.log10(most))
    axes.set_yscale("symlog", linthresh=HEALTHY_OUTPUT)
    powers = [10.0**power for power in range(decades, 0, -max(1, decades // 3))][:3]
    axes.set_yticks([*(-power for power in powers), 0, *powers])
    axes.minorticks_off()


def _scale_in_words(spreads: list[float]) -> str:
    """The change of the outputs' standard deviation over the layers, in words."""
    for i, spread in enumerate(spreads):
        if not math.isfinite(spread):
            return f"Outputs are not finite from layer {i} on"
        if spread == 0:
            return f"Outputs are constant from layer {i} on"
    end = len(spreads) - 2 if len(spreads) > 2 else len(spreads) - 1  # the last hidden layer
    first, last = spreads[0], spreads[end]
    verb = "shrink" if last < first / 10 else "grow" if last > 10 * first else "keep their scale"
    return f"Outputs {verb}: standard deviation {first:.2g} in layer 0, {last:.2g} in layer {end}"
