"""`residuals`: the errors of a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_int, check_name
from . import _style
from ._display import display, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Fraction of the samples in each window of the running quartiles, and number of windows.
WINDOW, WINDOWS = 0.1, 60


@display(values_of)
def residuals(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    /,
    *,
    kind: Literal["residual_vs_predicted", "actual_vs_predicted"] = "residual_vs_predicted",
    subsample: float | None = 1000,
    random_state: int | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Plot the errors of a regression against its predictions.

    ``residuals.from_estimator(model, X, y)`` predicts first; both follow scikit-learn's
    `PredictionErrorDisplay`.

    Parameters
    ----------
    y_true, y_pred : array, shape (n,) or (n, 1)
        Targets and predictions; several outputs, shape (n, outputs), are drawn together.
    kind : "residual_vs_predicted" or "actual_vs_predicted"
        Draw y_true - y_pred, or y_true.
    subsample : int, float or None
        Number of points to draw, or their fraction; None draws all. The band and the title use all.
    random_state : int or None
        Seed of the choice of points.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The line is the running median, its band holds the middle half of the errors.

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
    >>> from simdnn import plot
    >>> axes = plot.residuals([1.0, 2.0, 4.0], [1.5, 2.0, 3.5])
    >>> print(axes.get_title())
    R² 0.893; errors of mean 0, standard deviation 0.408
    >>> axes.collections[0].get_offsets()[:, 1].tolist()
    [-0.5, 0.0, 0.5]
    """
    check_name("kind", kind, ("residual_vs_predicted", "actual_vs_predicted"))
    true, predicted = _numbers("y_true", y_true), _numbers("y_pred", y_pred)
    if true.shape != predicted.shape or not true.size:
        raise ValueError(
            f"y_true, y_pred: expected one shape and at least one sample,"
            f" got {np.shape(y_true)} and {np.shape(y_pred)}"
        )
    chosen = _chosen(len(true), subsample, random_state)
    axes = _style.single(ax)
    actual = kind == "actual_vs_predicted"
    ink = _style.frame(axes, x="predicted", y="actual" if actual else "actual - predicted", grid="both")
    heights = true if actual else true - predicted
    alpha = float(np.clip(30 / np.sqrt(len(chosen)) / 2, 0.25, 0.9))
    axes.scatter(
        predicted[chosen], heights[chosen], s=14, color=ink.series[0], alpha=alpha, linewidth=0, zorder=2
    )
    _running_quartiles(axes, predicted, heights, ink)
    if actual:
        ends = [min(predicted.min(), true.min()), max(predicted.max(), true.max())]
        axes.plot(
            ends, ends, color=ink.text, linewidth=1, linestyle=_style.STROKES[1], label="_exact", zorder=3
        )
    else:
        axes.axhline(0, color=ink.text, linewidth=1, linestyle=_style.STROKES[1], label="_exact", zorder=3)
    _style.group_digits(axes.xaxis)
    _style.group_digits(axes.yaxis)
    _style.title(axes, _headline(true, predicted, actual))
    return axes  # type: ignore[no-any-return]


def _numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Finite real numbers, flat."""
    found = as_cpu_array(name, values)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got dtype {found.dtype}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return found.astype(np.float64).ravel()


def _chosen(count: int, subsample: float | None, random_state: int | None) -> NDArray[np.int64]:
    """Indices of the points to draw."""
    if subsample is None:
        return np.arange(count)
    if isinstance(subsample, float):
        if not 0 < subsample <= 1:
            raise ValueError(f"subsample: expected a fraction above 0 and up to 1, got {subsample}")
        size = max(1, int(subsample * count))
    else:
        size = check_int("subsample", subsample)
    if size >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(random_state).choice(count, size, replace=False))


def _running_quartiles(axes: Any, x: NDArray[Any], y: NDArray[Any], ink: _style.Ink) -> None:
    """The median and the middle half of y in windows of neighbors along x; nothing for few points."""
    width = int(WINDOW * len(x))
    if width < 8:
        return
    order = np.argsort(x)
    starts = np.unique(np.linspace(0, len(x) - width, WINDOWS).astype(int))
    windows = [order[start : start + width] for start in starts]
    centers = [float(np.median(x[window])) for window in windows]
    low, middle, high = np.array([np.quantile(y[window], [0.25, 0.5, 0.75]) for window in windows]).T
    axes.fill_between(centers, low, high, color=ink.series[1], alpha=0.22, linewidth=0, zorder=3)
    axes.plot(centers, middle, color=ink.series[1], linewidth=1.8, label="running median", zorder=4)


def _headline(true: NDArray[Any], predicted: NDArray[Any], actual: bool) -> str:
    """The coefficient of determination, and what the errors are: their spread, or the size of most.

    The latter is for drawings of actual against predicted numbers, next to one of residuals.
    """
    errors = true - predicted
    mean = float(errors.mean()) if abs(errors.mean()) > 1e-9 * np.abs(true).max() else 0.0
    text = f"rrors of mean {_style.number(mean)}, standard deviation {_style.number(float(errors.std()))}"
    if actual:
        text = f"rrors of at most {_style.number(float(np.median(np.abs(errors))))} in half of the rows"
    total = float(np.square(true - true.mean()).sum())
    if not total:
        return f"E{text}"
    return f"R² {_style.number(1 - float(np.square(errors).sum()) / total)}; e{text}"
