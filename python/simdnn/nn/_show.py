"""The HTML of a network for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._utils.html import Markup, block, folded, table

if TYPE_CHECKING:
    from ._sequential import Sequential

#: Number of layers up to which the table is unfolded.
UNFOLDED = 12


def _kind(model: Sequential) -> str:
    """The dtype, and the precision if it is another."""
    own = model.dtype.name
    return own if model.precision == own else f"{own}, {model.precision} products"


def sequential_html(model: Sequential) -> Markup:
    """A table with the layers, the shapes between them, and the numbers of their parameters."""
    counts = [0] * len(model.layers)
    for name, value in model.parameters().items():
        counts[int(name.split(".", 1)[0])] += value.size
    shape, rows = model._input, []
    for i, (layer, count) in enumerate(zip(model.layers, counts, strict=True)):
        given, shape = shape, layer._output(shape)
        rows.append([f"{i} {layer!r}", str(given), str(shape), f"{count:,}"])
    total = sum(counts)
    layers = table(["layer", "input", "output", "parameters"], rows)
    title = f"Sequential: {len(rows)} layers, {total:,} parameters, {_kind(model)}"
    return block(title, layers if len(rows) <= UNFOLDED else folded("layers", layers))
