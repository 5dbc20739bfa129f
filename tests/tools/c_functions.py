"""``python -m tests.tools.c_functions --write``: the formulas of the kernels as C functions, for `export_c`.

The kernels' formulas are scalar templates in a small part of C++. This program instantiates them for float
and double and writes them as C99: one description of a formula serves the kernels and exported models.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .c_source import arguments_of, closing, constants_of, items, members_of, table_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "python" / "simdnn" / "c_code"
SOURCES = [
    *(f"math/{name}.hpp" for name in ("exp", "elu", "tanh", "gates", "softplus", "normal")),
    *(f"ops/{name}.hpp" for name in ("piecewise", "exponential", "gated")),
    "loops/softmax_terms.hpp",
]
PRECISIONS = ("float", "double")
COMMAND = "python -m tests.tools.c_functions --write"
#: Functions of exported models that are no activations.
ROOTS = ("sigmoid", "tanh", "scaled_exp")
#: Constants of the softmax that `simdnn.c_code` writes out.
CONSTANTS = (
    *(f"MaxShiftConstants_{name}" for name in ("lift", "near", "above")),
    *(f"ExpConstants_{name}" for name in ("bias", "infinity", "ln2_high", "per_ln2", "round")),
)
#: Functions that the fragments of `simdnn.c_code` define by hand.
PRIMITIVES = {"fma", "abs", "copysign", "to_bits", "from_bits"}


@dataclass(frozen=True)
class Function:
    """A C++ function: documentation, template flags with defaults, result, name, parameters, body."""

    doc: str
    flags: dict[str, str]
    result: str
    name: str
    parameters: list[tuple[str, str, str | None]]
    body: str

    def accepts(self, count: int) -> bool:
        """True for a number of arguments with which it can be called."""
        required = sum(default is None for _, _, default in self.parameters)
        return required <= count <= len(self.parameters)


HEAD = re.compile(
    r"(?:template <([^>]*)>\s*)?SIMDNN_INLINE(?:_WITH_FMA)?\s+(?:static )?([\w<>:, ]+?)\s+(\w+)\("
)


def function_of(doc: str, text: str, owner: str = "") -> Function | None:
    """The function that an item defines; None for another item."""
    head = HEAD.match(text)
    if head is None:
        return None
    flags = dict(re.findall(r"bool (\w+)(?: = (\w+))?", head[1] or ""))
    end = closing(text, head.end() - 1)
    parameters = []
    for one in arguments_of(text[head.end() : end]):
        declared, _, default = one.partition(" = ")
        kind, _, name = declared.removeprefix("[[maybe_unused]] ").rpartition(" ")
        parameters.append((kind, name, default or None))
    body = text[text.index("{", end) + 1 : text.rindex("}")]
    return Function(doc, flags, head[2], owner or head[3], parameters, body)


class Translator:
    """The functions of the sources for one precision, translated on demand."""

    def __init__(self, real: str) -> None:
        self.real = real
        bits = 32 if real == "float" else 64
        self.word, self.signed = f"uint{bits}_t", f"int{bits}_t"
        self.functions: dict[str, list[Function]] = {}
        self.constants: dict[str, tuple[str, str]] = {}
        self.structs: dict[str, list[tuple[str, str]]] = {}
        self.operations: dict[str, str] = {}
        self.done: dict[str, str] = {}
        for source in SOURCES:
            for doc, text in items((ROOT / "cpp" / source).read_text()):
                self.read(doc, text)

    def read(self, doc: str, text: str) -> None:
        """Adds an item of a source."""
        other = next(one for one in PRECISIONS if one != self.real)
        if function := function_of(doc, text):
            own = "template" in text or not any(
                re.match(rf"(const )?(\w+<)?{other}", kind) for kind, _, _ in function.parameters
            )
            if own:
                self.functions.setdefault(function.name, []).append(function)
        elif found := re.match(r"(?:template <.*?>\s*)?struct (\w+)(?:<(\w+)>)? \{", text):
            name, kind = found[1], found[2]
            if "Description info" in text:
                self.read_operation(name, text)
            elif "static constexpr" in text:
                if kind in (None, self.real):
                    self.constants |= {
                        f"{name}_{key}": value for key, value in constants_of(text, doc).items()
                    }
            elif kind is None:
                self.structs[name] = members_of(text)

    def read_operation(self, name: str, text: str) -> None:
        """Adds the function f(x) of an activation."""
        registered = re.search(r'\.name = "(\w+)"', text)
        summary = re.search(r'\.formula =\s*"(.*?)",', text, re.DOTALL)
        at = re.search(r"template <class T>\s*SIMDNN_INLINE static T value\(", text)
        assert registered is not None, name
        assert summary is not None, name
        assert at is not None, name
        self.operations[name] = f"{registered[1]}_value"
        end = closing(text, text.index("{", at.end()))
        doc = re.sub(r'"\s*"', "", summary[1])
        made = function_of(doc, text[at.start() : end + 1], self.operations[name])
        assert made is not None
        self.functions[made.name] = [made]

    def type(self, text: str) -> str:
        """The C type of a C++ type."""
        text = re.sub(
            r"typename Bits<\w+>::type|\bWord\b|\bstd::(uint\d+_t)\b", lambda m: m[1] or self.word, text
        )
        text = re.sub(r"typename Bits<\w+>::signed_type|\bSigned\b", self.signed, text)
        text = re.sub(r"Scalar<V>|\b[TV]\b(?![>])", self.real, text)
        text = re.sub(r"\b(\w+)<(?:T|V|float|double)>", self.struct, text)
        return re.sub(r"\bbool\b", "int", text)

    def struct(self, found: re.Match[str]) -> str:
        """The C name of a struct, which is translated."""
        name = f"simdnn_{found[1]}"
        if name not in self.done:
            lines = [f"  {self.type(kind)} {names};" for kind, names in self.structs[found[1]]]
            self.done[name] = "\n".join(["typedef struct {", *lines, f"}} {name};"])
        return name

    def constant(self, name: str) -> str:
        """The C name of a constant, which is translated."""
        made = f"simdnn_{name}"
        if made not in self.done:
            kind, value = self.constants[name]
            if kind == "table":
                self.done[made] = table_of(made, self.real, value)
            else:
                within = re.sub(r"__builtin_huge_valf?\(\)", "INFINITY", value)
                if kind == self.real and re.fullmatch(r"-?\d+(\.\d+)?", within):
                    within = self.literal(within)
                plain = re.fullmatch(r"0x1p-\d+f?|[\w.+]+", within)
                self.done[made] = f"#define {made} {within if plain else f'({within})'}"
        return made

    def literal(self, number: str) -> str:
        """A decimal number as a literal of the precision."""
        return (number if "." in number else f"{number}.0") + ("f" if self.real == "float" else "")

    def cast(self, found: re.Match[str]) -> str:
        """A conversion of a number; a literal where that has no other value."""
        exact = np.float32(found[1]) == float(found[1]) or self.real == "double"
        return self.literal(found[1]) if exact else f"({self.real}){self.literal(found[1])[:-1]}"

    def call(self, name: str, flag: str | None, arguments: list[str]) -> str:
        """A call of a function, which is translated, with the defaults of missing arguments."""
        if name in PRIMITIVES:
            return f"simdnn_{name}({', '.join(arguments)})"
        several = self.functions[name]
        (function,) = (one for one in several if one.accepts(len(arguments)))
        rest = [default for _, _, default in function.parameters[len(arguments) :] if default]
        chosen = {key: flag or default for key, default in function.flags.items()}
        made = f"simdnn_{name}" + (str(len(function.parameters)) if len(several) > 1 else "")
        made += "".join(f"_not_{key[1:].lower()}" for key, value in chosen.items() if value == "false")
        if made not in self.done:
            self.define(made, function, chosen)
        return f"{made}({', '.join([*arguments, *(self.expression(one, {}) for one in rest)])})"

    def define(self, made: str, function: Function, flags: dict[str, str]) -> None:
        """Translates a function; raises for one that is no longer in the part of C++ that is known here."""
        body = function.body
        for key, value in flags.items():
            either = rf"\b{key} \? (\w+\([^()]*\)) : (\w+\([^()]*\))"
            body = re.sub(either, r"\1" if value == "true" else r"\2", body)
        body = self.branches(body)
        aliases = dict(re.findall(r"using (\w+) = (\w+)<.*?>;", body))
        body = re.sub(r"\s*using \w+ = [^;]*;", "", body)
        if made.endswith("_value"):  # a member of a struct, which is indented
            body = body.replace("\n  ", "\n")
        result = self.type(function.result)
        body = re.sub(r"return \{(.*?)\};", rf"return ({result}){{\1}};", body, flags=re.DOTALL)
        body = self.expression(body, aliases)
        if rest := re.search(r"::|\b(?:auto|typename|constexpr|template|if constexpr)\b|\w<\w+>", body):
            raise ValueError(f"{function.name}: {rest[0]!r} has no translation yet")
        parameters = ", ".join(f"{self.type(kind)} {name}" for kind, name, _ in function.parameters)
        comment = "".join(f"// {line}\n" for line in function.doc.split("\n") if line)
        self.done[made] = f"{comment}static inline {result} {made}({parameters}) {{{body}}}"

    def branches(self, body: str) -> str:
        """A body with the branch of its precision alone."""
        while found := re.search(r"if constexpr \((!?)kIsF32<\w+>\) \{", body):
            end = closing(body, found.end() - 1)
            yes, rest, no = body[found.end() : end], body[end + 1 :], ""
            if rest.startswith(" else {"):
                beyond = closing(rest, 6)
                no, rest = rest[7:beyond], rest[beyond + 1 :]
            taken = yes if (self.real == "float") != bool(found[1]) else no
            body = body[: found.start()].rstrip() + re.sub(r"\n {4}", "\n  ", taken.rstrip()) + rest
        return body

    def expression(self, text: str, aliases: dict[str, str]) -> str:
        """C of an expression or of statements."""
        for alias, target in aliases.items():
            text = re.sub(rf"\b{alias}::(\w+)", rf"{target}<T>::\1", text)
        for pattern, replacement in self.rewrites():
            text = re.sub(pattern, replacement, text)
        return self.calls(self.type(text))

    def rewrites(self) -> list[tuple[str, Any]]:
        """Patterns of C++ and their forms in C, in the order in which they are replaced."""
        return [
            (r"[ \t]*//[^\n]*", ""),
            (r"\bSixteenths::(?:powers\.)?(\w+)", lambda m: self.constant(f"Sixteenths_{m[1]}")),
            (r"\b(\w+Constants)<\w+>::(\w+)", lambda m: self.constant(f"{m[1]}_{m[2]}")),
            (r"\b(\w+)::value\(", lambda m: f"{self.operations[m[1]]}("),
            (r"__builtin_bit_cast\(Signed, ", f"({self.signed})to_bits("),
            (r"__builtin_bit_cast\(T, |\bfrom_bits<\w+>\(", "from_bits("),
            (
                r"\bauto (\w+) = (\(u?int\w+\)|typename|\w+)",
                lambda m: f"{self.deduced(m[2])} {m[1]} = {m[2]}",
            ),
            (r"V\(Scalar<V>\(0\)\)", "T(0)"),
            # Some versions of Clang take x < 0 ? -0.0 : x for x <= 0 ? -0.0 : x.
            (r"\bx < 0 \? T\(-0\.0\) : x\b", "x < 0 ? copysign(0, x) : x"),
            (r"\b[TV]\((-?\d+(?:\.\d+)?)\)", self.cast),
            (r"\b(?:typename Bits<\w+>::type|Word)\((\d+)\)", rf"({self.word})\1"),
            (r"\b(near|far)\b", r"\1_value"),  # macros of some compilers
            (r"\bconstexpr ", "const "),
        ]

    def deduced(self, first: str) -> str:
        """The type of an expression that begins with this cast or function."""
        if first.startswith("("):
            return first[1:-1]
        return self.word if first in ("to_bits", "typename") else self.functions[first][0].result

    def calls(self, text: str) -> str:
        """A text whose calls are those of C functions."""
        found = re.compile(r"(?<![\w.])([a-z]\w*)(?:<(true|false)>)?\(")
        made, at = "", 0
        while one := found.search(text, at):
            name = one[1]
            if name not in self.functions and name not in PRIMITIVES:
                made, at = made + text[at : one.end()], one.end()
                continue
            end = closing(text, one.end() - 1)
            inner = [self.calls(each) for each in arguments_of(text[one.end() : end])]
            made += text[at : one.start()] + self.call(name, one[2], inner)
            at = end + 1
        return made + text[at:]

    def text(self) -> str:
        """All functions that exported models may need, each after those that it calls."""
        for name in CONSTANTS:
            self.constant(name)
        for name in (*ROOTS, *self.operations.values()):
            parameters = [name for _, name, default in self.functions[name][0].parameters if default is None]
            self.call(name, None, parameters)
        blocks = [f"// Written by `{COMMAND}` from cpp/math/ and cpp/ops/.", *self.done.values()]
        return "\n\n".join(blocks) + "\n"


def main() -> int:
    """Writes the files, or says which are out of date."""
    parser = argparse.ArgumentParser(prog=COMMAND.removesuffix(" --write"), description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    write, stale = parser.parse_args().write, []
    for precision in PRECISIONS:
        path, text = FOLDER / f"{precision}.c", Translator(precision).text()
        if write:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        print(f"out of date: {', '.join(stale)}; run `{COMMAND}`")
    return len(stale)


if __name__ == "__main__":
    sys.exit(main())
