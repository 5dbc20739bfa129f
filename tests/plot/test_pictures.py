"""Rules that every plot follows: its Axes, no overlap of texts, no trace in matplotlib's state."""

import pickle
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from simdnn import History, optim, plot

from tests.support.pictures import (
    PICTURES,
    cut_off,
    data,
    figure_of,
    overlaps,
    pyplot,
    settings_kept,
)
from tests.support.processes import output_of

every_picture = pytest.mark.parametrize("name", PICTURES)
#: Plots of two panels.
PAIRS = ["activation, several", "history", "history, several"]


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_every_plot_has_a_picture() -> None:
    assert {name.split(",")[0] for name in PICTURES} == set(plot.__all__), "add a row to PICTURES"


@every_picture
def test_a_new_figure_is_legible(name: str) -> None:
    """It has a title, and the model stays as it is."""
    before = data()[2].state_dict()
    with settings_kept():
        drawn = PICTURES[name]()
    figure = figure_of(drawn)
    assert pyplot.get_fignums() == [figure.number]
    assert np.ravel(np.array(drawn, dtype=object))[0].get_title()
    assert not overlaps(figure)
    assert not cut_off(figure)
    assert all(np.array_equal(value, before[key]) for key, value in data()[2].state_dict().items())


@every_picture
def test_given_axes_are_used_and_stay_legible_in_a_column(name: str) -> None:
    """Axes of a figure of 4 inches: a column of text on a page, 400 pixels wide at 100 dpi."""
    height = 14 if name == "gallery" else 6.5 if name in PAIRS else 3.4
    options = {"columns": 3} if name == "gallery" else {}
    figure, axes = pyplot.subplots(2 if name in PAIRS else 1, 1, figsize=(4, height), layout="constrained")
    with settings_kept():
        drawn = PICTURES[name](ax=axes, **options)
    assert figure_of(drawn) is figure
    assert pyplot.get_fignums() == [figure.number]
    if name in PAIRS:
        assert list(drawn) == list(axes)
    elif name != "gallery":
        assert drawn is axes
    figure.dpi = 100
    assert not overlaps(figure)
    assert not cut_off(figure)


@pytest.mark.parametrize("name", PAIRS)
def test_one_axes_is_enough_for_plots_of_two(name: str) -> None:
    _, axes = pyplot.subplots()
    assert np.ravel([PICTURES[name](ax=axes)]).tolist() == [axes]
    assert len(axes.figure.axes) == 1
    assert not overlaps(axes.figure)


@every_picture
def test_text_is_light_on_a_dark_background(name: str) -> None:
    with pyplot.style.context("dark_background"):
        figure = figure_of(PICTURES[name]())
        for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize") and artist.get_text()):
            if name == "confusion_matrix" and text in figure.axes[0].texts:
                continue
            red, green, blue, _ = pyplot.matplotlib.colors.to_rgba(text.get_color())
            assert 0.21 * red + 0.72 * green + 0.07 * blue > 0.25 or not text.get_visible(), text.get_text()


@pytest.mark.parametrize(
    "name", ["calibration", "decision_boundary", "history", "network", "optimizer_paths"]
)
def test_axes_of_a_subfigure_are_taken(name: str) -> None:
    figure = pyplot.figure(layout="constrained", figsize=(9, 5))
    left, _ = figure.subfigures(1, 2)
    PICTURES[name](ax=left.subplots(2, 1) if name in PAIRS else left.subplots())
    assert not overlaps(figure)


@pytest.mark.parametrize("name", ["history", "optimizer_paths", "calibration"])
def test_a_figure_can_be_pickled(name: str) -> None:
    figure = figure_of(PICTURES[name]())
    figure.canvas.draw()
    again = pickle.loads(pickle.dumps(figure))
    again.canvas.draw()
    assert not overlaps(again)


def test_matplotlib_is_imported_by_the_first_plot() -> None:
    code = "import sys, simdnn.plot, simdnn.demo; print('matplotlib' in sys.modules)"
    assert output_of(["-c", code]).strip() == "False"


@every_picture
def test_missing_matplotlib_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'simdnn\[plot\]'"):
        PICTURES[name]()


@every_picture
def test_ax_is_checked(name: str) -> None:
    with pytest.raises(TypeError, match="ax: expected matplotlib's Axes or None, got int"):
        PICTURES[name](ax=3)
    assert not pyplot.get_fignums()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot.activation("rely"), ValueError, "name: 'rely' is not known"),
        (
            lambda: plot.activation("relu", slope=1),
            TypeError,
            "relu: unexpected parameter 'slope'; known: none",
        ),
        (lambda: plot.activation("relu", low=1, high=1), ValueError, "low: "),
        (lambda: plot.activation([]), ValueError, "name: "),
        (lambda: plot.activation("celu", alpha=0), ValueError, "alpha: "),
        (lambda: plot.activation("elu", alpha=[]), ValueError, "alpha: expected at least one"),
        (lambda: plot.activation("elu", alpha=["a"]), TypeError, "alpha: "),
        (lambda: plot.activation(["relu", "elu"], ax=[None] * 3), ValueError, "ax: expected one or 2"),
        (lambda: plot.gallery(["rely"]), ValueError, "'rely' is not known"),
        (lambda: plot.gallery([]), ValueError, "names: "),
        (lambda: plot.gallery(columns=0), ValueError, "columns: "),
        (lambda: plot.history([1, 2]), TypeError, "history: "),
        (lambda: plot.history([]), ValueError, "history: "),
        (lambda: plot.history(History()), ValueError, "history: expected at least one epoch"),
        (lambda: plot.gradient_flow(3), TypeError, "report: "),
        (lambda: plot.gradient_flow(data()[2]), TypeError, "X, y: "),
        (lambda: plot.activation_flow(3, [[1]]), TypeError, "model: "),
        (lambda: plot.weights(3), TypeError, "model: "),
        (lambda: plot.network(3), TypeError, "model: "),
        (lambda: plot.loss_surface(3, [[1]], [0]), TypeError, "model: "),
        (lambda: plot.loss_surface(data()[2], *data()[:2], points=2), ValueError, "points: "),
        (lambda: plot.loss_surface(data()[2], *data()[:2], span=0), ValueError, "span: "),
        (lambda: plot.learning_rate_finder(3, [[1]], [0]), TypeError, "model: "),
        (lambda: plot.learning_rate_finder(data()[2], *data()[:2], low=1, high=1), ValueError, "low: "),
        (lambda: plot.learning_rate_finder(data()[2], *data()[:2], steps=3), ValueError, "steps: "),
        (lambda: plot.optimizer_paths(optimizers={}), ValueError, "optimizers: "),
        (lambda: plot.optimizer_paths(start=(1,)), ValueError, "start: "),
        (lambda: plot.optimizer_paths(start=1), TypeError, "start: "),
        (lambda: plot.optimizer_paths(3), TypeError, "function: "),
        (lambda: plot.optimizer_paths(gradient=3), TypeError, "gradient: "),
        (lambda: plot.optimizer_paths(optimizers={"Adam": optim.Adam()}), TypeError, "optimizers: .*'Adam'"),
        (lambda: plot.optimizer_paths(optimizers={"a": list}), TypeError, "optimizers: .*'a'.*got list"),
        (lambda: plot.optimizer_paths(steps=0), ValueError, "steps: "),
        (lambda: plot.confusion_matrix([0], [0, 1]), ValueError, "y_pred: "),
        (lambda: plot.confusion_matrix([], []), ValueError, "y_true: "),
        (lambda: plot.confusion_matrix([0], [0], normalize="rows"), ValueError, "normalize: "),
        (lambda: plot.confusion_matrix([0], [0], display_labels="ab"), ValueError, "display_labels: "),
        (lambda: plot.confusion_matrix([0], [0], values_format="q"), ValueError, "values_format: "),
        (lambda: plot.confusion_matrix([[0]], [0]), ValueError, "y_true: "),
        (lambda: plot.confusion_matrix([0], [0], sample_weight=[1, 2]), ValueError, "sample_weight: "),
        (lambda: plot.confusion_matrix.from_estimator(3, [[1]], [0]), TypeError, "estimator: "),
        (lambda: plot.calibration([0], [2.0]), ValueError, "y_prob: "),
        (lambda: plot.calibration([0], ["a"]), TypeError, "y_prob: "),
        (lambda: plot.calibration([0, 1], [0.5]), ValueError, "y_true, y_prob: "),
        (lambda: plot.calibration([0], [0.5], strategy="even"), ValueError, "strategy: "),
        (lambda: plot.residuals([1.0], [1.0, 2.0]), ValueError, "y_true, y_pred: "),
        (lambda: plot.residuals(["a"], [1.0]), TypeError, "y_true: "),
        (lambda: plot.residuals([np.nan], [1.0]), ValueError, "y_true: expected finite"),
        (lambda: plot.residuals([1.0], [1.0], kind="both"), ValueError, "kind: "),
        (lambda: plot.residuals([1.0], [1.0], subsample=0.0), ValueError, "subsample: "),
        (lambda: plot.decision_boundary(data()[2], data()[0]), ValueError, "X: expected real numbers"),
        (lambda: plot.decision_boundary(data()[2], [[1, 2]], [1, 2]), ValueError, "y: "),
        (lambda: plot.decision_boundary(data()[2], [[1, 2]], eps=0), ValueError, "eps: "),
    ],
)
def test_bad_calls_leave_no_figure(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
    assert not pyplot.get_fignums()
