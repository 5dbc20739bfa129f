"""`calibration`: predicted probabilities and the fractions of samples for which they come true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_int, check_name
from . import _style
from ._display import check_classes, display, probabilities_of
from ._labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A smaller mean difference between probability and fraction counts as well calibrated.
CALIBRATED = 0.03


@display(probabilities_of)
def calibration(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    /,
    *,
    n_bins: int = 5,
    strategy: Literal["uniform", "quantile"] = "uniform",
    pos_label: Any = None,
    name: str | None = None,
    ref_line: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Plot predicted probabilities and the fractions of samples for which they come true.

    ``calibration.from_estimator(model, X, y)`` predicts first; both follow scikit-learn's
    `CalibrationDisplay`. With more than two classes, the probability is that of the predicted class.

    Parameters
    ----------
    y_true : array, shape (n,)
        True classes; for probabilities of three classes or more, indices of columns.
    y_prob : array, shape (n,) or (n, classes)
        Probabilities of the positive class, or of all classes.
    n_bins : int
        Number of bins of the probabilities, >= 1.
    strategy : "uniform" or "quantile"
        Bins of one width, or of as many samples each.
    pos_label : class or None
        Positive class of two; None is the larger one, and 1 if all are 0 or all are -1. Of two columns of
        probabilities, the second one is that of the larger class.
    name : str or None
        Label of the curve; several curves may share an Axes.
    ref_line : bool
        Draw the diagonal, on which a perfectly calibrated model is.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The area of a dot shows the number of samples in its bin.

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
    >>> plot.calibration([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]).get_title()
    'Too cautious by 0.1 on average (ECE)'
    >>> plot.calibration([0, 1], [[0.9, 0.1], [0.9, 0.1]], n_bins=2).get_title()
    'Too confident by 0.4 on average (ECE)'

    Source: Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks", section 2.
    """
    n_bins = check_int("n_bins", n_bins)
    check_name("strategy", strategy, ("uniform", "quantile"))
    ref_line = check_flag("ref_line", ref_line)
    right, probability, binary = _events(y_true, y_prob, pos_label)
    means, fractions, counts = _bins(right, probability, n_bins, strategy)
    axes = _style.single(ax, (4.6, 4.6))
    ink = _style.frame(
        axes,
        x="predicted probability",
        y="fraction of the positive class" if binary else "fraction of right predictions",
        grid="both",
    )
    index = sum(line.get_label() != "_perfect" for line in axes.lines)
    if ref_line and not index:
        axes.plot([0, 1], [0, 1], color=ink.soft, linewidth=1, linestyle=_style.STROKES[2], label="_perfect")
    color, stroke = _style.stroke_of(ink, index)
    label = name or ""
    axes.plot(means, fractions, color=color, linewidth=1.8, linestyle=stroke, label=label or "bins", zorder=3)
    sizes = 12 + 140 * counts / counts.max()
    axes.scatter(means, fractions, s=sizes, color=color, edgecolor=ink.background, linewidth=0.8, zorder=4)
    axes.set_xlim(-0.04, 1.04)
    axes.set_ylim(-0.04, 1.04)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    if label:
        label_ends(axes, [End(float(means[-1]), float(fractions[-1]), label, color)])
    _style.title(axes, _headline(means, fractions, counts, binary))
    return axes  # type: ignore[no-any-return]


def _events(
    y_true: ArrayLike, y_prob: ArrayLike, pos_label: Any
) -> tuple[NDArray[Any], NDArray[np.float64], bool]:
    """(1 where the event occurred, its probability, True for the positive one of two classes)."""
    true, probability = as_cpu_array("y_true", y_true), as_cpu_array("y_prob", y_prob)
    if probability.dtype.kind not in "fiu":
        raise TypeError(f"y_prob: expected real numbers, got dtype {probability.dtype}")
    probability = probability.astype(np.float64)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("y_prob: expected probabilities from 0 to 1")
    if true.ndim != 1 or probability.shape[:1] != true.shape or probability.ndim > 2 or not true.size:
        raise ValueError(
            f"y_true, y_prob: expected shapes (n,) and (n,) or (n, classes), n >= 1,"
            f" got {true.shape} and {probability.shape}"
        )
    check_classes(y_true=true)
    if probability.ndim == 2 and probability.shape[1] > 2:
        columns = probability.shape[1]
        if true.dtype.kind not in "iu":
            raise TypeError(f"y_true: expected integer classes for {columns} columns")
        if true.min() < 0 or true.max() >= columns:
            raise ValueError(
                f"y_true: expected classes from 0 to {columns - 1}, got {true.min()} to {true.max()}"
            )
        if pos_label is not None:
            raise ValueError(f"pos_label: expected None for probabilities of {columns} classes")
        return (probability.argmax(axis=1) == true).astype(float), probability.max(axis=1), False
    chosen, column = _positive(true, pos_label)
    positive = probability if probability.ndim == 1 else probability[:, column]
    return (true == chosen).astype(float), positive, True


def _positive(true: NDArray[Any], pos_label: Any) -> tuple[Any, int]:
    """The positive class of two, of which only one may occur, and the column of its probability."""
    classes = np.unique(true).tolist()
    if len(classes) > 2:
        raise ValueError(f"y_true: expected two classes, got {len(classes)}")
    if pos_label is None:
        return (1 if classes in ([0], [-1]) else classes[-1]), -1
    check_classes(y_true=true, pos_label=np.array([pos_label]))
    if len(classes) == 2 and pos_label not in classes:
        raise ValueError(f"pos_label: expected {classes[0]!r} or {classes[1]!r}, got {pos_label!r}")
    return pos_label, 0 if pos_label == (classes[0] if len(classes) == 2 else 0) else -1


def _bins(
    right: NDArray[Any], probability: NDArray[Any], n_bins: int, strategy: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The mean probability, the fraction of events and the number of samples of each bin with samples."""
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.quantile(probability, edges)
    place = np.searchsorted(edges[1:-1], probability)
    counts = np.bincount(place, minlength=n_bins)
    kept = counts > 0
    sums = [np.bincount(place, values, minlength=n_bins)[kept] for values in (probability, right)]
    return sums[0] / counts[kept], sums[1] / counts[kept], counts[kept]


def _headline(means: NDArray[Any], fractions: NDArray[Any], counts: NDArray[Any], binary: bool) -> str:
    """The expected calibration error, and its direction."""
    share = counts / counts.sum()
    error = float(share @ np.abs(fractions - means))
    outward = np.where(means < 0.5, -1, 1) if binary else 1
    bias = float(share @ ((fractions - means) * outward))
    if error < CALIBRATED:
        return f"Well calibrated: ECE {_style.number(error)}"
    word = "Too confident" if bias < -0.8 * error else "Too cautious" if bias > 0.8 * error else "Off"
    return f"{word} by {error:.2g} on average (ECE)"
