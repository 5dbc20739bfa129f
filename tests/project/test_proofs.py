"""The record of the long proofs is complete, and its page is the one that it makes."""

import datetime
import re

import pytest

from tests.support.processes import ROOT
from tests.tools import mutants, proofs
from tests.tools.mutations import mutations

pytestmark = pytest.mark.skipif(not proofs.PAGE.is_file(), reason="the source tree is not next to tests/")


def test_rows_have_their_fields() -> None:
    for row in proofs.rows():
        assert tuple(sorted(row)) == tuple(sorted(proofs.FIELDS))
        assert all(row.values())
        datetime.date.fromisoformat(row["date"])


def test_explained_mutants_are_mutants() -> None:
    for row in mutants.explained():
        found = {(one.line.strip(), one.mutated.strip()) for one in mutations(ROOT, row["path"])}
        assert (row["line"], row["mutated"]) in found, f"{row['path']}: {row['line']} is gone"
        assert row["why"].endswith(".")


def test_mutants_meet_tests_that_exist() -> None:
    named = {test for tests in (*mutants.TESTS.values(), *mutants.BROAD) for test in tests}
    assert not [test for test in named if not (ROOT / test).exists()]


def test_commands_name_sessions_of_nox() -> None:
    sessions = re.findall(
        r'^@nox\.session(?:\(name="([\w-]+)"\))?\ndef (\w+)', (ROOT / "noxfile.py").read_text(), re.MULTILINE
    )
    known = {name or function for name, function in sessions}
    for row in proofs.rows():
        assert row["session"] in known
        assert row["command"].startswith(f"nox -s {row['session']}")


def test_the_page_shows_the_record() -> None:
    page = proofs.PAGE.read_text(encoding="utf-8")
    assert proofs.with_table(page, proofs.rows()) == page, "run python -m tests.tools.proofs"
