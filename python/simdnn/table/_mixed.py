"""Columns of words that are numbers but for a few cells, or but for a sign such as % in each."""

from __future__ import annotations

import re
from typing import Any

from numpy.typing import NDArray

from .._utils.rows import row_name, rows_name
from ._cells import PLAIN, NumberFormat, is_padded

#: The least number of different numbers, and the largest share of different words that are none.
LEAST, OTHERS = 10, 0.1
#: A number may have a sign of currency or of percent before or behind it.
_SIGNS = "%$€£¥₹"
#: Leading zeros behind the signs of a number.
_PADDED = re.compile(r"[^0-9.,]*0[0-9]")
#: Spellings of numbers, in the order in which they are tried.
FORMATS = tuple(
    NumberFormat(decimal, thousands)
    for decimal, thousands in (
        *((".", None), (".", ","), (",", None), (",", ".")),
        *((".", " "), (",", " "), (".", "'")),
    )
)


def mixed_hint(
    column: str, words: NDArray[Any], form: NumberFormat = PLAIN, rows: tuple[int, int] | None = None
) -> str:
    """The warning about words nearly all of which are numbers; or an empty text.

    `rows` are the first and the last row of a chunk of a table, counted from 0.
    """
    cells = words.tolist()
    found = spelled_kinds(cells, form)
    if found is None:
        return ""
    spelling, kinds = found
    known = [cell for cell in cells if cell is not None]
    row, first = next(
        (i, cell) for i, cell in enumerate(cells) if cell is not None and kinds[cell] != "plain"
    )
    count = sum(kinds[cell] != "" for cell in known)
    signed = [cell for cell, kind in kinds.items() if kind == "signed"]
    marks, remedies = remedies_of(signed, form, spelling)
    if others := len(known) - count:
        remedies.append(f"correct or empty the other {f'{others:,} cells' if others > 1 else 'cell'}")
    begin, end = rows or (0, 0)
    return (
        f"column {column}: read as words because of {first!r:.80} in {row_name(begin + row)}; {count:,} of"
        f" {len(known):,} values{f' in {rows_name(begin, end)}' if rows else ''} are numbers"
        f"{f' but for {marks}' if marks else ''}: {' and '.join(remedies)}"
    )


def remedies_of(signed: list[str], form: NumberFormat, spelling: NumberFormat) -> tuple[str, list[str]]:
    """The marks that keep words from being numbers in the spelling `form`, and what to do about them."""
    signs = [repr(one) for one in sorted({one for cell in signed for one in cell if one in _SIGNS})]
    others = [mark for mark in (spelling.thousands, spelling.decimal) if mark not in (None, form.decimal)]
    found = [repr(mark) for mark in others if any(mark in cell for cell in signed)]
    if spelling.decimal != form.decimal:
        remedies = [f"remove {' and '.join(signs)}"] if signs else []
        return " and ".join([*signs, *found]), [*remedies, f"read the file with {options_of(spelling)}"]
    marks = " and ".join([*signs, *found])
    points = [unsigned(cell) for cell in signed if form.decimal in cell]
    groups = NumberFormat("," if form.decimal == "." else ".", form.decimal).pattern
    doubt = not found and points and all(map(groups.fullmatch, points))
    remark = f" (and {form.decimal!r}, if it is between thousands)" if doubt else ""
    return marks, [f"remove {marks}{remark}"] if marks else []


def options_of(form: NumberFormat) -> str:
    """The options of readers for a spelling of numbers."""
    thousands = f"thousands={form.thousands!r}" if form.thousands else ""
    decimal = f"decimal={form.decimal!r}" if form.decimal != "." or not thousands else ""
    return ", ".join(filter(None, (decimal, thousands)))


def spelled_kinds(cells: list[str | None], form: NumberFormat) -> tuple[NumberFormat, dict[str, str]] | None:
    """The spelling in which most words are numbers, and their kinds as of `kinds_of`; None if there is none.

    Other spellings than `form` are tried if that is the plain one, which nobody may have chosen, and if the
    words that are no numbers have their marks.
    """
    words = list(dict.fromkeys(cell for cell in cells if cell is not None))
    best, least = kinds_of(words, form, form)
    rest = "".join(word for word, kind in best.items() if kind == "")
    spelling, found = form, best if least <= OTHERS * len(words) else {}
    for other in FORMATS[1:] if form == PLAIN else ():
        marks = other.marks + other.decimal.replace(form.decimal, "")
        if least and any(mark in rest for mark in marks):
            kinds, others = kinds_of(words, form, other)
            if others < least and others <= OTHERS * len(words):
                spelling, found, least = other, kinds, others
    alike = len(found) - least < LEAST or set(found.values()) == {"plain"}
    return None if alike or any(map(is_id, found, found.values())) else (spelling, found)


def kinds_of(words: list[str], form: NumberFormat, spelling: NumberFormat) -> tuple[dict[str, str], int]:
    """The kind of each word, and the number of those that are no numbers; it ends if they are too many.

    The kind is "plain" for a number, "signed" for one in another spelling or with signs, or "".
    """
    limit, others, found = OTHERS * len(words), 0, dict[str, str]()
    plain, match = form.pattern.fullmatch, spelling.pattern.fullmatch
    for word in words:
        if match(word):
            found[word] = "plain" if form is spelling or plain(word) else "signed"
            continue
        inner = unsigned(word)
        signed = (inner[:1].isdigit() or inner[:1] == spelling.decimal) and match(inner)
        found[word] = "signed" if signed else ""
        others += not signed
        if others > limit:
            break
    return found, others


def is_id(word: str, kind: str) -> bool:
    """True for a number of a kind that has leading zeros."""
    return bool(_PADDED.match(word)) if kind == "signed" else is_padded(word.strip())


def unsigned(word: str) -> str:
    """A word without blanks around it, its sign, and signs of currency or of percent."""
    word, left = word.strip(), ["+-", _SIGNS]
    while word and (kind := next((one for one in left if word[0] in one), "")):  # "-$5" or "$-5"
        left.remove(kind)
        word = word[1:].lstrip()
    return word[:-1].rstrip() if word.endswith(tuple(_SIGNS)) else word
