"""The C functions that exported models call: those that a model needs, in one precision."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: The definition that a block of C makes, after its comment.
DEFINED = re.compile(
    r"#define (simdnn_\w+)|static const \w+ (simdnn_\w+)\[|static inline [\w ]+? \*?(simdnn_\w+)\("
)
TYPEDEF = re.compile(r"^\} (simdnn_\w+);", re.MULTILINE)
NAME = re.compile(r"\bsimdnn_\w+")

#: fma of a precision and of double: exact, or rounded twice where no hardware has it.
EXACT = {
    "simdnn_fma": "static inline real simdnn_fma(real a, real b, real c) { return FMA(a, b, c); }",
    "simdnn_fma_wide": (
        "static inline double simdnn_fma_wide(double a, double b, double c) { return fma(a, b, c); }"
    ),
}
ROUNDED = {
    "simdnn_fma": "static inline real simdnn_fma(real a, real b, real c) { return a * b + c; }",
    "simdnn_fma_wide": (
        "static inline double simdnn_fma_wide(double a, double b, double c) { return a * b + c; }"
    ),
}


@cache
def blocks(precision: str, exact: bool) -> dict[str, str]:
    """The blocks of C by the name that each defines, in an order in which they compile."""
    folder, found = Path(__file__).parent, dict(EXACT if exact else ROUNDED)
    primitives, loops = [], []
    for text in (folder / "loops.c").read_text().split("\n\n")[1:]:
        (loops if primitives and "simdnn_copy(" in text or loops else primitives).append(text)
    formulas = (folder / f"{precision}.c").read_text().split("\n\n")[1:]
    for text in (*primitives, *formulas, *loops):
        found[name_of(text)] = text.strip("\n")
    bits, fma = ("uint32_t", "fmaf") if precision == "float" else ("uint64_t", "fma")
    words = {"real": precision, "word": bits, "FMA": fma}
    return {name: re.sub(r"\b(real|word|FMA)\b", lambda m: words[m[1]], text) for name, text in found.items()}


def name_of(block: str) -> str:
    """The name that a block defines."""
    found = TYPEDEF.search(block) or DEFINED.search(block)
    assert found is not None
    return next(filter(None, found.groups()))


def needed(names: Iterable[str], precision: str, exact: bool) -> list[str]:
    """The blocks that define these functions and all that they use."""
    known, wanted, found = blocks(precision, exact), list(names), set[str]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += (one for one in NAME.findall(known[name]) if one in known)
    return [block for name, block in known.items() if name in found]
