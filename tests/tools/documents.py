"""Generated parts of ACCURACY.md: the tables of accuracy.json, and the tables of special.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

PAGE = Path(__file__).resolve().parents[2] / "ACCURACY.md"
HEADS = ["function", "f: max ULP", "at x", "f': max ULP", "at x", "f' near its root: eps", "inputs (levels)"]


def with_section(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with the lines between ``<!-- name -->`` and ``<!-- end of name -->`` replaced."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return "".join([before, begin, "\n", "\n".join(lines), "\n\n", end, after])


def write_section(name: str, lines: Sequence[str]) -> None:
    """Replaces a section of the page."""
    PAGE.write_text(with_section(PAGE.read_text(), name, lines))
    print(f"wrote the section {name!r} of {PAGE.name}")


def cells(row: Row | None) -> str:
    """Two table cells: the largest error, and the input at which it occurs."""
    if not row or max(row["normal"], row["subnormal"]) <= 0.5:
        return "at most 0.5 |" if row else "|"
    return f"{row['normal']:.4f} | {row['normal_x']}"


def swept(row: Row) -> str:
    """Text about the number of inputs, and the ISA levels that agree on them or on some of their chunks."""
    step = f"step {row['step']:,}; " if row["step"] > 1 else ""
    whole = ", ".join(level for level, every in row["levels"].items() if every == 1)
    parts = [f"{level} one chunk in {every}" for level, every in row["levels"].items() if every > 1]
    return f"{row['inputs']:,} ({step}{'; '.join([whole, *parts])})"


def table(rows: dict[str, Row], dtype: str) -> list[str]:
    """The lines of one table."""
    lines = [f"## {dtype}", "", f"| {' | '.join(HEADS)} |", "|---|--:|--:|--:|--:|--:|--:|"]
    labels = [label for label, its_dtype in map(str.split, rows) if its_dtype == dtype]
    for name in dict.fromkeys(label.removesuffix("_derivative") for label in labels):
        value, slope = (rows.get(f"{name}{suffix} {dtype}") for suffix in ("", "_derivative"))
        near = f"{slope['near_root']:.4f}" if slope and slope["near_root_x"] else ""
        share = " and ".join(dict.fromkeys(swept(row) for row in (value, slope) if row))
        lines.append(f"| {name} | {cells(value)} | {cells(slope)} | {near} | {share} |")
    return lines


def accuracy_tables(rows: dict[str, Row]) -> list[str]:
    """The lines of the section "accuracy"."""
    dtypes = ("float32", "float64", "float16")
    return "\n\n".join("\n".join(table(rows, dtype)) for dtype in dtypes).split("\n")
