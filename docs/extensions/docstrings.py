"""Docstrings as reStructuredText: formulas typeset, names in backticks as links, other signs as they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from formulas import Parser, typeset
from sphinx.ext.napoleon import Config, NumpyDocstring

SETTINGS = Config(
    napoleon_custom_sections=[("Attributes", "params_style")],
    napoleon_use_ivar=True,
    napoleon_use_param=False,
    napoleon_use_rtype=False,
)
#: The left side of an equation that is a line or a paragraph of its own.
EQUATION = re.compile(r"(f'?\(x\)(\[i\])?|[a-z]+) [-+*]?= ")
#: Equations, and the sentences that follow them.
SENTENCES = re.compile(r"(.*?)(?:\.\s+([A-Z].*)|\.)?", re.DOTALL)
#: Words between the equations of a paragraph.
WORDS = re.compile(r",? (?:and|then)\s|,\s+(?:and|then)\s")
#: Code and names in backticks.
QUOTED = re.compile(r"(``.+?``|`.+?`)")
#: The sentence of an error's bound, which the page of accuracy explains.
SWEEPS = "ACCURACY.md lists the errors that sweeps over all inputs found."
ERRORS = "The page :doc:`/accuracy` lists the errors that sweeps over all inputs found."


def rst(thing: Any, link: Callable[[str], str]) -> list[str]:
    """Lines of reStructuredText for the docstring of an object; `link` makes a link, or code, of a name."""
    text = inspect.getdoc(thing) or ""
    if re.match(r"\w+\(.*\)\n\n", text):  # the signature of a function of C++
        text = text.partition("\n\n")[2]
    # A source is no part of the section that is before it.
    paragraphs = sorted(text.split("\n\n"), key=lambda paragraph: paragraph.startswith("Source: "))
    sources = [" ".join(one.split())[8:] for one in paragraphs if one.startswith("Source: ")]
    paragraphs = paragraphs[: len(paragraphs) - len(sources)]
    lines = [line for paragraph in paragraphs for line in (*converted(paragraph, link), "")]
    found = str(NumpyDocstring(lines, SETTINGS)).replace(SWEEPS, ERRORS)
    return [*found.splitlines(), "", *(f":Source: {escaped(one, link)}" for one in sources)]


def summary(thing: Any, link: Callable[[str], str]) -> str:
    """The first sentence of a docstring, or its first line if that is shorter."""
    for line in rst(thing, link):
        if line.strip():
            return re.split(r"(?<=\.) (?=[A-Z])", line)[0].rstrip(":.")
    return ""


def converted(paragraph: str, link: Callable[[str], str]) -> Iterator[str]:
    """A paragraph with escaped signs and links, or typeset if it is a formula; examples stay as they are."""
    if paragraph.lstrip().startswith(">>>") or "\n>>>" in paragraph:
        head, examples = re.match(r"((?:.*\n)*?)(\s*>>>.*)", paragraph, re.DOTALL).groups()  # type: ignore[union-attr]
        yield from (escaped(line, link) for line in head.splitlines())
        yield from examples.splitlines()
    elif (formula := equations(paragraph, link)) is not None:
        yield from formula
    else:
        yield from (escaped(line, link) for line in paragraph.splitlines())


def equations(paragraph: str, link: Callable[[str], str]) -> list[str] | None:
    """The formulas of a paragraph, one below the other, and its later sentences; None if it is prose."""
    if not EQUATION.match(paragraph):
        return None
    formulas, rest = SENTENCES.fullmatch(paragraph).groups()  # type: ignore[union-attr]
    try:
        if formulas.startswith("f"):
            found = [typeset(line) for line in formulas.splitlines()]
        else:
            # A change that the others begin with is said behind "with".
            later, *first = re.split(r",?\s(?:all )?with\s", WORDS.sub(", ", formulas))
            found = [one for part in (*first, later) for one in Parser(part).equations()]
    except ValueError:
        return None
    sentences = [escaped(line, link) for line in (rest or "").splitlines()]
    return [*math(found), "", *sentences] if sentences else math(found)


def math(formulas: list[str]) -> list[str]:
    """Lines of a displayed formula; several are aligned at the first equality sign of each."""
    if len(formulas) > 1:
        formulas = [re.sub(r" (=|\\leftarrow) ", r" &\1 ", one, count=1) for one in formulas]
    return [".. math::", "", *(rf"   {one} \\[4pt]" for one in formulas[:-1]), f"   {formulas[-1]}"]


def escaped(line: str, link: Callable[[str], str]) -> str:
    """A line in which only backticks have a meaning; names in single ones become links."""
    parts = QUOTED.split(line)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.sub(r"([*|])|(?<=\w)_(?!\w)", lambda match: "\\" + match[0], part)
        elif not part.startswith("``"):
            parts[i] = link(part[1:-1])
    return "".join(parts)


def signature(thing: Any) -> str:
    """The arguments of a function or a class, without types."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "(...)"
    if not isinstance(thing, type) and hasattr(thing, "nin"):
        return f"({'x' if thing.nin == 1 else 'dy, x'}, /, out=None, **ufunc_keywords)"
    named = [one for one in found.parameters.values() if one.name not in ("self", "cls")]
    kept = [one.replace(annotation=one.empty) for one in named]
    text = str(found.replace(parameters=kept, return_annotation=found.empty))
    return re.sub(r"<class '(?:numpy|builtins)\.(\w+)'>", r"\1", text).replace("<factory>", "[]")
