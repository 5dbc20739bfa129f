"""The recipes of CONTRIBUTING.md name every place of an operation: the gates miss what is left out."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from simdnn import _core, nn, optim
from simdnn.optim import _settings

from tests.support.places import LISTINGS, PLACES, described, path_of, undescribed, unlisted
from tests.support.processes import ROOT
from tests.tools.scratch import EDITS, NAMES

pytestmark = pytest.mark.skipif(
    not (ROOT / "CONTRIBUTING.md").is_file(), reason="the source tree is not next to tests/"
)

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: The most files that an operation of a kind may take.
LIMITS = {"activation": 5, "pointwise loss": 4, "optimizer": 6, "layer": 7}


class Recipe(NamedTuple):
    """A section of CONTRIBUTING.md with a table of files."""

    #: The text between the heading and the table.
    introduction: str
    #: The files of each row, of which one is edited.
    rows: list[list[str]]

    @property
    def stated(self) -> int:
        """The largest number of files that the introduction states."""
        words = re.findall(r"\b(\w+)(?: files)?\b", self.introduction.lower())
        return max(NUMBERS.index(word) for word in words if word in NUMBERS)


def files(cell: str) -> list[str]:
    """The paths of a cell; the second and the third are in the folder of the first."""
    first, *others = re.findall(r"`([\w./]+)`", cell)
    return [first, *(f"{Path(first).parent}/{name}" for name in others)]


def scratch_file(path: str) -> str:
    """The path, or that of the scratch operation for a new file."""
    return path.replace("/x.", "/scratch.")


def recipes() -> Iterator[tuple[str, Recipe]]:
    """The recipes by the kind of operation."""
    sections = re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    for section in sections:
        heading, _, text = section.partition("\n")
        found = re.fullmatch(r"Add an? ([\w ]+)", heading)
        introduction, table, rest = text.partition("\n| file | ")
        if found and table:
            rows = re.findall(r"^\| (`[^|]+) \|", rest.split("\n\n")[0], re.MULTILINE)
            yield found[1], Recipe(introduction, [files(row) for row in rows])


RECIPES = dict(recipes()) if (ROOT / "CONTRIBUTING.md").is_file() else {}
every_recipe = pytest.mark.parametrize("kind", RECIPES)
every_kind = pytest.mark.parametrize("kind", EDITS)


def test_every_kind_has_a_recipe() -> None:
    assert PLACES.keys() == LISTINGS.keys() == EDITS.keys() == NAMES.keys()
    assert EDITS.keys() <= RECIPES.keys() <= LIMITS.keys()


@every_recipe
def test_files_exist(kind: str) -> None:
    for path in (path for row in RECIPES[kind].rows for path in row):
        new = Path(path).stem == "x"
        assert (ROOT / path).parent.is_dir() if new else (ROOT / path).is_file(), f"{path} is gone"


@every_recipe
def test_the_count_is_that_of_the_files(kind: str) -> None:
    recipe = RECIPES[kind]
    assert recipe.stated == len(recipe.rows) <= LIMITS[kind]


@every_kind
def test_the_places_are_those_of_the_gates(kind: str) -> None:
    listing = LISTINGS[kind]
    places = [list(listing.headers), [listing.path], *(place.paths for place in PLACES[kind])]
    places += [[path] for path in listing.compiled]
    assert sorted(RECIPES[kind].rows) == sorted(places)


@every_kind
def test_the_scratch_operation_edits_one_file_of_each_row(kind: str) -> None:
    edited = {edit.path for edit in EDITS[kind]}
    rows = [{scratch_file(path) for path in row} for row in RECIPES[kind].rows]
    assert [len(edited & row) for row in rows] == [1] * len(rows)
    assert edited <= set().union(*rows)


def sources_with(kind: str, omitted: str) -> dict[str, str]:
    """The edited files with their text; one of them stays as it is."""
    texts: dict[str, str] = {}
    for edit in EDITS[kind]:
        if edit.path != omitted:
            before = texts.get(edit.path) or ((ROOT / edit.path).read_text() if edit.before else "")
            texts[edit.path] = edit.applied(before)
    return texts


def load(name: str, text: str) -> ModuleType:
    """A second module with another text; the imported one stays as it is."""
    module = ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    exec(compile(text, path_of(name), "exec"), vars(module))
    return module


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimizer's rule, and the classes that oracles name."""
    (row,) = [row for row in _core.rules() if row["name"] == "sgd"]
    monkeypatch.setitem(_settings.RULES, "scratch", {**row, "name": "scratch"})
    monkeypatch.setattr(optim, "Scratch", optim.SGD, raising=False)
    layer = type("ScratchLayer", (nn.CReLU,), {"_kind": "scratch"})
    monkeypatch.setattr(nn, "ScratchLayer", layer, raising=False)


def headers() -> dict[str, str]:
    """The headers by their paths."""
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "cpp").rglob("*.hpp")}


def complaints(kind: str, texts: dict[str, str]) -> list[list[str]]:
    """The files in which the gates miss a row for the scratch operation."""
    listing, found = LISTINGS[kind], []
    sources = headers() | {path: text for path, text in texts.items() if path.endswith(".hpp")}
    if undescribed(sources, listing):
        found.append([scratch_file(path) for path in listing.headers])
    if unlisted(sources, listing):
        found.append([listing.path])
    for place in PLACES[kind]:
        edited = {name: load(name, texts[path_of(name)]) for name in place.modules if path_of(name) in texts}
        if place.complaint(NAMES[kind], edited):
            found.append(place.paths)
    return found


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("kind", "omitted"),
    [
        (kind, path)
        for kind, edits in EDITS.items()
        for path in {edit.path: 0 for edit in edits}
        if path not in map(scratch_file, LISTINGS[kind].compiled)
    ],
)
def test_the_gates_name_the_file_that_was_left_out(kind: str, omitted: str) -> None:
    (paths,) = complaints(kind, sources_with(kind, omitted))
    assert omitted in paths


@pytest.mark.usefixtures("registered")
@every_kind
def test_the_gates_are_content_with_all_edits(kind: str) -> None:
    assert not complaints(kind, sources_with(kind, ""))


@every_kind
def test_all_that_is_described_is_listed(kind: str) -> None:
    sources, listing = headers(), LISTINGS[kind]
    assert described(sources, listing.description)
    assert not unlisted(sources, listing), f"add these to the list in {listing.path}"
    assert not undescribed(sources, listing)


def test_commands_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for module in set(re.findall(r"python -m ([\w.]+)", text)) & set(re.findall(r"tests\.[\w.]+", text)):
        assert (ROOT / path_of(module)).is_file(), f"{module} is gone"
