"""The record of the long proofs: ``proofs.json``, and the page docs/proofs.md, which is made from it.

`proofs.json` is a list with one object for each row of the table:

- ``session``: the session of nox, such as "soak";
- ``command``: the command that was run, such as "nox -s soak -- --minutes 60";
- ``proves``: the promise that it tests, in words;
- ``result``: the numbers that were seen, in words;
- ``machine``: processor, operating system and compiler;
- ``date``: the day, such as "2026-11-29".

A session writes its row with the option ``--record`` of its program, which calls `record`; it takes the
place of the row of the same session and machine. Rows may be edited by hand, and ``python -m
tests.tools.proofs`` writes the page.
"""

import datetime
import json
import os
import platform
from pathlib import Path

import simdnn

from tests.tools.documents import with_section

RECORD = Path(__file__).parent / "proofs.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "proofs.md"
FIELDS = ("session", "command", "proves", "result", "machine", "date")


def rows() -> list[dict[str, str]]:
    """The rows of the record, in the order of the page."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def write(found: list[dict[str, str]]) -> None:
    """Writes the record and the page."""
    ordered = sorted(found, key=lambda row: (row["session"], row["machine"]))
    RECORD.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), ordered), encoding="utf-8")


def with_table(page: str, found: list[dict[str, str]]) -> str:
    """The text of the page with the table of these rows."""
    lines = ["| command | proves | last result | machine | date |", "|---|---|---|---|---|"]
    for row in found:
        cells = [f"`{row['command']}`", row["proves"], row["result"], row["machine"], row["date"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return with_section(page, "proofs", lines)


def processor() -> str:
    """The name of the processor, its cores, the operating system and the compiler of the extension."""
    name = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, {simdnn.show_config('dicts')['compiler']}"


def record(session: str, command: str, proves: str, result: str) -> None:
    """Writes a row with this machine and today's date; one of the same session and machine makes room."""
    row = dict(zip(FIELDS, (session, command, proves, result, processor()), strict=False))
    row["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    same = (row["session"], row["machine"])
    write([one for one in rows() if (one["session"], one["machine"]) != same] + [row])


if __name__ == "__main__":
    write(rows())
