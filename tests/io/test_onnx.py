"""ONNX: every layer is written so that other libraries compute the same, and perceptrons come back."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.onnx
from simdnn import nn, table
from simdnn.onnx import _layers

from tests.oracles.layers import ROWS, Row, class_names
from tests.support.registry import FLOATS

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Array = np.ndarray[Any, Any]

EXPORTED = {name: row for name, row in ROWS.items() if row.in_onnx}
every_row = pytest.mark.parametrize("row", EXPORTED.values(), ids=list(EXPORTED))
NEWEST = onnx.defs.onnx_opset_version()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def close(got: Array, wanted: Array) -> bool:
    return bool(np.allclose(got, wanted, rtol=1e-5, atol=1e-5))


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


@every_row
def test_a_perceptron_comes_back(row: Row, path: Path) -> None:
    """The same, or an error that names a node or a value."""
    model, x = row.model(np.float32), row.x(9, np.float32)
    simdnn.onnx.export(model, path)
    try:
        same = simdnn.onnx.load(path)
    except ValueError as error:
        message = str(error)
    else:
        assert close(same(x), model(x))
        return
    assert message.startswith(f"{path}: ")
    assert type(row.layer).__name__ not in KNOWN


KNOWN = set(
    [
        "Dense",
        "ReLU",
        "LeakyReLU",
        "Tanh",
        "Sigmoid",
        "ELU",
        "SELU",
        "SiLU",
        "Dropout",
        "Softmax",
        "BatchNorm1d",
        "LayerNorm",
        "PReLU",
        "HardTanh",
        "HardSigmoid",
        "HardSwish",
        "ReLU6",
        "Softplus",
        "Softsign",
        "Identity",
    ]
)


@pytest.mark.parametrize(
    "row",
    [row for row in EXPORTED.values() if isinstance(row.layer, nn.Residual) and row.steps is None],
    ids=lambda row: repr(row.layer),
)
def test_a_residual_comes_back(row: Row, path: Path) -> None:
    model, x = row.model(np.float32), row.x(9, np.float32)
    simdnn.onnx.export(model, path)
    same = simdnn.onnx.load(path)
    assert any(isinstance(layer, nn.Residual) for layer in same.layers)
    assert close(same(x), model(x))


def graph(nodes: list[Any], constants: dict[str, Array], features: int | None = 3) -> Any:
    """A model by hand."""
    x = helper.make_tensor_value_info("in", TensorProto.FLOAT, ["batch", features])
    y = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    arrays = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "g", [x], [y], arrays)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


W = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
B = np.float32([0.5, -0.5])
node = helper.make_node

FOREIGN: dict[str, tuple[list[Any], dict[str, Array]]] = {
    "weights as PyTorch writes them": (
        [node("Gemm", ["in", "w", "b"], ["out"], transB=1, alpha=2.0, beta=0.5)],
        {"w": W, "b": B},
    ),
    "a bias of one number": ([node("Gemm", ["in", "w", "b"], ["out"], transB=1)], {"w": W, "b": B[:1]}),
    "no bias": ([node("Gemm", ["in", "w"], ["out"], transB=1)], {"w": W}),
    "product and sum": (
        [node("MatMul", ["in", "w"], ["h"]), node("Add", ["b", "h"], ["out"])],
        {"w": np.ascontiguousarray(W.T), "b": B[None]},
    ),
    "a product alone": (
        [node("MatMul", ["in", "w"], ["h"]), node("Relu", ["h"], ["out"])],
        {"w": np.ascontiguousarray(W.T)},
    ),
    "constants as nodes": (
        [
            node("Constant", [], ["w"], value=numpy_helper.from_array(W)),
            node("Flatten", ["in"], ["f"]),
            node("Gemm", ["f", "w"], ["h"], transB=1),
            node("Identity", ["h"], ["out"]),
        ],
        {},
    ),
    "silu in two": (
        [
            node("Gemm", ["in", "w"], ["h"], transB=1),
            node("Sigmoid", ["h"], ["s"]),
            node("Mul", ["s", "h"], ["out"]),
        ],
        {"w": W},
    ),
    "clips": (
        [
            node("Clip", ["in", "low"], ["a"]),
            node("Clip", ["a", "low", "six"], ["b"]),
            node("Clip", ["b", "low", "half"], ["out"]),
        ],
        {"low": np.float32(0), "six": np.float32(6), "half": np.float32(0.5)},
    ),
    "elu and celu": ([node("Elu", ["in"], ["a"], alpha=0.5), node("Celu", ["a"], ["out"], alpha=2.0)], {}),
    "a residual": (
        [
            node("Relu", ["in"], ["a"]),
            node("MatMul", ["a", "square"], ["h"]),
            node("Add", ["in", "h"], ["s"]),
            node("Sigmoid", ["s"], ["g"]),
            node("Mul", ["s", "g"], ["i"]),
            node("Tanh", ["i"], ["j"]),
            node("Add", ["j", "s"], ["out"]),
        ],
        {"square": np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)},
    ),
    "a residual of two dense layers": (
        [
            node("MatMul", ["in", "v"], ["a"]),
            node("Gemm", ["in", "w", "b"], ["c"], transB=1),
            node("Add", ["a", "c"], ["out"]),
        ],
        {"v": W.T * 2, "w": W, "b": B},
    ),
    "one weight by two names": (
        [
            node("Identity", ["w"], ["v"]),
            node("Gemm", ["in", "v"], ["a"], transB=1),
            node("Relu", ["a"], ["out"]),
        ],
        {"w": W},
    ),
    "double": ([node("Cast", ["in"], ["out"], to=TensorProto.FLOAT)], {}),
}


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "double"])
def test_what_others_write_is_read(name: str, path: Path) -> None:
    proto = graph(*FOREIGN[name])
    onnx.save(proto, path)
    x = np.linspace(-2, 2, 15, dtype=np.float32).reshape(5, 3)
    assert close(simdnn.onnx.load(path)(x), ReferenceEvaluator(proto).run(None, {"in": x})[0])


def gemm(source: str, target: str) -> Any:
    return node("Gemm", [source, "w", "b"], [target], transB=1)


IMAGE = helper.make_graph(
    [node("Relu", ["in"], ["out"])],
    "g",
    [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["n", 3, 8, 8])],
    [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
)
RELU, PRODUCT = node("Relu", ["in"], ["a"]), node("MatMul", ["in", "w"], ["out"])

REFUSED: dict[str, tuple[Any, str]] = {
    "an unknown operator": (graph(*FOREIGN["double"]), r"node out \(Cast\): not supported; known"),
    "another domain": (graph([node("Gelu", ["in"], ["out"], domain="com.microsoft")], {}), "com.microsoft"),
    "two readers": (graph([RELU, node("Mul", ["a", "in"], ["out"])], {}), "in: read by 2 nodes"),
    "branches that never meet": (graph([RELU, node("Tanh", ["in"], ["out"])], {}), "in: read by 2 nodes"),
    "three branches": (
        graph([RELU, node("Tanh", ["in"], ["b"]), node("Sum", ["a", "b", "in"], ["out"])], {}),
        "in: read by 3 nodes",
    ),
    "two branches of more than a dense layer": (
        graph([RELU, node("Tanh", ["in"], ["b"]), node("Add", ["a", "b"], ["out"])], {}),
        r"node out \(Add\): expected a branch of one dense layer",
    ),
    "a transposed input": (
        graph([node("Gemm", ["in", "w"], ["out"], transA=1)], {"w": W}),
        r"\(Gemm\): expected transA=0, got 1",
    ),
    "a computed weight": (graph([RELU, node("MatMul", ["a", "a"], ["out"])], {}), "should be a constant"),
    "a weight of three axes": (graph([PRODUCT], {"w": W[None]}), "two axes"),
    "a bias of a batch": (
        graph([gemm("in", "out")], {"w": W, "b": np.ones((5, 2), np.float32)}),
        "should have 2 numbers",
    ),
    "integers": (graph([PRODUCT], {"w": W.astype(np.int64)}), "floating-point"),
    "another hard sigmoid": (graph([node("HardSigmoid", ["in"], ["out"])], {}), "alpha=1/6"),
    "an image": (helper.make_model(IMAGE), "two axes"),
    "a missing end": (graph([RELU], {}), "a: read by no node"),
    "a circle": (graph([node("Relu", ["in"], ["in"])], {}), "in: has more than one source"),
    "a circle that the input enters": (
        graph([node("Sum", ["in", "b"], ["a"]), node("Identity", ["a"], ["b"])], {}),
        r"node a \(Sum\): not supported",
    ),
    "a value that is written twice": (
        graph([RELU, node("Relu", ["a"], ["out"]), node("Tanh", ["out"], ["out"])], {}),
        "out: has more than one source",
    ),
    "a circle in a branch": (graph([RELU, node("Add", ["out", "in"], ["out"])], {}), "a: read by no node"),
    "widths that do not fit": (graph([gemm("in", "a"), gemm("a", "out")], {"w": W, "b": B}), "layers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_perceptron_is_a_clear_error(name: str, path: Path) -> None:
    proto, message = REFUSED[name]
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ValueError, match=f"model.onnx: .*{message}") as caught:
        simdnn.onnx.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x04cos", bytes(100), b"\xff" * 999], ids=repr)
def test_what_is_no_onnx_is_a_clear_error(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.onnx: "):
        simdnn.onnx.load(path)


def test_weights_in_other_files_are_not_read(path: Path) -> None:
    proto = graph([node("Gemm", ["in", "w"], ["out"], transB=1)], {"w": W})
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ValueError, match="w: lies in another file"):
        simdnn.onnx.load(path)


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
    """Numbers with holes, words with holes, and names that the graph would like to have."""
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
    """A category that was never seen, and every spelling of a missing one."""
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
    assert not path.exists()
