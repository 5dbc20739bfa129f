"""The README's code runs, its links exist, and its commands are complete."""

import re
from pathlib import Path
from typing import Any

import pytest

bench = pytest.importorskip("bench", reason="the checkout is not complete")
ROOT = Path(str(bench.__file__)).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("bench/*.md")])
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_code_runs() -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), names)
    assert names["history"].val_accuracy[-1] > 0.95
    assert names["predictor"].predict(names["x"]).shape == (2000, 2)


def test_the_first_commands_are_the_demo_and_the_tests() -> None:
    demo, tests = (block.strip() for block in blocks("sh")[:2])
    assert demo.endswith("-m simdnn")
    assert tests.endswith("-m pytest")
    assert TEXT.index(tests) == TEXT.index(next(line for line in TEXT.splitlines() if "-m pytest" in line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken


def test_the_page_is_short() -> None:
    assert len(TEXT.splitlines()) <= 110
