"""The test at the end of a header: a program that predicts samples, and compares."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._cells import random_rows, rows_in_c, text
from ._header import array
from ._program import Program, literal
from ._samples import SAMPLES, checked_samples, predicted, random_samples
from ._table import Table

#: The tolerance of a model that is not exact, relative to 1 + |y|.
TOLERANCE = 1e-3


def test_program(p: Program, model: Any, exact: bool, table: Table, samples: ArrayLike | None) -> str:
    """The program of the test; it tells how many outputs differ, and fails if one does."""
    x, data, call = inputs(p, model, table, samples)
    y = predicted(model, x)
    outputs = y[0].size
    checks, more = restored(table, y)
    lines = [
        "int main(void) {",
        "  int wrong = 0;",
        *(["  (void)simdnn_predict_row;"] if table.columns is not None and samples is not None else []),
        *(["  simdnn_state state;"] if p.carried else []),
        f"  for (int i = 0; i < {len(x)}; ++i) {{",
        f"    {p.real} found[{outputs}];",
        f"    const {p.real} *const wanted = simdnn_test_y + i * {outputs};",
        *(["    simdnn_reset(&state);"] if p.carried else []),
        f"    if ({call} != 0) return 2;",
        f"    for (int j = 0; j < {outputs}; ++j) wrong += !({agreement(exact)});",
        *checks,
        "  }",
        f'  printf("%d of {y.size} outputs differ\\n", wrong);',
        "  return wrong != 0;",
        "}",
        "#endif",
    ]
    head = "#ifdef SIMDNN_TEST\n#include <stdio.h>"
    return "\n\n".join([head, data, array("simdnn_test_y", y, p.suffix, p.real), *more, "\n".join(lines)])


def inputs(p: Program, model: Any, table: Table, samples: ArrayLike | None) -> tuple[NDArray[Any], str, str]:
    """The samples, their definition in C, and the call that predicts the i-th."""
    if table.columns is not None and samples is None:
        rows = random_rows(table.columns.parts, SAMPLES)
        x = table.columns._inputs(rows, warn=False).astype(model.dtype)
        return x, rows_in_c(table.columns.parts, rows), "simdnn_predict_row(simdnn_test_rows + i, found)"
    x = random_samples(model) if samples is None else checked_samples(model, samples)
    state, steps = "&state, " if p.carried else "", f"{x.shape[1]}, " if x.ndim == 3 else ""
    call = f"simdnn_predict({state}simdnn_test_x + i * {x[0].size}, {steps}found)"
    return x, array("simdnn_test_x", x, p.suffix, p.real), call


def agreement(exact: bool) -> str:
    """The condition that an output is right: equal in every bit, or close."""
    if exact:
        same = "found[j] == wanted[j] && (found[j] != 0 || 1 / found[j] == 1 / wanted[j])"
        return f"({same}) || (found[j] != found[j] && wanted[j] != wanted[j])"
    return f"fabs((double)found[j] - (double)wanted[j]) <= {TOLERANCE} * (1 + fabs((double)wanted[j]))"


def restored(table: Table, y: Any) -> tuple[list[str], list[str]]:
    """Statements that compare the classes, or the numbers in the target's units, and the wanted ones."""
    if table.target is None:
        return [], []
    wanted = table.target.restore(y).tolist()
    if table.target.classes:
        shown = ", ".join(text(one) for one in wanted)
        data = f"#include <string.h>\n\nstatic const char *const simdnn_test_classes[] = {{{shown}}};"
        return ["    wrong += strcmp(simdnn_class(found), simdnn_test_classes[i]) != 0;"], [data]
    shown = ", ".join(literal(one, "") for one in wanted)
    data = f"static const double simdnn_test_values[] = {{{shown}}};"
    condition = "fabs(simdnn_value(wanted) - simdnn_test_values[i]) <= 0"
    return [f"    wrong += !({condition});"], [data]
