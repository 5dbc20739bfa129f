"""The record of the long proofs is complete, and its page is the one that it makes."""

import datetime
import re

import pytest

from tests.support.processes import ROOT
from tests.tools import proofs

pytestmark = pytest.mark.skipif(not proofs.PAGE.is_file(), reason="the source tree is not next to tests/")


def test_rows_have_their_fields() -> None:
    for row in proofs.rows():
        assert tuple(sorted(row)) == tuple(sorted(proofs.FIELDS))
        assert all(row.values())
        datetime.date.fromisoformat(row["date"])


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
