"""Type stubs follow from the registries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ..tools import stubs


@pytest.mark.parametrize(("path", "render"), stubs.STUBS, ids=[str(path) for path, _ in stubs.STUBS])
def test_stub_follows_from_the_registries(path: Path, render: Callable[[], str]) -> None:
    assert (stubs.PACKAGE / path).read_text() == render(), f"{path} differs: run `{stubs.COMMAND}`"
