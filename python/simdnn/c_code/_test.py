"""The test at the end of a header: a program that predicts samples, and compares."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from ._header import array
from ._program import Program, literal
from ._samples import SAMPLES, checked_samples, predicted, random_samples
from ._table import Table, random_rows, rows_in_c, text

#: The tolerance of a model that is not exact, relative to 1 + |y|.
TOLERANCE = 1e-3


def test_program(p: Program, model: Any, exact: bool, table: Table, samples: ArrayLike | None) -> str:
    """The program of the test; it tells how many outputs differ, and fails if one does."""
    rows = None if table.columns is None or samples is not None else random_rows(table.columns, SAMPLES)
    if rows is not None and table.columns is not None:
        x = table.columns._inputs(rows, warn=False).astype(model.dtype)
    else:
        x = random_samples(model) if samples is None else checked_samples(model, samples)
    y = predicted(model, x)
    outputs, given = y[0].size, x[0].size
    data = [array("simdnn_test_y", y, p.suffix, p.real)]
    if rows is not None and table.columns is not None:
        data.append(rows_in_c(table.columns, rows))
        call = "simdnn_predict_row(simdnn_test_rows + i, found)"
    else:
        data.append(array("simdnn_test_x", x, p.suffix, p.real))
        steps = f"{x.shape[1]}, " if x.ndim == 3 else ""
        call = f"simdnn_predict({'&state, ' if p.carried else ''}simdnn_test_x + i * {given}, {steps}found)"
    checks, more = restored(table, y)
    lines = [
        "int main(void) {",
        "  int wrong = 0;",
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
    ]
    head = "#ifdef SIMDNN_TEST\n#include <stdio.h>"
    return "\n\n".join([head, *data, *more, "\n".join(lines) + "\n#endif"])


def agreement(exact: bool) -> str:
    """The condition that an output is right: equal in every bit, or close."""
    if exact:
        return "found[j] == wanted[j] && (found[j] != 0 || 1 / found[j] == 1 / wanted[j])"
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
