"""HTML of a `Report` for notebooks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._utils.html import Markup, block, chart, escaped, folded, listed, table

if TYPE_CHECKING:
    from ._report import Report

#: Columns of the table: head, attribute of a `LayerReport`, format.
COLUMNS = (
    ("parameters", "parameters", ",d"),
    ("mean", "mean", ".3g"),
    ("std", "std", ".3g"),
    ("saturated", "saturated", ".0%"),
    ("dead", "dead", ".0%"),
    ("|weights|", "weight_norm", ".3g"),
    ("|gradient|", "gradient_norm", ".3g"),
    ("|step|/|w|", "update_ratio", ".2g"),
)
#: Number of layers up to which the table is unfolded.
UNFOLDED = 12
#: Number of layers from which pictures say more than the table.
DRAWN = 3


def _cell(value: float, form: str) -> str:
    """A number in a table; nothing for one that does not apply."""
    return "" if math.isnan(value) else format(value, form)


def report_html(report: Report) -> Markup:
    """The verdict with its advice, pictures over the layers, and the table of the layers."""
    columns = [
        (head, [_cell(getattr(layer, name), form) for layer in report.layers]) for head, name, form in COLUMNS
    ]
    columns = [(head, cells) for head, cells in columns if any(cells)]
    names = [f"{layer.name} {layer.layer}" for layer in report.layers]
    rows = list(zip(names, *(cells for _, cells in columns), strict=True))
    layers = table(["layer", *(head for head, _ in columns)], rows)
    learning = [layer for layer in report.layers if layer.parameters]
    curves = {
        "Outputs": ("standard deviation", [layer.std for layer in report.layers]),
        "Gradients": ("root mean square", [layer.gradient_rms for layer in learning]),
        "Steps": ("|step| / |weights|", [layer.update_ratio for layer in learning]),
    }
    pictures = [
        chart(f"{what} by layer", {name: values}, log=True)
        for what, (name, values) in curves.items()
        if len(values) >= DRAWN
    ]
    advice = [
        Markup(f"<strong>{escaped(words)}</strong>: {escaped(seen)}. <em>{escaped(remedy)}</em>")
        for words, seen, remedy in report.advice
    ]
    return block(
        f"Verdict: {report.verdict}",
        Markup(f"<p>loss {report.loss:.6g}</p>"),
        listed(advice),
        *pictures,
        layers if len(rows) <= UNFOLDED else folded(f"{len(rows)} layers", layers),
    )
