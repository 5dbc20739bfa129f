"""Settings as plain values, which JSON can hold, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: Turns another value into one that JSON can hold; raises TypeError if it cannot.
Convert = Callable[[Any], Any]


def reject(value: Any) -> Any:
    """Rejects every value that JSON cannot hold."""
    raise TypeError(f"cannot be described: {value!r}")


def jsonable(value: Any, convert: Convert = reject) -> Any:
    """`value` of None, booleans, numbers, strings, and lists and dictionaries of them."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return jsonable(value.tolist(), convert)
    if isinstance(value, (list, tuple)):
        return [jsonable(one, convert) for one in value]
    if isinstance(value, Mapping):
        return {as_key(key): jsonable(one, convert) for key, one in value.items()}
    return convert(value)


def as_key(key: Any) -> str:
    """A key, which must be a string."""
    if not isinstance(key, str):
        raise TypeError(f"expected strings as keys, got {key!r}")
    return key


def to_json(document: Any) -> str:
    """Compact text; numbers come back as they were, infinities too."""
    import json  # here, so that importing simdnn stays quick

    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def from_json(text: str) -> Any:
    """What `to_json` was given.

    Raises
    ------
    ValueError
        If it is no JSON, or nested beyond reason.
    """
    import json

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def only_keys(found: Any, known: Mapping[str, Any] | set[str] | tuple[str, ...], what: str) -> dict[str, Any]:
    """`found` if it is a dictionary whose keys are all known."""
    if not isinstance(found, dict):
        raise TypeError(f"{what}: expected a dictionary, got {type(found).__name__}")
    if unknown := [key for key in found if key not in known]:
        raise ValueError(f"{what}: {unknown[0]!r} is not known; known: {', '.join(known)}")
    return found
