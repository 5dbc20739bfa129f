"""`report`: statistics of activations, weights and gradients by layer, and a verdict in words."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.arrays import as_cpu_array
from .._utils.check import check_int
from ..losses._registry import resolve
from ..nn import LargeMarginSoftmax, Sequential
from ..training import Trainer
from ._html import report_html
from ._measure import LayerReport, measure, norm_of
from ._rules import RULES, Findings, problems_of
from ._samples import Samples, constant_loss, predictions, samples_of, size_of_targets

__all__ = ["Report", "report"]


@dataclass(frozen=True, repr=False)
class Report:
    """Result of `report`; ``str(report)`` is a table of the layers, the verdict, and advice.

    Notebooks show it as a table with pictures of the gradients and outputs over the layers.

    Parameters
    ----------
    loss : float
        Mean loss of the samples.
    layers : tuple of LayerReport
        One for each layer of the model.
    problems : dict
        Descriptions of the problems that were found, by name, the most serious first: ``"inputs"``,
        ``"targets"``, ``"ignored"``, ``"scales"``, ``"exploding"``, ``"vanishing"``, ``"loss"``,
        ``"symmetric"``, ``"dead"``, ``"saturated"``, ``"rate_high"``, ``"rate_low"``, ``"majority"``.
    guess : float
        Mean loss of the best constant outputs; NaN if it is not known.

    Examples
    --------
    >>> from simdnn import diagnostics
    >>> diagnostics.Report(0.1, (), {})
    Report('healthy', loss=0.1, layers=0)
    """

    loss: float
    layers: tuple[LayerReport, ...]
    problems: dict[str, str]
    guess: float = math.nan

    @property
    def verdict(self) -> str:
        """The problems in a few words, such as ``"vanishing gradients, dead units"``, or ``"healthy"``."""
        return ", ".join(RULES[name].words for name in self.problems) or "healthy"

    @property
    def advice(self) -> list[tuple[str, str, str]]:
        """Words, description and remedy of each problem."""
        return [(RULES[name].words, seen, RULES[name].remedy) for name, seen in self.problems.items()]

    @property
    def gradient_ratio(self) -> float:
        """Ratio of the first layer's `gradient_rms` to the last one's; NaN without parameters."""
        found = [layer.gradient_rms for layer in self.layers if layer.parameters]
        return found[0] / found[-1] if found and found[-1] else math.nan

    def __repr__(self) -> str:
        return f"Report({self.verdict!r}, loss={self.loss:.6g}, layers={len(self.layers)})"

    def __str__(self) -> str:
        guess = "" if math.isnan(self.guess) else f"; equal outputs for all samples reach {self.guess:.6g}"
        lines = [f"loss {self.loss:.6g}{guess}", "", *_table(self.layers), "", f"verdict: {self.verdict}"]
        lines += [f"- {words}: {seen}. {remedy}" for words, seen, remedy in self.advice]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return report_html(self)


def _table(layers: tuple[LayerReport, ...]) -> Iterator[str]:
    """Lines of the table: a heading, and one line per layer."""
    labels = [f"{layer.name} {layer.layer}" for layer in layers]
    labels = [label if len(label) <= 50 else label[:47] + "..." for label in labels]
    width = max(map(len, ["layer", *labels]))
    columns = ["mean", "std", "saturated", "dead", "|weights|", "|gradient|"]
    stepped = any(not math.isnan(layer.update_ratio) for layer in layers)
    columns += ["|step|/|w|"] if stepped else []
    yield f"{'layer':<{width}}" + "".join(f"{column:>11}" for column in columns)
    for label, layer in zip(labels, layers, strict=True):
        shares = [f"{x:.0%}" for x in (layer.saturated, layer.dead)]
        sizes = (layer.mean, layer.std, layer.weight_norm, layer.gradient_norm, layer.update_ratio)
        numbers = [f"{x:.3g}" for x in sizes]
        cells = [*numbers[:2], *shares, *numbers[2 : 5 if stepped else 4]]
        yield f"{label:<{width}}" + "".join(f"{'' if 'nan' in cell else cell:>11}" for cell in cells)


def report(
    model: Sequential | Trainer,
    X: ArrayLike,
    y: ArrayLike,
    loss: str | Callable[..., Any] | None = None,
    *,
    steps: int = 20,
) -> Report:
    """Examine a network by one forward and one backward pass; nothing is changed.

    Parameters
    ----------
    model : Sequential or Trainer
        Network to examine. With a trainer a copy of it takes `steps` steps, which shows if the learning rate
        is too high or too low.
    X : array, shape (n, in_features) or, of sequences, (n, time, in_features)
        Samples; some hundred are enough.
    y : array
        Targets, as in `Trainer.step`.
    loss : str, function, functools.partial or None
        Loss, as for `Trainer`; one with a margin is replaced by cross-entropy. None is that of the trainer,
        or the one that `Trainer` would use.
    steps : int
        Number of steps that a copy of the trainer takes, all of them with all samples.

    Returns
    -------
    Report
        The statistics of the layers, and the problems by these rules:

        - ``inputs``, ``targets``: a number is not finite; the statistics leave its sample out.
        - ``ignored``: all labels equal the loss's ignore_index.
        - ``scales``: a feature varies 300 times as much as another one.
        - ``exploding``, ``vanishing``: the root mean square of the first layer's gradients is more than 1e3,
          or less than 1e-3, times that of the last layer's; or so is the standard deviation over the samples
          of the last hidden layer compared with the first one; or the norm of the gradient w.r.t. the first
          time step is more than 1e3, or less than 1e-6, times that w.r.t. the last one. Gradients that are
          not finite, or 1e3 times as long as their weights, are exploding too.
        - ``loss``: it is 100 times that of the best constant outputs.
        - ``symmetric``, ``dead``, ``saturated``: more than 60 % of the units, or outputs, of a hidden
          layer.
        - ``rate_high``: the loss of the steps rises or oscillates. ``rate_low``: each layer's step is below
          1e-5 of its weights (1e-3 is healthy), and the loss would react to larger ones. Networks whose loss
          is below a tenth of a constant guess's may saturate and take such steps.
        - ``majority``: one class has 80 % of the samples, and others are predicted for less than 5 % of
          the number of theirs.

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
    trainer = model if isinstance(model, Trainer) else None
    network = model.model if isinstance(model, Trainer) else model
    if not isinstance(network, Sequential):
        raise TypeError(f"model: expected a Sequential or a Trainer, got {type(network).__name__}")
    steps = check_int("steps", steps)
    if loss is None:
        loss = _default_loss(network) if trainer is None else trainer.loss
    x = as_cpu_array("X", X)
    _check_input(network, x)
    if len(x) == 0:
        raise ValueError(f"X: expected at least one sample, got shape {x.shape}")
    return examine(network, trainer, x, y, loss, steps)


def examine(
    network: Sequential,
    trainer: Trainer | None,
    x: NDArray[Any],
    y: ArrayLike,
    loss: Any,
    steps: int,
    rows: NDArray[np.intp] | None = None,
) -> Report:
    """The report on checked arguments; x and y are the `rows` of the user's arrays, None is all of them."""
    with np.errstate(all="ignore"):  # overflow is a result here, not an error
        native = resolve(loss)
        if native.has_margin:
            native = resolve("cross_entropy")
        samples = samples_of(network, x, y, loss, native, rows)
        found = _examined(network, trainer, samples, native, steps)
    return Report(found.loss, found.layers, problems_of(found), found.guess)


def _check_input(network: Sequential, x: Any) -> None:
    """Raises if the network refuses x; the states of stateful layers stay as they are."""
    if network._model.states:
        network = copy.copy(network)
        network.reset_states()
    network.forward(x[:1] if x.ndim else x)
    network.reset_states()


def _default_loss(model: Sequential) -> Any:
    """The loss that `Trainer` would use for None."""
    last = model.layers[-1]
    return last._loss() if isinstance(last, LargeMarginSoftmax) else "cross_entropy"


def _examined(
    network: Sequential, trainer: Trainer | None, samples: Samples, native: _core.Loss, steps: int
) -> Findings:
    """The findings about a network, and about the steps of its trainer."""
    found = Findings(
        bad_inputs=samples.bad_inputs,
        bad_targets=samples.bad_targets,
        ignored=samples.ignored,
        scales=samples.scales,
        labels=samples.labels,
    )
    if len(samples.x) == 0:
        return found
    value, output, layers = measure(network, samples.x, samples.y, native)
    found = found._replace(
        layers=layers,
        loss=value,
        guess=constant_loss(samples, output, native),
        predicted=predictions(output, samples, native),
        targets=size_of_targets(samples),
    )
    return found if trainer is None else _stepped(found, trainer, samples, steps)


def _stepped(found: Findings, trainer: Trainer, samples: Samples, steps: int) -> Findings:
    """The findings with the updates of a copy of the trainer, and the losses of its steps."""
    trial = copy.copy(trainer)
    trial.model.reset_states()
    before = trial.model.flat_parameters.copy()
    losses = [trial.step(samples.x, samples.y)]
    change = trial.model.flat_parameters - before
    losses += [trial.step(samples.x, samples.y) for _ in range(steps - 1)]
    layers, begin = [], 0
    for layer in found.layers:
        end = begin + layer.parameters
        ratio = norm_of(change[begin:end]) / layer.weight_norm if layer.weight_norm else math.nan
        layers.append(replace(layer, update_ratio=ratio if layer.parameters else math.nan))
        begin = end
    fixed = not callable(trainer.optimizer.lr)
    return found._replace(layers=tuple(layers), losses=tuple(losses), fixed_rate=fixed)
