"""Charts of the pages on speed and accuracy, drawn from the stored tables in the style of `simdnn.plot`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from simdnn.plot import _style

from bench import front_page, results

ACCURACY = Path(__file__).resolve().parents[2] / "ACCURACY.md"
#: Colors of the libraries, the same in all charts: places in the series of the style.
PEERS = ("NumPy", "PyTorch", "JAX", "scikit-learn", "onnxruntime", "numexpr")
#: Height of a bar in inches.
BAR = 0.17


def figure(bars: int, groups: int) -> Any:
    """Axes of a new figure that is as high as its bars need."""
    height = 0.9 + BAR * (bars + 0.9 * groups)
    return _style.single(None, (7.2, height))


def stored(table: str) -> dict[str, dict[str, str]]:
    """Cells of a table of bench/RESULTS.md, of the processor that the README shows."""
    processor = front_page.shown_processor(front_page.PATH.read_text(encoding="utf-8"))
    document = results.Document.parse(results.PATH.read_text(encoding="utf-8"))
    return results.read_rows(document.sections[processor].tables[table])


def multiples(table: str, peers: Sequence[str], rows: Sequence[str] = (), title: str = "") -> Any:
    """Bars of the peers' times as multiples of simdnn's, in groups; each bar has the name of the peer."""
    cells = stored(table)
    groups = [(row, ratios(cells[row], peers)) for row in rows or cells]
    count = sum(len(bars) for _, bars in groups)
    axes = figure(count, len(groups))
    ink = _style.frame(axes, x="time / time of simdnn (1x)", grid="x")
    place, ticks = 0.0, []
    for row, bars in groups:
        ticks.append((place + (len(bars) - 1) / 2, f"{row}\n{time(cells[row]['simdnn'])}"))
        for peer, ratio in bars:
            color = ink.series[next(i for i, name in enumerate(PEERS) if peer.startswith(name))]
            left, width = min(1.0, ratio), abs(ratio - 1)
            axes.barh(place, width, 0.84, left=left, color=color)
            _style.note(axes, max(1, ratio) * 1.04, place, f"{peer} {ratio:.3g}x", va="center", fontsize=7.5)
            place += 1
        place += 0.9
    found = [ratio for _, bars in groups for _, ratio in bars]
    finish(axes, ink, ticks, (min(found), max(found)))
    _style.title(axes, title or table)
    return axes


def time(microseconds: str) -> str:
    """A time in the unit that leaves it readable."""
    value = float(microseconds)
    unit, factor = next(one for one in (("s", 1e6), ("ms", 1e3), ("µs", 1)) if value >= one[1] or one[1] == 1)
    return f"{value / factor:.3g} {unit}"


def ratios(cells: dict[str, str], peers: Sequence[str]) -> list[tuple[str, float]]:
    """The peers that have a time in a row, with their multiples."""
    found = [(peer, re.search(r"\((.+)x\)", cells[peer])) for peer in peers]
    return [(peer, float(match[1])) for peer, match in found if match]


def finish(axes: Any, ink: _style.Ink, ticks: list[tuple[float, str]], limits: tuple[float, float]) -> None:
    """The logarithmic axis of the multiples, and the names of the groups."""
    low, high = 0.9 * min(limits[0], 1), limits[1]
    axes.set_xscale("log")
    axes.set_xlim(low, high * (high / low) ** 0.25)
    steps = [step for step in (0.5, 1, 1.5, 2, 5, 10, 20, 50, 100, 200) if low <= step <= 1.2 * high]
    steps = [step for step in steps if step != 1.5 or high < 3]
    axes.set_xticks(steps, [f"{step:g}x" for step in steps])
    axes.minorticks_off()
    axes.axvline(1, color=ink.soft, linewidth=1)
    axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()


def errors() -> Any:
    """The largest errors of f and f' in float32, from the table of ACCURACY.md."""
    table = ACCURACY.read_text(encoding="utf-8").partition("## float32")[2].partition("## float64")[0]
    rows = results.read_rows(re.sub(r"at x", "where", table, count=1))
    names = list(rows)
    f = [size(rows[name]["f: max ULP"]) for name in names]
    slopes = [size(rows[name]["f': max ULP"]) for name in names]
    axes = figure(len(names), len(names) // 2)
    ink = _style.frame(axes, x="largest error in units in the last place", grid="x")
    y = np.arange(len(names))
    axes.hlines(y, np.fmin(f, slopes), np.fmax(f, slopes), color=ink.grid, linewidth=3)
    axes.plot(f, y, "o", color=ink.series[0], markersize=5)
    axes.plot(slopes, y, "D", color=ink.series[1], markersize=4.5)
    axes.axvline(0.5, color=ink.soft, linewidth=1)
    last = names.index("sigmoid")
    axes.annotate("f", (f[last], last), (-9, 0), textcoords="offset points", va="center", color=ink.series[0])
    axes.annotate(
        "f'", (slopes[last], last), (7, 0), textcoords="offset points", va="center", color=ink.series[1]
    )
    axes.set_yticks(y, names)
    axes.set_xlim(0, 3)
    axes.invert_yaxis()
    _style.title(axes, "All errors are below 3 units in the last place; 0.5 is a correct rounding")
    return axes


def size(cell: str) -> float:
    """The number of a cell; nothing for an empty one."""
    return float(cell.removeprefix("at most ")) if cell else float("nan")
