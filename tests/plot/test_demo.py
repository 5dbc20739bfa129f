"""The picture of the demonstration: what it shows of a training."""

from unittest.mock import patch

import numpy as np
import pytest
import simdnn
from simdnn.demo._digits import load_digits
from simdnn.demo._picture import draw_picture

from tests.support.pictures import cut_off, overlaps

backend_agg = pytest.importorskip("matplotlib.backends.backend_agg")
Figure = pytest.importorskip("matplotlib.figure").Figure


def test_the_picture_shows_the_training() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    digits = load_digits(0)
    model = simdnn.nn.Sequential(simdnn.nn.Dense(64, 10), rng=0)
    trainer = simdnn.Trainer(model, seed=0)
    history = trainer.fit(digits.x, digits.y, epochs=2, validation_data=(digits.x_test, digits.y_test))
    with patch.object(Figure, "savefig", autospec=True) as saved:
        draw_picture("digits.png", trainer, history, digits)
    figure = saved.call_args.args[0]
    backend_agg.FigureCanvasAgg(figure)
    losses, matrix, accuracies, flow = figure.axes
    assert list(losses.lines[1].get_ydata()) == history.val_loss
    assert list(accuracies.lines[0].get_ydata()) == history.accuracy
    counts = matrix.images[0].get_array()
    assert counts.sum() == len(digits.y_test)
    assert np.trace(counts) / counts.sum() == pytest.approx(trainer.evaluate(digits.x_test, digits.y_test)[1])
    assert flow.get_yscale() == "log"
    assert not overlaps(figure)
    assert not cut_off(figure)
