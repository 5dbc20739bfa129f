"""Cells of a table's rows in C: their types, their encoding as inputs, and random ones for tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..table._dates import Dates
from ..table._encoders import Categories
from ..table._numbers import Numbers
from ._program import as_given, literal

#: The place of a missing date, which is the least integer of 64 bits.
NO_DATE = np.iinfo(np.int64).min


class Encoded(NamedTuple):
    """A column in C: the type of a cell, functions that it calls, constants, and expressions of its inputs.

    Statements come before the expressions; expressions are `float` or whole numbers.
    """

    kind: str
    functions: set[str]
    constants: list[str]
    statements: list[str]
    positions: list[str]
    inputs: list[str]


def encoded(part: Numbers | Categories | Dates, cell: str, place: int) -> Encoded:
    """The encoding of the cell of a column."""
    if isinstance(part, Categories):
        return encoded_category(part, cell, place)
    if isinstance(part, Dates):
        return encoded_date(part, cell, place)
    return encoded_number(part, cell, place)


def encoded_number(part: Numbers, cell: str, place: int | str) -> Encoded:
    """`Numbers.encode` and `Numbers.position`."""
    scale = "simdnn_bounded" if part.robust else "simdnn_scaled"
    scaled = f"{scale}({cell}, {literal(part.center, '')}, {literal(part.scale, '')})"
    made = Encoded(
        "double ",
        {scale, "simdnn_in_range"},
        [],
        [f"if (!simdnn_in_range({cell}, {scaled})) return -1;"],
        [],
        [f"{cell} != {cell} ? 0 : (float){scaled}", f"{cell} != {cell}"][: 1 + part.missing],
    )
    if part.edges:
        edges = ", ".join(literal(one, "") for one in part.edges)
        made.constants.append(f"static const double simdnn_edges_{place}[] = {{{edges}}};")
        made.functions.add("simdnn_position")
        made.positions.append(f"(float)simdnn_position({cell}, simdnn_edges_{place}, {part.most_bins})")
    return made


def encoded_date(part: Dates, cell: str, place: int) -> Encoded:
    """`Dates.encode` and `Dates.position`; a cell is in microseconds since 1970."""
    made = Encoded("int64_t ", set(), [], [], [], [])
    for key, one in part.numbers:
        name = f"{key}_{place}"
        made.statements.append(f"const double {name} = simdnn_date_{key}({cell});")
        number = encoded_number(one, name, f"{place}_{key}")
        for own, more in zip(made[2:], number[2:], strict=True):
            own += more
        made.functions.update({f"simdnn_date_{key}"}, number.functions)
    if part.missing:
        made.inputs.append(f"{cell} == INT64_MIN")
    return made


def encoded_category(part: Categories, cell: str, place: int) -> Encoded:
    """`Categories.encode`; the words are looked up in a list."""
    words, name = part.spellings(), f"category_{place}"
    functions, constants = {"simdnn_category"}, [word_lists(place, words)]
    lists, sizes = f"simdnn_words_{place}, simdnn_categories_{place}", f"{len(words)}, {len(part.categories)}"
    found = f"simdnn_category({cell}, {lists}, {sizes})"
    if not words:  # C has no empty arrays
        functions, constants, found = set(), [], f"0 * ({cell} != NULL)"
    inputs = [f"{name} == {i}" for i in range(part.size)]
    if part.embedded:
        inputs = [name]
    elif part.binary:
        inputs = [f"{name} == 0 ? -1 : {name} == 1"]
    return Encoded("const char *", functions, constants, [f"const int {name} = {found};"], [], inputs)


def word_lists(place: int, words: dict[str, int]) -> str:
    """The spellings of a column's words, and their categories."""
    shown = ", ".join(text(word) for word in words)
    categories = ", ".join(str(one) for one in words.values())
    return (
        f"static const char *const simdnn_words_{place}[] = {{{shown}}};\n"
        f"static const int simdnn_categories_{place}[] = {{{categories}}};"
    )


def text(word: str) -> str:
    """A string literal of C in UTF-8."""
    plain = set(range(32, 127)) - set(b'"\\?')
    shown = "".join(chr(one) if one in plain else f"\\{one:03o}" for one in word.encode())
    return f'"{as_given(shown)}"'


def random_rows(parts: Any, count: int) -> dict[str, NDArray[Any]]:
    """Random rows of columns for the test of a header."""
    rng, rows = np.random.default_rng(0), dict[str, NDArray[Any]]()
    for part in parts:
        absent = np.arange(count) % 3 == 0
        if isinstance(part, Categories):
            words = np.array([*part.categories, None, None], object)
            rows[part.name] = words[rng.integers(len(part.categories) + 1, size=count)]
        elif isinstance(part, Dates):
            dates = rng.integers(-(2**51), 2**51, size=count)
            rows[part.name] = np.where(part.missing & absent, NO_DATE, dates).view("M8[us]")
        else:
            numbers = part.center + part.scale * rng.standard_normal(count)
            rows[part.name] = np.where(part.missing & absent, np.nan, numbers)
    return rows


def cell_in_c(cell: Any) -> str:
    """A cell of a row as an initializer."""
    if cell is None or isinstance(cell, str):
        return "NULL" if cell is None else text(cell)
    if isinstance(cell, int):
        return "INT64_MIN" if cell == NO_DATE else f"INT64_C({cell})"
    return literal(cell, "")


def rows_in_c(parts: Any, rows: dict[str, NDArray[Any]]) -> str:
    """The definition of an array of rows."""
    columns = [rows[part.name] for part in parts]
    plain = [(one.astype(np.int64) if one.dtype.kind == "M" else one).tolist() for one in columns]
    lines = [f"    {{{', '.join(map(cell_in_c, row))}}}," for row in zip(*plain, strict=True)]
    return "\n".join(["static const simdnn_row simdnn_test_rows[] = {", *lines, "};"])
