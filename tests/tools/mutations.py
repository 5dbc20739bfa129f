"""Mutations of C++ sources: one operator or constant that is changed."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

#: Comments, strings and characters, which no mutation touches.
MASKED = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)
#: Lines without arithmetic of their own, and lines whose numbers decide speed alone.
SKIPPED = re.compile(
    r"^\s*(?:#|template\b|using\b|static_assert|SIMDNN_|\.(?:cost|\w+_ulp|example\w*|source)\b)"
    r"|template <|work|[Ff]lop|[Gg]rain|Nanoseconds|prefetch|reserve|cost|[Ll]anguage|operator"
)
#: Operators between spaces, and their replacements.
SWAPPED = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "&&": "||",
    "||": "&&",
    "+=": "-=",
    "-=": "+=",
    "*=": "/=",
}
WORDS = {"true": "false", "false": "true", "min": "max", "max": "min"}
#: An operator between spaces; a word; a number in hexadecimal or in decimal digits.
SITE = re.compile(
    r"(?<= )(?P<operator>[-+*/<>]=?|[!=]=|&&|\|\|)(?= )"
    r"|\b(?P<word>true|false|min|max)\b"
    r"|(?<![\w.])(?P<hex>0x[0-9a-f.]+p)(?P<power>[+-]?\d+)(?P<end>f?)\b"
    r"|(?<![\w.])(?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)(?P<suffix>f?)(?![\w.])"
)


class Mutation(NamedTuple):
    """A change of one line of a file, which is named by its path in the tree."""

    path: str
    number: int
    line: str
    mutated: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.line.strip()}  ->  {self.mutated.strip()}"

    def apply(self, tree: Path) -> None:
        """Writes the changed file below a tree."""
        lines = (tree / self.path).read_text(encoding="utf-8").split("\n")
        assert lines[self.number - 1] == self.line, f"{self.path} is another file"
        lines[self.number - 1] = self.mutated
        (tree / self.path).write_text("\n".join(lines), encoding="utf-8")


def replacement(found: re.Match[str]) -> str:
    """The text in the place of a site: another operator or word, twice a float, an integer and one."""
    if found["operator"]:
        return SWAPPED.get(found["operator"], "")
    if found["word"]:
        return WORDS[found["word"]]
    if found["hex"]:
        return f"{found['hex']}{int(found['power']) + 1}{found['end']}"
    if re.fullmatch(r"\d+", found["number"]) and not found["suffix"]:
        return str(int(found["number"]) + 1)
    return f"{float(found['number']) * 2 or 1.0}{found['suffix']}"


def masked(text: str) -> str:
    """The text with spaces in place of its comments and strings."""
    return MASKED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def mutations(tree: Path, path: str) -> Iterator[Mutation]:
    """All mutations of a file."""
    text = (tree / path).read_text(encoding="utf-8")
    for number, (line, code) in enumerate(zip(text.split("\n"), masked(text).split("\n"), strict=True), 1):
        if SKIPPED.search(code):
            continue
        for found in SITE.finditer(code):
            if changed := replacement(found):
                yield Mutation(path, number, line, line[: found.start()] + changed + line[found.end() :])


def in_turn(tree: Path, paths: list[str], seed: int) -> Iterator[Mutation]:
    """Mutations in a random order that takes one of each file, then another of each."""
    chance = random.Random(seed)
    shuffled: Callable[[list[Mutation]], list[Mutation]] = lambda found: chance.sample(found, len(found))  # noqa: E731
    queues = [shuffled(list(mutations(tree, path))) for path in paths]
    while queues := [queue for queue in queues if queue]:
        chance.shuffle(queues)
        for queue in queues:
            yield queue.pop()
