"""Parts of the C++ sources for `c_functions`: items at top level, arguments, constants and tables."""

import re
import struct
from collections.abc import Iterator

PAIRS = {"(": ")", "{": "}", "[": "]"}


def closing(text: str, opening: int) -> int:
    """The index of the bracket that closes the one at `opening`."""
    depth, pair = 0, PAIRS[text[opening]]
    for i in range(opening, len(text)):
        depth += (text[i] == text[opening]) - (text[i] == pair)
        if depth == 0:
            return i
    raise ValueError(f"no {pair} closes {text[opening : opening + 40]!r}")


def arguments_of(text: str) -> list[str]:
    """The parts of a text between commas that no bracket encloses."""
    parts, depth = [""], 0
    for one in text:
        depth += (one in "([{") - (one in ")]}")
        if one == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += one
    return [part.strip() for part in parts if part.strip()]


def items(text: str) -> Iterator[tuple[str, str]]:
    """The documentation and the text of each item at top level, without other comments."""
    text = re.sub(r"^(#|SIMDNN_LEVEL).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^// .*\n|^//\n", "", text, flags=re.MULTILINE)
    at = 0
    while found := re.compile(r"\S").search(text, at):
        doc = re.compile(r"(?:///.*\n)*").match(text, found.start())
        assert doc is not None
        start = doc.end()
        brace, semicolon = text.find("{", start), text.find(";", start)
        if brace < 0 and semicolon < 0:
            return
        end = semicolon if brace < 0 or 0 <= semicolon < brace else closing(text, brace)
        yield re.sub(r"^/// ?", "", doc[0], flags=re.MULTILINE).strip(), text[start : end + 1]
        at = end + 1
        if text[at : at + 1] == ";":
            at += 1


def members_of(text: str) -> list[tuple[str, str]]:
    """The type and the names of each line of members of a struct."""
    body = re.sub(r"///[^\n]*", "", text[text.index("{") + 1 : text.rindex("}")])
    lines = [" ".join(line.split()) for line in body.split(";") if line.strip()]
    found = (re.fullmatch(r"(typename \S+|[\w<>]+) (.*)", line) for line in lines)
    return [(one[1], one[2]) for one in found if one]


def constants_of(text: str, doc: str) -> dict[str, tuple[str, str]]:
    """The type and the value of each constant of a struct; a table has its numbers as text."""
    found: dict[str, tuple[str, str]] = {}
    for kind, names in re.findall(r"static constexpr ([\w:]+) ([^;{]*?(?:\{[^}]*\})?);", text):
        for one in arguments_of(re.sub(r"//[^\n]*", "", names)):
            name, _, value = one.partition(" = ")
            if table := re.fullmatch(r"(\w+)\[16\]", name.strip()):
                found[table[1]] = ("table", value.strip(" \n{}"))
            else:
                found[name.strip()] = (kind, value)
    if "powers.less" in text:
        found["less"] = ("table", less_shifted(found["value"][1], int(found["shift"][1])))
    return found


def less_shifted(values: str, shift: int) -> str:
    """The numbers of a table whose bits have their index, shifted, subtracted."""
    words = []
    for i, value in enumerate(arguments_of(values)):
        (bits,) = struct.unpack("<I", struct.pack("<f", float.fromhex(value.rstrip("f"))))
        (less,) = struct.unpack("<f", struct.pack("<I", bits - (i << shift)))
        words.append(f"{float(less).hex()}f")
    return ", ".join(words)


def table_of(name: str, real: str, values: str) -> str:
    """The definition of a table in C."""
    numbers = arguments_of(values)
    lines = [f"  {', '.join(numbers[i : i + 4])}," for i in range(0, len(numbers), 4)]
    return "\n".join([f"static const {real} {name}[{len(numbers)}] = {{", *lines, "};"])
