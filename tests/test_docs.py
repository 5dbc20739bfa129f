"""The pages in docs/: their code runs, top to bottom."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).resolve().parent.parent / "docs"
#: Code of other libraries, by the word behind "python": what to install, or None for what is only shown.
OTHERS = {"sklearn": "sklearn", "torch": "torch", "keras": None}

pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="the pages are not beside tests/")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code of a page, each with the library that it belongs to."""
    return re.findall(r"^```python *(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def run(page: Path, *libraries: str) -> None:
    """Runs the blocks without a library, and those of these."""
    names: dict[str, Any] = {}
    for library, code in blocks(page):
        assert library in ("", *OTHERS), f"{page.name}: write a row for {library} in OTHERS"
        if library in ("", *libraries):
            exec(compile(code, page.name, "exec"), names)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_code_runs(page: Path) -> None:
    run(page)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("library", ["sklearn", pytest.param("torch", marks=pytest.mark.peers)])
def test_code_of_others_agrees(library: str) -> None:
    pytest.importorskip(library, reason=f"needs the extra [test] or [peers]: {library}")
    run(PAGES / "coming_from.md", library)
