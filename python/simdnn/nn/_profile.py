"""The cost of the layers of a network, as numbers and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ._layer import Layer

__all__ = ["LayerCost", "ModelProfile"]


class LayerCost(NamedTuple):
    """The cost of one layer in a training step, forward and backward, without the update of its parameters.

    Attributes
    ----------
    layer : str
        The layer's repr.
    parameters : int
        The number of trainable parameters.
    flops : float
        Floating-point operations of the layer's products.
    bytes : float
        Bytes of parameters, inputs, outputs and their gradients, each counted once per traversal.
    arena : float
        Bytes of memory in addition to the parameters.
    predicted : float
        Microseconds of one thread at the speed of a product in cache, with a rough cost of the activation.
    measured : float
        Microseconds, the least of several passes; 0 for a layer that the one before has fused.

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
    """The result of `Sequential.profile`; its ``str`` is a table with a line of sums.

    Attributes
    ----------
    rows : tuple of LayerCost
        The costs, in the order of the layers.
    batch_size : int
        Samples of a step.
    dtype : str
        The dtype of the network.

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
        """The sums of all columns.

        Returns
        -------
        LayerCost
        """
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
    """The profile of layers from their native costs, whose times are in nanoseconds."""
    rows = tuple(
        LayerCost(repr(layer), *cost[:4], cost[4] / 1000, cost[5] / 1000)
        for layer, cost in zip(layers, costs, strict=True)
    )
    return ModelProfile(rows, batch_size, dtype)


def _cells(row: LayerCost) -> list[str]:
    counts = [_short(count) for count in (row.parameters, row.flops, row.bytes, row.arena)]
    return [*counts, f"{row.predicted:.2f}", f"{row.measured:.2f}"]


def _short(count: float) -> str:
    """A count as three digits and a prefix."""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return f"{count:.0f}"
