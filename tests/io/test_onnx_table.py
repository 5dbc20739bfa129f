"""ONNX export of the options of tables: the graph computes the inputs that `Columns.transform` gives."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn.onnx
from simdnn import nn, table
from simdnn.table._cells import MISSING

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


SPELLED = [" 4", "5.", "-0", "7.00", "x", "y", None, "\t8 ", " 4", "  -9.0"]


@every_runtime
@pytest.mark.parametrize("options", [{}, {"max_one_hot": 0}, {"min_frequency": 2}])
def test_the_training_data_are_known_in_their_own_spelling(
    options: dict[str, Any], runtime: str, tmp_path: Path
) -> None:
    data = {"c": np.array(SPELLED, object)}
    columns = table.Columns.fit([{"c": data["c"][:4]}, {"c": data["c"][4:]}], **options)
    again = table.Columns.from_dict(json.loads(json.dumps(columns.to_dict())))
    assert again.to_dict() == columns.to_dict() == table.Columns.fit(data, **options).to_dict()
    width = len(columns.features)
    simdnn.onnx.export(
        nn.Sequential(nn.Dense(width, width, init="identity"), rng=0), tmp_path / "m.onnx", columns=again
    )
    given = {"c": np.array([one or "" for one in SPELLED], object)}
    assert np.array_equal(run(runtime, tmp_path / "m.onnx", given), columns.transform(data))


@every_runtime
def test_missing_cells_may_have_blanks_around_them(runtime: str, tmp_path: Path) -> None:
    blank = [*MISSING, *(f" {one} " for one in MISSING), *(f"{one} " for one in MISSING), " ?"]
    cells = np.array([*blank, "x", "y"], object)
    (tmp_path / "t.csv").write_text("\n".join(["c,n", *(f"{one},1" for one in cells)]))
    for given in ({"c": cells}, {"c": table.read(tmp_path / "t.csv")["c"]}):
        columns = table.Columns.fit(given)
        assert columns.features == ["c=x", "c=y", "c=(missing)"]
        model = nn.Sequential(nn.Dense(3, 3, init="identity"), rng=0)
        simdnn.onnx.export(model, tmp_path / "m.onnx", columns=columns)
        found = run(runtime, tmp_path / "m.onnx", {"c": cells})
        assert np.array_equal(found, columns.transform({"c": cells}))


def test_usual_spellings_are_not_kept() -> None:
    columns = table.Columns.fit({"c": ["1.0", "2", "x", "True", " y"]})
    assert columns.to_dict() == table.Columns.fit({"c": ["1", "2.0", "x", "True", " y"]}).to_dict()
    assert all("spelled" not in one for one in columns.to_dict())


@pytest.mark.parametrize("spelled", ["4", [4], None])
def test_other_spellings_in_a_description_are_refused(spelled: Any) -> None:
    one = {"name": "c", "categories": ["4"], "other": False, "embedded": False, "spelled": spelled}
    with pytest.raises(TypeError, match="column: expected"):
        table.Columns.from_dict({"version": 2, "columns": [one]})


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
