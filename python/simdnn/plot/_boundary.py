"""`decision_boundary`: the regions of the plane that a model gives to each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array, cast_to
from .._utils.check import check_int, check_positive
from . import _style
from ._display import check_classes, classes_of, outputs_of, probabilities_of
from ._labels import label_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shapes of the dots of the classes.
MARKERS = "osD^vP"


def decision_boundary(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    grid_resolution: int = 100,
    eps: float = 1.0,
    xlabel: str = "feature 0",
    ylabel: str = "feature 1",
    ax: Axes | None = None,
) -> Axes:
    """Plot the regions that a classifier of two features gives to each class, paler where it is less sure.

    The arguments are those of scikit-learn's `DecisionBoundaryDisplay.from_estimator`.

    Parameters
    ----------
    estimator : Sequential, Predictor, Ensemble, Trainer or estimator of scikit-learn
        The classifier; outputs of a network are logits.
    X : array, shape (n, 2)
        Samples; the plot covers their range.
    y : array, shape (n,), or None
        True classes; the samples are drawn if they are given.
    grid_resolution : int
        Points along each axis, >= 2.
    eps : float
        Margin around the samples, > 0, in units of the features.
    xlabel, ylabel : str
        Names of the features.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Samples on the wrong side have a ring.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If an argument has a wrong type, shape or value.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from simdnn import nn, plot
    >>> model = nn.Sequential(nn.Dense(2, 2, bias=False), rng=0)
    >>> model.flat_parameters[:] = [1, -1, 0, 0]
    >>> plot.decision_boundary(model, [[2, 0], [-2, 0], [-1, 1]], [0, 1, 0]).get_title()
    '66.6 % of the samples are on the right side'
    """
    grid_resolution, eps = check_int("grid_resolution", grid_resolution, 2), check_positive("eps", eps)
    x = as_cpu_array("X", X)
    if x.ndim != 2 or x.shape[1] != 2 or not len(x) or x.dtype.kind not in "fiub":
        raise ValueError(f"X: expected real numbers, shape (n, 2), n >= 1, got {x.shape} of {x.dtype}")
    true = None if y is None else as_cpu_array("y", y)
    if true is not None and true.shape != x.shape[:1]:
        raise ValueError(f"y: expected shape {x.shape[:1]}, got {true.shape}")
    low, high = x.min(axis=0) - eps, x.max(axis=0) + eps
    sides = [np.linspace(low[i], high[i], grid_resolution) for i in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1)
    single = cast_to(np.float32, "X", x)
    probabilities, names = _probabilities(estimator, points.reshape(-1, 2).astype(np.float32))
    if true is not None:
        check_classes(y=true, **{"the estimator's classes": names})
    axes = _style.single(ax, (5.2, 4.2))
    _paint(axes, sides, probabilities.reshape(grid_resolution, grid_resolution, -1))
    _style.frame(axes, x=xlabel, y=ylabel, grid="")
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    if true is None:
        _name_regions(axes, points.reshape(-1, 2), probabilities.argmax(axis=1), names)
        _style.title(axes, f"Regions of {len(names)} classes")
        return axes  # type: ignore[no-any-return]
    right = classes_of(estimator, single) == true
    _style.title(axes, f"{_style.percent(float(right.mean()))} % of the samples are on the right side")
    _samples(axes, x, true, right, names)
    return axes  # type: ignore[no-any-return]


def _probabilities(estimator: Any, points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The probabilities [points, classes], 0 or 1 if the estimator has none, and the classes."""
    if outputs_of(estimator, points[:1]) is not None:
        found = probabilities_of(estimator, points)
        return found, np.arange(found.shape[1])
    if hasattr(estimator, "predict_proba"):
        return probabilities_of(estimator, points), np.asarray(estimator.classes_)
    classes = classes_of(estimator, points)
    names = np.unique(classes)
    return (classes[:, np.newaxis] == names).astype(float), names


def _paint(axes: Any, sides: list[NDArray[Any]], probabilities: NDArray[Any]) -> None:
    """Regions in the colors of their classes, paler near their borders, which are lines."""
    from matplotlib.colors import to_rgb

    ink, count = _style.ink_of(axes), probabilities.shape[-1]
    colors = np.array([to_rgb(ink.series[k % len(ink.series)]) for k in range(count)])
    most = probabilities.max(axis=-1, keepdims=True)
    sure = (most - 1 / count) / (1 - 1 / count) if count > 1 else most
    strength = 0.08 + 0.24 * np.clip(sure, 0, 1)
    image = np.array(to_rgb(ink.background)) * (1 - strength) + colors[probabilities.argmax(-1)] * strength
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    axes.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=0)
    for k in range(count if count > 2 else 1):
        rest = np.delete(probabilities, k, axis=-1)
        lead = probabilities[..., k] - (rest.max(axis=-1) if count > 1 else 0)
        if lead.min() < 0 < lead.max():
            axes.contour(*sides, lead, levels=[0], colors=[ink.text], linewidths=1.2, zorder=2)


def _samples(
    axes: Any, x: NDArray[Any], true: NDArray[Any], right: NDArray[Any], names: NDArray[Any]
) -> None:
    """A dot for each sample, in the color and shape of its class, and the names of the classes."""
    ink = _style.ink_of(axes)
    size = float(np.clip(2500 / len(x), 8, 26))
    clouds, texts, colors = [], [], []
    for k, name in enumerate(names):
        own = true == name
        if not own.any():
            continue
        color, marker = ink.series[k % len(ink.series)], MARKERS[k % len(MARKERS)]
        axes.scatter(
            *x[own].T, s=size, color=color, marker=marker, edgecolor=ink.background, linewidth=0.6, zorder=3
        )
        clouds.append(x[own].astype(float))
        texts.append(_named(name))
        colors.append(ink.text)
    if not right.all():
        axes.scatter(*x[~right].T, s=4 * size, facecolor="none", edgecolor=ink.text, linewidth=1, zorder=4)
    label_paths(axes, clouds, texts, colors)


def _name_regions(axes: Any, points: NDArray[Any], classes: NDArray[Any], names: NDArray[Any]) -> None:
    """The name of each class in the middle of its region."""
    ink = _style.ink_of(axes)
    for k, name in enumerate(names):
        own = points[classes == k]
        if len(own):
            x, y = own[np.argmin(np.square(own - own.mean(axis=0)).sum(axis=1))]
            _style.note(axes, x, y, _named(name), color=ink.text, weight="bold", ha="center", va="center")


def _named(name: Any) -> str:
    """A class in words."""
    return f"class {name}" if isinstance(name, int | float | np.number) else str(name)
