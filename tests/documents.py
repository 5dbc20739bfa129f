"""Generated parts of ACCURACY.md."""

from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "ACCURACY.md"


def write_section(name: str, lines: Sequence[str]) -> None:
    """Replaces what stands between ``<!-- name -->`` and ``<!-- end of name -->``."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = PAGE.read_text().split(begin)
    after = rest.split(end)[1]
    PAGE.write_text("".join([before, begin, "\n", "\n".join(lines), "\n\n", end, after]))
    print(f"wrote the section {name!r} of {PAGE.name}")
