"""Rows of a table in C: a struct, its prediction, and the class or number that outputs stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .. import nn
from ..table import check_match
from ._cells import Encoded, encoded, text
from ._program import as_given, literal

if TYPE_CHECKING:
    from ..table import Columns, Target

#: Words of C and C++, and macros of their libraries and of GNU compilers, that cannot be names.
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
        char32_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
        constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
        false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
        operator or or_eq private protected public register reinterpret_cast requires restrict return short
        signed sizeof static static_assert static_cast struct switch template this thread_local throw true
        try typedef typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t
        while xor xor_eq
        EDOM EOF ERANGE HUGE_VAL INFINITY M_E M_PI NAN NULL SIZE_MAX errno stderr stdin stdout
        i386 linux unix""",
    )
)


class Table(NamedTuple):
    """The columns and the target to include; None for those that are not."""

    columns: Columns | None
    target: Target | None

    def check(self, model: nn.Sequential | nn.Predictor | nn.Ensemble) -> None:
        """Raises if columns or target do not fit the model."""
        check_match(self.columns, self.target, model.in_features, model.out_features)
        if self.columns is not None:
            if model._input.sequence:
                raise ValueError("columns: expected a model without sequences")
            fields(self.columns)

    def functions(self) -> set[str]:
        """The names of the functions that the parts call."""
        found = {"simdnn_winner"} if self.target is not None and self.target.classes else set()
        return found.union(*(one.functions for one in self.encoded()))

    def encoded(self) -> list[Encoded]:
        """The columns in C."""
        if self.columns is None:
            return []
        names = fields(self.columns)
        return [encoded(part, f"row->{names[part.name]}", i) for i, part in enumerate(self.columns.parts)]

    def parts(self, real: str) -> list[str]:
        """The struct of a row with its functions, and that of outputs."""
        found = [] if self.columns is None else row_parts(self.columns, self.encoded(), real)
        return found if self.target is None else found + target_parts(self.target, real)


def fields(columns: Columns) -> dict[str, str]:
    """The name in C of each column."""
    found: dict[str, str] = {}
    for name in columns.names:
        made = re.sub(r"\W", "_", name, flags=re.ASCII)
        made = made if re.match("[A-Za-z]", made) and made not in KEYWORDS else f"column_{made}"
        if other := next((one for one, known in found.items() if known == made), None):
            raise ValueError(f"columns: {other!r} and {name!r} have one name in C, {made}")
        found[name] = made
    return {name: as_given(made) for name, made in found.items()}


def row_parts(columns: Columns, cells: list[Encoded], real: str) -> list[str]:
    """The struct of a row, the constants, and the functions that encode and predict a row."""
    members = [f"  {cell.kind}{name};" for cell, name in zip(cells, fields(columns).values(), strict=True)]
    inputs = [one for cell in cells for one in cell.positions] + [
        one for cell in cells for one in cell.inputs
    ]
    encode = [
        "// The network's inputs for a row; returns 0, or -1 if a number is out of range.",
        f"static inline int simdnn_encode(const simdnn_row *row, {real} *x) {{",
        *(f"  {line}" for cell in cells for line in cell.statements),
        *(f"  x[{i}] = {one};" for i, one in enumerate(inputs)),
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
    comment = "// The cells of a row. Dates are microseconds since 1970; NaN, NULL and INT64_MIN are missing."
    return [
        "\n".join([comment, "typedef struct {", *members, "} simdnn_row;"]),
        *(one for cell in cells for one in cell.constants),
        "\n".join(encode),
        "\n".join(predict),
    ]


def target_parts(target: Target, real: str) -> list[str]:
    """The function of outputs that gives the class, or the number in the target's units."""
    if not target.classes:
        lines = [f"  double value = (double)y[0] * {literal(target.scale, '')} + {literal(target.mean, '')};"]
        if target.seen:
            low, high = (literal(one, "") for one in target.seen)
            lines += [
                f"  value = value < {low} ? {low} : value;",
                f"  value = value > {high} ? {high} : value;",
            ]
        head = f"static inline double simdnn_value(const {real} *y) {{"
        return ["\n".join(["// The number in the target's units.", head, *lines, "  return value;", "}"])]
    names = ", ".join(text(one) for one in target.classes)
    return [
        f"static const char *const simdnn_classes[SIMDNN_OUTPUTS] = {{{names}}};",
        "// The name of the most probable class.\n"
        f"static inline const char *simdnn_class(const {real} *y) {{"
        " return simdnn_classes[simdnn_winner(y, SIMDNN_OUTPUTS)]; }",
    ]
