"""Objects of other classes, missing keys and counts without bounds are named in an error of their kind."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import init, nn, optim, pretrain, table

X = np.random.default_rng(0).random((6, 3), np.float32)
BIG = 10**30
WITHIN: dict[str, Any] = {}
WITHIN["a"] = WITHIN


def model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def trainer() -> simdnn.Trainer:
    return simdnn.Trainer(model(), seed=0)


def ensemble() -> nn.Ensemble:
    return nn.Ensemble([model(), model()])


TYPES: dict[str, tuple[Callable[[], Any], str]] = {
    "a key": (lambda: model().load_state_dict({0: X}), "state: expected names, got the key 0"),
    "a list": (
        lambda: model().load_state_dict([X]),
        "state: expected a dictionary from state_dict(), got list",
    ),
    "no state": (
        lambda: model().load_state_dict(None),
        "state: expected a dictionary from state_dict(), got NoneType",
    ),
    "Predictor, 5": (lambda: nn.Predictor(5), "model: expected a Sequential, got int"),
    "Predictor, Trainer": (lambda: nn.Predictor(trainer()), "model: expected a Sequential, got Trainer"),
    "Predictor, Ensemble": (lambda: nn.Predictor(ensemble()), "model: expected a Sequential, got Ensemble"),
    "Predictor, class": (lambda: nn.Predictor(nn.Sequential), "model: expected a Sequential, got type"),
    "Trainer, layer": (
        lambda: simdnn.Trainer(nn.Dense(3, 2)),
        "model: expected a Sequential, got Dense, which nn.Sequential makes a model of",
    ),
    "Sequential, list": (
        lambda: nn.Sequential([nn.Dense(3, 2)]),
        "layers[0]: expected a layer such as nn.Dense, got list; give the layers one by one",
    ),
    "Adam, the name of Keras": (
        lambda: optim.Adam(learning_rate=0.1),
        "Adam: unexpected argument 'learning_rate'; its name here is lr",
    ),
    "lsuv, 5": (lambda: pretrain.lsuv(5, X), "model: expected a Sequential, got int"),
    "lsuv, Trainer": (lambda: pretrain.lsuv(trainer(), X), "model: expected a Sequential, got Trainer"),
    "PyTorch, 5": (lambda: simdnn.to_torch_state_dict(5), "model: expected a Sequential, got int"),
    "PyTorch, Predictor": (
        lambda: simdnn.to_torch_state_dict(model().freeze()),
        "model: expected a Sequential, got Predictor",
    ),
    "classes": (
        lambda: table.Target.from_dict({"name": "a", "classes": 5, "mean": 0, "scale": 1}),
        "target: expected a list of classes, got int",
    ),
    "categories": (
        lambda: table.Columns.from_dict([{"name": "a", "categories": 5, "other": True, "embedded": False}]),
        "column: expected a list of categories, got int",
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_objects_of_another_class_are_refused(name: str) -> None:
    call, message = TYPES[name]
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        call()


VALUES: dict[str, tuple[Callable[[], Any], str]] = {
    "target": (lambda: table.Target.from_dict({}), "target: 'name' is missing"),
    "target, classes": (lambda: table.Target.from_dict({"name": "a"}), "target: 'classes' is missing"),
    "columns": (lambda: table.Columns.from_dict([{}]), "column: 'name' is missing"),
    "a column": (lambda: table.Columns.from_dict([{"name": "a"}]), "column: 'mean' is missing"),
    "categories": (
        lambda: table.Columns.from_dict([{"name": "a", "categories": []}]),
        "column: 'other' is missing",
    ),
    "dates": (lambda: table.Columns.from_dict([{"dates": {}}]), "column: 'name' is missing"),
    "gain": (
        lambda: init.xavier_uniform((3, 3), gain=1e308),
        "gain: expected weights within float32's range",
    ),
    "gain of a normal one": (
        lambda: init.he_normal((3, 3), nonlinearity="relu") * init.xavier_normal((3, 3), gain=1e308),
        "gain: expected weights within float32's range",
    ),
    "gain of a matrix": (lambda: init.orthogonal((3, 3), gain=1e39), "gain: expected weights within float32"),
    "gain of the identity": (
        lambda: init.identity((3, 3), gain=1e39),
        "gain: expected weights within float32",
    ),
    "std": (lambda: init.normal((3, 3), std=1e308), "mean, std: expected weights within float32's range"),
    "std of a sparse one": (
        lambda: init.sparse((3, 3), std=1e300),
        "std: expected weights within float32's range",
    ),
    "truncated": (
        lambda: init.truncated_normal((3, 3), mean=1e39, low=1e39, high=2e39),
        "mean, std, low, high: ",
    ),
    "range": (
        lambda: init.uniform((3, 3), low=-1e308, high=1e308),
        "low, high: expected weights within float32",
    ),
    "range of float64": (
        lambda: init.uniform((3, 3), low=-1e308, high=1e308, dtype=np.float64),
        "low, high: expected a finite difference",
    ),
    "value": (lambda: init.constant((3, 3), value=1e39), "value: expected weights within float32's range"),
    "RBM": (lambda: pretrain.BernoulliRBM(3, BIG), "out_features: expected an integer from 1 to"),
    "profile": (lambda: model().profile(BIG), "batch_size: expected an integer from 1 to"),
    "epochs": (
        lambda: trainer().fit(X, np.arange(6) % 2, epochs=BIG),
        "epochs: expected an integer from 1 to",
    ),
    "features": (lambda: nn.Dense(3, BIG), "out_features: expected an integer from 1 to"),
    "layers of a GRU": (
        lambda: nn.GRU(4, 2, num_layers=BIG),
        "num_layers: expected an integer from 1 to 1024",
    ),
    "layers of an LSTM": (
        lambda: nn.LSTM(4, 2, num_layers=1025),
        "num_layers: expected an integer from 1 to 1024",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_cannot_be_are_refused(name: str) -> None:
    call, message = VALUES[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call()


AXES: dict[str, Callable[[int], Any]] = {
    "crelu": lambda axis: F.crelu(X, axis),
    "crelu_derivative": lambda axis: F.crelu_derivative(X, axis),
    "crelu_backward": lambda axis: F.crelu_backward(X, X, axis),
    "maxout": lambda axis: F.maxout(X, 3, axis),
    "maxout_derivative": lambda axis: F.maxout_derivative(X, 3, axis),
    "maxout_backward": lambda axis: F.maxout_backward(X, X, 3, axis),
    "entropy": lambda axis: F.entropy(X, axis=axis),
}


@pytest.mark.parametrize("axis", [BIG, -BIG, 2**40, 2])
@pytest.mark.parametrize("name", AXES)
def test_an_axis_that_is_not_there_is_an_axis_error(name: str, axis: int) -> None:
    with pytest.raises(np.exceptions.AxisError, match=f"axis {axis} is out of bounds"):
        AXES[name](axis)


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ({"a": np.longdouble(1)}, TypeError, "metadata: cannot be described: "),
        ({"a": np.ones(2, np.clongdouble)}, TypeError, "metadata: cannot be described: "),
        (WITHIN, ValueError, "metadata: nested too deeply, or within itself"),
        ({"a": [WITHIN]}, ValueError, "metadata: nested too deeply, or within itself"),
    ],
)
def test_metadata_that_json_cannot_hold(
    metadata: Any, error: type[Exception], message: str, tmp_path: Any
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [files]: safetensors")
    path = tmp_path / "model.safetensors"
    for save in (lambda: simdnn.save(model(), path, metadata), lambda: trainer().save(path, metadata)):
        with pytest.raises(error, match=f"^{message}"):
            save()
    assert not path.exists()


@pytest.mark.parametrize(("mean", "low", "high"), [(1e6, -2, 2), (0, 1e200, np.inf), (-1e9, 0, 1)])
def test_a_truncated_normal_far_from_its_mean_ends_at_the_nearest_limit(
    mean: float, low: float, high: float
) -> None:
    found = init.truncated_normal((50,), mean=mean, low=low, high=high, rng=0, dtype=np.float64)
    nearest = min(max(mean, low), high)
    np.testing.assert_allclose(found, nearest, rtol=1e-6, atol=1e-4)
    assert ((found >= low) & (found <= high)).all()
