"""The check that columns and a target belong to a model."""

from __future__ import annotations

from .._utils.jsonable import jsonable
from ._columns import Columns
from ._target import Target


def check_match(columns: Columns | None, target: Target | None, inputs: int, outputs: int) -> None:
    """Raises unless columns have the inputs of a model and a target its outputs; None fits all.

    A file can hold their words.
    """
    for name, given, kind in (("columns", columns, Columns), ("target", target, Target)):
        if given is not None and not isinstance(given, kind):
            raise TypeError(f"{name}: expected a table.{kind.__name__} or None, got {type(given).__name__}")
        if given is not None:
            jsonable(given.to_dict())
    if columns is not None and len(columns.features) != inputs:
        raise ValueError(f"columns: expected {inputs} features, got {len(columns.features)}")
    if target is not None and target.outputs != outputs:
        raise ValueError(f"target: expected {outputs} outputs, got {target.outputs}")
