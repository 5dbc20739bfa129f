"""Pictures to test: each plot with small data, and the rules that every figure follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import simdnn
from simdnn import History, diagnostics, nn, plot

matplotlib = pytest.importorskip("matplotlib", reason="needs the extra [plot]: matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

#: Texts whose boxes share less than this fraction of the smaller one do not overlap for the eye.
TOUCH = 0.03


@cache
def data() -> tuple[Any, Any, nn.Sequential]:
    """Samples [200, 8], classes [200], and a network of two layers that has learned them a little."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 8)).astype(np.float32)
    y = (x[:, :3].argmax(axis=1)).astype(np.int64)
    model = nn.Sequential(
        nn.Dense(8, 16, activation="relu"), nn.Dense(16, 16, "tanh"), nn.Dense(16, 3), rng=0
    )
    simdnn.Trainer(model, optimizer=simdnn.optim.Adam(lr=0.01), seed=0).fit(x, y, epochs=5)
    return x, y, model


def flat(seed: int = 0) -> tuple[Any, Any, nn.Sequential]:
    """Points of the plane [120, 2] in three groups, their classes, and a network that tells them apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(120) % 3
    x = (np.array([(0, 0), (3, 0), (0, 3)])[y] + 0.6 * rng.standard_normal((120, 2))).astype(np.float32)
    model = nn.Sequential(nn.Dense(2, 16, activation="tanh"), nn.Dense(16, 3), rng=0)
    simdnn.Trainer(model, optimizer=simdnn.optim.Adam(lr=0.02), seed=0).fit(x, y, epochs=20)
    return x, y, model


def fitted(epochs: int = 20, rate: float = 5.0) -> History:
    """A history with a validation loss that rises again."""
    e = np.arange(epochs)
    loss, val_loss = 2 * np.exp(-e / rate) + 0.02, 2 * np.exp(-e / rate) + 0.3 + 0.02 * e
    accuracy = 1 - 0.9 * np.exp(-e / rate)
    return History(
        loss=list(loss), val_loss=list(val_loss), accuracy=list(accuracy), val_accuracy=list(0.9 * accuracy)
    )


def probabilities() -> tuple[Any, Any]:
    """Events, and probabilities that are too confident."""
    rng = np.random.default_rng(0)
    p = rng.random(500)
    return (rng.random(500) < 0.5 + 0.4 * (p - 0.5)).astype(int), p


#: Every plot as a function of its keywords; `ax` is among them.
PICTURES: dict[str, Callable[..., Any]] = {
    "activation": lambda **options: plot.activation("hard_swish", **options),
    "activation, several": lambda **options: plot.activation(["relu", "elu", "silu", "hard_tanh"], **options),
    "activation_flow": lambda **options: plot.activation_flow(data()[2], data()[0], **options),
    "calibration": lambda **options: plot.calibration(*probabilities(), name="network", **options),
    "confusion_matrix": lambda **options: plot.confusion_matrix.from_estimator(
        data()[2], *data()[:2], display_labels=["setosa", "versicolor", "virginica"], **options
    ),
    "decision_boundary": lambda **options: plot.decision_boundary(flat()[2], *flat()[:2], **options),
    "decision_boundary, regions": lambda **options: plot.decision_boundary(flat()[2], flat()[0], **options),
    "gallery": lambda **options: plot.gallery(
        ["relu", "relu6", "hard_swish", "selu", "tanh", "log_sigmoid", "binary_step"], **options
    ),
    "gradient_flow": lambda **options: plot.gradient_flow(data()[2], *data()[:2], **options),
    "gradient_flow, report": lambda **options: plot.gradient_flow(
        diagnostics.report(data()[2], *data()[:2]), **options
    ),
    "history": lambda **options: plot.history(fitted(), **options),
    "history, several": lambda **options: plot.history({"Adam": fitted(), "SGD": fitted(12, 2.0)}, **options),
    "learning_rate_finder": lambda **options: plot.learning_rate_finder(data()[2], *data()[:2], **options),
    "loss_surface": lambda **options: plot.loss_surface(data()[2], *data()[:2], points=7, **options),
    "network": lambda **options: plot.network(data()[2], **options),
    "optimizer_paths": plot.optimizer_paths,
    "residuals": lambda **options: plot.residuals(
        np.sin(np.arange(200.0)), np.sin(np.arange(200.0)) * 0.9, **options
    ),
    "weights": lambda **options: plot.weights(data()[2], **options),
}


def figure_of(drawn: Any) -> Any:
    """The figure of the Axes that a plot has returned."""
    return np.ravel(np.array(drawn, dtype=object))[0].figure.canvas.figure


def texts_of(figure: Any) -> list[tuple[str, Any]]:
    """The texts that a drawing of the figure writes, with their boxes in pixels."""
    written: list[Any] = []
    draw = matplotlib.text.Text.draw

    def record(text: Any, renderer: Any, *rest: Any) -> None:
        written.append(text)
        draw(text, renderer, *rest)

    with patch.object(matplotlib.text.Text, "draw", record):
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    shown = [text for text in written if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), matplotlib.text.Text.get_window_extent(text, renderer)) for text in shown]


def overlaps(figure: Any) -> list[tuple[str, str]]:
    """Pairs of texts that cover each other."""
    texts = texts_of(figure)
    boxes = np.array([box.extents for _, box in texts])
    low = np.maximum(boxes[:, np.newaxis, :2], boxes[:, :2])
    high = np.minimum(boxes[:, np.newaxis, 2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    pairs = np.argwhere(np.triu(shared > TOUCH * np.minimum(area[:, np.newaxis], area), 1))
    return [(texts[i][0], texts[j][0]) for i, j in pairs]


def cut_off(figure: Any) -> list[str]:
    """Texts that leave the figure."""
    return [
        text
        for text, box in texts_of(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1
    ]


@contextmanager
def settings_kept() -> Iterator[None]:
    """Fails if matplotlib's settings change."""
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
