"""`report`: statistics of activations, weights and gradients by layer, and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array
from ..losses._registry import resolve
from ..nn import LargeMarginSoftmax, Layer, Sequential
from ._layerwise import SATURATED_SLOPE, LayerProbe, probes_of

__all__ = ["LayerReport", "Report", "report"]

#: Ratios of the first layer's root mean square gradient to the last one's that count as a problem.
VANISHING, EXPLODING = 1e-3, 1e3
#: A slope below this fraction of the activation's largest slope counts as zero.
DEAD_SLOPE = 1e-6
#: A larger fraction than this of saturated outputs or dead units in a hidden layer is a problem.
MAX_FRACTION = 0.5

#: Advice for each problem.
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
    """Statistics of one layer in a `Report`; NaN where a number does not apply.

    Parameters
    ----------
    name : str
        Index of the layer in the model.
    layer : str
        ``repr`` of the layer.
    parameters : int
        Number of parameters.
    mean, std : float
        Mean and standard deviation of the outputs.
    saturated : float
        Fraction of the outputs at which the slope of a bounded activation is below 5 % of its largest slope.
    dead : float
        Fraction of the units whose activation has slope zero for every sample.
    weight_norm, gradient_norm : float
        L2 norms of all parameters of the layer, and of the gradients w.r.t. them.
    output_gradient_norm : float
        L2 norm of the gradient of the loss w.r.t. the outputs.
    time_ratio : float
        For a layer that reads sequences, the norm of the gradient w.r.t. its first time step over that w.r.t.
        its last time step.

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
        """Root mean square of the gradients w.r.t. the parameters."""
        return self.gradient_norm / math.sqrt(self.parameters) if self.parameters else math.nan


@dataclass(frozen=True)
class Report:
    """Result of `report`; ``str(report)`` is a table of the layers, the verdict, and advice.

    Parameters
    ----------
    loss : float
        Mean loss of the samples.
    layers : tuple of LayerReport
        One for each layer of the model.
    problems : dict
        Descriptions of the problems that were found, by name: ``"exploding"``, ``"vanishing"``, ``"dead"``,
        ``"saturated"``.

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
        """The problems in a few words, such as ``"vanishing gradients, dead units"``, or ``"healthy"``."""
        units = {"dead": "dead units", "saturated": "saturated units"}
        return ", ".join(units.get(name, f"{name} gradients") for name in self.problems) or "healthy"

    @property
    def gradient_ratio(self) -> float:
        """Ratio of the first layer's `gradient_rms` to the last one's; NaN without parameters."""
        found = [layer.gradient_rms for layer in self.layers if layer.parameters]
        return found[0] / found[-1] if found and found[-1] else math.nan

    def __str__(self) -> str:
        lines = [f"loss {self.loss:.6g}", "", *_table(self.layers), "", f"verdict: {self.verdict}"]
        lines += [f"- {name}: {seen}. {REMEDIES[name]}" for name, seen in self.problems.items()]
        return "\n".join(lines)


def _table(layers: tuple[LayerReport, ...]) -> Iterator[str]:
    """Lines of the table: a heading, and one line per layer."""
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
    """Examine a network by one forward and one backward pass; the model is not changed.

    Parameters
    ----------
    model : Sequential
        Network to examine.
    X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
        Samples; some hundred are enough.
    y : array
        Targets, as in `Trainer.step`.
    loss : str, function, functools.partial or None
        Loss, as for `Trainer`; one with a margin is replaced by cross-entropy.

    Returns
    -------
    Report
        Gradients count as vanishing if the root mean square of the first layer's gradients is below 1e-3
        times that of the last layer's, or the norm of the gradient w.r.t. the first time step is below 1e-3
        times that w.r.t. the last one. They count as exploding if such a ratio is above 1e3, or if a gradient
        is not finite. A hidden layer with more than half of its units dead, or of its outputs saturated, is a
        problem too.

    Raises
    ------
    TypeError, ValueError, IndexError
        If an argument has a wrong type, shape or value.

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
    whose figures show these statistics (activations, saturation and gradients by layer).
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    native = resolve(_loss_of(model, loss))
    if native.has_margin:
        native = resolve("cross_entropy")
    x = as_cpu_array("X", X)
    model.forward(x[:1])  # raises for a wrong dtype or shape
    if len(x) == 0:
        raise ValueError(f"X: expected at least one sample, got shape {x.shape}")
    with np.errstate(all="ignore"):  # overflow is a result here, not an error
        value, layers = _forward_and_backward(model, x.astype(model.dtype), y, native)
    return Report(value, layers, _problems(value, layers))


def _forward_and_backward(
    model: Sequential, x: NDArray[Any], y: ArrayLike, loss: _core.Loss
) -> tuple[float, tuple[LayerReport, ...]]:
    """The loss, and the statistics of each layer in a forward and a backward pass."""
    probes, outputs = list(probes_of(model)), []
    for of_layer in probes:
        for probe in of_layer:
            x = probe.forward(x)
        outputs.append(x)
    value, output_gradient = loss.evaluate(x, y, None, "model(X)", "mean", True)
    gradient = np.asarray(output_gradient)
    layers = []
    for i in reversed(range(len(probes))):
        norm = _norm(gradient)
        for probe in reversed(probes[i]):
            gradient = probe.backward(gradient)
        layers.append(_layer_report(str(i), model.layers[i], probes[i], outputs[i], norm, gradient))
    return float(value), tuple(reversed(layers))


def _loss_of(model: Sequential, loss: Any) -> Any:
    """The given loss, or the one that `Trainer` would use for None."""
    if loss is not None:
        return loss
    last = model.layers[-1]
    return last._loss() if isinstance(last, LargeMarginSoftmax) else "cross_entropy"


def _norm(*arrays: NDArray[Any]) -> float:
    """sqrt(sum a^2) over all arrays, in float64."""
    return math.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays))


def _layer_report(
    name: str,
    layer: Layer,
    probes: list[LayerProbe],
    output: NDArray[Any],
    output_gradient_norm: float,
    input_gradient: NDArray[Any],
) -> LayerReport:
    """The statistics of one layer after both passes."""
    network = probes[0].network
    gradient_norm = _norm(network.flat_gradients)
    saturated = dead = math.nan
    if (found := probes[-1].slopes()) is not None:
        slope, largest, bounded = found
        saturated = float(np.mean(slope < SATURATED_SLOPE * largest)) if bounded else math.nan
        dead = float(np.mean(np.all(slope <= DEAD_SLOPE * largest, axis=0)))
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
    """Vanishing and exploding gradients, over the layers or over the time steps of one layer."""
    first = "the first layer's gradients are {:.2g} times the last one's, as root mean squares"
    ratios = [(seen.gradient_ratio, first)]
    for layer in seen.layers:
        gradients = f"layer {layer.name}'s gradient w.r.t. the first time step"
        ratios.append((layer.time_ratio, f"{gradients} is {{:.2g}} times that w.r.t. the last one"))
    learning = [layer for layer in seen.layers if layer.parameters]
    hidden = learning[:-1]
    if len(hidden) > 1 and hidden[0].std:
        spread = (
            "the outputs of the last hidden layer have {:.2g} times the standard deviation of the first one's"
        )
        ratios.append((hidden[-1].std / hidden[0].std, spread))
    for layer in learning:  # a gradient below the weights is none of the problems
        length = layer.gradient_norm / max(layer.weight_norm, 1.0)
        ratios.append(
            (max(length, 1.0), f"layer {layer.name}'s gradient is {{:.2g}} times as long as its weights")
        )
    found = {
        "exploding": [text.format(ratio) for ratio, text in ratios if ratio > EXPLODING],
        "vanishing": [text.format(ratio) for ratio, text in ratios if ratio < VANISHING],
    }
    return {name: "; ".join(several) for name, several in found.items() if several}


def _problems(loss: float, layers: tuple[LayerReport, ...]) -> dict[str, str]:
    """Descriptions of the problems by name, the most serious first."""
    problems = {}
    learning = [layer for layer in layers if layer.parameters]
    broken = [layer.name for layer in learning if not math.isfinite(layer.gradient_norm)]
    if broken or not math.isfinite(loss):
        problems["exploding"] = f"loss {loss:g}; gradients that are not finite in layers {broken}"
    else:
        problems |= _flow_problems(Report(loss, layers, {}))
    hidden = layers[: int(learning[-1].name)] if learning else ()
    for name in ("dead", "saturated"):
        many = {layer.name: getattr(layer, name) for layer in hidden if getattr(layer, name) > MAX_FRACTION}
        if many:
            fractions = ", ".join(f"layer {index} {fraction:.0%}" for index, fraction in many.items())
            problems[name] = f"{fractions} of its {'units' if name == 'dead' else 'outputs'}"
    return problems
