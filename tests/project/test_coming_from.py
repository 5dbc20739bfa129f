"""The code of COMING_FROM.md runs from top to bottom."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "COMING_FROM.md"
#: Modules that code blocks need, by the word after "python"; None for blocks that are not run.
OTHERS = {"sklearn": "sklearn", "torch": "torch", "keras": None}

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="the page is not next to tests/")


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


def test_code_runs() -> None:
    run(PAGE)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("library", ["sklearn", pytest.param("torch", marks=pytest.mark.peers)])
def test_code_of_others_agrees(library: str) -> None:
    pytest.importorskip(library, reason=f"needs the extra [test] or [peers]: {library}")
    run(PAGE, library)
