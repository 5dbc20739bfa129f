"""Plots, drawn without a display."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import History, diagnostics, nn, plot

from tests.support.registry import ACTIVATIONS, parameters_of

matplotlib = pytest.importorskip("matplotlib", reason="needs the extra [plot]: matplotlib")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "gelu_tanh"])
def test_an_activation_is_drawn_with_its_derivative(name: str) -> None:
    axes = plot.activation(name, low=-3, high=2)
    value, slope = axes.lines[:2]
    x = value.get_xdata()
    assert (x[0], x[-1]) == (-3, 2)
    assert np.array_equal(value.get_ydata(), getattr(F, name)(x, *parameters_of(name)))
    assert np.array_equal(slope.get_ydata(), getattr(F, f"{name}_derivative")(x, *parameters_of(name)))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["f", "f'"]
    axes.figure.canvas.draw()


def test_parameters_and_axes_may_be_given() -> None:
    _, axes = matplotlib.pyplot.subplots()
    assert plot.activation("elu", ax=axes, alpha=2.0) is axes
    assert axes.lines[0].get_ydata()[0] == pytest.approx(2 * np.expm1(-6))
    assert axes.get_title() == "elu(alpha=2)"


def test_the_gallery_shows_all() -> None:
    figure = plot.gallery()
    assert [axes.get_title().split("(")[0] for axes in figure.axes] == list(ACTIVATIONS)
    assert len(plot.gallery(["relu", "tanh"]).axes) == 2


def test_a_history_is_drawn() -> None:
    history = History(
        loss=[3, 2, 1], val_loss=[3, 2.5, 2], accuracy=[0.1, 0.5, 0.9], val_accuracy=[0.1, 0.4, 0.6]
    )
    axes = plot.history(history)
    assert [list(line.get_ydata()) for line in axes.lines] == [history.loss, history.val_loss]
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3]
    _, right = axes.figure.axes
    assert [list(line.get_ydata()) for line in right.lines] == [history.accuracy, history.val_accuracy]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["loss", "val_loss", "accuracy", "val_accuracy"]
    assert len(plot.history(History(loss=[2, 1])).figure.axes) == 1


def test_gradient_flow_is_drawn() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2), rng=0)
    report = diagnostics.report(model, np.eye(3), [0, 1, 0])
    axes: Any = plot.gradient_flow(report)
    assert [bar.get_height() for bar in axes.patches] == [report.layers[i].gradient_rms for i in (0, 2)]
    assert axes.get_yscale() == "log"
    assert axes.get_title() == report.verdict
    axes.figure.canvas.draw()


def test_missing_matplotlib_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for call in (plot.gallery, lambda: plot.activation("relu"), lambda: plot.history(History(loss=[1]))):
        with pytest.raises(ImportError, match=r"simdnn\[plot\]"):
            call()


def test_bad_calls() -> None:
    with pytest.raises(ValueError, match="name: 'rely' is not known"):
        plot.activation("rely")
    with pytest.raises(TypeError, match="relu: unexpected parameter 'slope'; known: none"):
        plot.activation("relu", slope=1)
    with pytest.raises(ValueError, match="low: "):
        plot.activation("relu", low=1, high=1)
    with pytest.raises(TypeError, match="history: "):
        plot.history([1, 2])
    with pytest.raises(TypeError, match="report: "):
        plot.gradient_flow(3)
