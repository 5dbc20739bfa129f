"""Paths, names and the floor plan in ARCHITECTURE.md and CONTRIBUTING.md are those of the tree."""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.project.test_rooms import MODULES, ROOMS, imported
from tests.project.test_structure import LAYERS
from tests.support.processes import ROOT

PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")

pytestmark = pytest.mark.skipif(
    not all((ROOT / page).is_file() for page in PAGES), reason="the source tree is not next to tests/"
)

every_page = pytest.mark.parametrize("page", PAGES)


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def words_of_the_sources() -> set[str]:
    """Words of the build files and of all C++ and Python."""
    paths = [path for folder in ("cpp", "python", "tests", "bench") for path in (ROOT / folder).rglob("*")]
    sources = [path for path in paths if path.suffix in (".hpp", ".cpp", ".py")]
    texts = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "CMakeLists.txt", ROOT / "cpp" / "CMakeLists.txt", *sources)
    ]
    return set(re.findall(r"\w+", "\n".join(texts)))


def code(page: str) -> tuple[list[str], list[str]]:
    """The paths and the other code in the sentences and tables of a page."""
    prose = re.sub(r"^```.*?^```$", "", text(page), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"`([^`\n]+)`", prose)
    paths = [one for one in found if re.fullmatch(r"[\w.]+/[\w./*]*|[\w.]+\.(?:py|[ch]pp|md)", one)]
    return paths, [one for one in found if one not in paths]


@every_page
def test_paths_exist(page: str) -> None:
    """A recipe calls a new file x; a name without a folder is in the folder of a path before it."""
    paths, _ = code(page)
    assert len(paths) > 10
    folders = {path.rpartition("/")[0] for path in paths if "/" in path}
    places = {path: [path, *(f"{folder}/{path}" for folder in folders if "/" not in path)] for path in paths}
    missing = [
        path
        for path, candidates in places.items()
        if not re.search(r"/_?x\.", path) and not any(any(ROOT.glob(one.rstrip("/"))) for one in candidates)
    ]
    assert not missing, f"{page} names {missing}, which are gone"


@every_page
def test_names_exist(page: str) -> None:
    _, others = code(page)
    names = {name for one in others for name in re.findall(r"\b[A-Z]\w+|\b\w+_\w+", one)}
    missing = names - words_of_the_sources()
    assert not missing, f"{page} names {sorted(missing)}, which the sources do not"


def floors() -> Iterator[list[str]]:
    """The packages of python/simdnn/ in each line of the floor plan, from the bottom up."""
    drawing = text("ARCHITECTURE.md").split("```")[1]
    lines = drawing.partition("python/simdnn/")[2].partition("tests/")[0]
    yield from (re.split(r"\s{2,}", line.strip())[0].split() for line in lines.strip().splitlines())


def test_the_floor_plan_has_every_folder() -> None:
    drawn = re.findall(r"^cpp/(\w+)", text("ARCHITECTURE.md"), re.MULTILINE)
    assert drawn == LAYERS
    assert sorted(room for floor in floors() for room in floor) == sorted(ROOMS)


def test_packages_import_their_floor_and_those_below() -> None:
    """Imports of `simdnn` itself, whose names come from all floors, are left to the front doors."""
    level = {room: i for i, floor in enumerate(floors()) for room in floor}
    found = []
    for module in MODULES:
        for other, _ in imported(module):
            here, there = room_of(module), room_of(other)
            if here in level and there in level and level[there] > level[here]:
                found.append(f"{module} imports {other}")
    assert not found


def room_of(module: str) -> str:
    """The package or module directly in simdnn; empty for simdnn itself."""
    return (*module.split("."), "")[1]
