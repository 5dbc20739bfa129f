"""Accuracy: the first largest output is the answer, and ignored samples are neither right nor wrong."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import Trainer, nn, optim

from tests.support.registry import FLOATS, spread

Array = np.ndarray[Any, Any]

WIDTHS = [2, 3, 16, 17, 64, 65, 100, 1000]
IGNORED = -100


def scores(rows: int, width: int, dtype: Any) -> Array:
    """Outputs with ties at the top in half of the rows."""
    x = spread(rows * width, np.float64, 3.0).reshape(rows, width)
    x[::2, ::3] = x[::2].max(axis=1, keepdims=True)
    return x.astype(dtype)


def accuracies(x: Array, y: Array, loss: Any) -> list[float]:
    """The accuracy of an epoch that changes nothing, and that of an evaluation."""
    model = nn.Sequential(nn.Identity(), in_features=x.shape[1], dtype=x.dtype)
    trainer = Trainer(model, loss=loss, optimizer=optim.SGD(lr=0.0))
    history = trainer.fit(x, y, epochs=1, batch_size=7, progress=False)
    return [history.accuracy[0], trainer.evaluate(x, y)[1]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}, {"gamma": 2.0}], ids=str)
def test_the_first_of_equal_outputs_is_the_answer(settings: dict[str, float], width: int, dtype: Any) -> None:
    x = scores(40, width, dtype)
    best = x.argmax(axis=1)
    ties = np.array([np.flatnonzero(row == row.max())[-1] for row in x])
    y = np.where(np.arange(40) % 4 < 2, best, ties)
    loss = partial(F.focal_loss if "gamma" in settings else F.cross_entropy, **settings)
    for found in accuracies(x, y, loss):
        assert found == pytest.approx(np.mean(best == y), abs=1e-12)
    assert np.mean(best == y) < 1


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_ignored_samples_are_neither_right_nor_wrong(smoothing: float, width: int, dtype: Any) -> None:
    """Rows whose best class is 0 are ignored, so that a label that is taken for class 0 would be right."""
    x = scores(40, width, dtype)
    x[::3, 0] = 9
    y = x.argmax(axis=1)
    y[::4] = (y[::4] + 1) % width
    right, counts = y == x.argmax(axis=1), np.arange(40) % 3 != 0
    y[~counts] = IGNORED
    for found in accuracies(x, y, partial(F.cross_entropy, label_smoothing=smoothing)):
        assert found == pytest.approx(right[counts].mean(), abs=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("loss", ["cross_entropy", "distillation"])
def test_targets_of_all_classes_are_met_where_their_first_largest_is(
    loss: str, width: int, dtype: Any
) -> None:
    x = scores(40, width, dtype)
    y = np.full((40, width), 0.5 / width, dtype)
    y[np.arange(40), (x.argmax(axis=1) + np.arange(40) % 2) % width] += dtype(0.5)
    for found in accuracies(x, y, loss):
        assert found == pytest.approx(0.5, abs=1e-12)
    for count in (1, 3, 16, 17):  # counts of right rows that no wrong place makes up for
        both = accuracies(x[:count], y[:count], loss)
        assert both == pytest.approx([(count + 1) // 2 / count] * 2, abs=1e-12)
