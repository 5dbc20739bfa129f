"""Conversion of settings to and from values that JSON can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .hints import among

#: A function that converts a value to one that JSON can hold, or raises TypeError.
Convert = Callable[[Any], Any]


def reject(value: Any) -> Any:
    """Raises TypeError: the default `Convert`, for values that JSON cannot hold."""
    raise TypeError(f"cannot be described: {value!r}")


def jsonable(value: Any, convert: Convert = reject) -> Any:
    """`value` as None, booleans, numbers, strings, lists and dictionaries; `convert` gets all other types.

    Raises
    ------
    TypeError
        If `convert` does.
    ValueError
        If lists or dictionaries are nested beyond Python's recursion limit, as those within themselves are,
        or a string cannot be encoded.
    """
    try:
        return _jsonable(value, convert)
    except RecursionError:
        raise ValueError("nested too deeply, or within itself") from None


def _jsonable(value: Any, convert: Convert) -> Any:
    """See `jsonable`."""
    if isinstance(value, str):
        return as_text(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        plain = value.tolist()
        return convert(value) if isinstance(plain, np.generic) else _jsonable(plain, convert)
    if isinstance(value, (list, tuple)):
        return [_jsonable(one, convert) for one in value]
    if isinstance(value, Mapping):
        return {as_key(key): _jsonable(one, convert) for key, one in value.items()}
    return convert(value)


def as_key(key: Any) -> str:
    """`key` if it is a string."""
    if not isinstance(key, str):
        raise TypeError(f"expected strings as keys, got {key!r}")
    return as_text(key)


def as_text(word: str) -> str:
    """`word` if a file can hold it."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{word!r:.80} has half of a surrogate pair, which UTF-8 cannot encode") from None
    return word


def to_json(document: Any) -> str:
    """`document` as compact JSON text; `from_json` restores every number exactly, infinities too."""
    import json  # imported here to keep `import simdnn` fast

    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def from_json(text: str) -> Any:
    """The document in a text of `to_json`.

    Raises
    ------
    ValueError
        If `text` is not JSON, or is nested beyond Python's recursion limit.
    """
    import json

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def only_keys(
    found: Any,
    known: Mapping[str, Any] | set[str] | tuple[str, ...],
    what: str,
    needed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`found` if it is a dictionary whose keys are all known, and which has those that are needed."""
    if not isinstance(found, dict):
        raise TypeError(f"{what}: expected a dictionary, got {type(found).__name__}")
    if unknown := [key for key in found if key not in known]:
        raise ValueError(f"{what}: {unknown[0]!r} is not known{among(unknown[0], known)}")
    if missing := [key for key in needed if key not in found]:
        raise ValueError(f"{what}: {missing[0]!r} is missing; expected {', '.join(needed)}")
    return found


def checked_list(found: Any, what: str, items: str) -> list[Any] | tuple[Any, ...]:
    """`found` if it is a list or a tuple of `items`."""
    if not isinstance(found, list | tuple):
        raise TypeError(f"{what}: expected a list of {items}, got {type(found).__name__}")
    return found
