"""``python -m bench.picture``: draws the README's picture from a section of RESULTS.md (needs matplotlib)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from bench import front_page, results

PATH = Path(__file__).resolve().parent.parent / "docs" / "train_step.svg"
NETWORKS = (
    "2-16-2, batch 4",
    "8-64-64-4, batch 32",
    "30-128-128-2, batch 128",
    "784-128-10, batch 64",
    "784-512-512-10, batch 256",
)
#: Colors of Okabe & Ito 2008, which color-blind readers can tell apart.
COLORS = {"NumPy": "#0072B2", "PyTorch": "#D55E00", "JAX scan": "#009E73", "scikit-learn": "#CC79A7"}
RATIO = re.compile(r"\((.+)x\)")


class Bar(NamedTuple):
    """A peer's time for a training step as a multiple of simdnn's, with the text of the table."""

    network: str
    peer: str
    ratio: float
    label: str


def read_bars(document: results.Document, processor: str) -> list[Bar]:
    """The bars of the picture, network by network."""
    rows = results.read_rows(document.sections[processor].tables["train step"])
    bars = []
    for network in NETWORKS:
        for peer in COLORS:
            if found := RATIO.search(rows[network][peer]):
                bars.append(Bar(network, peer, float(found[1]), f"{found[1]}x"))
    return bars


def draw(bars: list[Bar], processor: str) -> Any:
    """A figure with a group of horizontal bars per network, on a logarithmic axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(COLORS)
    for i, (peer, color) in enumerate(COLORS.items()):
        of_peer = [bar for bar in bars if bar.peer == peer]
        y = [NETWORKS.index(bar.network) + (i - (len(COLORS) - 1) / 2) * height for bar in of_peer]
        axes.barh(y, [bar.ratio - 1 for bar in of_peer], 0.9 * height, left=1, color=color, label=peer)
        for position, bar in zip(y, of_peer, strict=True):
            axes.text(bar.ratio * 1.04, position, bar.label, va="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(1, 400)
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200], ["1x", "2x", "5x", "10x", "20x", "50x", "100x", "200x"])
    axes.minorticks_off()
    axes.set_yticks(range(len(NETWORKS)), NETWORKS)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("time of one training step / time of simdnn (1x), logarithmic")
    axes.set_title(f"Adam training steps, one thread, float32, {processor}", loc="left", fontsize=11)
    axes.legend(loc="lower right", frameon=False)
    return figure


def main() -> int:
    """Draws the results of the processor that the README shows."""
    import matplotlib

    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "simdnn", "font.family": "sans-serif"}
    )
    document = results.Document.parse(results.PATH.read_text())
    processor = front_page.shown_processor(front_page.PATH.read_text())
    PATH.parent.mkdir(exist_ok=True)
    figure = draw(read_bars(document, processor), processor)
    figure.savefig(PATH, facecolor="white", metadata={"Date": None})
    print(f"drawn: {PATH}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
