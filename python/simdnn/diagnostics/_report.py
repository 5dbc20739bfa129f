"""What goes on inside a network: gradients, activations and weights of each layer, and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..losses._registry import resolve
from ..nn import LargeMarginSoftmax, Layer, Sequential
from ._layerwise import FLAT, LayerProbe, probes_of

__all__ = ["LayerReport", "Report", "report"]

#: The first layer's gradients beside the last one's, as root mean squares: less is vanishing, more exploding.
VANISHING, EXPLODING = 1e-3, 1e3
#: A slope below this share of the activation's largest one counts as none.
NONE = 1e-6
#: The share of a hidden layer from which on saturated outputs, or dead units, are a problem.
MANY = 0.5

REMEDIES = {
    "exploding": "Try Trainer(clip_norm=1.0), a smaller lr, init='xavier_uniform' or 'orthogonal', l2=1e-4,"
    " nn.BatchNorm1d or nn.Residual.",
    "vanishing": "Try activation='relu' or 'elu' with init='he_normal', nn.BatchNorm1d before activations,"
    " nn.Residual blocks, nn.LSTM with forget_bias=5.0, or pretrain.greedy_layerwise before fine-tuning.",
    "dead": "Try nn.LeakyReLU, activation='elu', a smaller lr, init='he_normal', or nn.BatchNorm1d.",
    "saturated": "Try init='xavier_uniform', inputs of mean 0 and standard deviation 1, nn.BatchNorm1d before"
    " the activations, or activation='relu'.",
}


@dataclass(frozen=True)
class LayerReport:
    """What `report` saw of a layer; NaN where something does not apply.

    ``mean`` and ``std`` are of its outputs. ``saturated`` is the share of them where a bounded activation's
    slope is under 5 % of its largest one; ``dead`` the share of units whose activation has no slope for any
    sample. ``weight_norm`` and ``gradient_norm`` are of all its parameters together, ``output_gradient_norm``
    is that of the loss by its outputs. ``time_ratio`` of a layer that reads sequences is the norm of the
    gradient by its first time step over that by the last one.

    Examples
    --------
    >>> from simdnn import diagnostics
    >>> diagnostics.LayerReport("0", "Dense(2, 2)", 6, 0.0, 1.0, 0.0, 0.0, 2.0, 3.0, 1.0).gradient_rms
    1.2247448713915892
    """

    name: str
    layer: str
    parameters: int
    mean: float
    std: float
    saturated: float
    dead: float
    weight_norm: float
    gradient_norm: float
    output_gradient_norm: float
    time_ratio: float = math.nan

    @property
    def gradient_rms(self) -> float:
        """The root mean square of its parameters' gradients."""
        return self.gradient_norm / math.sqrt(self.parameters) if self.parameters else math.nan


@dataclass(frozen=True)
class Report:
    """What `report` returns: the loss, a `LayerReport` for each layer, and problems by name.

    ``problems`` maps ``"exploding"``, ``"vanishing"``, ``"dead"`` and ``"saturated"``, as far as they were
    seen, to what was seen. ``str(report)`` is a table, the verdict and remedies.

    Examples
    --------
    >>> from simdnn import diagnostics
    >>> diagnostics.Report(0.1, (), {}).verdict
    'healthy'
    """

    loss: float
    layers: tuple[LayerReport, ...]
    problems: dict[str, str]

    @property
    def verdict(self) -> str:
        """In a few words, such as ``"vanishing gradients, saturated units"``, or ``"healthy"``."""
        units = {"dead": "dead units", "saturated": "saturated units"}
        return ", ".join(units.get(name, f"{name} gradients") for name in self.problems) or "healthy"

    @property
    def gradient_ratio(self) -> float:
        """The first layer's gradients over the last one's, as root mean squares; NaN if there is none."""
        found = [layer.gradient_rms for layer in self.layers if layer.parameters]
        return found[0] / found[-1] if found and found[-1] else math.nan

    def __str__(self) -> str:
        lines = [f"loss {self.loss:.6g}", "", *_table(self.layers), "", f"verdict: {self.verdict}"]
        lines += [f"- {name}: {seen}. {REMEDIES[name]}" for name, seen in self.problems.items()]
        return "\n".join(lines)


def _table(layers: tuple[LayerReport, ...]) -> Iterator[str]:
    """A line for each layer, below a heading."""
    labels = [f"{layer.name} {layer.layer}" for layer in layers]
    labels = [label if len(label) <= 50 else label[:47] + "..." for label in labels]
    width = max(map(len, ["layer", *labels]))
    columns = ("mean", "std", "saturated", "dead", "|weights|", "|gradient|")
    yield f"{'layer':<{width}}" + "".join(f"{column:>11}" for column in columns)
    for label, layer in zip(labels, layers, strict=True):
        shares = [f"{x:.0%}" for x in (layer.saturated, layer.dead)]
        numbers = [f"{x:.3g}" for x in (layer.mean, layer.std, layer.weight_norm, layer.gradient_norm)]
        cells = [*numbers[:2], *shares, *numbers[2:]]
        yield f"{label:<{width}}" + "".join(f"{'' if 'nan' in cell else cell:>11}" for cell in cells)


def report(
    model: Sequential, X: ArrayLike, y: ArrayLike, loss: str | Callable[..., Any] | None = None
) -> Report:
    """Looks into a network: one pass forward and backward, without an update; the model is not changed.

    Parameters
    ----------
    model : Sequential
    X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
        Some hundred samples are enough.
    y : array
        What the loss compares with, as in `Trainer.step`.
    loss : str, function, functools.partial or None
        As for `Trainer`; a margin is left out.

    Returns
    -------
    Report
        Its ``str`` is the verdict in words. Gradients vanish where the root mean square of the first layer's
        is under 1e-3 times that of the last one, or the norm by the first time step under 1e-3 times that by
        the last; they explode where a ratio is over 1e3, or one is not finite. More than half of a hidden
        layer dead or saturated is reported too.

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument is of another kind, shape or range.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import diagnostics, nn
    >>> layers = [nn.Dense(8, 8, activation="sigmoid") for _ in range(10)]
    >>> model = nn.Sequential(*layers, nn.Dense(8, 2), rng=0)
    >>> found = diagnostics.report(model, np.eye(8), np.arange(8) % 2)
    >>> found.verdict
    'vanishing gradients'
    >>> len(found.layers), found.layers[0].dead
    (11, 0.0)

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    whose figures these numbers are (activations, saturation and gradients by layer).
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    native = resolve(_chosen(model, loss))
    if native.has_margin:
        native = resolve("cross_entropy")
    x = np.asarray(X)
    model.forward(x[:1])  # refuses what does not fit
    if len(x) == 0:
        raise ValueError(f"X: expected at least one sample, got shape {x.shape}")
    with np.errstate(all="ignore"):  # numbers that overflow are what is looked for
        value, layers = _both_ways(model, x.astype(model.dtype), y, native)
    return Report(value, layers, _problems(value, layers))


def _both_ways(
    model: Sequential, x: NDArray[Any], y: ArrayLike, loss: _core.Loss
) -> tuple[float, tuple[LayerReport, ...]]:
    """The loss, and what was seen of each layer on the way forward and back."""
    pieces, outputs = list(probes_of(model)), []
    for parts in pieces:
        for part in parts:
            x = part.forward(x)
        outputs.append(x)
    value, by_outputs = loss.evaluate(x, y, None, "model(X)", "mean", True)
    gradient = np.asarray(by_outputs)
    layers = []
    for i in reversed(range(len(pieces))):
        norm = _norm(gradient)
        for part in reversed(pieces[i]):
            gradient = part.backward(gradient)
        layers.append(_layer_report(str(i), model.layers[i], pieces[i], outputs[i], norm, gradient))
    return float(value), tuple(reversed(layers))


def _chosen(model: Sequential, loss: Any) -> Any:
    """The loss that a `Trainer` would choose."""
    if loss is not None:
        return loss
    last = model.layers[-1]
    return last._loss() if isinstance(last, LargeMarginSoftmax) else "cross_entropy"


def _norm(*arrays: NDArray[Any]) -> float:
    """sqrt(sum a^2) over all arrays, in double."""
    return math.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays))


def _layer_report(
    name: str,
    layer: Layer,
    parts: list[LayerProbe],
    output: NDArray[Any],
    output_gradient_norm: float,
    input_gradient: NDArray[Any],
) -> LayerReport:
    """The numbers of one layer after both passes."""
    network = parts[0].network
    gradient_norm = _norm(network.flat_gradients)
    saturated = dead = math.nan
    if (found := parts[-1].slopes()) is not None:
        slope, largest, bounded = found
        saturated = float(np.mean(slope < FLAT * largest)) if bounded else math.nan
        dead = float(np.mean(np.all(slope <= NONE * largest, axis=0)))
    first, last = (_norm(input_gradient[:, step]) for step in (0, -1)) if network._input.sequence else (0, 0)
    count = network.flat_parameters.size
    return LayerReport(
        name=name,
        layer=repr(layer),
        parameters=count,
        mean=float(output.mean(dtype=np.float64)),
        std=float(output.std(dtype=np.float64)),
        saturated=saturated,
        dead=dead,
        weight_norm=_norm(network.flat_parameters) if count else math.nan,
        gradient_norm=gradient_norm if count else math.nan,
        output_gradient_norm=output_gradient_norm,
        time_ratio=first / last if last else math.nan,
    )


def _flow_problems(seen: Report) -> dict[str, str]:
    """Gradients that shrink or grow, over the layers or over the time steps of one of them."""
    first = "the first layer's gradients are {:.2g} times the last one's, as root mean squares"
    ratios = [(seen.gradient_ratio, first)]
    for layer in seen.layers:
        text = f"layer {layer.name}'s gradient by the first time step is {{:.2g}} times that by the last one"
        ratios.append((layer.time_ratio, text))
    found = {
        "exploding": [text.format(ratio) for ratio, text in ratios if ratio > EXPLODING],
        "vanishing": [text.format(ratio) for ratio, text in ratios if ratio < VANISHING],
    }
    return {name: "; ".join(several) for name, several in found.items() if several}


def _problems(loss: float, layers: tuple[LayerReport, ...]) -> dict[str, str]:
    """What is wrong, the gravest first."""
    problems = {}
    learning = [layer for layer in layers if layer.parameters]
    broken = [layer.name for layer in learning if not math.isfinite(layer.gradient_norm)]
    if broken or not math.isfinite(loss):
        problems["exploding"] = f"loss {loss:g}; gradients that are not finite in layers {broken}"
    else:
        problems |= _flow_problems(Report(loss, layers, {}))
    hidden = layers[: int(learning[-1].name)] if learning else ()
    for name in ("dead", "saturated"):
        many = {layer.name: getattr(layer, name) for layer in hidden if getattr(layer, name) > MANY}
        if many:
            shares = ", ".join(f"layer {place} {share:.0%}" for place, share in many.items())
            problems[name] = f"{shares} of its {'units' if name == 'dead' else 'outputs'}"
    return problems
