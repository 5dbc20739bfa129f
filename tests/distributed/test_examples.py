"""The examples of many processes, which need [distributed], and two of them [peers] or Ray."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn

from tests.distributed.launch import mpiexec, needs_dask, needs_mpi
from tests.support.processes import ROOT, output_of

pytestmark = pytest.mark.skipif(
    not (ROOT / "examples").is_dir(), reason="examples/ is not next to tests/: nothing to run"
)


@needs_mpi
def test_mpi_digits(tmp_path: Path) -> None:
    path = tmp_path / "trainer.safetensors"
    ended = mpiexec(2, "examples/mpi_digits.py", "--epochs", 5, "--checkpoint", path)
    assert ended.status == 0, ended.text
    found = re.search(r"2 ranks, 115 steps in .* ([\d.]+)% of held-out digits recognized", ended.text)
    assert found is not None, ended.text
    assert float(found[1]) > 93
    assert simdnn.Trainer.load(path).epochs_done == 5


@needs_dask
@pytest.mark.filterwarnings("default")
def test_dask_search(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from examples import dask_search

    assert dask_search.run(client, 6) > 0.9
    assert "24 networks in" in capsys.readouterr().out


@needs_dask
def test_dask_search_by_its_command() -> None:
    program = str(ROOT / "examples" / "dask_search.py")
    assert "24 networks in" in output_of([program, "--candidates", "6", "--workers", "1"], timeout=120)


@pytest.mark.peers
def test_gloo_hook_by_its_command() -> None:
    pytest.importorskip("torch", reason="PyTorch comes with the extra [peers]")
    output_of([str(ROOT / "examples" / "gloo_hook.py"), "--epochs", "2"], timeout=120)


@pytest.mark.peers
@pytest.mark.filterwarnings("default")
def test_gloo_hook() -> None:
    """Two processes of PyTorch's gloo end with equal parameters, those of one process with both halves."""
    pytest.importorskip("torch", reason="PyTorch comes with the extra [peers]")
    from examples import gloo_hook

    found = gloo_hook.train(2, epochs=2)
    np.testing.assert_array_equal(found[0], found[1])
    x, y = gloo_hook.data()
    alone = gloo_hook.new_trainer()

    def order(epoch: int) -> Any:
        """Batches of both processes, one after the other."""
        rows = simdnn._core.shuffled_order(512, 0, epoch).reshape(-1, 32)
        return np.stack([2 * rows, 2 * rows + 1], axis=1).ravel()

    alone.fit(x, y, epochs=2, batch_size=64, order=order)
    np.testing.assert_allclose(found[0], alone.model.flat_parameters, rtol=1e-3, atol=1e-5)


@pytest.mark.peers
def test_ray_hook() -> None:
    """Two actors of Ray end with equal parameters."""
    for name in ("torch", "ray"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}; Ray is in no extra, because it is large")
    command = [sys.executable, str(ROOT / "examples" / "ray_hook.py"), "--epochs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("equal parameters\n")
