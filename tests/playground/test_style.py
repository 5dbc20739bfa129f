"""Colors of the page: text is readable and drawings are visible on their background, in light and dark."""

from __future__ import annotations

import itertools
import re

import pytest
from simdnn.playground._page import SCRIPTS, _text

STYLE = _text("style.css")


def colors(dark: bool) -> dict[str, tuple[float, float, float]]:
    """The colors of a theme by name, as linear red, green and blue."""
    light, _, others = STYLE.partition("prefers-color-scheme: dark")
    found = re.findall(r"--([\w-]+): #(\w{6});", others.partition("}\n}")[0] if dark else light)
    return {name: tuple(linear(int(hexa[i : i + 2], 16) / 255) for i in (0, 2, 4)) for name, hexa in found}


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(color: tuple[float, float, float]) -> float:
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """The contrast ratio of WCAG 2."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable(dark: bool) -> None:
    found = colors(dark)
    texts = ("text", "soft", "accent", "good", "bad", "ink-0", "ink-1", "ink-2")
    poor = [
        (text, ground)
        for text in texts
        for ground in ("card", "page")
        if contrast(found[text], found[ground]) < 4.5
    ]
    assert not poor
    assert contrast(found["on-accent"], found["accent"]) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_drawings_and_frames_of_controls_are_visible(dark: bool) -> None:
    found = colors(dark)
    for name in ("edge", "class-0", "class-1", "class-2", "ink-0", "ink-1", "ink-2"):
        assert contrast(found[name], found["card"]) >= 3, name
    for one, other in itertools.combinations(("text", "soft", "ink-0", "ink-1", "ink-2"), 2):
        assert found[one] != found[other]


def test_both_themes_have_the_same_colors() -> None:
    assert colors(False).keys() == colors(True).keys()
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE + _text(*SCRIPTS)))
    assert used <= colors(False).keys()


def test_programs_are_short_and_say_what_they_are() -> None:
    for name in SCRIPTS:
        lines = _text(name).splitlines()
        assert len(lines) <= 300
        assert lines[0].startswith("// ")
