"""Columns of words that are numbers but for a few cells, or but for a sign such as % in each."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .._utils.rows import row_name, rows_name
from ._cells import PLAIN, NumberFormat, is_padded

#: The least number of different numbers, and the largest share of different words that are none.
LEAST, OTHERS = 10, 0.1
#: A number may have a sign of currency or of percent before or behind it, and commas between thousands.
_SIGNS = "%$€£¥₹"
_COMMAS = NumberFormat(".", ",")


def mixed_hint(
    column: str, words: NDArray[Any], form: NumberFormat = PLAIN, rows: tuple[int, int] | None = None
) -> str:
    """The warning about words nearly all of which are numbers; or an empty text.

    `rows` are the first and the last row of a chunk of a table, counted from 0.
    """
    cells = words.tolist()
    kinds = kinds_of(cells, form)
    if not kinds:
        return ""
    known = [cell for cell in cells if cell is not None]
    row, first = next(
        (i, cell) for i, cell in enumerate(cells) if cell is not None and kinds[cell] != "plain"
    )
    count = sum(kinds[cell] != "" for cell in known)
    signs = sorted({one for cell, kind in kinds.items() if kind == "signed" for one in cell if one in _SIGNS})
    if any(kind == "signed" and "," in cell for cell, kind in kinds.items()):
        signs.append(",")
    marks = " and ".join(map(repr, signs))
    remedies = [f"remove {marks}"] if marks else []
    if others := len(known) - count:
        remedies.append(f"correct or empty the other {f'{others:,} cells' if others > 1 else 'cell'}")
    begin, end = rows or (0, 0)
    return (
        f"column {column}: read as words because of {first!r:.80} in {row_name(begin + row)}; {count:,} of"
        f" {len(known):,} values{f' in {rows_name(begin, end)}' if rows else ''} are numbers"
        f"{f' but for {marks}' if marks else ''}: {' and '.join(remedies)}"
    )


def kinds_of(cells: list[str | None], form: NumberFormat) -> dict[str, str]:
    """The kind of each word: "plain" for a number, "signed" for one with other characters, or "".

    Empty if fewer than nine tenths of the words are numbers, or all are plain, or one has leading zeros.
    """
    kinds = dict.fromkeys(cell for cell in cells if cell is not None)
    limit, others, found = OTHERS * len(kinds), 0, dict[str, str]()
    for word in kinds:
        found[word] = kind_of(word, form)
        others += found[word] == ""
        if others > limit or is_padded(word.strip()):
            return {}
    alike = len(found) - others < LEAST or set(found.values()) == {"plain"}
    return {} if alike else found


def kind_of(word: str, form: NumberFormat) -> str:
    """The kind of a word, as of `kinds_of`."""
    if form.pattern.fullmatch(word):
        return "plain"
    inner = unsigned(word)
    if not inner[:1].isdigit() and inner[:1] != ".":
        return ""
    others = (form, _COMMAS) if form == PLAIN else (form,)
    return "signed" if any(one.pattern.fullmatch(inner) for one in others) else ""


def unsigned(word: str) -> str:
    """A word without blanks around it, its sign, and signs of currency or of percent."""
    word = word.strip()
    if word.startswith(("+", "-")):
        word = word[1:].lstrip()
    if word.startswith(tuple(_SIGNS)):
        word = word[1:].lstrip()
    return word[:-1].rstrip() if word.endswith(tuple(_SIGNS)) else word
