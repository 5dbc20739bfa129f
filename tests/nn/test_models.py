"""Models: construction, copies, views, prediction, and rows that do not depend on the batch."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, init, nn, optim

from tests import oracles
from tests.support.networks import network, oracle_of, samples
from tests.support.processes import run
from tests.support.registry import ACTIVATIONS, FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]

SIZES = [1, 2, 7, 32, 300]
every_float = pytest.mark.parametrize("dtype", FLOATS)
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


@every_float
@pytest.mark.parametrize("bias", [True, False])
@every_activation
def test_output_matches_oracle(activation: str, bias: bool, dtype: Any) -> None:
    model = network([6, 20, 17, 4], activation, bias=bias, dtype=dtype)
    x, _ = samples("mse", 50, 6, 4, dtype)
    got = model(x)
    assert got.dtype == dtype
    wanted = oracles.forward(oracle_of(model), x.astype(np.float64))
    tolerance = 3e-6 if dtype == np.float32 else 1e-13
    assert np.allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_a_chain_from_any_width_to_one_does_not_keep_its_width() -> None:
    chain = (nn.CReLU(), nn.Dense(16, 1), nn.BatchNorm1d(1))
    inner = nn.Residual(nn.Concatenate(chain), nn.Dense(1, 3), shortcut=nn.Dense(8, 3))
    assert nn.Sequential(nn.Dense(3, 8), inner, rng=0)(np.zeros((2, 3), np.float32)).shape == (2, 3)
    with pytest.raises(ValueError, match="in_features: no layer says"):
        nn.Sequential(nn.Concatenate(chain), nn.Dense(1, 3))


@every_float
@pytest.mark.parametrize("widths", [[6, 4], [1, 1, 1], [64, 33, 65, 10], [17, 128, 3]], ids=str)
@every_activation
def test_a_row_has_the_same_bits_in_every_batch(activation: str, widths: list[int], dtype: Any) -> None:
    model = network(widths, activation, dtype=dtype, last=activation)
    x, _ = samples("mse", 300, widths[0], widths[-1], dtype)
    whole = model(x)
    predictor = model.freeze()
    for n in SIZES:
        assert same_bits(model(x[:n]), whole[:n])
        assert same_bits(model(x[300 - n :]), whole[300 - n :])
        assert same_bits(model.forward(x[:n], training=True), whole[:n])
        out = np.full((n, widths[-1]), 7, dtype)
        predictor.predict(x[:n], out)
        assert same_bits(out, whole[:n])
        assert same_bits(predictor.predict(x[:n]), whole[:n])
    for i in (0, 1, 17, 299):
        assert same_bits(model(x[i]), whole[i])
        single = np.empty(widths[-1], dtype)
        predictor.predict(x[i], single)
        assert same_bits(single, whole[i])
        assert same_bits(predictor.predict(x[i]), whole[i])


@every_float
def test_no_row_is_no_output(dtype: Any) -> None:
    model = network([3, 4, 2], dtype=dtype)
    assert model(np.empty((0, 3))).shape == (0, 2)
    assert model.freeze().predict(np.empty((0, 3))).shape == (0, 2)


@every_float
def test_nan_spoils_only_its_own_row(dtype: Any) -> None:
    model = network([5, 18, 4], dtype=dtype)
    x, _ = samples("mse", 40, 5, 4, dtype)
    clean = model(x)
    x[13, 2] = np.nan
    got = model(x)
    assert np.isnan(got[13]).all()
    assert same_bits(np.delete(got, 13, axis=0), np.delete(clean, 13, axis=0))


@every_float
def test_prediction_reads_any_layout(dtype: Any) -> None:
    model = network([6, 9, 4], dtype=dtype)
    x, _ = samples("mse", 20, 6, 4, dtype)
    wanted = model(x)
    views = [np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1], x.tolist()]
    views += [x.astype(x.dtype.newbyteorder()), x.astype(np.longdouble)]
    views += [np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(dtype).reshape(x.shape)]
    for view in views:
        assert same_bits(model(view), wanted)
        assert same_bits(model.freeze().predict(view), wanted)
        out = np.empty_like(wanted)
        model.freeze().predict(view, out)
        assert same_bits(model.freeze()(view), out)
        assert same_bits(out, wanted)


def test_errors_of_a_prediction_tell_what_was_given() -> None:
    predictor, x = network([6, 4], dtype=np.float32).freeze(), np.zeros((5, 6), np.float32)
    frozen = np.zeros((5, 4), np.float32)
    frozen.flags.writeable = False
    for out, found in ((np.zeros((5, 4)), "float64"), (frozen, "float32, read-only"), ([0.0], "list")):
        with pytest.raises(TypeError, match=f"out: expected a writeable.* of float32, got {found}$"):
            predictor.predict(x, out)
    with pytest.raises(ValueError, match=r"x: expected shape \(6,\) or \(n, 6\), got \(5,\)"):
        predictor.predict(x[0, :5])
    with pytest.raises(ValueError, match=r"x: expected shape \(n, 6\), got \(5, 5\)"):
        predictor.predict(x[:, :5])


def test_freezing_is_for_ever() -> None:
    model = network([6, 16, 5])
    x, y = samples("mse", 40, 6, 5)
    predictor, before = model.freeze(), model(x)
    Trainer(model, loss="mse").fit(x, y, epochs=2)
    model.flat_parameters[0] = 100
    assert not np.array_equal(model(x), before)
    assert same_bits(predictor.predict(x), before)
    del model
    assert same_bits(predictor.predict(x), before)


@every_float
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_computes_the_same_and_is_independent(duplicate: Any, dtype: Any) -> None:
    model = network([6, 16, 5], "elu", dtype=dtype, bias=False)
    x, y = samples("mse", 40, 6, 5, dtype)
    twin = duplicate(model)
    assert repr(twin) == repr(model)
    assert same_bits(twin(x), model(x))
    before = twin.flat_parameters.copy()
    Trainer(model, loss="mse").step(x, y)
    assert same_bits(twin.flat_parameters, before)
    Trainer(twin, loss="mse").step(x, y)
    assert same_bits(twin.flat_parameters, model.flat_parameters)


@every_float
def test_state_dict_is_a_copy_that_loads(dtype: Any) -> None:
    model, other = (
        network([6, 16, 5], dtype=dtype),
        nn.Sequential(*network([6, 16, 5]).layers, dtype=dtype, rng=1),
    )
    state = model.state_dict()
    assert list(state) == list(model.parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    other.load_state_dict(state)
    assert same_bits(other.flat_parameters, model.flat_parameters)
    state["0.weight"][...] = 7
    assert not np.any(model.parameters()["0.weight"] == 7)
    assert not np.any(other.parameters()["0.weight"] == 7)
    other.load_state_dict(
        {name: value.astype(np.float64).tolist() for name, value in model.state_dict().items()}
    )
    assert same_bits(other.flat_parameters, model.flat_parameters)


def test_views_lie_in_the_flat_buffers() -> None:
    model = network([3, 4, 2])
    model.forward(np.ones((2, 3)), training=True)
    model.backward(np.ones((2, 2)))
    for flat, views in (
        (model.flat_parameters, model.parameters()),
        (model.flat_gradients, model.gradients()),
    ):
        assert [view.shape for view in views.values()] == [(3, 4), (4,), (4, 2), (2,)]
        assert all(np.shares_memory(flat, view) for view in views.values())
        assert same_bits(np.concatenate([view.ravel() for view in views.values()]), flat)
    parameters = model.parameters()
    del model
    assert np.isfinite(parameters["0.weight"]).all()


@every_float
@pytest.mark.parametrize("initializer", [init.from_name(name) for name in init.NAMES])
def test_initial_values_are_seeded_and_of_their_dtype(initializer: Any, dtype: Any) -> None:
    first = initializer((40, 30), rng=3, dtype=dtype)
    assert first.shape == (40, 30)
    assert first.dtype == dtype
    assert same_bits(first, initializer((40, 30), rng=np.random.default_rng(3), dtype=dtype))


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("xavier_uniform", (2 / 700) ** 0.5),
        ("xavier_normal", (2 / 700) ** 0.5),
        ("he_uniform", (2 / 400) ** 0.5),
        ("he_normal", (2 / 400) ** 0.5),
        ("zeros", 0),
    ],
)
def test_initial_values_have_the_deviation_of_their_paper(name: str, deviation: float) -> None:
    values = getattr(init, name)((400, 300), rng=0, dtype=np.float64)
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert abs(values.mean()) <= 0.01 * deviation


def test_a_seed_gives_the_same_weights_and_an_own_initializer_is_called() -> None:
    layers = [nn.Dense(5, 6, activation="tanh"), nn.Dense(6, 2)]
    assert same_bits(
        nn.Sequential(*layers, rng=4).flat_parameters, nn.Sequential(*layers, rng=4).flat_parameters
    )
    ones = nn.Sequential(nn.Dense(5, 6, init=lambda shape, rng, dtype: np.ones(shape, dtype)))
    assert np.all(ones.parameters()["0.weight"] == 1)
    assert not ones.parameters()["0.bias"].any()


MEMORY = """
import gc, resource
import numpy as np, simdnn, simdnn.functional as F
from tests.support.networks import network, samples

x, y = samples("cross_entropy", 32, 8, 4, np.float32)
model = network([8, 16, 4], dtype=np.float32)
trainer, predictor, out = simdnn.Trainer(model), model.freeze(), np.empty((32, 4), np.float32)

def work(times):
    for _ in range(times):
        trainer.step(x, y)
        predictor.predict(x, out)
        F.cross_entropy(model(x), y, return_grad=True)
        model.forward(x, training=True)
        model.backward(out)
        try:
            trainer.step(x[:, 1:], y)
        except ValueError:
            pass
        other = network([8, 16, 4], dtype=np.float32)
        simdnn.Trainer(other).fit(x, y, epochs=1)
        other.freeze().predict(x)
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

first = work(300)
print(work(1500) - first)
"""


def test_memory_does_not_grow() -> None:
    assert int(run(MEMORY)) < 2000


def test_two_trainers_may_share_a_model() -> None:
    model = network([4, 8, 3])
    x, y = samples("cross_entropy", 30, 4, 3)
    values = spread(90, np.float64).reshape(30, 3)
    for _ in range(2):
        before = model.flat_parameters.copy()
        Trainer(model, optimizer=optim.SGD(lr=0.1)).step(x, y)
        Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.1)).step(x, values)
        assert not np.array_equal(model.flat_parameters, before)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0.weight", 1e300, r"0\.weight: 1e\+300 is beyond float32"),
        ("1.running_mean", -1e39, r"1\.running_mean: -1e\+39 is beyond float32"),
        ("1.running_var", -1e-3, r"1\.running_var: expected numbers >= 0, got -0\.001"),
    ],
)
def test_a_state_of_numbers_that_make_no_sense_changes_nothing(name: str, value: float, message: str) -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.BatchNorm1d(4), rng=0)
    before = model.state_dict()
    state = {key: array.astype(np.float64) + 1 for key, array in before.items()}
    state[name].flat[1] = value
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state)
    assert all(same_bits(array, before[key]) for key, array in model.state_dict().items())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_state_that_diverged_is_taken_over(value: float) -> None:
    model = nn.Sequential(nn.Dense(3, 4), rng=0)
    model.load_state_dict({"0.weight": np.full((3, 4), value), "0.bias": np.zeros(4)})
    assert same_bits(model.state_dict()["0.weight"], np.full((3, 4), value, np.float32))
