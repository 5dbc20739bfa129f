"""What the layers of a network cost, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ._layer import Layer


class LayerCost(NamedTuple):
    """One layer's share of a training step, forward and backward, without the update of its parameters.

    Attributes
    ----------
    layer : str
        Its repr.
    parameters : int
        Numbers that it learns.
    flops : float
        Floating-point operations of its products.
    bytes : float
        Of parameters, inputs, outputs and their gradients, each as often as the step walks over it.
    arena : float
        Bytes of memory that it takes beside its parameters.
    predicted : float
        Microseconds of one thread at the speed of a product in cache, and the rough cost of its activation.
    measured : float
        Microseconds, the least of several passes; 0 in a layer that the one before has taken over.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.LayerCost("Dense(2, 2)", 6, 96.0, 288.0, 0.0, 0.001, 0.1).parameters
    6
    """

    layer: str
    parameters: int
    flops: float
    bytes: float
    arena: float
    predicted: float
    measured: float


class ModelProfile(NamedTuple):
    """What `Sequential.profile` found; its ``str`` is a table with a line of sums.

    Attributes
    ----------
    rows : tuple of LayerCost
        In the order of the layers.
    batch_size : int
        Samples of a step.
    dtype : str
        Of the arithmetic.

    Examples
    --------
    >>> from simdnn import nn
    >>> row = nn.LayerCost("Dense(2, 2)", 6, 96.0, 288.0, 64.0, 0.001, 0.1)
    >>> print(nn.ModelProfile((row,), 4, "float32"))
    batch of 4, float32  parameters  FLOP  bytes  arena  predicted us  measured us
    0 Dense(2, 2)                 6    96    288     64          0.00         0.10
    sum                           6    96    288     64          0.00         0.10
    """

    rows: tuple[LayerCost, ...]
    batch_size: int
    dtype: str

    def total(self) -> LayerCost:
        """The sums of all columns."""
        return LayerCost(
            "sum",
            sum(row.parameters for row in self.rows),
            sum(row.flops for row in self.rows),
            sum(row.bytes for row in self.rows),
            sum(row.arena for row in self.rows),
            sum(row.predicted for row in self.rows),
            sum(row.measured for row in self.rows),
        )

    def __str__(self) -> str:
        heads = ["parameters", "FLOP", "bytes", "arena", "predicted us", "measured us"]
        table = [[f"batch of {self.batch_size}, {self.dtype}", *heads]]
        for index, row in enumerate(self.rows):
            table.append([f"{index} {row.layer}", *_cells(row)])
        table.append(["sum", *_cells(self.total())])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in table
        ]
        return "\n".join(lines)


def model_profile(
    layers: Sequence[Layer],
    costs: Iterable[tuple[int, float, float, float, float, float]],
    batch_size: int,
    dtype: str,
) -> ModelProfile:
    """Native costs, whose times are nanoseconds, beside the layers that they belong to."""
    rows = tuple(
        LayerCost(repr(layer), *cost[:4], cost[4] / 1000, cost[5] / 1000)
        for layer, cost in zip(layers, costs, strict=True)
    )
    return ModelProfile(rows, batch_size, dtype)


def _cells(row: LayerCost) -> list[str]:
    counts = [_short(count) for count in (row.parameters, row.flops, row.bytes, row.arena)]
    return [*counts, f"{row.predicted:.2f}", f"{row.measured:.2f}"]


def _short(count: float) -> str:
    """Three digits and a prefix."""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return f"{count:.0f}"
