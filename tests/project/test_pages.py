"""The code of the documentation's pages, blocks and cells alike, runs from top to bottom."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
#: Modules that code blocks need, by the word after "python"; None for blocks that are not run.
OTHERS = dict.fromkeys(("keras", "dask", "mpi4py")) | {
    name: name for name in ("sklearn", "pandas", "torch", "onnxruntime", "stable_baselines3", "thinc")
}
#: Libraries of the extra [peers] that agree with the code above their blocks.
PEERS = ("pandas", "torch", "onnxruntime", "stable_baselines3", "thinc")
#: Libraries whose blocks need those of another.
NEEDED = {"stable_baselines3": ("torch",), "pandas": ("sklearn",)}

#: A fenced block: its language, the word after it, and its lines.
BLOCK = re.compile(r"^(`{3,})(?:python|\{code-cell\}) *(.*)\n((?:.*\n)*?)\1$", re.MULTILINE)
#: The options of a cell, between lines of dashes or in lines of their own.
OPTIONS = re.compile(r"---\n(?:.*\n)*?---\n|(?::[\w-]+:.*\n)+")

pytestmark = pytest.mark.skipif(not PAGES, reason="the pages are not next to tests/")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())


class Block(NamedTuple):
    """A block of code, the library that it belongs to, and the options of a cell."""

    library: str
    code: str
    options: str


def blocks(page: Path) -> list[Block]:
    """The blocks and the cells of a page in their order; a cell belongs to no library."""
    found = []
    for _, word, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        options = OPTIONS.match(text)
        length = options.end() if options else 0
        found.append(Block("" if word == "python" else word, text[length:], text[:length]))
    return found


def run(page: Path, *libraries: str) -> None:
    """Runs the blocks without a library, and those of the given libraries."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for library, code, options in blocks(page):
        assert library in ("", *OTHERS), f"{page.name}: write a row for {library} in OTHERS"
        if library not in ("", *libraries):
            continue
        with warnings.catch_warnings():
            if options:  # a cell shows its warnings on the page
                warnings.simplefilter("default")
            if "raises-exception" in options:
                with pytest.raises(Exception):  # noqa: B017, PT011
                    exec(compile(code, page.name, "exec"), names)
            else:
                exec(compile(code, page.name, "exec"), names)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for the files that a page writes, and a style for its figures, which are closed at the end."""
    monkeypatch.chdir(tmp_path)
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="needs the extra [test]: matplotlib")
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


@every_page
def test_code_runs(page: Path) -> None:
    run(page)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@every_page
@pytest.mark.parametrize(
    "library", ["sklearn", *(pytest.param(one, marks=pytest.mark.peers) for one in PEERS)]
)
def test_code_of_others_agrees(page: Path, library: str) -> None:
    if not any(library == block.library for block in blocks(page)):
        return
    pytest.importorskip(library, reason=f"needs the extra [test] or [peers]: {library}")
    run(page, *NEEDED.get(library, ()), library)
