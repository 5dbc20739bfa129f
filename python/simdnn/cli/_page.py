"""The parts of a self-contained page: style, pictures for light and dark pages, bars, small histograms."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simdnn._utils.html import Markup, escaped

#: Width and height of a picture in inches; a browser shows 96 pixels an inch, or fewer on a narrow page.
SIZE = (4.9, 3.5)
#: The backgrounds of light and of dark pages, for which `simdnn.plot` has colors.
LIGHT, DARK = "#ffffff", "#0d1014"
#: Settings of drawings: equal drawings have equal bytes.
DRAWING: Any = {"svg.hashsalt": "simdnn", "font.family": "DejaVu Sans"}

STYLE = f"""
:root {{ color-scheme: light dark; --back: {LIGHT}; --text: #1c2430; --soft: #56616d; --line: #dfe3e8;
  --card: #f5f7f9; --bar: #123274; --shade: #1c243055; }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: {DARK}; --text: #eceff3; --soft: #a9b3be;
  --line: #39414b; --card: #171c22; --bar: #9db8ff;
  --shade: #c8d2dd66; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1rem clamp(.75rem, 3vw, 2rem) 3rem; max-width: 76rem;
  background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: break-word; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; }}
p {{ margin: .4rem 0; max-width: 46rem; }}
.soft, figcaption {{ color: var(--soft); font-size: .87rem; }}
code {{ white-space: nowrap; font: 13px ui-monospace, monospace; }}
.note {{ border-left: 4px solid var(--bar); padding: .2rem .8rem; margin: .7rem 0; }}
.pair {{ display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); }}
.pair > div {{ min-width: 0; }}
picture img {{ display: block; max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }}
th {{ color: var(--soft); font-weight: 600; vertical-align: bottom; max-width: 9rem; }}
td {{ border-top: 1px solid var(--line); white-space: nowrap; max-width: 22rem; overflow: hidden;
  text-overflow: ellipsis; }}
.scroll {{ scrollbar-width: thin; scrollbar-color: var(--soft) var(--line); background:
  linear-gradient(to right, var(--back) 40%, transparent) left / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--back) 40%, transparent) right / 2.5rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 1rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / 1rem 100% no-repeat scroll; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }}
dt {{ color: var(--soft); }}
dd {{ margin: 0; min-width: 0; }}
pre {{ background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem;
  overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; }}
.bar {{ display: inline-block; width: 10rem; max-width: 30vw; height: .7rem; vertical-align: middle; }}
.bar i {{ display: block; height: 100%; background: var(--bar); border-radius: 0 2px 2px 0; }}
svg.small {{ display: block; fill: var(--bar); }}
summary {{ cursor: pointer; color: var(--soft); }}
@media (max-width: 40rem) {{
  table {{ font-size: .82rem; }}
  th, td {{ padding: 2px 4px !important; }}
  td[style*=left] {{ white-space: normal; }}
  td:first-child {{ overflow-wrap: anywhere; min-width: 4.6rem; }}
  td:nth-child(3)[style*=left] {{ min-width: 9rem; }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
  .bar {{ width: 6rem; max-width: 22vw; }}
  svg.small {{ width: 4.5rem; }} }}
"""


def page(title: str, *parts: object) -> str:
    """A page of HTML."""
    inside = "\n".join(escaped(part) for part in parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{inside}\n</body>\n</html>\n"
    )


def element(tag: str, *parts: object, kind: str = "") -> Markup:
    """An element, with a class if `kind` is given."""
    inside = "".join(escaped(part) for part in parts)
    return Markup(f'<{tag} class="{kind}">{inside}</{tag}>' if kind else f"<{tag}>{inside}</{tag}>")


def section(title: str, *parts: object) -> Markup:
    """A section with its heading; nothing without parts."""
    found = [part for part in parts if part]
    return Markup("".join(map(escaped, (element("h2", title), *found)))) if found else Markup("")


def definitions(rows: Sequence[tuple[str, str]]) -> Markup:
    """Names and their values, which may have several lines."""
    return element("dl", *(Markup(element("dt", name) + element("dd", value)) for name, value in rows))


def pair(*parts: object) -> Markup:
    """Parts side by side on a wide page, one below the other on a narrow one."""
    return element("div", *(element("div", part) for part in parts if part), kind="pair")


def picture(draw: Callable[[Any], Any], alt: str, size: tuple[float, float] = SIZE) -> Markup:
    """A drawing on axes of matplotlib, in the colors for light and for dark pages, inside of the page."""
    light, dark = (base64.b64encode(drawn(draw, size, one)).decode() for one in (LIGHT, DARK))
    kind = "data:image/svg+xml;base64,"
    width, height = (round(96 * one) for one in size)
    return Markup(
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{kind}{dark}">'
        f'<img src="{kind}{light}" alt="{escaped(alt)}" width="{width}" height="{height}"></picture>'
    )


def drawn(draw: Callable[[Any], Any], size: tuple[float, float], background: str) -> bytes:
    """The SVG of a drawing on a background."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(DRAWING):
        figure = Figure(figsize=size, layout="constrained", facecolor=background)
        axes = figure.subplots()
        axes.set_facecolor(background)
        draw(axes)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor=background)
    return buffer.getvalue()


def bar(share: float) -> Markup:
    """A bar that fills this share of its place."""
    return Markup(f'<span class="bar"><i style="width:{100 * min(max(share, 0), 1):.1f}%"></i></span>')


def histogram(values: NDArray[Any], bins: int = 24) -> Markup:
    """A small histogram of numbers, of many ones between their quantiles of 1 and 99 %."""
    low, high = np.quantile(values, [0.01, 0.99] if len(values) > 100 else [0, 1])
    if not high > low:
        return Markup("")
    counts, _ = np.histogram(values, bins, (low, high))
    return columns_of(counts.tolist())


def columns_of(counts: Sequence[float]) -> Markup:
    """Small columns with these heights."""
    width, height, step = 120, 24, 120 / len(counts)
    marks = "".join(
        f'<rect x="{i * step:.1f}" y="{height - height * one / max(counts):.1f}" width="{step * 0.85:.1f}"'
        f' height="{height * one / max(counts):.1f}"/>'
        for i, one in enumerate(counts)
    )
    return Markup(
        f'<svg class="small" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' aria-hidden="true">{marks}</svg>'
    )
