"""`loss_surface`: the loss around a model's weights, in two directions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.check import check_int, check_positive
from ..nn import Sequential
from ..training import Trainer
from . import _style
from ._models import loss_of, network_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Lines of equal loss.
LEVELS = 10
#: A larger ratio of the highest loss to the lowest gives the lines equal ratios.
WIDE = 20.0


def loss_surface(
    model: Sequential | Trainer,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: str | Callable[..., Any] | None = None,
    span: float = 1.0,
    points: int = 25,
    seed: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Plot the loss around the weights of a model in two random directions.

    In both, the part for the weights of each unit has the length of these weights, so that pictures of
    networks with other scales may be compared. Biases and other vectors stay as they are.

    Parameters
    ----------
    model : Sequential or Trainer
        Network in the middle of the picture, or its trainer; it is not changed.
    X, y : array
        Samples and targets, as in `Trainer.evaluate`.
    loss : str, function or None
        Loss, as for `Trainer`; None is that of the trainer.
    span : float
        Largest step along each direction, > 0; at 1, it is as long as the weights.
    points : int
        Evaluations along each direction, >= 3; an odd number has the model itself among them.
    seed : int
        Seed of the directions.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes

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
    >>> axes = plot.loss_surface(model, np.eye(4), np.arange(4), points=5)
    >>> axes.get_xlabel()
    'step along direction 1'

    Source: Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets",
    sections 3 and 4.
    """
    network, loss = network_of(model), loss_of(model, loss)
    span, points = check_positive("span", span), check_int("points", points, 3)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    first, second = (filter_normalized(network, rng) for _ in range(2))
    trainer = Trainer(copy.deepcopy(network), loss, seed=0)
    trainer.model.reset_states()
    steps = np.linspace(-span, span, points)
    center = network.flat_parameters.astype(np.float64)
    height = np.empty((points, points))
    for row, b in enumerate(steps):
        for column, a in enumerate(steps):
            trainer.model.flat_parameters[:] = center + a * first + b * second
            height[row, column] = trainer.evaluate(X, y)[0]
    trainer.model.flat_parameters[:] = center
    axes = _style.single(ax, (5.0, 4.4))
    _style.frame(axes, x="step along direction 1", y="step along direction 2", grid="")
    _draw(axes, steps, height)
    here, most = trainer.evaluate(X, y)[0], float(np.nanmax(height, initial=-np.inf))
    text = f"Loss {_style.number(here)} at the weights, up to {_style.number(most)} nearby"
    _style.title(axes, text)
    return axes  # type: ignore[no-any-return]


def filter_normalized(model: Sequential, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random direction [parameters]: each unit's part has the norm of its weights, vectors have zeros."""
    parts = []
    for value in model.parameters().values():
        part = rng.standard_normal(value.shape)
        if value.ndim < 2:
            parts.append(np.zeros(value.size))
            continue
        axes = tuple(range(value.ndim - 1))
        norms = [np.sqrt(np.square(a, dtype=np.float64).sum(axis=axes)) for a in (value, part)]
        parts.append((part * (norms[0] / np.maximum(norms[1], 1e-300))).ravel())
    return np.concatenate(parts) if parts else np.zeros(0)


def _draw(axes: Any, steps: NDArray[Any], height: NDArray[Any]) -> None:
    """Lines of equal loss with their values, and the model in the middle."""
    ink = _style.ink_of(axes)
    finite, height = height[np.isfinite(height)], np.ma.masked_invalid(height)
    if finite.size and finite.max() > finite.min():
        low, high = float(finite.min()), float(finite.max())
        wide = low > 0 and high / low > WIDE
        levels = np.geomspace(low, high, LEVELS) if wide else np.linspace(low, high, LEVELS)
        shades = _style.color_map(axes)(np.linspace(0.75, 0.02, LEVELS - 1))
        axes.contourf(steps, steps, height, levels=levels, colors=shades, zorder=0)
        lines = axes.contour(steps, steps, height, levels=levels[1:-1], colors=[ink.text], linewidths=0.6)
        _name_levels(axes, steps, height, levels[1:-1])
        lines.set_zorder(1)
    axes.plot([0], [0], "o", color=ink.series[1], markersize=8, markeredgecolor=ink.background, zorder=5)
    axes.set_aspect("equal")


def _name_levels(axes: Any, steps: NDArray[Any], height: NDArray[Any], levels: NDArray[Any]) -> None:
    """The values of the lines where they cross the vertical from the middle up, if they are not too close."""
    upward = height[len(steps) // 2 :, len(steps) // 2]
    along = np.linspace(0, steps[-1], 400)
    values = np.interp(along, steps[len(steps) // 2 :], upward)
    last = 0.0
    for level in levels:
        crossings = np.flatnonzero((values[:-1] < level) & (values[1:] >= level))
        if crossings.size and along[crossings[0]] - last > 0.13 * steps[-1] < steps[-1]:
            last = float(along[crossings[0]])
            if last < 0.95 * steps[-1]:
                _style.note(axes, 0, last, _style.number(float(level)), ha="center", va="center")
