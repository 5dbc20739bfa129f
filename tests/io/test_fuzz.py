"""A short form of the fuzzer: files damaged by chance are read or refused by documented errors."""

import random
from pathlib import Path

import pytest

from tests.support.fuzz_targets import TARGETS
from tests.tools.fuzz import Harness


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_are_refused_by_documented_errors(name: str, tmp_path: Path) -> None:
    for module in ("safetensors", "onnx"):
        pytest.importorskip(module, reason=f"needs {module}")
    harness, chance = Harness(name, tmp_path, tmp_path / "counts"), random.Random(1)
    seeds = harness.target.seeds(tmp_path)
    for content in seeds:
        assert not harness.fault(content)
    for _ in range(200):
        assert not harness.fault(harness.target.mutate(chance.choice(seeds), chance))
    assert harness.runs == len(seeds) + 200
