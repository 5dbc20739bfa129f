"""Damaged or malicious files: each gives a clear error and needs little memory."""

import os
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from hypothesis import given, settings
from hypothesis import strategies as st
from simdnn import Trainer, nn, optim, schedules

from tests.io.files import rewritten, small
from tests.support.processes import ROOT
from tests.support.registry import same_bits, spread

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
import safetensors.numpy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(path: Path) -> Path:
    simdnn.save(small(), path)
    return path


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", ""),
    "of 7 bytes": (lambda content: content[:7], ""),
    "without arrays": (lambda content: content[: 8 + struct.unpack("<Q", content[:8])[0]], ""),
    "short of a byte": (lambda content: content[:-1], ""),
    "longer by a byte": (lambda content: content + b"\0", ""),
    "with a huge header": (lambda content: struct.pack("<Q", 2**62) + content[8:], ""),
    "another file": (lambda content: b"PK\x03\x04" + bytes(1000), ""),
    "a pickle": (lambda content: b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.", ""),
    "JSON of no dictionary": (lambda content: struct.pack("<Q", 8) + b"[1, 2]  ", ""),
    "another's safetensors": (lambda content: safetensors.numpy.save({"a": np.ones(3)}), "from_torch"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_a_clear_error(name: str, saved: Path) -> None:
    change, message = DAMAGED[name]
    saved.write_bytes(change(saved.read_bytes()))
    with pytest.raises(ValueError, match=f"model.safetensors: .*{message}") as caught:
        simdnn.load(saved)
    assert "\n" not in str(caught.value)


def nested(depth: int) -> dict[str, Any]:
    layer: dict[str, Any] = {"layer": "Tanh"}
    for _ in range(depth):
        layer = {"layer": "Residual", "layers": [layer]}
    return layer


def with_layer(layer: Any) -> Callable[[dict[str, Any]], Any]:
    """A change of a description: another first layer."""

    def change(description: dict[str, Any]) -> None:
        description["model"]["layers"][0] = layer

    return change


def with_setting(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """A change of a description: another setting of the first layer."""

    def change(description: dict[str, Any]) -> None:
        description["model"]["layers"][0][name] = value

    return change


def with_entry(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """A change of a description: another entry of the model."""

    def change(description: dict[str, Any]) -> None:
        description["model"][name] = value

    return change


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an unknown class": (with_layer({"layer": "Popen"}), "'Popen' is not known"),
    "an abstract class": (with_layer({"layer": "Layer"}), "'Layer' is not known"),
    "a class of another module": (with_layer({"layer": "os.system"}), "not known"),
    "no layer": (with_layer(7), "expected a dictionary"),
    "an unknown setting": (with_setting("command", "x"), "'command' is not known"),
    "a huge layer": (with_setting("out_features", 10**12), "beyond|takes"),
    "two huge layers": (
        lambda d: d["model"].update(
            layers=[
                {"layer": "Dense", "in_features": 4, "out_features": 2**30},
                {"layer": "Dense", "in_features": 2**30, "out_features": 2**30},
            ]
        ),
        "0.weight|missing",
    ),
    "a layer of more features than memory": (
        lambda d: d["model"].update(
            in_features=2**40,
            layers=[{"layer": "Embedding", "in_features": 2**40, "columns": [[0, 3, 2]]}],
        ),
        "expected at most 16777216 features",
    ),
    "a layer of more parameters than memory": (
        lambda d: d["model"].update(layers=[{"layer": "LSTM", "in_features": 4, "hidden_features": 2**31}]),
        "more than memory can address",
    ),
    "a number without end": (with_setting("in_features", 10**400), "beyond any size"),
    "a wrong width": (with_setting("in_features", 5), "layers|shape"),
    "a negative width": (with_setting("in_features", -4), "in_features"),
    "a width of text": (with_setting("in_features", "4"), "in_features"),
    "a wrong bias": (with_setting("bias", False), "bias"),
    "an unknown activation": (with_setting("activation", "relux"), "activation"),
    "an unknown initializer": (with_setting("init", "os.system"), "init"),
    "layers inside each other": (with_layer(nested(60)), "inside each other"),
    "lists inside each other": (lambda d: "[" * 100_000 + "]" * 100_000, "deep|recursion"),
    "a layer of lists": (with_setting("activation", [[[]]]), "activation"),
    "no layers": (with_entry("layers", []), "layers"),
    "layers of text": (with_entry("layers", "Dense"), "layers"),
    "another dtype": (with_entry("dtype", "float16"), "float16"),
    "the other dtype": (with_entry("dtype", "float64"), "expected float64, got float32"),
    "a dtype of objects": (with_entry("dtype", "object"), "object"),
    "a huge input": (with_entry("in_features", 10**30), "in_features: expected an integer from 1 to"),
    "a seed of text": (with_entry("seed", "x"), "seed"),
    "an unknown entry": (with_entry("code", "x"), "'code' is not known"),
    "no JSON": (lambda d: "{", ""),
    "a list": (lambda d: "[]", "dictionary"),
    "no model": (lambda d: d.pop("model"), "model"),
    "a later version": (lambda d: d.update(version=3, new=1), "reads files up to version 2, got 3; update"),
    "version 0": (lambda d: d.update(version=0), "version: expected 1 to 2, got 0"),
    "a version of text": (lambda d: d.update(version="2"), "version: expected 1 to 2, got '2'"),
    "no version": (lambda d: d.pop("version"), "version: expected 1 to 2, got None"),
    "a checksum of other content": (lambda d: d.update(checksum="0" * 64), "damaged: .*checksum"),
    "a checksum of text": (lambda d: d.update(checksum="A" * 64), "checksum: expected 64 hexadecimal"),
    "a checksum of numbers": (lambda d: d.update(checksum=[1]), "checksum: expected 64 hexadecimal"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_description_is_a_clear_error(name: str, saved: Path) -> None:
    change, message = HOSTILE[name]
    rewritten(saved, change)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"model.safetensors: .*({message})"):
            simdnn.load(saved)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_claimed_sizes_take_no_memory(saved: Path) -> None:
    """The file is loaded in a process whose memory is limited to little more than Python needs."""
    rewritten(saved, HOSTILE["two huge layers"][0])
    script = (
        "import resource, sys, simdnn, safetensors.numpy\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 2**25, now + 2**25))\n"
        "try: simdnn.load(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
    )
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs /proc to know how much memory is taken")
    done = subprocess.run(
        [sys.executable, "-c", script, str(saved)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "missing" in done.stdout or "shape" in done.stdout, done.stderr


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """The content of a trainer's file, and the path for changed files."""
    folder = tmp_path_factory.mktemp("fuzz")
    trainer = Trainer(small(), optimizer=optim.Adam(lr=schedules.cosine(0.1, 9)), seed=0)
    trainer.step(spread(20, np.float32, 1.0).reshape(5, 4), np.arange(5) % 3)
    trainer.save(folder / "trainer.safetensors")
    return (folder / "trainer.safetensors").read_bytes(), folder / "changed.safetensors"


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_a_value_error(data: st.DataObject, contents: tuple[bytes, Path]) -> None:
    content, path = contents
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "drop", "insert", "digit"]))
        if kind == "set":
            changed[at] = data.draw(st.integers(0, 255))
        elif kind == "digit":
            changed[at] = data.draw(st.sampled_from(b'0129-.eE[]{}",:'))
        elif kind == "drop":
            del changed[at : at + data.draw(st.integers(1, 9))]
        elif kind == "insert":
            changed[at:at] = data.draw(st.binary(max_size=9))
        else:
            del changed[at:]
        if not changed:
            changed = bytearray(b"\0")
    path.write_bytes(changed)
    for load in (simdnn.load, Trainer.load, simdnn.load_metadata):
        try:
            load(path)
        except ValueError as error:
            message = str(error)
        else:
            assert changed == content, "a damaged file is loaded"
            continue
        assert message.startswith(f"{path}: ")


def test_every_changed_bit_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    simdnn.save(nn.Sequential(nn.Dense(2, 3), rng=0), path, metadata={"note": "ä"})
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=r"model\.safetensors: "):
            simdnn.load(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_a_value_error(share: float, saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"model\.safetensors: "):
        simdnn.load(saved)


def test_metadata_may_look_like_a_checksum(path: Path) -> None:
    metadata = {"0" * 64: "0" * 64}
    for _ in range(2):
        simdnn.save(small(), path, metadata=metadata)
        assert simdnn.load_metadata(path) == metadata
        metadata["other"] = path.read_bytes()[48:200].decode()  # holds the checksum of another file


def test_files_without_a_checksum_are_loaded(saved: Path) -> None:
    expected = simdnn.load(saved).flat_parameters
    rewritten(saved, lambda description: None)
    assert same_bits(simdnn.load(saved).flat_parameters, expected)
    rewritten(saved, lambda description: description.update(version=1))
    assert same_bits(simdnn.load(saved).flat_parameters, expected)


LONG = {"schedule": [["cosine", 0, [1] * 99]], "text": ""}


def margin_loss(lam: dict[str, Any]) -> dict[str, Any]:
    """The description of a loss with this description of a schedule."""
    return {"loss": "large_margin_softmax", "settings": {"lam": lam}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["trainer"]["optimizer"].update(optimizer="sgdx"), "optimizer: 'sgdx' is not known"),
        (lambda d: d["trainer"]["optimizer"]["settings"].update(betas=[2, 3]), "beta"),
        (lambda d: d["trainer"]["optimizer"]["settings"].update(params=[]), "params"),
        (lambda d: d["trainer"]["optimizer"].update(optimizer="sgd"), "SGD"),
        (lambda d: d["trainer"]["optimizer"].update(lr=LONG), "3 numbers"),
        (lambda d: d["trainer"]["optimizer"].update(lr={"schedule": [], "text": ""}), "schedule: .*piece"),
        (lambda d: d["trainer"]["loss"].update(loss="os"), "loss: 'os' is not known"),
        (lambda d: d["trainer"]["loss"].update(settings={"margin": 3}), "margin"),
        (lambda d: d["trainer"].update(loss=margin_loss(LONG)), "3 numbers"),
        (lambda d: d["trainer"].update(loss=margin_loss({"schedule": [], "text": ""})), "schedule: .*piece"),
        (lambda d: d["trainer"].update(loss=margin_loss({"schedule": 3, "text": ""})), "int"),
        (lambda d: d["trainer"].update(loss=margin_loss({"schedule": [["constant", 0, [1]]]})), "text"),
        (lambda d: d["trainer"].update(seed=-1), "seed"),
        (lambda d: d["trainer"]["state"].update(steps=2**63), "steps"),
        (lambda d: d["trainer"]["state"].update(scalar_state=[1.0]), "scalar_state"),
        (lambda d: d["trainer"].update(epochs_done="x"), "epochs_done"),
    ],
)  # fmt: skip
def test_a_hostile_trainer_is_a_clear_error(change: Callable[[Any], Any], message: str, path: Path) -> None:
    Trainer(small(), seed=0).save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=f"model.safetensors: .*{message}"):
        Trainer.load(path)
