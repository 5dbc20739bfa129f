"""Hints at names that are meant, in the errors about names that are not known."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar in spelling, whatever its case; None if none is."""
    from difflib import get_close_matches

    words = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), words, 1)
    return words[found[0]] if found else None


def meant(word: Any, known: Iterable[str]) -> str:
    """The end of an error message that asks for the known word which is most similar, if one is."""
    found = closest(word, known) if isinstance(word, str) else None
    return "" if found is None else f"; is {found!r} meant?"


def among(word: Any, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: the one that is meant, and all known ones."""
    words = list(known)
    return f"{meant(word, words)}; known: {', '.join(words) or 'none'}"


def hinted(function: Function) -> Function:
    """Decorator: the error about an unknown keyword names the most similar one, as from Python 3.13 on.

    A function that takes keywords of any name has errors of its own. Warnings count one frame more inside.
    """
    code = getattr(function, "__code__", None)
    if sys.version_info >= (3, 13) or code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return function
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        unknown = next((name for name in kwargs if name not in known), None)
        if unknown and (found := closest(unknown, known)):
            raise TypeError(
                f"{function.__qualname__}() got an unexpected keyword argument {unknown!r}."
                f" Did you mean {found!r}?"
            )
        return function(*args, **kwargs)

    return cast(Function, call)
