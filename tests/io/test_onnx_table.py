"""ONNX export of the options of tables: the graph computes the inputs that `Columns.transform` gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn.onnx
from simdnn import nn, table

pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
from onnx.reference import ReferenceEvaluator

Array = np.ndarray[Any, Any]
ROWS = 200


def a_table(seed: int) -> dict[str, Array]:
    """Numbers with ties, holes and heavy tails, and words."""
    rng = np.random.default_rng(seed)
    return {
        "heavy": rng.standard_cauchy(ROWS) * 1e30,
        "holes": np.where(rng.random(ROWS) < 0.3, np.nan, rng.poisson(2, ROWS)),
        "sex": np.array(["female", "male"], object)[rng.integers(0, 2, ROWS)],
        "kind": np.array([str(i) for i in rng.integers(0, 100, ROWS)], object),
        "id": np.array([f"{seed}-{i}" for i in range(ROWS)], object),
    }


def run(runtime: str, path: Path, data: dict[str, Array]) -> Array:
    """The first output of a graph."""
    feed = {name: values[:, np.newaxis] for name, values in data.items()}
    if runtime == "reference":
        return np.asarray(ReferenceEvaluator(str(path)).run(None, feed)[0])
    peer = pytest.importorskip("onnxruntime", reason="needs the extra [peers]: onnxruntime")
    session = peer.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0])


every_runtime = pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])


@every_runtime
@pytest.mark.parametrize("opset", [17, 18, 21])
@pytest.mark.parametrize("numbers", ["standard", "robust"])
def test_inputs_are_those_of_transform(numbers: str, opset: int, runtime: str, tmp_path: Path) -> None:
    columns = table.Columns.fit(a_table(0), numbers=numbers, bins=16, binary=True, min_frequency=2)
    width = len(columns.features)
    model = nn.Sequential(nn.Dense(width, width, init="identity"), rng=0)
    simdnn.onnx.export(model, tmp_path / "m.onnx", opset, columns=columns)
    new = a_table(1)
    new["sex"][:3] = ["new", "", "male"]
    new["holes"][:2] = [np.nan, -1e30]
    rows = new | {"sex": np.array([one or None for one in new["sex"]], object)}
    wanted = columns.transform(rows)
    assert np.allclose(run(runtime, tmp_path / "m.onnx", new), wanted, rtol=1e-6, atol=1e-6)


@every_runtime
def test_spellings_of_a_category_are_those_of_transform(runtime: str, tmp_path: Path) -> None:
    data = {"yes": np.array(["True", "False"] * 3), "id": np.array(["1", "2", "x"] * 2)}
    columns = table.Columns.fit(data)
    model = nn.Sequential(nn.Dense(5, 5, init="identity"), rng=0)
    simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns)
    words = (
        ["true", "TRUE", "True", "false", "FALSE", "other", "0", "1", "1.0", "2"],
        ["1.0", "1", "2.0", "X", "x", "x.0", "0", "2", "1", "True"],
    )
    new = dict(zip(("yes", "id"), (np.array(each, object) for each in words), strict=True))
    assert np.array_equal(run(runtime, tmp_path / "m.onnx", new), columns.transform(new))


@every_runtime
def test_predictions_are_clipped_to_the_seen_range(runtime: str, tmp_path: Path) -> None:
    data = {"x": np.linspace(-3, 3, ROWS)}
    target = table.Target.fit({"y": data["x"] * 10}, "y", "regression", clip=True)
    columns = table.Columns.fit(data)
    model = nn.Sequential(nn.Dense(1, 1), rng=0)
    model.load_state_dict({"0.weight": np.array([[2.0]]), "0.bias": np.array([0.5])})
    simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns, target=target)
    wanted = target.restore(model(columns.transform(data)))
    assert (wanted.min(), wanted.max()) == (-30, 30)
    assert np.allclose(run(runtime, tmp_path / "m.onnx", data), wanted)


@every_runtime
def test_a_layer_reads_positions_as_codes(runtime: str, tmp_path: Path) -> None:
    """The first layer's product is that of the formula's codes, from the numbers on."""
    data, new = a_table(0), a_table(1)
    for name in ("kind", "id"):
        del data[name], new[name]
    columns = table.Columns.fit(data, numbers="robust", bins=16)
    width, count, bins = len(columns.features), columns.encoded, columns.bins
    model = nn.Sequential(nn.PiecewiseLinear(width, 5, encoded=count, bins=bins), rng=0)
    x = columns.transform(new)
    edges = [np.array(part.edges) for part in columns.parts if part.positions]
    codes = np.zeros((ROWS, count, bins))
    for j, (name, e) in enumerate(zip(("heavy", "holes"), edges, strict=True)):
        known = np.where(np.isnan(new[name]), -np.inf, new[name])[:, np.newaxis]
        codes[:, j, : len(e) - 1] = np.clip((known - e[:-1]) / (e[1:] - e[:-1]), 0, 1)
    inputs = np.concatenate([codes.reshape(ROWS, -1), x[:, count:]], axis=1)
    weight, bias = (model.state_dict()[f"0.{name}"].astype(np.float64) for name in ("weight", "bias"))
    wanted = inputs @ weight + bias
    assert np.allclose(model(x), wanted, rtol=1e-5, atol=1e-5)
    simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns)
    assert np.allclose(run(runtime, tmp_path / "m.onnx", new), wanted, rtol=1e-5, atol=1e-5)


NAMES: list[tuple[list[str], str | None, str]] = [
    (["a", "y"], None, "columns: .*'y'"),
    (["a", "y"], "y", "target: .*'y'"),
    (["a", "P(kind)"], "kind", r"target: .*'P\(kind\)'"),
    (["a", ""], "y", "columns: expected a name for each column, got ''"),
    (["a", "b"], "", "target: expected a name, got ''"),
]


@pytest.mark.parametrize(("inputs", "output", "said"), NAMES, ids=lambda one: str(one))
def test_names_that_a_graph_cannot_have_are_refused(
    inputs: list[str], output: str | None, said: str, tmp_path: Path
) -> None:
    data = {name: np.arange(4.0) for name in inputs}
    columns, target = table.Columns.fit(data), None if output is None else table.Target(output, ("a", "b"))
    model = nn.Sequential(nn.Dense(2, 2), rng=0)
    with pytest.raises(ValueError, match=said):
        simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns, target=target)
    assert not list(tmp_path.iterdir())
    if inputs[1]:
        simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns, target=table.Target("t", ("a", "b")))
