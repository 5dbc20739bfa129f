"""Checksums of ONNX files: damage is refused, additions by other programs are not."""

from pathlib import Path

import numpy as np
import pytest
import simdnn.onnx

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
import onnx


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    dense = simdnn.nn.Dense(3, 4, activation=simdnn.nn.LeakyReLU(0.25))
    simdnn.onnx.export(simdnn.nn.Sequential(dense, simdnn.nn.Dense(4, 2), rng=0), path)
    return path


def test_a_damaged_weight_or_attribute_is_refused(exported: Path) -> None:
    content = exported.read_bytes()
    model = onnx.load(exported)
    weight = model.graph.initializer[0].raw_data
    places = [*range(content.index(weight), content.index(weight) + len(weight))]
    places += [content.index(np.float32(0.25).tobytes())]
    assert len(places) > 40
    for place in places:
        exported.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(
            ValueError, match=r"model\.onnx: checksum: damaged, or changed by another program"
        ):
            simdnn.onnx.load(exported)


def test_what_other_programs_add_is_no_damage(exported: Path) -> None:
    before = simdnn.onnx.load(exported)
    model = onnx.shape_inference.infer_shapes(onnx.load(exported))
    model.graph.doc_string, model.graph.name = "a note", "other"
    model.metadata_props.add(key="author", value="somebody")
    onnx.save(model, exported)
    x = np.ones((2, 3), np.float32)
    assert np.array_equal(simdnn.onnx.load(exported)(x), before(x))
    del model.metadata_props[0]
    model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))
    onnx.save(model, exported)  # without a checksum nothing is verified, as in files of other programs
    assert not np.array_equal(simdnn.onnx.load(exported)(x), before(x))


def test_equal_models_are_equal_files(exported: Path, tmp_path: Path) -> None:
    model = simdnn.onnx.load(exported)
    simdnn.onnx.export(model, tmp_path / "a.onnx")
    simdnn.onnx.export(model, tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
