"""`learning_rate_finder`: the loss while the learning rate grows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import optim
from .._utils.arrays import as_cpu_array
from .._utils.check import check_int, check_positive
from ..nn import Sequential
from ..training import Trainer
from . import _style
from ._models import loss_of, network_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The test ends when the smoothed loss is this many times its lowest value.
BLOWN_UP = 4.0
#: Weight of the past in the smoothed loss.
SMOOTHING = 0.9
#: The first steps, in which the smoothed loss has seen too few batches to be judged.
WARM_UP = 5
#: Fraction of the steps in each window in which falls of the loss are compared.
WINDOW = 0.1


def learning_rate_finder(
    model: Sequential | Trainer,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: str | Callable[..., Any] | None = None,
    optimizer: optim.Optimizer | str | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Plot the loss of a copy of the model while the learning rate grows from step to step.

    A good rate is the one at which the loss falls fastest, or a little below it.

    Parameters
    ----------
    model : Sequential or Trainer
        Network, or trainer of one, to train a copy of; it is not changed.
    X, y : array
        Samples and targets, as in `Trainer.fit`.
    loss : str, function or None
        Loss, as for `Trainer`; None is that of the trainer.
    optimizer : optim.Optimizer, str or None
        Optimizer, of which a copy is used, as for `Trainer`; None is that of the trainer.
    low, high : float
        First and last rate, low < high.
    steps : int
        Number of steps, >= 10; the test ends early when the loss has blown up.
    batch_size : int
        Samples per step.
    seed : int
        Seed of the order of the samples.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The dot is at the rate of the fastest fall.

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
    >>> from simdnn import nn, plot
    >>> model = nn.Sequential(nn.Dense(4, 4), rng=0)
    >>> axes = plot.learning_rate_finder(model, np.eye(4, dtype=np.float32), np.arange(4), batch_size=4)
    >>> axes.get_title()[:31]
    'The loss falls fastest at a rat'

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.
    """
    network, loss = network_of(model), loss_of(model, loss)
    if optimizer is None and isinstance(model, Trainer):
        optimizer = model.optimizer
    low, high = check_positive("low", low), check_positive("high", high)
    if not low < high:
        raise ValueError(f"low: expected a number below high = {high:g}, got {low:g}")
    steps, batch_size = check_int("steps", steps, 10), check_int("batch_size", batch_size)
    seed = check_int("seed", seed, 0)
    trainer = Trainer(copy.deepcopy(network), loss, copy.deepcopy(optimizer), seed=seed)
    trainer.model.reset_states()
    rates = np.geomspace(low, high, steps)
    losses = _losses(trainer, as_cpu_array("X", X), as_cpu_array("y", y), rates, batch_size, seed)
    axes = _style.single(ax)
    _draw(axes, rates[: len(losses)], losses)
    return axes  # type: ignore[no-any-return]


def _losses(
    trainer: Trainer, x: NDArray[Any], y: NDArray[Any], rates: NDArray[Any], batch_size: int, seed: int
) -> NDArray[np.float64]:
    """The loss of each step until it blows up."""
    trainer.evaluate(x, y)  # raises for wrong arguments
    rng = np.random.default_rng(seed)
    order: NDArray[Any] = np.empty(0, np.int64)
    losses: list[float] = []
    mean, best = 0.0, np.inf
    for step, rate in enumerate(rates, 1):
        if len(order) < min(batch_size, len(x)):
            order = np.concatenate([order, rng.permutation(len(x))])
        chosen, order = order[:batch_size], order[batch_size:]
        trainer.optimizer.lr = float(rate)
        loss = trainer.step(x[chosen], y[chosen])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING**step)
        if not np.isfinite(smooth):
            break
        losses.append(loss)
        best = min(best, smooth)
        if step > WARM_UP and smooth > BLOWN_UP * best:
            break
    return np.array(losses)


def smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponential moving average without the bias of its start."""
    found, mean = np.empty_like(losses), 0.0
    for i, loss in enumerate(losses):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        found[i] = mean / (1 - SMOOTHING ** (i + 1))
    return found


def steepest(losses: NDArray[np.float64]) -> int | None:
    """The step around which the smoothed loss falls most before its lowest point; None if it never falls.

    Falls are compared over windows, in which the noise of single batches counts little.
    """
    end = int(losses.argmin()) + 1
    if end < 3:
        return None
    half = min(max(1, round(WINDOW * len(losses) / 2)), (end - 1) // 2)
    fall = losses[: end - 2 * half] - losses[2 * half : end]
    first = min(WARM_UP, len(fall) - 1)
    index = first + int(fall[first:].argmax())
    return index + half if fall[index] > 0 else None


def _draw(axes: Any, rates: NDArray[Any], losses: NDArray[Any]) -> None:
    """The losses, their moving average, and the rate of its steepest fall."""
    ink = _style.frame(axes, x="learning rate", y="loss")
    axes.set_xscale("log")
    if not len(losses):
        _style.title(axes, "The loss is not a finite number at any rate")
        return
    smooth = smoothed(losses)
    axes.plot(
        rates, losses, color=ink.series[0], linewidth=0.8, alpha=0.45, label="loss of a batch", zorder=2
    )
    axes.plot(rates, smooth, color=ink.series[0], linewidth=2, label="moving average", zorder=3)
    low, high = float(smooth.min()), float(np.quantile(smooth[: max(3, len(smooth) // 2)], 0.9))
    axes.set_ylim(
        low - 0.25 * max(high - low, 0.1 * abs(low), 1e-9), high + 0.75 * max(high - low, 0.1 * abs(high))
    )
    axes.tick_params(which="minor", length=0)
    index = steepest(smooth)
    if index is None:
        _style.title(axes, "The loss falls at none of these rates")
        return
    axes.axvline(rates[index], color=ink.soft, linewidth=0.8, linestyle=_style.STROKES[2], label="_best")
    axes.plot(
        [rates[index]], [smooth[index]], "o", color=ink.series[1], markersize=8,
        markeredgecolor=ink.background, label="_best", zorder=5,
    )  # fmt: skip
    _style.title(axes, f"The loss falls fastest at a rate of {rates[index]:.2g}")
