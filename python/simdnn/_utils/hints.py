"""Hints at names that are meant, in the errors about names that are not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar in spelling, whatever its case; None if none is."""
    from difflib import get_close_matches

    words = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), words, 1)
    return words[found[0]] if found else None


def meant(word: Any, known: Iterable[str]) -> str:
    """The end of an error message that asks for the known word which is most similar, if one is."""
    found = closest(word, known) if isinstance(word, str) else None
    return "" if found is None else f"; did you mean {found!r}?"


def among(word: Any, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: the one that is meant, and all known ones."""
    words = list(known)
    hint = meant(word, words)
    return f"{hint}{' K' if hint else '; k'}nown: {', '.join(words) or 'none'}"
