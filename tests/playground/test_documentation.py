"""The documentation lists the prepared settings, and its links lead to them."""

import re

import pytest
from simdnn.playground._command import PORT
from simdnn.playground._presets import PRESETS

from tests.support.processes import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))

pytestmark = pytest.mark.skipif(not PAGES, reason="the pages are not next to tests/")


def test_links_into_the_playground_lead_to_prepared_settings() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    links = {
        (name, link)
        for name, text in texts.items()
        for link in re.findall(r"http://(127\.0\.0\.1:[^\s)>\"]+)", text)
    }
    known = {f"127.0.0.1:{PORT}/?preset={name}" for name in PRESETS} | {f"127.0.0.1:{PORT}/"}
    assert not {one for one in links if one[1] not in known}


def test_the_page_lists_all_prepared_settings() -> None:
    (page,) = [path for path in PAGES if path.name == "playground.md"]
    listed = re.findall(r"^\| \[([\w-]+)\]", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == list(PRESETS)
