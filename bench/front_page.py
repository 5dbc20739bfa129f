"""The README's table: six rows that are copied from `RESULTS.md`, between two comments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from bench.results import Document, read_rows

PATH = Path(__file__).resolve().parent.parent / "README.md"
#: The table between two comments, the first of which names the processor.
MARKED = re.compile(
    r"(?<=<!-- results: )(?P<processor>[^\n]+) -->\n(?P<table>.*?)(?=<!-- end of results -->)", re.S
)


class Line(NamedTuple):
    """A line of the README's table: its label, its source in `RESULTS.md`, and one more peer to show."""

    label: str
    table: str
    row: str
    other: str = ""


LINES = (
    Line("Adam step of 8-64-64-4, batch 32", "train step", "8-64-64-4, batch 32", "JAX scan"),
    Line("Adam step of 784-128-10, batch 64", "train step", "784-128-10, batch 64", "JAX scan"),
    Line("prediction of one sample, 784-128-10", "one sample", "784-128-10", "onnxruntime"),
    Line("sigmoid of 4096 numbers", "elementwise", "sigmoid N=4096", "JAX"),
    Line("Adam update of 1e6 parameters", "optimizer", "adam N=1e6"),
    Line(
        "scikit-learn's MLPClassifier on digits, an epoch",
        "scikit-learn fit",
        "digits, 64, batch 200, float32",
        "scikit-learn",
    ),
)
PEERS = {"simdnn": ("simdnn",), "NumPy": ("NumPy",), "PyTorch": ("PyTorch", "PyTorch fused")}


def make_table(document: Document, processor: str) -> str:
    """The README's table from a processor's section."""
    rows = [
        ["median microseconds", *PEERS, "another library"],
        ["---", *("---:" for _ in range(len(PEERS) + 1))],
    ]
    for line in LINES:
        try:
            cells = read_rows(document.sections[processor].tables[line.table])[line.row]
        except KeyError as error:
            raise LookupError(f"RESULTS.md has no {error} for the README's line {line.label!r}") from None
        shown = ["".join(cells.get(name, "") for name in names) for names in PEERS.values()]
        rows.append([line.label, *shown, f"{line.other} {cells[line.other]}" if line.other else ""])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def update(page: str, document: Document) -> str:
    """The README with its table made from the current results."""

    def replace(found: re.Match[str]) -> str:
        processor = found["processor"]
        return f"{processor} -->\n{make_table(document, processor)}"

    return MARKED.sub(replace, page)


def shown_processor(page: str) -> str:
    """The processor whose results the README shows."""
    found = MARKED.search(page)
    if found is None:
        raise LookupError("README.md has no comment `<!-- results: PROCESSOR -->`")
    return found["processor"]
