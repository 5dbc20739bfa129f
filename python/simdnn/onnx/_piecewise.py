"""Importer of piecewise-linear codes and the linear layer that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._importers import gemm, matmul
from ._node import Node
from ._reader import Found, Reader


class Codes(NamedTuple):
    """The end of the nodes that compute codes, the positions that they read, and the bins of each."""

    end: str
    encoded: int
    bins: int


def piecewise_linear(reader: Reader, readers: Sequence[Node]) -> tuple[Node, list[Found]] | None:
    """The PiecewiseLinear that begins here, if the nodes compute the codes clip(t - b, 0, 1)."""
    size = reader.features
    found = among_others(reader, readers) if len(readers) == 2 else all_codes(reader, readers)
    if found is None or size is None:
        return None
    product = reader.only_reader(found.end, "Gemm") or reader.only_reader(found.end, "MatMul")
    if product is None or product.inputs[0] != found.end:
        return None
    reader.value, reader.features = product.output, size + found.encoded * (found.bins - 1)
    ((settings, state),) = gemm(reader, product) if product.op == "Gemm" else matmul(reader, product)
    if settings["layer"] != "Dense" or settings["in_features"] != size + found.encoded * (found.bins - 1):
        raise ValueError(f"{product}: expected a linear layer of {found.encoded} x {found.bins} codes")
    own = {"layer": "PiecewiseLinear", "in_features": size, "encoded": found.encoded, "bins": found.bins}
    last = next(node for node in reader.nodes if node.output == reader.value)
    return last, [(settings | own, state)]


def all_codes(reader: Reader, readers: Sequence[Node]) -> Codes | None:
    """The codes of all features, if one node begins to compute them."""
    if len(readers) != 1 or reader.features is None:
        return None
    return codes_of(reader, readers[0], reader.value, reader.features)


def among_others(reader: Reader, readers: Sequence[Node]) -> Codes | None:
    """The codes of the first features, if a Concat appends the others to them."""
    if any(node.op != "Slice" or len(node.inputs) != 4 or node.inputs[0] != reader.value for node in readers):
        return None
    first, others = sorted(readers, key=lambda node: reader.integers(node.inputs[1]) or [])
    encoded = (reader.integers(first.inputs[2]) or [0])[0]
    start = reader.only_reader(first.output, "Unsqueeze")
    found = start and codes_of(reader, start, first.output, encoded)
    join = reader.only_reader(found.end, "Concat") if found else None
    if not found or not join or join.inputs != [found.end, others.output] or reader.features is None:
        return None
    parts = [[reader.integers(name) for name in node.inputs[1:]] for node in (first, others)]
    for axis in (-1, reader.rank - 1):
        if parts == [[[0], [encoded], [axis]], [[encoded], [reader.features], [axis]]]:
            return found._replace(end=join.output)
    return None


def codes_of(reader: Reader, start: Node, value: str, encoded: int) -> Codes | None:
    """The codes of `encoded` positions that begin at an Unsqueeze of a value."""
    sub = reader.only_reader(start.output, "Sub") if start.op == "Unsqueeze" else None
    clip = reader.only_reader(sub.output, "Clip") if sub else None
    flat = reader.only_reader(clip.output, "Reshape") if clip else None
    if not sub or not clip or not flat or start.inputs[0] != value or sub.inputs[0] != start.output:
        return None
    places = reader.constants.get(sub.inputs[1])
    if places is None or places.ndim != 1 or not np.array_equal(places, np.arange(places.size)):
        return None
    bounds = [reader.constants.get(name) for name in clip.inputs[1:]]
    shape = reader.integers(flat.inputs[1])
    wanted = [*([0] * (reader.rank - 1)), encoded * places.size]
    if [None if one is None else one.tolist() for one in bounds] != [0, 1] or shape != wanted:
        return None
    axes = [reader.integers(name) for name in start.inputs[1:]]
    return Codes(flat.output, encoded, places.size) if axes in ([[-1]], [[reader.rank]]) else None
