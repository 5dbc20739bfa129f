"""`bench/RESULTS.md`: one section per processor and one table per group of cases, replaced table by table."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import vectors

PATH = Path(__file__).resolve().parent / "RESULTS.md"
#: Width of the lines below the tables.
WIDTH = 120


@dataclass
class Section:
    """Results of one processor: a paragraph about it, and the text of each table by heading."""

    about: str = ""
    tables: dict[str, str] = field(default_factory=dict)


@dataclass
class Document:
    """`RESULTS.md`: the text above the first section, and the sections by the processor's name."""

    introduction: str
    sections: dict[str, Section] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Document:
        """The document in a text that `render` has made."""
        introduction, *sections = _split(text, "## ")
        document = cls(introduction.strip())
        for section in sections:
            processor, _, rest = section.partition("\n")
            about, *tables = _split(rest, "### ")
            named = (table.partition("\n") for table in tables)
            document.sections[processor] = Section(
                about.strip(), {name: body.strip() for name, _, body in named}
            )
        return document

    def render(self) -> str:
        """The document as Markdown."""
        parts = [self.introduction]
        for processor, section in self.sections.items():
            parts += [f"## {processor}", section.about]
            parts += [f"### {name}\n\n{body}" for name, body in section.tables.items()]
        return "\n\n".join(part for part in parts if part) + "\n"

    def update(self, processor: str, about: str, tables: dict[str, str]) -> None:
        """Replaces these tables of a processor's section; every other table and section stays as it is."""
        section = self.sections.setdefault(processor, Section())
        section.about = about
        section.tables.update(tables)


def _split(text: str, mark: str) -> list[str]:
    """Splits a text at lines that begin with `mark`, which is removed."""
    return re.split(f"^{mark}", text, flags=re.MULTILINE)


def read_rows(table: str) -> dict[str, dict[str, str]]:
    """Cells of a Markdown table by row and column; the first column holds the names of the rows."""
    lines = [line.strip().strip("|") for line in table.splitlines() if line.startswith("|")]
    (_, *columns), _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {name: dict(zip(columns, cells, strict=True)) for name, *cells in rows}


def about(machine: dict[str, Any]) -> str:
    """The paragraph below a processor's heading."""
    caches = ", ".join(machine["caches"]) or "unknown"
    return f"Caches: {caches}. CPUs of the machine: {machine['cpus']}."


def table_name(group: str, machine: dict[str, Any]) -> str:
    """The heading of a group's table, with the threads and the instruction set level if they are limited."""
    threads = "" if machine["threads"] == 1 else f", {machine['threads']} threads"
    level = f", level {machine['isa_of_peers']}" if machine["isa_of_peers"] else ""
    return f"{group}{threads}{level}"


def provenance(machine: dict[str, Any], command: str) -> str:
    """The line below a table: date, command, level, threads, versions, and what the peers were allowed."""
    threads = "1 thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    versions = ", ".join(
        f"{name} {version if name == 'simdnn' else short(version)}"
        for name, version in machine["versions"].items()
    )
    allowed = vectors.describe(machine["isa_of_peers"], machine["vectors_of_peers"])
    line = (
        f"{machine['date'][:10]}, `{command}`, level {machine['isa']}, {threads}, "
        f"{short(machine['compiler'])}, {versions}; {allowed}"
    )
    return "\n".join(textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False))


def short(version: str) -> str:
    """A version, with a name in front or none, without its third and further parts."""
    return re.sub(r"(\d+\.\d+)[.+]\S*", r"\1", version)
