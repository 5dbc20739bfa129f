"""The text of a header: functions, constants, the prediction and its test."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ._functions import needed
from ._program import Program, literal
from ._table import Table

#: The tolerance of the test of a model that is not exact, relative to 1 + |y|.
TOLERANCE = 1e-3


def header(
    name: str, p: Program, model: Any, exact: bool, table: Table, x: NDArray[Any], y: NDArray[Any]
) -> str:
    """The header of a program; x are samples and y their predictions."""
    parts = [
        opening(name, p, model, exact),
        *needed(p.functions | {"simdnn_copy"}, p.real, exact),
        *(f"static inline void {one}{text}" for one, text in p.each.items()),
        *(array(one, values, p.suffix, p.real) for one, values in p.constants),
        *stateful(p),
        prediction(p, model),
        *table.parts(p.real),
        test(name, p, x, y, exact),
        f"#endif  // {name.upper()}_H",
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return re.sub(r"\bsimdnn_(?=\w)", f"{name}_", text).replace("SIMDNN_", f"{name.upper()}_")


def opening(name: str, p: Program, model: Any, exact: bool) -> str:
    """The comment at the top, the includes and the sizes."""
    bits = "the bits of Predictor.predict" if exact else "the outputs of Predictor.predict up to rounding"
    steps = ", steps" if model._input.sequence else ""
    state = "state, " if p.carried else ""
    lines = [
        f"// {name}_predict({state}x{steps}, y): {bits}. Written by simdnn {_core.__version__}.",
        "//",
        f"// Test: cc -std=c99 -O2 -ffp-contract=off -D{name.upper()}_TEST -x c {name}.h -lm && ./a.out",
        "#ifndef SIMDNN_H",
        "#define SIMDNN_H",
        "",
        "#include <float.h>",
        "#include <math.h>",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
    ]
    if exact:
        lines += [
            "#if FLT_EVAL_METHOD != 0",
            '#error "expected a processor that rounds every operation to its type"',
            "#endif",
        ]
    lines += [
        "#ifdef __clang__",
        "#pragma STDC FP_CONTRACT OFF",
        "#endif",
        "",
        f"#define SIMDNN_INPUTS {model.in_features}",
        f"#define SIMDNN_OUTPUTS {model.out_features}",
    ]
    return "\n".join(lines)


def array(name: str, values: NDArray[Any], suffix: str, kind: str) -> str:
    """The definition of a constant array."""
    numbers = [literal(float(one), suffix) for one in values.ravel()]
    lines = [f"    {', '.join(numbers[i : i + 6])}," for i in range(0, len(numbers), 6)]
    return "\n".join([f"static const {kind} {name}[{len(numbers)}] = {{", *lines, "};"])


def stateful(p: Program) -> list[str]:
    """The state that a caller keeps from one prediction to the next, and its initial values."""
    if not p.carried:
        return []
    count = sum(one.size for one in p.carried)
    reset = [f"  {line}" for line in initial(p.carried, "state->value")]
    comment = "// The state of the layers that begin where the prediction before has ended."
    return [
        "\n".join([comment, "typedef struct {", f"  {p.real} value[{count}];", "} simdnn_state;"]),
        "\n".join(["static inline void simdnn_reset(simdnn_state *state) {", *reset, "}"]),
    ]


def initial(states: list[NDArray[Any]], address: str) -> list[str]:
    """Statements that write the initial states."""
    values = np.concatenate(states) if states else np.zeros(0)
    if not values.size:
        return []
    if not values.any():
        return [f"for (int i = 0; i < {values.size}; ++i) {address}[i] = 0;"]
    suffix = "f" if values.dtype == np.float32 else ""
    kind = "float" if suffix else "double"
    lines = array("initial", values, suffix, kind).split("\n")
    return [*lines, f"for (int i = 0; i < {values.size}; ++i) {address}[i] = initial[i];"]


def prediction(p: Program, model: Any) -> str:
    """The function that predicts one sample, or the time steps of one sequence."""
    sequence = model._input.sequence
    state = "simdnn_state *state, " if p.carried else ""
    steps = "int steps, " if sequence else ""
    lines = [f"static inline int simdnn_predict({state}const {p.real} *x, {steps}{p.real} *y) {{"]
    if p.memory.size:
        lines.append(f"  {p.real} work[{p.memory.size}];")
    if count := sum(one.size for one in p.states):
        lines.append(f"  {p.real} states[{count}];")
    if p.sums:
        lines.append(f"  double sums[{p.sums}];")
    lines += [f"  {line}" for line in initial(p.states, "states")]
    if sequence:
        lines += ["  if (steps < 1) return -1;", "  for (int t = 0; t < steps; ++t) {"]
        lines.append(f"    const {p.real} *const row = x + (size_t)t * SIMDNN_INPUTS;")
        lines += [f"    {line}" for line in p.steps]
        lines.append("  }")
    lines += [f"  {line}" for line in p.end]
    comment = {
        False: "// Predicts one sample; returns 0, or -1 if an input selects no entry of an embedding.",
        True: "// Predicts the steps of one sequence; returns 0, or -1 if there is none, or one is no index.",
    }[sequence]
    return "\n".join([comment, *lines, "  return 0;", "}"])


def test(name: str, p: Program, x: NDArray[Any], y: NDArray[Any], exact: bool) -> str:
    """A program that compares predictions of samples."""
    samples, steps = x.shape[0], ""
    if x.ndim == 3:
        steps = f"{x.shape[1]}, "
    given, wanted = x[0].size, y[0].size
    differs = (
        "found[j] == wanted[j] && (found[j] != 0 || 1 / found[j] == 1 / wanted[j])"
        if exact
        else f"fabs((double)found[j] - (double)wanted[j]) <= {TOLERANCE} * (1 + fabs((double)wanted[j]))"
    )
    lines = [
        "#ifdef SIMDNN_TEST",
        "#include <stdio.h>",
        "",
        array("simdnn_test_x", x, p.suffix, p.real),
        "",
        array("simdnn_test_y", y, p.suffix, p.real),
        "",
        "int main(void) {",
        "  int wrong = 0;",
        *(["  simdnn_state state;"] if p.carried else []),
        f"  for (int i = 0; i < {samples}; ++i) {{",
        f"    {p.real} found[{wanted}];",
        f"    const {p.real} *const wanted = simdnn_test_y + i * {wanted};",
        *(["    simdnn_reset(&state);"] if p.carried else []),
        f"    if (simdnn_predict({'&state, ' if p.carried else ''}simdnn_test_x + i * {given}, {steps}found) != 0) return 2;",
        f"    for (int j = 0; j < {wanted}; ++j) wrong += !({differs});",
        "  }",
        f'  printf("{name}: %d of {samples * wanted} outputs differ\\n", wrong);',
        "  return wrong != 0;",
        "}",
        "#endif",
    ]
    return "\n".join(lines)
