"""ONNX import: every exported layer comes back, as do the perceptrons of other libraries."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn.onnx

from tests.io.onnx_rows import EXPORTED, close
from tests.oracles.layers import Row
from tests.support.registry import FLOATS

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Array = np.ndarray[Any, Any]

NEWEST = onnx.defs.onnx_opset_version()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


#: Layers that come back as the function that they are in evaluation.
IN_EVALUATION = {
    "Dropout": "Identity",
    "AlphaDropout": "Identity",
    "RReLU": "LeakyReLU",
    "LargeMarginSoftmax": "Dense",
}


@pytest.mark.parametrize("opset", [17, 18, 20, NEWEST])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", EXPORTED.values(), ids=list(EXPORTED))
def test_every_export_comes_back(row: Row, dtype: Any, opset: int, path: Path) -> None:
    model, x = row.model(dtype), row.x(9, dtype)
    simdnn.onnx.export(model, path, opset)
    same = simdnn.onnx.load(path)
    name = type(row.layer).__name__
    assert close(same(x), model(x))
    assert IN_EVALUATION.get(name, name) in [type(layer).__name__ for layer in same.layers]


def graph(nodes: list[Any], constants: dict[str, Array], features: int | None = 3) -> Any:
    """Makes an ONNX model from nodes."""
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
    "scaling": (
        [
            node("Sub", ["in", "three"], ["a"]),
            node("Div", ["a", "three"], ["b"]),
            node("Mul", ["row", "b"], ["c"]),
            node("Add", ["c", "three"], ["d"]),
            node("Cast", ["d"], ["e"], to=TensorProto.FLOAT),
            node("Reshape", ["e", "shape"], ["out"]),
        ],
        {
            "three": np.float32([0.5, 2, -4]),
            "row": np.float32([[3, 1, 2]]),
            "shape": np.array([-1, 3]),
        },
    ),
    "constants of one number": (
        [node("Mul", ["in", "two"], ["a"]), node("Add", ["a", "one"], ["out"])],
        {"two": np.float32(2), "one": np.float32([[1]])},
    ),
    "gelu, softsign, softplus and log_sigmoid in parts": (
        [
            node("Div", ["in", "root"], ["a"]),
            node("Erf", ["a"], ["b"]),
            node("Add", ["one", "b"], ["c"]),
            node("Mul", ["c", "in"], ["d"]),
            node("Mul", ["d", "half"], ["e"]),
            node("Abs", ["e"], ["f"]),
            node("Add", ["f", "one"], ["g"]),
            node("Div", ["e", "g"], ["h"]),
            node("Softplus", ["h"], ["i"]),
            node("Greater", ["h", "twenty"], ["j"]),
            node("Where", ["j", "h", "i"], ["k"]),
            node("Sigmoid", ["k"], ["l"]),
            node("Log", ["l"], ["out"]),
        ],
        {
            "root": np.float32(2**0.5),
            "one": np.float32(1),
            "half": np.float32(0.5),
            "twenty": np.float32(20),
        },
    ),
    "a branch that leads nowhere": ([node("Relu", ["in"], ["a"]), node("Tanh", ["in"], ["out"])], {}),
    "branches of two kinds in a residual": (
        [
            node("Sigmoid", ["in"], ["a"]),
            node("Mul", ["in", "a"], ["b"]),
            node("MatMul", ["in", "square"], ["c"]),
            node("Add", ["b", "c"], ["out"]),
        ],
        {"square": np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)},
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
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
TWO_OUTPUTS = graph([node("Relu", ["in"], ["out"]), node("Tanh", ["in"], ["more"])], {})
TWO_OUTPUTS.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, None))
OLD = graph([node("Relu", ["in"], ["out"])], {})
OLD.opset_import[0].version = 6
RELU, PRODUCT = node("Relu", ["in"], ["a"]), node("MatMul", ["in", "w"], ["out"])

REFUSED: dict[str, tuple[Any, str]] = {
    "an unknown operator": (
        graph([node("Sin", ["in"], ["out"])], {}),
        r"node out \(Sin\): not supported; known",
    ),
    "another domain": (graph([node("Gelu", ["in"], ["out"], domain="com.microsoft")], {}), "com.microsoft"),
    "two readers": (graph([RELU, node("Mul", ["a", "in"], ["out"])], {}), "in: read by 2 nodes"),
    "a value that a residual shares": (
        graph(
            [
                RELU,
                node("Tanh", ["a"], ["b"]),
                node("Add", ["a", "b"], ["c"]),
                node("Add", ["c", "a"], ["d"]),
                node("Mul", ["d", "b"], ["out"]),
            ],
            {},
        ),
        "a: read by 3 nodes",
    ),
    "three branches": (
        graph([RELU, node("Tanh", ["in"], ["b"]), node("Sum", ["a", "b", "in"], ["out"])], {}),
        "in: read by 3 nodes",
    ),
    "two branches of more than a dense layer": (
        graph([RELU, node("Tanh", ["in"], ["b"]), node("Add", ["a", "b"], ["out"])], {}),
        r"node out \(Add\): expected one of the two branches to be empty",
    ),
    "a transposed input": (
        graph([node("Gemm", ["in", "w"], ["out"], transA=1)], {"w": W}),
        r"\(Gemm\): expected transA=0, got 1",
    ),
    "a computed weight": (graph([RELU, node("MatMul", ["a", "a"], ["out"])], {}), "reads a twice"),
    "a weight of three axes": (graph([PRODUCT], {"w": W[None]}), "two-dimensional"),
    "a bias of a batch": (
        graph([gemm("in", "out")], {"w": W, "b": np.ones((5, 2), np.float32)}),
        "should have 2 numbers",
    ),
    "a bias that is a column": (
        graph([gemm("in", "out")], {"w": W, "b": B[:, None]}),
        "should have 2 numbers",
    ),
    "a bias with too many axes": (
        graph(
            [node("MatMul", ["in", "v"], ["h"]), node("Add", ["h", "b"], ["out"])],
            {"v": W.T, "b": B[None, None]},
        ),
        "should have 2 numbers",
    ),
    "slopes that are a column": (
        graph([node("PRelu", ["in", "s"], ["out"])], {"s": np.ones((3, 1), np.float32)}),
        "should have 3 numbers",
    ),
    "a factor that is a column": (
        graph([node("Mul", ["in", "s"], ["out"])], {"s": np.ones((3, 1), np.float32)}),
        "should have 3 numbers",
    ),
    "a bound for each feature": (
        graph([node("Clip", ["in", "s", "s"], ["out"])], {"s": np.ones(3, np.float32)}),
        "should be one number",
    ),
    "a constant on the left": (
        graph([node("MatMul", ["w", "in"], ["out"])], {"w": W}),
        "expected in as input 0",
    ),
    "the input as the bias": (
        graph([node("Gemm", ["v", "w", "in"], ["out"])], {"v": W.T, "w": W}),
        "expected in as input 0",
    ),
    "another elu in celu": (
        graph(
            [
                node("Min", ["in", "zero"], ["a"]),
                node("Div", ["a", "two"], ["b"]),
                node("Elu", ["b"], ["c"], alpha=0.5),
                node("Mul", ["c", "two"], ["d"]),
                node("Max", ["in", "zero"], ["e"]),
                node("Add", ["e", "d"], ["out"]),
            ],
            {"zero": np.float32(0), "two": np.float32(2)},
        ),
        "expected one of the two branches|not supported",
    ),
    "two outputs": (TWO_OUTPUTS, "expected one output of floating-point numbers, got 2"),
    "an old opset": (OLD, "opset: expected at least 9, got 6"),
    "integers": (graph([PRODUCT], {"w": W.astype(np.int64)}), "floating-point"),
    "another selu": (graph([node("Selu", ["in"], ["out"], gamma=1.05074)], {}), "gamma=1.0507 "),
    "a division by 0": (graph([node("Div", ["in", "z"], ["out"])], {"z": np.zeros(3, np.float32)}), "not 0"),
    "a division by a subnormal number": (
        graph([node("Div", ["in", "z"], ["out"])], {"z": np.full(3, 1e-45, np.float32)}),
        "not 0",
    ),
    "a scaler without offset": (
        graph([node("Scaler", ["in"], ["out"], domain="ai.onnx.ml", scale=[1.0])], {}),
        "expected the attribute offset",
    ),
    "another hard sigmoid": (graph([node("HardSigmoid", ["in"], ["out"])], {}), "alpha=1/6"),
    "an image": (helper.make_model(IMAGE), "expected shape .*, got 4"),
    "a missing end": (graph([RELU], {}), "in: does not lead to the output"),
    "a circle": (graph([node("Relu", ["in"], ["in"])], {}), "in: has more than one source"),
    "a circle that the input enters": (
        graph([node("Sum", ["in", "b"], ["a"]), node("Identity", ["a"], ["b"])], {}),
        "in: does not lead to the output",
    ),
    "a value that is written twice": (
        graph([RELU, node("Relu", ["a"], ["out"]), node("Tanh", ["out"], ["out"])], {}),
        "out: has more than one source",
    ),
    "a circle in a branch": (graph([RELU, node("Add", ["out", "in"], ["out"])], {}), "should be a constant"),
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


@pytest.mark.parametrize("features", [2**24 + 1, 2**40, -1])
@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Mul", ["in", "one"], ["out"])],
        [
            helper.make_node("Gather", ["in", "place"], ["other"], axis=1),
            helper.make_node("Concat", ["other", "other"], ["out"], axis=1),
        ],
    ],
    ids=lambda nodes: nodes[0].op_type,
)
def test_a_small_file_with_huge_inputs_is_refused(features: int, nodes: list[Any], path: Path) -> None:
    constants = {"one": np.ones(1, np.float32), "place": np.zeros(1, np.int64)}
    path.write_bytes(graph(nodes, constants, features).SerializeToString())
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"in: expected 1 to 16,777,216 features, got -?\d+"):
        simdnn.onnx.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


def test_columns_that_are_not_listed_need_no_memory(path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["in", "place"], ["other"], axis=1),
        helper.make_node("Concat", ["other"], ["out"], axis=1),
    ]
    path.write_bytes(graph(nodes, {"place": np.zeros(1, np.int64)}, 2**24).SerializeToString())
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected each column of in once"):
        simdnn.onnx.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


def test_weights_in_other_files_are_not_read(path: Path) -> None:
    proto = graph([node("Gemm", ["in", "w"], ["out"], transB=1)], {"w": W})
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ValueError, match="w: its external data is not read"):
        simdnn.onnx.load(path)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")  # the exporter is deprecated, but needs no other package
@pytest.mark.parametrize(
    "name", ["GELU", "SiLU", "Mish", "LogSigmoid", "Softsign", "Hardswish", "CELU", "PReLU"]
)
def test_a_perceptron_of_pytorch_is_read(name: str, path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [peers]: torch")
    t = torch.nn
    torch.manual_seed(0)
    module = t.Sequential(
        t.Linear(3, 4),
        getattr(t, name)(),
        t.LayerNorm(4),
        t.GELU(approximate="tanh"),
        t.Dropout(),
        t.Linear(4, 2),
    ).eval()
    x = torch.randn(7, 3)
    torch.onnx.export(module, (x,), path, dynamo=False, opset_version=17, dynamic_axes={"input": {0: "n"}})
    assert close(simdnn.onnx.load(path)(x), module(x).detach().numpy())


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_perceptron_of_scikit_learn_is_read(classes: int, activation: Any, path: Path) -> None:
    """The probabilities of a classifier, or the numbers of a regressor behind a scaler."""
    skl2onnx = pytest.importorskip("skl2onnx", reason="needs the extra [peers]: skl2onnx")
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.random.default_rng(0).normal(2, 3, (60, 3)).astype(np.float32)
    kind, y = (MLPClassifier, np.arange(60) % classes) if classes else (MLPRegressor, x @ np.ones(3))
    mlp = kind(hidden_layer_sizes=(5,), activation=activation, max_iter=3, random_state=0)
    fitted = make_pipeline(StandardScaler(), mlp).fit(x, y)
    wanted = fitted.predict_proba(x) if classes else fitted.predict(x)[:, None]
    path.write_bytes(skl2onnx.to_onnx(fitted, x[:1]).SerializeToString())
    assert close(simdnn.onnx.load(path)(x), wanted)


def test_columns_that_nothing_joins_are_refused(path: Path) -> None:
    nodes = [helper.make_node("Gather", ["in", "place"], ["out"], axis=1)]
    path.write_bytes(graph(nodes, {"place": np.zeros(1, np.int64)}, 3).SerializeToString())
    with pytest.raises(ValueError, match=r"Gather.*: expected a Concat of all columns after it"):
        simdnn.onnx.load(path)
