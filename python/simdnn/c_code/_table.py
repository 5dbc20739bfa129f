"""Preprocessing of a table's rows, and postprocessing of outputs, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..table import Columns, Target


class Table(NamedTuple):
    """The columns and the target to include; None for neither."""

    columns: Columns | None
    target: Target | None

    @classmethod
    def of(cls, model: Any, columns: Columns | None, target: Target | None) -> Table:
        return cls(columns, target)

    def parts(self, real: str) -> list[str]:
        return []
