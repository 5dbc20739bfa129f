"""Bins of numbers by the target: half of their borders are the thresholds of a decision tree."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..table import Columns
from ..table._arrays import as_column
from ..table._numbers import Numbers, numbers_from

Array = NDArray[Any]
#: Rows from one place to another, in ascending order of their numbers: begin and end.
Rows = tuple[int, int]
#: A cut of rows into two bins, by which the largest gain comes first: minus the gain, the place, the rows.
Cut = tuple[float, int, Rows]

#: The fewest rows of a bin, and the most sums of a column, for which rows are left out if classes are many.
FEWEST_ROWS, MOST_SUMS = 16, 2**24


def with_target_bins(columns: Columns, table: dict[str, Any], targets: Array, rows: Array) -> Columns:
    """The columns, whose numbers have bins by their values in these rows and by the targets.

    Targets are indices of classes, or numbers [n, outputs].
    """
    chosen = rows[:: -(-len(rows) * outputs_of(targets) // MOST_SUMS)]
    parts = []
    for part in columns.parts:
        if isinstance(part, Numbers) and part.edges:
            what = f"column {part.name}"
            values = numbers_from(what, as_column(what, table[part.name]))
            inner = borders(values[chosen], targets[chosen], columns.bins)
            part = replace(part, edges=(part.edges[0], *inner, part.edges[-1]))
        parts.append(part)
    return Columns(parts)


def outputs_of(targets: Array) -> int:
    """The number of classes or of outputs."""
    return targets.shape[1] if targets.ndim == 2 else int(targets.max(initial=0)) + 1


def borders(values: Array, targets: Array, bins: int) -> list[float]:
    """The inner borders of at most these bins of a column, in ascending order.

    Half of them are thresholds of a decision tree (Gorishniy, Rubachev & Babenko 2022, section 3.2.2,
    arXiv:2203.05556). The others halve the bins of the most rows, as the target may depend on a number in
    ways that a tree of one column does not see. Missing values do not count.
    """
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    ordered = values[order]
    places = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    by_target = grown([(0, len(order))], bins // 2, target_cut(places, sums_of(targets[order])))
    leaves = itertools.pairwise([0, *sorted(by_target), len(order)])
    by_rows = grown(leaves, bins - 1 - len(by_target), halving_cut(places))
    middles = {float(ordered[at - 1] / 2 + ordered[at] / 2) for at in (*by_target, *by_rows)}
    return sorted(one for one in middles if ordered[0] < one < ordered[-1])


def grown(leaves: Iterable[Rows], most: int, cut_of: Callable[[Rows], list[Cut]]) -> list[int]:
    """The places of at most these cuts of rows; the cut of the largest gain comes next."""
    waiting, found = [cut for rows in leaves for cut in cut_of(rows)], list[int]()
    heapq.heapify(waiting)
    while waiting and len(found) < most:
        _, place, (begin, end) = heapq.heappop(waiting)
        found.append(place)
        for cut in cut_of((begin, place)) + cut_of((place, end)):
            heapq.heappush(waiting, cut)
    return found


def within(places: Array, rows: Rows) -> Array:
    """The places, between different numbers, at which both parts of the rows are enough for a bin."""
    low, high = np.searchsorted(places, (rows[0] + FEWEST_ROWS, rows[1] - FEWEST_ROWS + 1))
    return places[low:high]


def target_cut(places: Array, sums: Array) -> Callable[[Rows], list[Cut]]:
    """The cut of rows with the largest fall of Gini impurity or squared error (Breiman et al. 1984)."""

    def cut_of(rows: Rows) -> list[Cut]:
        begin, end = rows
        allowed = within(places, rows)
        if not len(allowed):
            return []
        gains = scores(sums, begin, allowed) + scores(sums, allowed, end)
        best = int(np.argmax(gains))
        gain = float(gains[best] - scores(sums, begin, np.array([end]))[0])
        return [(-gain, int(allowed[best]), rows)] if gain > 0 else []

    return cut_of


def halving_cut(places: Array) -> Callable[[Rows], list[Cut]]:
    """The cut of rows that is next to their middle; the gain is the number of rows."""

    def cut_of(rows: Rows) -> list[Cut]:
        begin, end = rows
        allowed = within(places, rows)
        if not len(allowed):
            return []
        nearest = int(allowed[np.argmin(np.abs(2 * allowed - begin - end))])
        return [(float(begin - end), nearest, rows)]

    return cut_of


def sums_of(targets: Array) -> Array:
    """Sums [outputs, n + 1] of the first rows' targets: counts of classes, or sums of numbers."""
    columns = targets.T if targets.ndim == 2 else targets == np.arange(outputs_of(targets))[:, np.newaxis]
    found = np.zeros((len(columns), len(targets) + 1))
    np.cumsum(columns, axis=1, out=found[:, 1:])
    return found


def scores(sums: Array, begin: Any, end: Any) -> Array:
    """The squared sums of the targets of rows by their number, added over outputs in their order."""
    found = np.zeros(np.broadcast(begin, end).shape)
    for one in sums:
        found += np.square(one[end] - one[begin]) / (end - begin)
    return found
