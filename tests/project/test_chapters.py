"""The chapters name every operation, and show sick networks of every kind with their verdicts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from simdnn import _core, diagnostics, init, losses, optim, plot, pretrain, schedules
from simdnn.diagnostics._rules import RULES

from tests.support.processes import ROOT

FOLDER = ROOT / "docs" / "chapters"
CHAPTERS = sorted(FOLDER.glob("*.md"))
#: Classes that a reader meets as results or bases alone.
RESULTS = {"LayerReport", "Optimizer", "ReduceOnPlateau", "Report", "Schedule"}
#: Problems of data, which the guide on diagnostics shows.
OF_DATA = {"inputs", "targets", "ignored", "scales"}

pytestmark = pytest.mark.skipif(not CHAPTERS, reason="the source tree is not next to tests/")


def words() -> set[str]:
    return {word for path in CHAPTERS for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}


def test_every_operation_has_a_place() -> None:
    names = {row["name"] for row in _core.activations()}
    for module in (diagnostics, init, losses, optim, plot, pretrain, schedules):
        names |= set(module.__all__)
    missing = names - RESULTS - words()
    assert not missing, f"name {sorted(missing)} in a chapter of docs/chapters/"


def test_every_illness_of_a_network_is_shown() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in CHAPTERS)
    missing = [one.words for one in RULES.values() if one.name not in OF_DATA and one.words not in text]
    assert not missing, f"show a network with the verdict {missing} in a chapter"
    assert text.count("### Sick") + text.count("## Sick") >= 9


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_ends_with_differences_exercises_and_sources(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads[-3:] == ["Where texts differ", "Exercises", "Sources"]
    questions, _, answers = text.partition("## Exercises")[2].partition("\n```")
    asked = re.findall(r"^(\d)\. ", questions, re.MULTILINE)
    assert len(asked) >= 3
    assert re.search(r"\{dropdown\}|code_prompt_show: ", text), "answers are hidden until a click"
    assert len(re.findall(r"\]\(https?://", answers)) >= 5
