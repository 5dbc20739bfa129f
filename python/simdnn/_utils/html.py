"""HTML for notebooks: escaped tables, and small line charts as inline SVG that follow the page's colors."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

#: Size of a chart in pixels, and the margin inside of it.
WIDTH, HEIGHT, MARGIN = 240, 96, 6
#: Strokes of the lines of a chart, told apart without color as well.
DASHES = ("", "5 3", "1 3")
COLORS = ("#0072b2", "#d55e00", "#009e73")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(value: object) -> str:
    """`value` as HTML."""
    return value if isinstance(value, Markup) else html.escape(str(value))


def table(heads: Sequence[object], rows: Iterable[Sequence[object]], text_columns: int = 1) -> Markup:
    """A table whose first `text_columns` columns are aligned to the left; it scrolls on narrow pages."""

    def row(tag: str, cells: Sequence[object]) -> str:
        sides = ["left" if i < text_columns else "right" for i in range(len(cells))]
        parts = zip(sides, cells, strict=True)
        style = "padding:2px 6px;text-align:"
        return "".join(f'<{tag} style="{style}{side}">{escaped(cell)}</{tag}>' for side, cell in parts)

    body = "".join(f"<tr>{row('td', cells)}</tr>" for cells in rows)
    head = f"<thead><tr>{row('th', heads)}</tr></thead>"
    return Markup(
        f'<div class="scroll" style="overflow-x:auto"><table>{head}<tbody>{body}</tbody></table></div>'
    )


def block(title: object, *parts: object) -> Markup:
    """A block with a bold title."""
    inside = "".join(escaped(part) for part in parts)
    return Markup(f"<div><p><strong>{escaped(title)}</strong></p>{inside}</div>")


def folded(summary: object, *parts: object) -> Markup:
    """Parts that a click unfolds."""
    inside = "".join(escaped(part) for part in parts)
    return Markup(f"<details><summary>{escaped(summary)}</summary>{inside}</details>")


def listed(items: Iterable[object]) -> Markup:
    """A list of items; nothing without items."""
    inside = "".join(f"<li>{escaped(item)}</li>" for item in items)
    return Markup(f"<ul>{inside}</ul>" if inside else "")


def chart(title: str, lines: Mapping[str, Sequence[float]], log: bool = False) -> Markup:
    """A line chart with the least and the greatest number as labels; nothing without finite numbers."""
    series = {name: [_height(value, log) for value in values] for name, values in lines.items()}
    heights = [height for values in series.values() for height in values if height is not None]
    if not heights:
        return Markup("")
    low, high = min(heights), max(heights)
    marks, legend = [], []
    for i, (name, values) in enumerate(series.items()):
        dash, color = DASHES[i % len(DASHES)], COLORS[i % len(COLORS)]
        marks.append(_line(values, low, high, f'stroke="{color}" stroke-dasharray="{dash}"', color))
        style = ("solid", "dashed", "dotted")[i % len(DASHES)]
        legend.append(f'<span style="border-bottom:2px {style} {color}">{escaped(name)}</span>')
    first, last = (f"{10**height if log else height:.3g}" for height in (low, high))
    words = f"{title}: {', '.join(series)}, from {first} to {last}"
    return Markup(
        '<figure style="display:inline-block;margin:4px 12px 4px 0">'
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escaped(words)}" style="border:1px solid currentColor">{"".join(marks)}</svg>'
        f'<figcaption style="font-size:85%">{escaped(title)} {" ".join(legend)},'
        f" {first} to {last}{' (log scale)' if log else ''}</figcaption></figure>"
    )


def _height(value: float, log: bool) -> float | None:
    """The height of a number, or None if it has none."""
    if not math.isfinite(value) or (log and value <= 0):
        return None
    return math.log10(value) if log else value


def _line(values: Sequence[float | None], low: float, high: float, stroke: str, color: str) -> str:
    """The SVG of a line, interrupted where a number is missing, with dots if there are few."""
    across = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    down = (HEIGHT - 2 * MARGIN) / (high - low if high > low else 1.0)
    path, dots, pen = [], [], "M"
    for i, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        place = f"{MARGIN + i * across:.1f} {HEIGHT - MARGIN - (value - low) * down:.1f}"
        path.append(pen + place)
        x, y = place.split()
        dots.append(f'<circle cx="{x}" cy="{y}" r="2" fill="{color}"/>')
        pen = "L"
    shown = "".join(dots) if len(values) <= 40 else ""
    return f'<path d="{"".join(path)}" fill="none" stroke-width="1.5" {stroke}/>{shown}'
