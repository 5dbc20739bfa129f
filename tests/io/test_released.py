"""Files that released versions wrote are read for ever, and give the same answers to the bit."""

import json
import re
from pathlib import Path

import pytest
import simdnn

from tests.io.files import header_of, rewritten
from tests.tools import released

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

FILES = [path for folder in released.versions() for path in sorted(folder.glob("*.safetensors"))]


def name_of(path: Path) -> str:
    return f"{path.parent.name} {path.stem}"


def wanted(path: Path) -> str:
    """The answer that the version itself gave."""
    return json.loads((path.parent / "answers.json").read_text())[path.name]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_released_version_can_be_read(path: Path) -> None:
    assert released.answer(path) == wanted(path)


@pytest.mark.parametrize("path", [path for path in FILES if path.stem in released.KINDS], ids=name_of)
def test_the_first_format_can_be_read(path: Path, tmp_path: Path) -> None:
    """Files of version 1 are those of version 2 without a checksum."""
    older = tmp_path / path.name
    older.write_bytes(path.read_bytes())
    rewritten(older, lambda description: description.update(version=1))
    assert released.answer(older) == wanted(path)


def test_this_version_has_files() -> None:
    release = re.match(r"[0-9.]+[0-9]", simdnn.__version__)
    assert release is not None
    assert release[0] in {folder.name for folder in released.versions()}


def test_a_file_says_its_format_and_has_a_size_for_a_repository() -> None:
    assert len(FILES) > 30
    for path in FILES:
        assert json.loads(header_of(path)[0]["__metadata__"]["simdnn"])["version"] >= 1
        assert path.stat().st_size < 20_000
