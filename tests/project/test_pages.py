"""The code of the pages for users runs from top to bottom."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in (ROOT / "COMING_FROM.md", *sorted((ROOT / "docs").glob("*.md"))) if path.is_file()]
#: Modules that code blocks need, by the word after "python"; None for blocks that are not run.
OTHERS = {"sklearn": "sklearn", "torch": "torch", "keras": None, "dask": None, "mpi4py": None}

pytestmark = pytest.mark.skipif(not PAGES, reason="the pages are not next to tests/")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code blocks of a page, each with the library that it belongs to."""
    return re.findall(r"^```python *(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def run(page: Path, *libraries: str) -> None:
    """Runs the blocks without a library, and those of the given libraries."""
    names: dict[str, Any] = {}
    for library, code in blocks(page):
        assert library in ("", *OTHERS), f"{page.name}: write a row for {library} in OTHERS"
        if library in ("", *libraries):
            exec(compile(code, page.name, "exec"), names)


@every_page
def test_code_runs(page: Path) -> None:
    run(page)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@every_page
@pytest.mark.parametrize("library", ["sklearn", pytest.param("torch", marks=pytest.mark.peers)])
def test_code_of_others_agrees(page: Path, library: str) -> None:
    if not any(library == other for other, _ in blocks(page)):
        return
    pytest.importorskip(library, reason=f"needs the extra [test] or [peers]: {library}")
    run(page, library)
