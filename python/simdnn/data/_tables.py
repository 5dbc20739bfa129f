"""`from_tables`: blocks of the encoded rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._utils.check import check_sequence
from ..table import Columns, Target
from ..table._frames import is_table
from ..table._parts import rows_from
from ._sequence import BlockSequence, Samples


def from_tables(tables: Sequence[Any], columns: Columns, target: Target | None = None) -> BlockSequence:
    """Blocks of the rows of tables, encoded as the inputs of a network and the targets of its loss.

    Parameters
    ----------
    tables : sequence of tables
        Parts of a large table, such as `table.chunks` of a file; or dictionaries or data frames in a list.
    columns : table.Columns
        Encoder of the inputs, fitted to the training data.
    target : table.Target, optional
        Encoder of the column to predict; without it the blocks are for predictions.

    Returns
    -------
    sequence of blocks
        Its items are ``(X, y)``, one for each table; without a target ``(X,)``.

    Raises
    ------
    TypeError
        If `tables` has no length or no items, or an encoder is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import data, table
    >>> parts = [{"x": np.array([1.0, 2.0]), "y": np.array([3.0, 5.0])}, {"x": [3.0], "y": [7.0]}]
    >>> columns, target = table.Columns.fit([{"x": part["x"]} for part in parts]), table.Target("y")
    >>> [x.shape for x, y in data.from_tables(parts, columns, target)]
    [(2, 1), (1, 1)]
    """
    if is_table(tables):
        raise TypeError(f"tables: expected a sequence of tables, got {type(tables).__name__}")
    check_sequence("tables", tables, "a sequence of tables")
    if not isinstance(columns, Columns):
        raise TypeError(f"columns: expected a table.Columns, got {type(columns).__name__}")
    if not isinstance(target, Target | None):
        raise TypeError(f"target: expected a table.Target or None, got {type(target).__name__}")
    return TableBlocks(tables, columns, target)


class TableBlocks(BlockSequence):
    """Blocks of encoded tables."""

    def __init__(self, tables: Sequence[Any], columns: Columns, target: Target | None) -> None:
        self.tables, self.columns, self.target = tables, columns, target
        self.begins: list[int] | None = getattr(tables, "begins", None)

    def __len__(self) -> int:
        return len(self.tables)

    def read(self, i: int) -> Samples:
        part = self.tables[i]
        with rows_from(self.begins[i] if self.begins else 0):
            inputs = self.columns._inputs(part, warn=False)
            return (inputs,) if self.target is None else (inputs, self.target.transform(part))
