"""Files of ensembles: one safetensors file, or one ONNX graph, for all members and their mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.onnx
from simdnn import Trainer, nn, table

from tests.io.files import rewritten, small
from tests.io.onnx_rows import EXPORTED, close
from tests.oracles.layers import ROWS, Row
from tests.support.registry import FLOATS, same_bits, spread

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

Array = np.ndarray[Any, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ensemble.safetensors"


def ensemble_of(row: Row, dtype: Any, **settings: Any) -> nn.Ensemble:
    models = [row.model(dtype) for _ in range(3)]
    for i, model in enumerate(models):
        model.flat_parameters[:] *= 1 - 0.3 * i
    return nn.Ensemble(models, **settings)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_layer_comes_back(row: Row, dtype: Any, path: Path) -> None:
    ensemble, x = ensemble_of(row, dtype, weights=[1 / 3, 0, 7], average="probabilities"), row.x(20, dtype)
    simdnn.save(ensemble, path, metadata={"note": 1})
    same = simdnn.load(path)
    assert isinstance(same, nn.Ensemble)
    assert (repr(same), same.weights, same.dtype) == (repr(ensemble), ensemble.weights, ensemble.dtype)
    assert simdnn.load_metadata(path) == {"note": 1}
    assert same_bits(same.predict_members(x), ensemble.predict_members(x))
    same.reset_states()
    ensemble.reset_states()
    assert same_bits(same(x), ensemble(x))


def test_many_members_keep_their_order(path: Path) -> None:
    models = [nn.Sequential(nn.Dense(2, 1), rng=i) for i in range(12)]
    simdnn.save(nn.Ensemble(models), path)
    first = path.read_bytes()
    for model, same in zip(models, simdnn.load(path), strict=True):
        assert same_bits(same.flat_parameters, model.flat_parameters)
        assert same_bits(same.forward([[1, 2]], training=True), model.forward([[1, 2]], training=True))
    simdnn.save(nn.Ensemble([nn.Sequential(nn.Dense(2, 1), rng=i) for i in range(12)]), path)
    assert path.read_bytes() == first


class Own(nn.ReLU):
    """A layer of another module."""


def test_what_no_file_could_bring_back_is_refused(path: Path) -> None:
    model = small()
    for bad, message in (
        (nn.Ensemble([model]).freeze(), r"models\[0\]: expected a Sequential, got Predictor"),
        (nn.Ensemble([model, nn.Sequential(*model.layers, Own())]), r"models\[1\]: layer: Own is not a"),
    ):
        with pytest.raises(TypeError, match=message):
            simdnn.save(bad, path)
    with pytest.raises(TypeError, match="model: expected a Sequential or an Ensemble, got Predictor"):
        simdnn.save(model.freeze(), path)
    with pytest.raises(TypeError, match=r"models\[0\]: expected a Sequential, got Predictor"):
        simdnn.onnx.export(nn.Ensemble([model]).freeze(), path.with_suffix(".onnx"))
    assert not path.exists()


def test_a_trainer_is_in_no_file_of_an_ensemble(path: Path) -> None:
    simdnn.save(nn.Ensemble([small()]), path)
    with pytest.raises(ValueError, match=r"holds no trainer but an ensemble; load it with simdnn\.load"):
        Trainer.load(path)


def without_member(description: dict[str, Any]) -> None:
    del description["ensemble"]["models"][1]


def without_average(description: dict[str, Any]) -> None:
    del description["ensemble"]["average"]


def with_entry(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda description: description["ensemble"].update({name: value})


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a member less": (without_member, r"1\.0\.bias: belongs to no member"),
    "no members": (with_entry("models", []), "belongs to no member"),
    "members of text": (with_entry("models", "ab"), "expected a list of 'models'"),
    "a member of text": (with_entry("models", ["a", "b"]), "expected a dictionary"),
    "a member more": (lambda d: d["ensemble"]["models"].append(d["ensemble"]["models"][0]), "missing"),
    "another dtype": (lambda d: d["ensemble"]["models"][1].update(dtype="float64"), "expected float64"),
    "a huge layer": (
        lambda d: d["ensemble"]["models"][1]["layers"][0].update(in_features=10**11, out_features=10**11),
        "takes|shape",
    ),
    "a weight less": (with_entry("weights", [1.0]), "weights: expected one number"),
    "weights of text": (with_entry("weights", "11"), r"weights\[0\]: expected a number, got str"),
    "no weights": (with_entry("weights", 3), "weights: expected a sequence of numbers, got int"),
    "another average": (with_entry("average", "median"), "'median' is not known"),
    "an unknown entry": (with_entry("code", "x"), "'code' is not known"),
    "an entry less": (without_average, "average"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_clear_error(name: str, path: Path) -> None:
    change, message = HOSTILE[name]
    simdnn.save(nn.Ensemble([small(), small()]), path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=f"ensemble.safetensors: .*({message})"):
        simdnn.load(path)


def outputs_of(runtime: str, path: Path, feed: dict[str, Array]) -> list[Array]:
    """The outputs of an ONNX file in a runtime."""
    if runtime == "reference":
        evaluator = pytest.importorskip("onnx.reference", reason="needs the extra [onnx]: onnx")
        return evaluator.ReferenceEvaluator(str(path)).run(None, feed)
    peer = pytest.importorskip("onnxruntime", reason="needs the extra [peers]: onnxruntime")
    return peer.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, feed)


every_runtime = pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])


@every_runtime
@pytest.mark.parametrize("average", ["outputs", "probabilities"])
@pytest.mark.parametrize("row", EXPORTED.values(), ids=list(EXPORTED))
def test_one_graph_has_the_members_and_their_mean(
    row: Row, average: str, runtime: str, tmp_path: Path
) -> None:
    path, ensemble = (
        tmp_path / "ensemble.onnx",
        ensemble_of(row, np.float32, weights=[1, 0, 3], average=average),
    )
    simdnn.onnx.export(ensemble, path)
    for n in (1, 7):
        x = row.x(n, np.float32)
        ensemble.reset_states()
        assert close(outputs_of(runtime, path, {"x": x})[0], ensemble(x))


@every_runtime
def test_a_single_output_is_a_probability(runtime: str, tmp_path: Path) -> None:
    models = [nn.Sequential(nn.Dense(4, 1), rng=i) for i in range(3)]
    ensemble, x = nn.Ensemble(models, average="probabilities"), spread(40, np.float32).reshape(10, 4)
    simdnn.onnx.export(ensemble, tmp_path / "ensemble.onnx")
    found = outputs_of(runtime, tmp_path / "ensemble.onnx", {"x": x})[0]
    assert close(found, ensemble(x))
    assert close(found, np.mean([1 / (1 + np.exp(-model(x))) for model in models], axis=0))


@every_runtime
@pytest.mark.parametrize("average", ["outputs", "probabilities"])
def test_columns_and_classes_are_in_the_graph(runtime: str, average: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra [onnx]: onnx")
    data = {"a": np.array([1.5, np.nan, -2, 0.25]), "b": np.array(["x", "y", None, "x"], object)}
    columns = table.Columns.fit(data)
    target = table.Target("class", ("no", "yes", "maybe"))
    models = [nn.Sequential(nn.Dense(len(columns.features), 3), rng=i) for i in range(4)]
    ensemble, path = nn.Ensemble(models, average=average), tmp_path / "ensemble.onnx"
    simdnn.onnx.export(ensemble, path, columns=columns, target=target)
    feed = {"a": data["a"][:, None], "b": np.array([["x"], ["y"], [""], ["x"]], object)}
    classes, shares = outputs_of(runtime, path, feed)
    y = ensemble(columns.transform(data))
    assert classes.tolist() == target.restore(y).tolist()
    assert close(shares, y if average == "probabilities" else simdnn.functional.softmax(y))
