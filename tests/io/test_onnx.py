"""ONNX export: other libraries compute equal outputs from every exported layer."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.onnx
from simdnn import nn, table
from simdnn.onnx import _layers

from tests.io.onnx_rows import EXPORTED, close
from tests.oracles.layers import ROWS, Row, class_names
from tests.support.registry import FLOATS

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
import onnx
from onnx.reference import ReferenceEvaluator

Array = np.ndarray[Any, Any]

every_row = pytest.mark.parametrize("row", EXPORTED.values(), ids=list(EXPORTED))
NEWEST = onnx.defs.onnx_opset_version()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("opset", [17, 18, 20, NEWEST])
@pytest.mark.parametrize("dtype", FLOATS)
@every_row
def test_the_reference_evaluator_computes_the_same(row: Row, dtype: Any, opset: int, path: Path) -> None:
    model = row.model(dtype)
    simdnn.onnx.export(model, path, opset)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    evaluator = ReferenceEvaluator(str(path))
    for n in (1, 7):
        x = row.x(n, dtype)
        (y,) = evaluator.run(None, {"x": x})
        assert y.dtype == dtype
        assert y.shape == model(x).shape
        assert close(y, model(x))


@pytest.mark.parametrize("opset", [17, 20, 22])
@every_row
def test_onnxruntime_computes_the_same(row: Row, opset: int, path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra [peers]: onnxruntime")
    simdnn.onnx.export(row.model(np.float64), path, opset, dtype=np.float32)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = row.model(np.float32)
    for n in (1, 7):
        x = row.x(n, np.float32)
        assert close(session.run(None, {"x": x})[0], model(x))


def test_time_is_open_too(path: Path) -> None:
    for row in EXPORTED.values():
        if row.steps is None:
            continue
        model = row.model(np.float32)
        simdnn.onnx.export(model, path)
        x = np.concatenate([row.x(3, np.float32), row.x(3, np.float32)], axis=1)
        assert close(ReferenceEvaluator(str(path)).run(None, {"x": x})[0], model(x))


def test_every_layer_has_an_exporter() -> None:
    for name in sorted(set().union(*(class_names(row.layer) for row in EXPORTED.values()))):
        assert _layers.exporter_of(nn._describe.LAYERS[name]) is not None, (
            f"add an exporter of {name} to python/simdnn/onnx/_layers.py, or in_onnx=False to its rows"
        )


def test_what_onnx_cannot_say_is_refused(path: Path) -> None:
    for row in ROWS.values():
        if not row.in_onnx:
            with pytest.raises(TypeError, match="has no counterpart in ONNX"):
                simdnn.onnx.export(row.model(), path)


def test_the_oldest_runtime_reads_it_and_the_bytes_repeat(path: Path) -> None:
    model = nn.Sequential(nn.Dense(3, 4, "gelu"), nn.Dense(4, 2), rng=0)
    simdnn.onnx.export(model, path)
    proto = onnx.load(path)
    assert proto.opset_import[0].version == 17
    assert proto.ir_version == 8
    assert [(d.dim_param, d.dim_value) for d in proto.graph.input[0].type.tensor_type.shape.dim] == [
        ("n", 0),
        ("", 3),
    ]
    content = path.read_bytes()
    simdnn.onnx.export(model, path)
    assert path.read_bytes() == content


def test_bad_calls(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Dense(2, 2))
    for call, kind, message in (
        (lambda: simdnn.onnx.export(nn.Dense(2, 2), path), TypeError, "model: .*Dense"),
        (lambda: simdnn.onnx.export(model, path, 16), ValueError, "opset: .*17.*16"),
        (lambda: simdnn.onnx.export(model, path, 10**6), ValueError, "opset: "),
        (lambda: simdnn.onnx.export(model, path, dtype=np.float16), ValueError, "dtype: .*float16"),
    ):
        with pytest.raises(kind, match=message):
            call()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"simdnn\[onnx\]"):
        simdnn.onnx.export(model, path)
    with pytest.raises(ImportError, match=r"simdnn\[onnx\]"):
        simdnn.onnx.load(path)
    assert not path.exists()


def a_table() -> dict[str, Array]:
    """A table with missing numbers and words, and with column names that collide with names in the graph."""
    kinds = np.array(["cat", "dog", None, "emu", "dog", "cat", "dog", "cat"], object)
    return {
        "add_2": np.array([1.5, np.nan, -2, 0.25, 3, 7, np.nan, 1e6]),
        "cast_3": np.arange(8.0),
        "kind of pet": kinds,
        "breed": np.array([f"breed {i % 5}" for i in range(8)], object),
    }


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
@pytest.mark.parametrize("goal", ["pet", "weight"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_columns_and_target_are_in_the_graph(runtime: str, goal: str, dtype: Any, path: Path) -> None:
    """The exported graph handles unknown categories, and every spelling of a missing value."""
    data = a_table()
    columns = table.Columns.fit(data, max_one_hot=4)
    if goal == "pet":
        target = table.Target("parameter_0", ("no", "yes", "maybe"))
    else:
        target = table.Target("parameter_0", mean=40.0, scale=12.5)
    wide = len(columns.features) + sum(width - 1 for _, width in columns.embeddings.values())
    model = nn.Sequential(
        nn.Embedding(in_features=len(columns.features), columns=columns.embeddings),
        nn.Dense(wide, 8, "tanh"),
        nn.Dense(8, target.outputs),
        rng=0,
        dtype=dtype,
    )
    simdnn.onnx.export(model, path, columns=columns, target=target)
    new = data | {"kind of pet": np.array(["dog", "", "?", "NA", "yak", "cat", "emu", "nan"], object)}
    rows = data | {"kind of pet": np.array(["dog", None, None, None, "yak", "cat", "emu", None], object)}
    wanted = model(columns.transform(rows))
    feed = {name: values[:, np.newaxis] for name, values in new.items()}
    if runtime == "reference":
        found = ReferenceEvaluator(str(path)).run(None, feed)
    else:
        peer = pytest.importorskip("onnxruntime", reason="needs the extra [peers]: onnxruntime")
        found = peer.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, feed)
    if goal == "pet":
        assert found[0].tolist() == target.restore(wanted).tolist()
        assert close(found[1], simdnn.functional.softmax(wanted))
    else:
        assert found[0].dtype == np.float64
        assert close(found[0], target.restore(wanted))


def test_columns_must_fit_the_model(path: Path) -> None:
    model = nn.Sequential(nn.Dense(3, 2), rng=0)
    columns = table.Columns.fit({"a": np.arange(3.0)})
    with pytest.raises(ValueError, match="columns: expected 3 features, got 1"):
        simdnn.onnx.export(model, path, columns=columns)
    with pytest.raises(ValueError, match="target: expected 2 outputs, got 1"):
        simdnn.onnx.export(model, path, target=table.Target("y"))
    wrong: Any
    for wrong in ({"a": [1.0]}, "a", table.Columns, table.Target("y")):
        with pytest.raises(TypeError, match=r"columns: expected a table\.Columns or None, got "):
            simdnn.onnx.export(model, path, columns=wrong)
    for wrong in ("y", 3, columns):
        with pytest.raises(TypeError, match=r"target: expected a table\.Target or None, got "):
            simdnn.onnx.export(model, path, target=wrong)
    assert not path.exists()
