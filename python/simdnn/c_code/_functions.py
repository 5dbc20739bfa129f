"""The C functions that exported models call: those that a model needs, in one precision."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: The definition that a block of C makes, after its comment.
DEFINED = re.compile(
    r"^\} (simdnn_\w+);|^#define (simdnn_\w+)|^static const \w+ (simdnn_\w+)\["
    r"|^static inline [\w ]+? (simdnn_\w+)\(",
    re.MULTILINE,
)
NAME = re.compile(r"\bsimdnn_\w+")

#: A root for compilers whose double may have 32 bits, by Newton's method.
NEWTON = """// The square root of a number above 0, up to rounding.
static inline double simdnn_sqrt(double x) {
  double root = x > 1 ? x : 1, next = (root + x / root) / 2;
  while (next < root) {
    root = next;
    next = (root + x / root) / 2;
  }
  return root;
}"""
#: a b + c, exact before one rounding, or rounded twice.
FUSED = {True: "{fma}(a, b, c)", False: "a * b + c"}
FMA = "static inline {real} simdnn_fma{ending}({real} a, {real} b, {real} c) {{ return {value}; }}"


@cache
def blocks(precision: str, exact: bool) -> dict[str, str]:
    """The blocks of C by the name that each defines, in an order in which they compile."""
    single = precision == "float"
    kinds = (("", precision, "fmaf" if single else "fma"), ("_wide", "double", "fma"))
    texts = [
        FMA.format(ending=ending, real=real, value=FUSED[exact].format(fma=fma))
        for ending, real, fma in kinds
    ]
    for name in ("bits", precision, "loops"):
        texts += (Path(__file__).parent / f"{name}.c").read_text().rstrip().split("\n\n")[1:]
    words = {"REAL": precision, "WORD": "uint32_t" if single else "uint64_t"}
    texts = [re.sub(r"\b(REAL|WORD)\b", lambda m: words[m[1]], text) for text in texts]
    found = {name_of(text): text for text in texts}
    return found if exact else found | {name_of(NEWTON): NEWTON}


def name_of(block: str) -> str:
    """The name that a block defines."""
    found = DEFINED.search(block)
    assert found is not None
    return str(found[found.lastindex or 0])


def needed(names: Iterable[str], precision: str, exact: bool) -> list[str]:
    """The blocks that define these functions and all that they use."""
    known, wanted, found = blocks(precision, exact), list(names), set[str]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += (one for one in NAME.findall(known[name]) if one in known)
    return [block for name, block in known.items() if name in found]
