"""The C functions of exported models follow from the kernels."""

from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.tools import c_functions

pytestmark = pytest.mark.skipif(
    not (ROOT / "cpp").is_dir(), reason="the source tree is not next to tests/: nothing to translate"
)


@pytest.mark.parametrize("precision", c_functions.PRECISIONS)
def test_functions_follow_from_the_kernels(precision: str) -> None:
    path: Path = c_functions.FOLDER / f"{precision}.c"
    text = c_functions.Translator(precision).text()
    assert path.read_text() == text, f"{path.name} differs: run `{c_functions.COMMAND}`"
