"""`confusion_matrix`: counts of true and predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_name
from . import _style
from ._display import check_classes, classes_of, display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The widest name of a class, in characters, that is written horizontally below a column.
WIDEST = 4
#: Sizes in points of numbers that are left out, and of the smallest names of classes.
SMALLEST, SMALLEST_NAME = 4.0, 3.0


@display(classes_of)
def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    /,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: Literal["true", "pred", "all"] | None = None,
    display_labels: Sequence[str] | None = None,
    include_values: bool = True,
    values_format: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot how often each true class (row) is taken for each class (column).

    ``confusion_matrix.from_estimator(model, X, y)`` predicts first; both follow scikit-learn's
    `ConfusionMatrixDisplay`.

    Parameters
    ----------
    y_true, y_pred : array, shape (n,)
        True and predicted classes.
    labels : array or None
        Classes to show, in their order, one of which occurs in `y_true`; None shows those that occur, sorted.
    sample_weight : array, shape (n,), or None
        Weights of the samples.
    normalize : "true", "pred", "all" or None
        Divide by the sums of the rows, of the columns, or of all counts.
    display_labels : sequence of str or None
        Names of the classes; None shows the classes themselves.
    include_values : bool
        Write the numbers into the cells; zeros are left out.
    values_format : str or None
        Format of the numbers; None is ``"d"`` for counts, ``".2g"`` for others.
    ax : matplotlib.axes.Axes or None
        Axes to draw into; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing.
    TypeError, ValueError
        If an argument has a wrong type, length or value.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from simdnn import plot
    >>> axes = plot.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2])
    >>> print(axes.get_title())
    75 % right; most often 2 is taken for 1
    >>> axes.images[0].get_array().tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
    """
    true, predicted = _vector("y_true", y_true), _vector("y_pred", y_pred)
    if true.shape != predicted.shape:
        raise ValueError(f"y_pred: expected shape {true.shape}, that of y_true, got {predicted.shape}")
    check_classes(y_true=true, y_pred=predicted)
    classes = np.unique(np.concatenate([true, predicted])) if labels is None else _vector("labels", labels)
    if not len(classes):
        raise ValueError("y_true: expected at least one sample, got none")
    names = [str(name) for name in (classes if display_labels is None else display_labels)]
    if len(names) != len(classes):
        raise ValueError(f"display_labels: expected {len(classes)} names, got {len(names)}")
    if normalize is not None:
        check_name("normalize", normalize, ("true", "pred", "all"))
    include_values = check_flag("include_values", include_values)
    if values_format is not None:
        if not isinstance(values_format, str):
            kind = type(values_format).__name__
            raise TypeError(f"values_format: expected a format such as '.2f', got {kind}")
        _written(0.0, values_format)  # raises for a wrong format
    if len(true):
        _check_labels(true, predicted, classes)
    counts = _counts(true, predicted, classes, sample_weight)
    side = min(9.0, max(3.6, 1.4 + 0.42 * len(classes)))
    axes = _style.single(ax, (side, side))
    shown = _normalized(counts, normalize)
    _draw(axes, shown, names)
    if include_values:
        whole = normalize is None and np.array_equal(counts, counts.round())
        _write(axes, shown, values_format or ("d" if whole else ".2g"))
    _style.title(axes, _headline(counts, names))
    return axes  # type: ignore[no-any-return]


def _vector(name: str, values: ArrayLike) -> NDArray[Any]:
    """An argument as an array with one axis."""
    found = as_cpu_array(name, values)
    if found.ndim != 1:
        raise ValueError(f"{name}: expected shape (n,), got {found.shape}")
    return found


def _counts(
    true: NDArray[Any], predicted: NDArray[Any], classes: NDArray[Any], weight: ArrayLike | None
) -> NDArray[np.float64]:
    """The matrix [true, predicted] of the sums of weights; samples of other classes are left out."""
    weights = np.ones(len(true)) if weight is None else _vector("sample_weight", weight)
    if weights.dtype.kind not in "fiub":
        raise TypeError(f"sample_weight: expected real numbers, got dtype {weights.dtype}")
    if weights.shape != true.shape:
        raise ValueError(f"sample_weight: expected shape {true.shape}, that of y_true, got {weights.shape}")
    if not np.isfinite(weights).all():
        row = int(np.argmin(np.isfinite(weights)))
        raise ValueError(f"sample_weight[{row}]: expected a finite number, got {weights[row]}")
    counts = np.zeros((len(classes), len(classes)))
    order = np.argsort(classes, kind="stable")
    places, kept = [], np.ones(len(true), bool)
    for values in (true, predicted):
        place = np.minimum(np.searchsorted(classes, values, sorter=order), len(classes) - 1)
        places.append(order[place])
        kept &= classes[places[-1]] == values
    np.add.at(counts, (places[0][kept], places[1][kept]), weights[kept].astype(np.float64))
    return counts


def _check_labels(true: NDArray[Any], predicted: NDArray[Any], labels: NDArray[Any]) -> None:
    """Raises unless the classes can agree, each label comes once, and one of them is a true class."""
    check_classes(y_true=true, y_pred=predicted, labels=labels)
    if len(np.unique(labels)) < len(labels):
        raise ValueError(f"labels: expected each class once, got {labels.tolist()}")
    if not np.isin(labels, true).any():
        raise ValueError(f"labels: expected at least one of the classes in y_true, got {labels.tolist()}")


def _normalized(counts: NDArray[Any], normalize: str | None) -> NDArray[Any]:
    """The counts, divided by their sums over rows, columns or all; a sum of 0 gives 0."""
    if normalize is None:
        return counts
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    sums = counts.sum(axis=axis, keepdims=True)
    return np.asarray(np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0))


def _draw(axes: Any, shown: NDArray[Any], names: list[str]) -> None:
    """The cells, and the names of the classes."""
    ink = _style.frame(axes, x="predicted class", y="true class", grid="")
    axes.imshow(
        shown, cmap=_style.color_map(axes), vmin=0, vmax=max(float(shown.max()), 1e-12), aspect="equal"
    )
    ticks = range(len(names))
    turned = max(map(len, names)) > WIDEST
    axes.set_xticks(ticks, names, rotation=45 if turned else 0, ha="right" if turned else "center")
    axes.set_yticks(ticks, names)
    size = 0.7 * _style.points_high(axes) / len(names)
    axes.tick_params(length=0, labelsize=min(_style.TICK, max(SMALLEST_NAME, size)))
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(ink.grid)
    axes.hlines(np.arange(0.5, len(names) - 1), -0.5, len(names) - 0.5, color=ink.grid, linewidth=0.6)
    axes.vlines(np.arange(0.5, len(names) - 1), -0.5, len(names) - 0.5, color=ink.grid, linewidth=0.6)


def _write(axes: Any, shown: NDArray[Any], form: str) -> None:
    """The numbers of the cells, light on dark ones."""
    ink, most = _style.ink_of(axes), max(float(shown.max()), 1e-12)
    size = min(_style.NOTE, 0.42 * _style.points_high(axes) / len(shown))
    if size < SMALLEST:
        return
    for (row, column), value in np.ndenumerate(shown):
        if value:
            color = ink.background if value > 0.55 * most else ink.text
            axes.text(
                column, row, _written(value, form), ha="center", va="center", color=color, fontsize=size
            )


def _written(value: float, form: str) -> str:
    """A number in a format, which may be one of integers."""
    try:
        return format(int(value) if form.endswith("d") else float(value), form)
    except ValueError as error:
        raise ValueError(f"values_format: {error}") from None


def _headline(counts: NDArray[Any], names: list[str]) -> str:
    """The fraction of right predictions, and the most frequent mistake if there is one."""
    total = float(counts.sum())
    if not total:
        return "No sample is of these classes"
    text = f"{_style.percent(float(np.trace(counts)) / total)} % right"
    wrong = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    if not wrong[row, column] or (wrong == wrong[row, column]).sum() > 1:
        return text
    return f"{text}; most often {names[row]} is taken for {names[column]}"
