"""Conversion of schedules to plain dictionaries and back, for files."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._utils.check import check_float, check_name
from .._utils.jsonable import jsonable, only_keys
from ._schedule import Piece, Schedule

#: The kinds of pieces.
KINDS = tuple(row["name"] for row in _core.schedules())
#: The keys of a description.
KEYS = ("schedule", "text")


def schedule_to_dict(schedule: Schedule) -> dict[str, Any]:
    """The pieces of a schedule, and its repr."""
    return {"schedule": [jsonable(piece) for piece in schedule._pieces], "text": repr(schedule)}


def schedule_from_dict(description: Any, what: str) -> Schedule:
    """The schedule of a description; `what` names the setting in errors."""
    found = only_keys(description, KEYS, what)
    return Schedule([_checked_piece(piece) for piece in found["schedule"]], str(found["text"]))


def _checked_piece(piece: Any) -> Piece:
    """A piece of a schedule in native form."""
    name, begin, values = piece
    check_name("schedule", name, KINDS)
    return name, check_float("begin", begin), [check_float(name, value) for value in values]
