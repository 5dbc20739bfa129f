"""The house style: colors for all eyes, labels that move apart, titles that fit, crowded pictures."""

import inspect
import pydoc
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from simdnn import nn, plot
from simdnn.plot import _labels, _style

from tests.support.pictures import cut_off, figure_of, fitted, overlaps, pyplot
from tests.support.registry import ACTIVATIONS

#: Sight of people with one kind of cone missing, in linear RGB (Machado, Oliveira & Fernandes 2009).
SIGHTS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
#: CIE XYZ of linear sRGB.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def linear(color: str) -> Any:
    """Linear RGB of a color."""
    c = np.array(pyplot.matplotlib.colors.to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: Any) -> Any:
    """CIELAB of linear RGB."""
    x = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """The ratio of the luminances (WCAG 2)."""
    low, high = sorted(float(XYZ[1] @ linear(color)) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sight", SIGHTS)
def test_series_differ_for_every_sight(sight: str) -> None:
    seen = [lab(SIGHTS[sight] @ linear(color)) for color in _style.LIGHT.series]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 20


@pytest.mark.parametrize("ink", [_style.LIGHT, _style.DARK], ids=["light", "dark"])
def test_colors_stand_out_from_their_background(ink: _style.Ink) -> None:
    assert min(contrast(color, ink.background) for color in ink.series) >= 3
    assert min(contrast(color, ink.background) for color in (ink.text, ink.soft)) >= 4.5


def test_the_first_series_differ_in_gray() -> None:
    lightness = [lab(linear(color))[0] for color in _style.LIGHT.series[:3]]
    assert min(abs(a - b) for a, b in combinations(lightness, 2)) > 15


def test_pairs_of_color_and_pattern_differ() -> None:
    found = [_style.stroke_of(_style.LIGHT, i) for i in range(36)]
    assert len({(color, str(pattern)) for color, pattern in found}) == 36


def test_the_color_map_is_monotone_in_lightness() -> None:
    axes = _style.single(None)
    shades = _style.color_map(axes)(np.linspace(0, 1, 50))[:, :3]
    lightness = [lab(linear(pyplot.matplotlib.colors.to_hex(shade)))[0] for shade in shades]
    assert (np.diff(lightness) < 0).all()


@pytest.mark.parametrize("wanted", [[0, 0, 0], [3, 1, 2], [0, 0.5, 9], [5], [1, 1, 1, 1, 7, 7]])
def test_spread_keeps_distances_order_and_mean(wanted: list[float]) -> None:
    found = _labels.spread(wanted, 1.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(found[order]) >= 1 - 1e-9).all()
    assert found.mean() == pytest.approx(np.mean(wanted))


def test_spread_leaves_labels_with_room_alone() -> None:
    assert _labels.spread([4.0, 0.0, 2.0], 1.5).tolist() == [4.0, 0.0, 2.0]


@pytest.mark.parametrize("height", [1.5, 3.0, 6.0])
def test_labels_of_equal_ends_move_apart_at_every_size(height: float) -> None:
    figure, axes = pyplot.subplots(figsize=(4, 3), layout="constrained")
    axes.plot([0, 1], [0, 1])
    _labels.label_ends(axes, [_labels.End(1, 1, "one", "black"), _labels.End(1, 1, "two", "black")])
    _labels.label_ends(axes, [_labels.End(1, 0.99, "three", "black")])
    figure.set_size_inches(4, height)
    assert not overlaps(figure)
    assert not cut_off(figure)


def test_titles_are_wrapped_in_lines_of_like_lengths() -> None:
    _, axes = pyplot.subplots(figsize=(3, 3))
    _style.title(axes, "a title that is much too long for axes of three inches or even of four")
    lengths = [len(line) for line in axes.get_title().split("\n")]
    assert len(lengths) > 1
    assert max(lengths) - min(lengths) < 12


def crowds() -> dict[str, Callable[..., Any]]:
    """Pictures of much more than usual."""
    pairs = [(nn.Dense(8, 9, activation="tanh"), nn.Dense(9, 8, activation="relu")) for _ in range(20)]
    deep = nn.Sequential(*[layer for pair in pairs for layer in pair], rng=0)
    true, predicted = np.random.default_rng(0).integers(0, 20, (2, 400))
    return {
        "activation_flow": lambda **options: plot.activation_flow(deep, np.eye(8), **options),
        "confusion_matrix": lambda **options: plot.confusion_matrix(true, predicted, **options),
        "gradient_flow": lambda **options: plot.gradient_flow(deep, np.eye(8), np.arange(8), **options),
        "network": lambda **options: plot.network(deep, **options),
        "weights": lambda **options: plot.weights(deep, **options),
    }


@pytest.mark.parametrize("name", crowds())
@pytest.mark.parametrize("given", [False, True])
def test_crowded_pictures_are_legible(name: str, given: bool) -> None:
    options = {"ax": pyplot.subplots(figsize=(4, 4), layout="constrained")[1]} if given else {}
    figure = figure_of(crowds()[name](**options))
    assert not overlaps(figure)
    assert not cut_off(figure)


def test_many_curves_are_legible() -> None:
    figure = figure_of(plot.activation(ACTIVATIONS))
    assert not overlaps(figure)
    assert not cut_off(figure)


def test_many_runs_are_legible_and_named_once() -> None:
    runs = {f"run {i}": fitted(20 + i, 4.0 + i) for i in range(10)}
    losses, _ = plot.history(runs)
    assert [text.get_text() for text in losses.texts] == list(runs)
    assert not overlaps(figure_of([losses]))


@pytest.mark.parametrize("name", ["calibration", "confusion_matrix", "residuals"])
def test_displays_are_documented_functions(name: str) -> None:
    function: Any = getattr(plot, name)
    assert inspect.isroutine(function)
    assert "Parameters" in pydoc.render_doc(function)
    assert function.from_predictions is function
    assert list(inspect.signature(function.from_estimator).parameters)[:3] == ["estimator", "X", "y"]
    assert (
        list(inspect.signature(function.from_estimator).parameters)[3:]
        == list(inspect.signature(function).parameters)[2:]
    )
    assert name in function.from_estimator.__doc__
