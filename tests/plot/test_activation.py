"""Pictures of activations: the curves, the kinks, the gallery."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import plot
from simdnn.plot._kinks import Curve

from tests import oracles
from tests.support.pictures import cut_off, figure_of, overlaps, pyplot
from tests.support.registry import ACTIVATIONS, parameters_of

#: Points where f or f' jumps, from the formulas.
KINKS = {
    "relu": [0],
    "leaky_relu": [0],
    "relu6": [0, 6],
    "hard_tanh": [-1, 1],
    "hard_sigmoid": [-3, 3],
    "hard_swish": [-3, 3],
    "binary_step": [0],
    "selu": [0],
}


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def same_where_drawn(line: Any, wanted: Any) -> bool:
    """True if the line has these values, except in its gaps."""
    y = line.get_ydata()
    return bool(np.array_equal(y[~np.isnan(y)], wanted[~np.isnan(y)]) and np.isnan(y).sum() <= 2)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_drawn_with_its_derivative(name: str) -> None:
    axes = plot.activation(name, low=-3, high=2)
    value, slope = axes.lines[:2]
    x = value.get_xdata()
    assert (x[0], x[-1]) == (-3, 2)
    public = "gelu" if name == "gelu_tanh" else name
    settings = {"approximate": "tanh"} if name == "gelu_tanh" else {}
    assert same_where_drawn(value, getattr(F, public)(x, *parameters_of(name), **settings))
    assert same_where_drawn(slope, getattr(F, f"{public}_derivative")(x, *parameters_of(name), **settings))
    assert [text.get_text() for text in axes.texts][:2] == ["f", "f'"]
    assert axes.get_title().startswith(name)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_kinks_are_where_the_formula_has_them(name: str) -> None:
    curve = Curve(name, ACTIVATIONS[name]["parameters"])
    assert curve.kinks(-7, 7).tolist() == KINKS.get(name, [])


@pytest.mark.parametrize("alpha", [0.5, 2.0, 1.0])
def test_a_kink_may_depend_on_a_parameter(alpha: float) -> None:
    axes = plot.activation("elu", alpha=alpha)
    dots = [line for line in axes.lines if line.get_label() == "_kinks"]
    texts = [text.get_text() for text in axes.texts]
    if alpha == 1:
        assert not dots
        assert axes.get_title() == "elu(alpha=1): smooth, f' from 0.002 to 1"
        return
    assert [line.get_xydata().tolist() for line in dots] == [[[0, alpha]]]
    assert texts[2:] == [f"f'(0) = {alpha:g}"]
    assert axes.get_title() == f"elu(alpha={alpha:g}): f' jumps at 0"


@pytest.mark.parametrize(
    ("name", "parameters"), [*((name, {}) for name in sorted(KINKS)), ("elu", {"alpha": 0.5})]
)
def test_labels_of_kinks_cover_no_line_and_no_other_label(name: str, parameters: dict[str, float]) -> None:
    axes = plot.activation(name, **parameters)
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts[2:]]
    assert boxes
    for line in axes.lines[:2]:
        points = axes.transData.transform(line.get_xydata())
        assert not any(box.contains(*point) for box in boxes for point in points if np.isfinite(point).all())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_derivative_is_interrupted_where_it_jumps() -> None:
    slope = plot.activation("relu").lines[1]
    x, y = slope.get_xdata(), slope.get_ydata()
    assert np.isnan(y[x == 0]).all()
    assert set(y[x < 0]) == {0}
    assert set(y[x > 0]) == {1}


def test_several_are_compared_in_two_panels() -> None:
    upper, lower = plot.activation(["relu", "tanh"])
    for axes, suffix in ((upper, ""), (lower, "_derivative")):
        for line, name in zip((axes.lines[0], axes.lines[1 + bool(suffix)]), ("relu", "tanh"), strict=True):
            assert same_where_drawn(line, getattr(F, name + suffix)(line.get_xdata()))
        assert [text.get_text() for text in axes.texts] == ["relu", "tanh"]


def test_a_sequence_of_numbers_draws_a_curve_for_each() -> None:
    upper, _ = plot.activation("swish", beta=np.array([0.5, 1, 4]))
    assert [text.get_text() for text in upper.texts] == [f"swish(beta={beta})" for beta in ("0.5", "1", "4")]
    assert (
        len(
            {line.get_linestyle() for line in upper.lines[:3]}
            | {line.get_color() for line in upper.lines[:3]}
        )
        > 3
    )


def test_the_gallery_shows_all() -> None:
    panels = plot.gallery()
    assert panels.shape == (len(ACTIVATIONS), 2)
    assert [axes.get_title() for axes in panels[:, 0]] == list(ACTIVATIONS)
    assert len({axes.get_ylim() for axes in panels[:, 1]}) == 1
    assert len({axes.get_xlim() for axes in panels.ravel()}) == 1
    steepest = max(
        axes.lines[0].get_ydata()[~np.isnan(axes.lines[0].get_ydata())].max() for axes in panels[:, 1]
    )
    assert panels[0, 1].get_ylim()[1] > steepest
    figure = figure_of(panels)
    assert not overlaps(figure)
    assert not cut_off(figure)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_groups_of_the_gallery_follow_the_limits(name: str) -> None:
    kind = Curve(name, ACTIVATIONS[name]["parameters"]).kind()
    low, high = (float(np.float64(limit)) for limit in oracles.ACTIVATIONS[name].limits[:2])
    assert (kind.startswith("Bounded")) == bool(np.isfinite([low, high]).all())
