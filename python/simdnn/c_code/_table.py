"""Rows of a table in C: the encoding of their cells, and the class or number that outputs stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import nn
from ..table._cells import MISSING
from ..table._encoders import Categories, Numbers
from ._program import literal

if TYPE_CHECKING:
    from ..table import Columns, Target

#: Words of C that cannot be names.
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """auto break case char const continue default do double else enum extern float for goto if inline int
        long register restrict return short signed sizeof static struct switch typedef union unsigned void
        volatile while""",
    )
)


class Table(NamedTuple):
    """The columns and the target to include; None for those that are not."""

    columns: Columns | None
    target: Target | None

    def check(self, model: nn.Sequential | nn.Predictor | nn.Ensemble) -> None:
        """Raises a ValueError if columns or target do not fit the model."""
        if self.columns is not None:
            if model._input.sequence:
                raise ValueError("columns: expected a model without sequences")
            if len(self.columns.features) != model.in_features:
                raise ValueError(
                    f"columns: expected {model.in_features} features, got {len(self.columns.features)}"
                )
            fields(self.columns)
        if self.target is not None and self.target.outputs != model.out_features:
            raise ValueError(f"target: expected {model.out_features} outputs, got {self.target.outputs}")

    def functions(self) -> set[str]:
        """The names of the functions that the parts call."""
        found = {"simdnn_winner"} if self.target is not None and self.target.classes else set()
        for part in self.columns.parts if self.columns else ():
            numbers = isinstance(part, Numbers)
            found |= {"simdnn_in_range", "simdnn_scaled"} if numbers else {"simdnn_category"}
        return found

    def parts(self, real: str) -> list[str]:
        """The struct of a row with its functions, and that of outputs."""
        found = [] if self.columns is None else row_parts(self.columns, real)
        if self.target is not None:
            found += target_parts(self.target, real)
        return found


def words_of(part: Categories) -> dict[str, int]:
    """The category of each spelling of a column's words; all spellings of a missing cell are one category."""
    spelled: dict[str, int] = {}
    for i, one in enumerate(part.categories):
        if one is None:
            spelled |= dict.fromkeys(MISSING, i)
            continue
        forms = dict.fromkeys((one, f"{one}.0", one.lower(), one.upper(), one.capitalize()))
        spelled |= {form: i for form in forms if part.places.place(form) == i}
    return spelled


def fields(columns: Columns) -> dict[str, str]:
    """The name in C of each column."""
    found: dict[str, str] = {}
    for name in columns.names:
        made = re.sub(r"\W", "_", name, flags=re.ASCII)
        made = made if re.match("[A-Za-z]", made) and made not in KEYWORDS else f"column_{made}"
        if other := next((one for one, known in found.items() if known == made), None):
            raise ValueError(f"columns: {other!r} and {name!r} have one name in C, {made}")
        found[name] = made
    return found


def text(word: str) -> str:
    """A string literal of C in UTF-8."""
    plain = set(range(32, 127)) - set(b'"\\?')
    shown = "".join(chr(one) if one in plain else f"\\{one:03o}" for one in word.encode())
    shown = re.sub("(?i)(simdnn)_", r"\1\\137", shown)  # the prefix of the header's names stays out
    return f'"{shown}"'


def row_parts(columns: Columns, real: str) -> list[str]:
    """The struct of a row, the lists of words, and the functions that encode and predict a row."""
    names, lists, lines, at = fields(columns), [], [], 0
    members = ["// The cells of a row; NaN and NULL are missing.", "typedef struct {"]
    for place, part in enumerate(columns.parts):
        cell = f"row->{names[part.name]}"
        if isinstance(part, Categories):
            members.append(f"  const char *{names[part.name]};")
            lists.append(word_lists(place, words_of(part)))
            lines += category_lines(part, place, cell, real, at)
        else:
            members.append(f"  double {names[part.name]};")
            lines += number_lines(part, cell, at)
        at += len(part.features)
    encode = [
        "// The network's inputs for a row; returns 0, or -1 if a number is out of range.",
        f"static inline int simdnn_encode(const simdnn_row *row, {real} *x) {{",
        *(f"  {line}" for line in lines),
        "  return 0;",
        "}",
    ]
    predict = [
        "// Predicts a row; returns 0, or -1 if a number is out of range or an embedding has no entry.",
        f"static inline int simdnn_predict_row(const simdnn_row *row, {real} *y) {{",
        f"  {real} x[SIMDNN_INPUTS];",
        "  return simdnn_encode(row, x) != 0 ? -1 : simdnn_predict(x, y);",
        "}",
    ]
    return ["\n".join([*members, "} simdnn_row;"]), *lists, "\n".join(encode), "\n".join(predict)]


def number_lines(part: Numbers, cell: str, at: int) -> list[str]:
    """Statements of `Numbers.encode`, for inputs from `at` on."""
    scaling = f"{cell}, {literal(part.mean, '')}, {literal(part.scale, '')}"
    lines = [f"if (!simdnn_in_range({scaling})) return -1;", f"x[{at}] = simdnn_scaled({scaling});"]
    return [*lines, f"x[{at + 1}] = {cell} != {cell};"] if part.missing else lines


def category_lines(part: Categories, place: int, cell: str, real: str, at: int) -> list[str]:
    """Statements of `Categories.encode`, for inputs from `at` on."""
    lists = f"simdnn_words_{place}, simdnn_categories_{place}"
    sizes = f"{len(words_of(part))}, {len(part.categories)}"
    found = f"simdnn_category({cell}, {lists}, {sizes})"
    if part.embedded:
        return [f"x[{at}] = ({real}){found};"]
    loop = f"for (int i = 0; i < {part.size}; ++i) x[{at} + i] = category_{place} == i;"
    return [f"const int category_{place} = {found};", loop]


def word_lists(place: int, words: dict[str, int]) -> str:
    """The spellings of a column's words, and their categories."""
    shown = ", ".join(text(word) for word in words)
    categories = ", ".join(str(one) for one in words.values())
    return (
        f"static const char *const simdnn_words_{place}[] = {{{shown}}};\n"
        f"static const int simdnn_categories_{place}[] = {{{categories}}};"
    )


def target_parts(target: Target, real: str) -> list[str]:
    """The function of outputs that gives the class, or the number in the target's units."""
    if not target.classes:
        value = f"(double)y[0] * {literal(target.scale, '')} + {literal(target.mean, '')}"
        return [
            "// The number in the target's units.\n"
            f"static inline double simdnn_value(const {real} *y) {{ return {value}; }}"
        ]
    names = ", ".join(text(one) for one in target.classes)
    return [
        f"static const char *const simdnn_classes[SIMDNN_OUTPUTS] = {{{names}}};",
        "// The name of the most probable class.\n"
        f"static inline const char *simdnn_class(const {real} *y) {{"
        " return simdnn_classes[simdnn_winner(y, SIMDNN_OUTPUTS)]; }",
    ]


def random_rows(columns: Columns, count: int) -> dict[str, NDArray[Any]]:
    """Random rows for the test of a header."""
    rng, rows = np.random.default_rng(0), dict[str, NDArray[Any]]()
    for part in columns.parts:
        if isinstance(part, Categories):
            chosen = rng.integers(len(part.categories), size=count)
            rows[part.name] = np.array([*part.categories, None], object)[chosen]
        else:
            numbers = part.mean + part.scale * rng.standard_normal(count)
            rows[part.name] = np.where(part.missing & (np.arange(count) % 3 == 0), np.nan, numbers)
    return rows


def cell_in_c(cell: Any) -> str:
    """A cell of a row as an initializer."""
    return "NULL" if cell is None else text(cell) if isinstance(cell, str) else literal(cell, "")


def rows_in_c(columns: Columns, rows: dict[str, NDArray[Any]]) -> str:
    """The definition of an array of rows."""
    cells = zip(*(rows[part.name].tolist() for part in columns.parts), strict=True)
    lines = [f"    {{{', '.join(map(cell_in_c, row))}}}," for row in cells]
    return "\n".join(["static const simdnn_row simdnn_test_rows[] = {", *lines, "};"])
