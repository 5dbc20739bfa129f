"""Names of files to write: one that ends like a file of another format is refused by all that write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import simdnn
import simdnn.onnx
from simdnn import callbacks, nn

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")


def model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def checkpoint(path: Path) -> None:
    stopped = callbacks.ModelCheckpoint(path, monitor="loss")
    simdnn.Trainer(model(), "mse", seed=0).fit([[1.0, 2, 3]], [[1.0, 2]], epochs=1, callbacks=[stopped])


#: Functions that write a file, with the ending of their format.
WRITERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "save": (lambda path: simdnn.save(model(), path), ".safetensors"),
    "Trainer.save": (lambda path: simdnn.Trainer(model(), seed=0).save(path), ".safetensors"),
    "ModelCheckpoint": (checkpoint, ".safetensors"),
    "export_c": (lambda path: simdnn.export_c(model(), path, name="f"), ".h"),
    "onnx.export": (lambda path: simdnn.onnx.export(model(), path), ".onnx"),
}


@pytest.mark.parametrize("ending", [".pkl", ".PT", ".csv", ".onnx", ".safetensors", ".h", ".v2", ""])
@pytest.mark.parametrize("writer", WRITERS)
def test_an_ending_of_another_format_is_refused(writer: str, ending: str, tmp_path: Path) -> None:
    """Endings that promise no format are the user's."""
    if writer == "onnx.export":
        pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    call, own = WRITERS[writer]
    path = tmp_path / f"model{ending}"
    if ending in (own, ".v2", ""):
        call(path)
        assert path.is_file()
        return
    with pytest.raises(
        ValueError, match=rf"^path: expected a name that ends in \{own}, got .*model\{ending}$"
    ):
        call(path)
    assert not list(tmp_path.iterdir())
