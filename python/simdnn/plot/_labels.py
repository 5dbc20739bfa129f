"""Direct labels: names at the ends of lines or along paths, spread so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _style

#: Height of a line of text, and mean width of a character, in units of the font's size.
LINE, CHARACTER = 1.3, 0.62
#: Distance in points of the labels from the right side of the axes, which thin lines bridge.
LEADER = 11.0


class End(NamedTuple):
    """The label of a line: its last point in data coordinates, the text, and the line's color."""

    x: float
    y: float
    text: str
    color: str


def spread(wanted: Sequence[float], gap: float) -> NDArray[np.float64]:
    """Positions with distances of at least `gap`, near the wanted ones (least squares), in their order.

    Less the gaps before each, the positions rise: an isotonic regression by pooling adjacent violators.
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    blocks: list[tuple[float, int]] = []
    for value in np.asarray(wanted, float)[order] - steps:
        block = (float(value), 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, size = blocks.pop()
            block = ((mean * size + block[0] * block[1]) / (size + block[1]), size + block[1])
        blocks.append(block)
    found = np.empty(len(order))
    found[order] = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks]) + steps
    return found


class EndLabels:
    """Places of labels at the right side of the axes, computed by each drawing for its size."""

    def __init__(self, axes: Any, ends: list[End], size: float) -> None:
        self.axes, self.ends, self.size = axes, ends, size

    def places(self) -> NDArray[np.float64]:
        """Positions [labels, 2] in pixels."""
        pixel = self.axes.figure.dpi / 72
        points = np.array([self.axes.transData.transform((end.x, end.y)) for end in self.ends])
        box, gap = self.axes.bbox, LINE * self.size * pixel
        points[:, 1] = spread(np.clip(points[:, 1], box.y0, box.y1), gap)
        over = max(0.0, float(points[:, 1].max()) - box.y1)  # a crowd at the top grows downward
        points[:, 1] -= over
        points[:, 0] = box.x1 + LEADER * pixel
        return points


@dataclass(frozen=True)
class Place:
    """The place of one label, in the form that matplotlib's annotations ask for."""

    labels: EndLabels
    index: int

    def __call__(self, renderer: Any) -> Any:
        from matplotlib.transforms import Affine2D

        return Affine2D().translate(*self.labels.places()[self.index])


def label_ends(axes: Any, ends: Sequence[End], size: float = _style.NOTE) -> None:
    """Writes each text in its color at the right, level with its point; texts that would overlap move apart.

    Labels of earlier calls move too.
    """
    places = [text.anncoords for text in axes.texts if isinstance(getattr(text, "anncoords", None), Place)]
    labels = places[0].labels if places else EndLabels(axes, [], size)
    leader = {
        "arrowstyle": "-",
        "linewidth": 0.7,
        "alpha": 0.6,
        "shrinkA": 1,
        "shrinkB": 0,
        "relpos": (0, 0.5),
    }
    for end in ends:
        axes.annotate(
            end.text,
            xy=(end.x, end.y),
            xytext=(0, 0),
            textcoords=Place(labels, len(labels.ends)),
            color=end.color,
            fontsize=size,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops=leader | {"color": end.color},
            zorder=6,
        )
        labels.ends.append(end)


def label_paths(
    axes: Any,
    paths: Sequence[NDArray[Any]],
    texts: Sequence[str],
    colors: Sequence[str],
    size: float = _style.NOTE,
    skip: float = 0.0,
) -> None:
    """Writes each text next to its path [points, 2], where it is far from the other paths and labels.

    The fraction `skip` at the begin of a path, which others may share, gets no label. The limits of the axes
    and the title must be set before.
    """
    axes.figure.canvas.figure.draw_without_rendering()  # the layout decides the size of the axes
    pixel = axes.figure.dpi / 72
    pixels = [axes.transData.transform(path) for path in paths]
    taken: list[NDArray[Any]] = []
    for own, (text, color) in enumerate(zip(texts, colors, strict=True)):
        half = np.array([CHARACTER * len(text), LINE]) * size * pixel / 2
        others = np.concatenate([path for i, path in enumerate(pixels) if i != own] or [np.empty((0, 2))])
        path = pixels[own][int(skip * len(pixels[own])) :]
        center = _clear_place(axes.bbox, path, others, taken, half, 4 * pixel)
        taken.append(np.concatenate([center, half]))
        x, y = axes.transData.inverted().transform(center)
        _style.note(axes, x, y, text, color=color, fontsize=size, ha="center", va="center", weight="bold")


def label_points(
    axes: Any, points: NDArray[Any], texts: Sequence[str], color: str, lines: NDArray[Any]
) -> None:
    """Writes each text next to its point, where it covers none of the lines [points, 2] and no other text.

    The limits of the axes and the title must be set before.
    """
    axes.figure.canvas.figure.draw_without_rendering()  # the layout decides the size of the axes
    pixel = axes.figure.dpi / 72
    cloud = axes.transData.transform(lines[np.isfinite(lines).all(axis=1)])
    taken: list[NDArray[Any]] = []
    for point, text in zip(axes.transData.transform(points), texts, strict=True):
        half = np.array([CHARACTER * len(text), LINE]) * _style.TICK * pixel / 2
        center = _clear_place(axes.bbox, point[np.newaxis], cloud, taken, half, 5 * pixel)
        taken.append(np.concatenate([center, half]))
        x, y = axes.transData.inverted().transform(center)
        _style.note(axes, x, y, text, color=color, ha="center", va="center")


def _clear_place(
    box: Any,
    path: NDArray[Any],
    others: NDArray[Any],
    taken: list[NDArray[Any]],
    half: NDArray[Any],
    distance: float,
) -> NDArray[Any]:
    """The center of a label near the path, in pixels: where the path is alone and the label has room."""
    best: NDArray[Any] = path[0]
    most = -np.inf
    directions = np.array([(1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0)])
    for point in path[:: max(1, len(path) // 60)]:
        alone = _gap(point, np.zeros(2), others) if len(others) else 0.0
        for center in point + directions * (half + distance):
            inside = (center - half >= (box.x0, box.y0)).all() and (center + half <= (box.x1, box.y1)).all()
            gaps = [np.max(np.abs(center - one[:2]) - half - one[2:]) for one in taken]
            gaps += [_gap(center, half, cloud) for cloud in (others, path) if len(cloud)]
            room = min(*gaps, 2 * distance) + min(alone, 6 * distance) / 2 - (0 if inside else 1e6)
            room -= 1e3 if min(gaps) < 0 else 0
            if room > most:
                best, most = center, room
    return best


def _gap(center: NDArray[Any], half: NDArray[Any], cloud: NDArray[Any]) -> float:
    """The distance of the nearest point from a box; below 0 inside it."""
    return float(np.min(np.max(np.abs(cloud - center) - half, axis=1)))
