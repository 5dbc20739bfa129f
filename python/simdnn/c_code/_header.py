"""The text of a header: functions, constants, the prediction and its test."""

from __future__ import annotations

import os
import re
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._utils.files import in_shell
from ._functions import needed
from ._program import HIDDEN, Program, literal
from ._table import Table

#: The place of the file's name, which is no name of the header.
FILE = "\0"


def header(name: str, path: str, p: Program, model: Any, exact: bool, table: Table, test: str) -> str:
    """The header of a program, with the program of its test at the end."""
    parts = [
        opening(p, model, exact),
        *needed(p.functions | table.functions(), p.real, exact),
        *(f"static inline void {one}{text}" for one, text in p.each.items()),
        *(array(one, values, p.suffix, p.real) for one, values in p.constants),
        *stateful(p),
        prediction(p, model),
        *table.parts(p.real),
        test,
        "#endif  // SIMDNN_H",
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    text = re.sub(r"^(#define [^\n]*\n)\n(?=#define )", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"\bsimdnn_(?=\w)", f"{name}_", text).replace("SIMDNN_", f"{name.upper()}_")
    return text.replace(HIDDEN, "").replace(FILE, in_shell(os.path.basename(path)))


def opening(p: Program, model: Any, exact: bool) -> str:
    """The comment at the top, the includes and the sizes."""
    bits = "the bits of Predictor.predict" if exact else "the outputs of Predictor.predict up to rounding"
    steps = ", steps" if model._input.sequence else ""
    state = "state, " if p.carried else ""
    lines = [
        f"// simdnn_predict({state}x{steps}, y): {bits}. Written by simdnn {_core.__version__}.",
        *textwrap.wrap(repr(model), 108, initial_indent="// ", subsequent_indent="//   "),
        "//",
        f"// Test: cc -std=c99 -O2 -ffp-contract=off -DSIMDNN_TEST -x c {FILE} -lm && ./a.out",
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
