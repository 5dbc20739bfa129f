"""The fixture of the tests of commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simdnn import cli as command_line

Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs a command in a folder of its own; status, lines of output, and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: Any) -> tuple[int, list[str], str]:
        status = command_line.main([str(one) for one in arguments])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return call
