"""Laws of networks whose dense layers multiply bf16 numbers: formulas, gradients, copies, files."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.onnx
from simdnn import Trainer, nn, optim

from tests.oracles.layers import ROWS, Row, class_names
from tests.support.registry import same_bits, spread, with_threads

Array = np.ndarray[Any, Any]

every_row = pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))

#: Layers whose products read bf16, by the name of their class.
ROUNDED = {"Dense", "LargeMarginSoftmax", "Maxout"}


def rounded(x: Array) -> Array:
    """Normal float32 numbers, rounded to the nearest bf16 number, to even in a tie; in float64."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


def network(*layers: nn.Layer, precision: Any = "bf16", rng: int = 0) -> nn.Sequential:
    """A network with parameters from integer arithmetic, also where they begin as zeros."""
    model = nn.Sequential(*layers, rng=rng, precision=precision)
    model.flat_parameters[:] = spread(model.flat_parameters.size, np.float32, 0.4)
    return model


def perceptron(precision: Any = "bf16") -> nn.Sequential:
    """A network with an odd number of features everywhere."""
    return network(nn.Dense(37, 45, "tanh"), nn.Dense(45, 19, "relu"), nn.Dense(19, 5), precision=precision)


def inputs(count: int, features: int = 37) -> Array:
    return spread(count * features, np.float32, 1.7).reshape(count, features)


@pytest.mark.parametrize("outputs", [1, 5, 16, 70])
@pytest.mark.parametrize("features", [1, 2, 31, 33, 100])
@pytest.mark.parametrize("count", [1, 7, 64, 300])
def test_products_of_a_dense_layer_match_their_formulas(count: int, features: int, outputs: int) -> None:
    """Operands are rounded, sums are not; the gradient of the bias is the sum of float32 numbers."""
    model, x = network(nn.Dense(features, outputs)), inputs(count, features)
    dy = spread(count * outputs, np.float32, 0.9).reshape(count, outputs)
    weight, bias = (value.astype(np.float64) for value in model.parameters().values())
    y = model.forward(x, training=True)
    dx = model.backward(dy)
    found = model.gradients()
    wanted = [
        (y, rounded(x) @ rounded(weight) + bias),
        (model(x), rounded(x) @ rounded(weight) + bias),
        (dx, rounded(dy) @ rounded(weight).T),
        (found["0.weight"], rounded(x).T @ rounded(dy)),
        (found["0.bias"], dy.astype(np.float64).sum(axis=0)),
    ]
    for got, exact in wanted:
        assert got.dtype == np.float32
        assert np.allclose(got, exact, rtol=1e-5, atol=2e-6 * np.sqrt(count + features))


@every_row
def test_every_layer_is_near_its_formula_or_has_the_bits_of_float32(row: Row) -> None:
    model, single, x = row.model(np.float32, precision="bf16"), row.model(np.float32), row.x(40, np.float32)
    found = [model(x), model.forward(x, training=True)]
    wanted = [single(x), single.forward(x, training=True)]
    if not ROUNDED & class_names(row.layer):
        assert all(map(same_bits, found, wanted))
    for got, exact in zip(found, wanted, strict=True):
        assert got.dtype == np.float32
        assert np.linalg.norm(got - exact) <= 0.01 * np.linalg.norm(exact)


@every_row
def test_gradients_are_near_those_of_the_formula(row: Row) -> None:
    """Networks of float64 have those gradients; near a kink the slope may be another."""
    found = []
    for model in (row.model(np.float32, precision="bf16"), row.model(np.float64)):
        x = row.x(40, model.dtype)
        y = model.forward(x, training=True)
        dx = model.backward(spread(y.size, model.dtype, 1).reshape(y.shape))
        found.append([model.flat_gradients.astype(np.float64), dx.astype(np.float64)])
    for got, exact in zip(*found, strict=True):
        assert np.linalg.norm(got - exact) <= 0.06 * np.linalg.norm(exact) + 1e-6


@every_row
def test_every_layer_trains_beside_dense_layers(row: Row) -> None:
    model = nn.Sequential(
        row.layer,
        nn.Dense(row.model()(row.x(2)).shape[-1], 3),
        rng=0,
        in_features=row.features,
        precision="bf16",
    )
    x = row.x(80, np.float32)
    before = model.flat_parameters.copy()
    trainer = Trainer(model, loss="mse", optimizer=optim.Adam(lr=1e-3), seed=1)
    y = spread(model(x).size, np.float32).reshape(model(x).shape)
    history = trainer.fit(x, y, epochs=3, batch_size=20, progress=False)
    assert np.isfinite(model.flat_parameters).all()
    assert not same_bits(model.flat_parameters, before)
    assert history.loss[-1] < history.loss[0]
    if "BatchNorm1d" not in class_names(row.layer):
        assert same_bits(model.freeze().predict(x), model(x))


@pytest.mark.parametrize("outputs", [1, 10, 33, 64, 100, 515])
@pytest.mark.parametrize("features", [1, 31, 33, 62, 64, 513])
def test_few_rows_have_the_bits_of_a_batch(features: int, outputs: int) -> None:
    """Few rows read the weight where it is, in an order of their own; more rows pack it."""
    model = network(nn.Dense(features, outputs, "tanh"))
    weight = model.parameters()["0.weight"]
    weight[0] *= np.float32(1e-30)
    weight[-1] *= np.float32(1e30)
    x = inputs(20, features)
    x[2], x[3, 0], x[4, -1] = -0.0, np.float32(1e-38), np.inf
    whole, predictor = model(x), model.freeze()
    for count in (1, 2, 3, 4, 9):
        for begin in range(0, 20 - count, count):
            assert same_bits(model(x[begin : begin + count]), whole[begin : begin + count])
            assert same_bits(predictor.predict(x[begin : begin + count]), whole[begin : begin + count])


def test_bits_do_not_depend_on_batch_threads_or_alignment() -> None:
    model, x = perceptron(), inputs(700)
    shifted = np.zeros(x.size + 1, np.float32)[1:].reshape(x.shape)
    shifted[:] = x
    whole = model(x)
    for count in (1, 2, 17, 300):
        assert same_bits(model(x[:count]), whole[:count])
    assert same_bits(model(shifted), whole)
    assert same_bits(model(x[::-1])[::-1], whole)

    def train() -> list[Array]:
        fitted = network(nn.Dense(37, 300, "relu"), nn.Dense(300, 200, "tanh"), nn.Dense(200, 5))
        Trainer(fitted, seed=3).fit(x, np.arange(700) % 5, epochs=2, batch_size=600, progress=False)
        return [fitted.flat_parameters, fitted(x), fitted.freeze().predict(x)]

    one, *others = (with_threads(threads, train) for threads in (1, 2, 5))
    for other in others:
        assert all(map(same_bits, one, other))


def test_a_batch_of_several_chunks_has_the_bits_of_one_product() -> None:
    """The gradient of a weight is one chain over the samples of the batch, in blocks of 32."""
    plain, count = nn.Dense(19, 7), 600
    x, y = inputs(count, 19), inputs(count, 7)
    chunked, whole = (
        network(plain),
        network(plain, nn.BatchNorm1d()),
    )  # a batch with its statistics passes whole
    whole.flat_parameters[: chunked.flat_parameters.size] = chunked.flat_parameters
    Trainer(chunked, loss="mse", optimizer=optim.SGD(lr=0.0)).step(x, y)
    z = chunked(x)
    alone = network(plain)
    assert same_bits(alone.forward(x, training=True), z)
    alone.backward((z - y) * np.float32(2 / y.size))
    assert np.allclose(chunked.flat_gradients, alone.flat_gradients, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("write", ["view", "flat", "state", "lerp"])
def test_parameters_written_from_python_are_seen(write: str) -> None:
    model, x, y = perceptron(), inputs(50), np.arange(50) % 5
    trainer = Trainer(model, optimizer=optim.SGD(lr=0.1), seed=1)
    trainer.fit(x, y, epochs=1, batch_size=25, progress=False)
    fresh = model.copy()
    fresh.flat_parameters[:] = model.flat_parameters * np.float32(0.5)
    if write == "view":
        for value in model.parameters().values():
            value *= 0.5
    elif write == "flat":
        model.flat_parameters[:] *= np.float32(0.5)
    elif write == "state":
        model.load_state_dict(fresh.state_dict())
    else:
        model.lerp_(fresh, 1.0)
    assert same_bits(model(x), fresh(x))
    assert trainer.evaluate(x, y) == Trainer(fresh).evaluate(x, y)
    trainer.step(x, y)
    Trainer(fresh, optimizer=optim.SGD(lr=0.1), seed=1).step(x, y)
    assert same_bits(model.flat_parameters, fresh.flat_parameters)


def test_parameters_written_between_forward_and_backward_are_seen() -> None:
    model, x = network(nn.Dense(9, 4)), inputs(6, 9)
    y = model.forward(x, training=True)
    model.parameters()["0.weight"][...] *= 2
    dx = model.backward(y)
    exact = rounded(y) @ rounded(model.parameters()["0.weight"]).T
    assert np.allclose(dx, exact, rtol=1e-5, atol=1e-6)


def test_infinities_and_nan_spread_as_in_float32() -> None:
    x = inputs(60)
    x[3, 5], x[7, 1], x[9, 2], x[11, :2] = np.nan, np.inf, -np.inf, [np.inf, np.inf]
    plain = nn.Dense(37, 45), nn.Dense(45, 5)
    model, single = network(*plain), network(*plain, precision=None)
    for got, wanted in [(model(x), single(x)), (model.freeze().predict(x), single.freeze().predict(x))]:
        assert (np.isnan(got) == np.isnan(wanted)).all()
        assert (np.isposinf(got) == np.isposinf(wanted)).all()
        assert (np.isneginf(got) == np.isneginf(wanted)).all()
    model.forward(x, training=True)
    single.forward(x, training=True)
    dy = np.ones((60, 5), np.float32)
    dy[20, 3] = np.nan
    assert (np.isnan(model.backward(dy)) == np.isnan(single.backward(dy))).all()
    assert (np.isnan(model.flat_gradients) == np.isnan(single.flat_gradients)).all()


@pytest.mark.parametrize(
    ("dtype", "precision", "kind", "words"),
    [
        (np.float32, "bfloat16", ValueError, "'bfloat16'"),
        (np.float32, "float64", ValueError, "'float64'"),
        (np.float64, "bf16", ValueError, "float64"),
        (np.float64, "float32", ValueError, "float64"),
        (np.float32, 16, TypeError, "int"),
        (np.float32, "", ValueError, "''"),
        (np.float32, False, TypeError, "bool"),
    ],
)
def test_other_precisions_are_refused_with_a_list(dtype: Any, precision: Any, kind: Any, words: str) -> None:
    model = nn.Sequential(nn.Dense(3, 2), dtype=dtype, rng=0)
    for make in (
        lambda: nn.Sequential(nn.Dense(3, 2), dtype=dtype, precision=precision),
        lambda: model.freeze(precision),
        lambda: model.copy(precision),
        lambda: nn.Sequential.from_dict(model.to_dict() | {"precision": precision}),
    ):
        with pytest.raises(kind, match=r"precision: .*'float32' and 'bf16'.*'float64'") as caught:
            make()
        assert words in str(caught.value)


def test_the_dtype_is_the_precision_by_default() -> None:
    for dtype in ("float32", "float64"):
        for given in (None, dtype):
            model = nn.Sequential(nn.Dense(3, 2), dtype=dtype, rng=0, precision=given)
            assert model.precision == model.freeze().precision == dtype
            assert "precision" not in repr(model) + repr(model.freeze()) + str(model.to_dict())
    with pytest.raises(AttributeError, match="precision: fixed"):
        model.precision = "bf16"


def test_copies_files_and_descriptions_keep_the_precision(tmp_path: Path) -> None:
    model, x = perceptron(), inputs(20)
    assert repr(model).endswith("dtype=float32, precision='bf16')")
    assert model.to_dict()["precision"] == "bf16"
    assert "bf16" in model._repr_html_()
    simdnn.save(model, tmp_path / "model.safetensors")
    ensemble = nn.Ensemble([model, perceptron(None)])
    simdnn.save(ensemble, tmp_path / "ensemble.safetensors")
    restored = simdnn.load(tmp_path / "ensemble.safetensors")
    assert [one.precision for one in restored] == ["bf16", "float32"]
    assert same_bits(restored(x), ensemble(x))
    described = nn.Sequential.from_dict(model.to_dict())
    described.load_state_dict(model.state_dict())
    others: list[Any] = [
        model.copy(),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        simdnn.load(tmp_path / "model.safetensors"),
        restored[0],
        described,
    ]
    for other in others:
        assert other.precision == "bf16"
        assert same_bits(other(x), model(x))
    single = model.copy("float32")
    assert single.precision == "float32"
    assert same_bits(single.flat_parameters, model.flat_parameters)
    assert same_bits(single(x), perceptron(None)(x))
    assert same_bits(single.copy("bf16")(x), model(x))


@pytest.mark.parametrize("made", [None, "bf16"])
def test_predictors_have_the_bits_of_the_network_and_half_the_weights(made: Any) -> None:
    model, wanted, x = perceptron(made), perceptron(), inputs(300)
    predictor = model.freeze(precision="bf16")
    assert predictor.precision == "bf16"
    assert repr(predictor).endswith("precision='bf16')")
    weights = sum(value.size for name, value in model.parameters().items() if name.endswith("weight"))
    biases = model.flat_parameters.size - weights
    native = predictor._predictor
    assert native.rounded.nbytes == 2 * weights
    assert native.values.nbytes == 4 * biases
    assert len(pickle.dumps(predictor)) < len(pickle.dumps(model.freeze("float32"))) - 2 * weights + 200
    for one in (
        predictor,
        copy.copy(predictor),
        copy.deepcopy(predictor),
        pickle.loads(pickle.dumps(predictor)),
    ):
        assert one.precision == "bf16"
        assert same_bits(one.predict(x), wanted(x))
        assert all(same_bits(one.predict(x[i]), wanted(x[i])) for i in range(20))
    model.flat_parameters[:] = 0
    assert same_bits(predictor.predict(x), wanted(x))
    assert same_bits(perceptron(made).freeze("float32").predict(x), perceptron(None)(x))


def test_batch_norm_is_folded_before_the_weights_are_rounded() -> None:
    model, x = network(nn.Dense(9, 8), nn.BatchNorm1d(), nn.ReLU(), nn.Dense(8, 3)), inputs(50, 9)
    state = model.state_dict()
    state["1.running_mean"][:], state["1.running_var"][:] = spread(8, np.float32), np.arange(1, 9)
    model.load_state_dict(state)
    predictor = model.freeze()
    scale = state["1.weight"] / np.sqrt(state["1.running_var"].astype(np.float64) + 1e-5)
    native = predictor._predictor
    found = (native.rounded.astype(np.uint32) << np.uint32(16)).view(np.float32)
    first = (state["0.weight"] * scale).astype(np.float32)
    wanted = [rounded(first).ravel(), rounded(state["3.weight"]).ravel()]
    assert same_bits(found.astype(np.float64), np.concatenate(wanted))
    assert np.allclose(predictor.predict(x), model.freeze("float32").predict(x), rtol=0.05, atol=0.02)


def test_ensembles_and_predict_many_take_every_precision() -> None:
    x, model, single = inputs(40), perceptron(), perceptron(None)
    models = [model, single, model.freeze(), single.freeze("bf16")]
    each = simdnn.predict_many(models, x)
    assert same_bits(each[0], model(x))
    assert same_bits(each[2], each[0])
    assert same_bits(each[3], each[0])
    assert not same_bits(each[1], each[0])
    ensemble = nn.Ensemble(models)
    assert same_bits(ensemble.predict_members(x), np.stack(each))
    assert same_bits(ensemble.freeze()(x), ensemble(x))


def test_exports_ask_for_a_copy_in_float32(tmp_path: Path) -> None:
    model = perceptron()
    for given in (model, nn.Ensemble([model.copy("float32"), model])):
        with pytest.raises(ValueError, match=r"precision.*copy\(precision='float32'\)"):
            simdnn.export_c(given, tmp_path / "model.h")
        with pytest.raises(ValueError, match=r"precision.*copy\(precision='float32'\)"):
            simdnn.onnx.export(given, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="precision"):
        simdnn.export_c(model.freeze(), tmp_path / "model.h")
    assert not list(tmp_path.iterdir())
    simdnn.export_c(model.copy("float32"), tmp_path / "model.h")


def test_profiles_count_the_layers_of_both_precisions_alike() -> None:
    counts = [
        [(row.parameters, row.flops) for row in perceptron(precision).profile(32).rows]
        for precision in ("bf16", None)
    ]
    assert counts[0] == counts[1]
