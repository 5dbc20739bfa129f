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


def report_html(report: Report) -> Markup:
    """The verdict with its advice, pictures over the layers, and the table of the layers."""
    rows = []
    for layer in report.layers:
        values = [(getattr(layer, attribute), form) for _, attribute, form in COLUMNS]
        rows.append(
            [f"{layer.name} {layer.layer}", *("" if math.isnan(x) else format(x, f) for x, f in values)]
        )
    layers = table(["layer", *(head for head, _, _ in COLUMNS)], rows)
    learning = [layer for layer in report.layers if layer.parameters]
    advice = [
        Markup(f"<strong>{escaped(words)}</strong>: {escaped(seen)}. <em>{escaped(remedy)}</em>")
        for words, seen, remedy in report.advice
    ]
    return block(
        f"Verdict: {report.verdict}",
        Markup(f"<p>loss {report.loss:.6g}</p>"),
        listed(advice),
        chart("Outputs by layer", {"standard deviation": [layer.std for layer in report.layers]}, log=True),
        chart("Gradients by layer", {"root mean square": [one.gradient_rms for one in learning]}, log=True),
        chart("Steps by layer", {"|step| / |weights|": [one.update_ratio for one in learning]}, log=True),
        layers if len(rows) <= UNFOLDED else folded(f"{len(rows)} layers", layers),
    )
