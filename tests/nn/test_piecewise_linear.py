"""PiecewiseLinear: the Dense layer over its codes, positions at and beyond the ends, widths, and errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, fit_many, nn, optim

from tests.oracles.layers import codes
from tests.support.registry import FLOATS, LEAST_GRADIENT, same_bits, spread

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)


def positions(rows: int, columns: int, bins: int, dtype: Any = np.float64) -> Array:
    """Positions in all bins, some of them at the edges of bins and beyond the ends."""
    t = (spread(rows * columns, np.float64, 1.0).reshape(rows, columns) + 1) * bins / 2
    t[::7] = np.round(t[::7])
    t[::11] = 1.5 * t[::11] - bins / 4
    return t.astype(dtype)


def pair(encoded: int, bins: int, others: int, outputs: int, dtype: Any) -> list[nn.Sequential]:
    """The layer, and a Dense over the codes with the same weights."""
    layers = [
        nn.PiecewiseLinear(encoded + others, outputs, encoded=encoded, bins=bins),
        nn.Dense(encoded * bins + others, outputs),
    ]
    models = [nn.Sequential(layer, dtype=dtype, rng=0) for layer in layers]
    for model in models:
        model.flat_parameters[:] = spread(model.flat_parameters.size, dtype, 0.5)
    return models


@every_float
@pytest.mark.parametrize("outputs", [1, 2, 15, 16, 17, 33, 63, 96, 130, 300])
@pytest.mark.parametrize("rows", [1, 5, 64, 65, 300])
def test_it_is_a_dense_layer_over_codes(rows: int, outputs: int, dtype: Any) -> None:
    encoded, bins, others = 11, 5, 3
    layer, dense = pair(encoded, bins, others, outputs, dtype)
    x = np.concatenate([positions(rows, encoded, bins), spread(3 * rows, np.float64, 2).reshape(rows, 3)], 1)
    x = x.astype(dtype)
    materialized = np.concatenate([codes(x[:, :encoded], bins), x[:, encoded:]], 1)
    y, wanted = layer.forward(x, training=True), dense.forward(materialized, training=True)
    tolerance = 2e-5 if dtype == np.float32 else 1e-13
    assert np.allclose(y, wanted, tolerance, tolerance)
    dy = spread(y.size, dtype, 1.0).reshape(y.shape)
    dx, wanted_dx = layer.backward(dy), dense.backward(dy)
    assert np.allclose(layer.flat_gradients, dense.flat_gradients, rows * tolerance, rows * tolerance)
    t = x[:, :encoded]
    within = ((t > 0) & (t < bins))[..., np.newaxis] & (np.floor(t)[..., np.newaxis] == np.arange(bins))
    slopes = np.where(within, wanted_dx[:, : encoded * bins].reshape(rows, encoded, bins), 0).sum(axis=2)
    assert np.allclose(dx[:, :encoded], slopes, 10 * tolerance, 10 * tolerance)
    assert np.allclose(dx[:, encoded:], wanted_dx[:, encoded * bins :], 10 * tolerance, 10 * tolerance)


@every_float
@pytest.mark.parametrize("bins", [1, 2, 16, 1024])
def test_positions_beyond_the_ends_count_as_the_ends(bins: int, dtype: Any) -> None:
    model = pair(1, bins, 0, 7, dtype)[0]
    outside = np.array([[-np.inf], [-3.0], [-1e-40], [0.0], [bins], [bins + 0.5], [1e30], [np.inf]], dtype)
    y = model.forward(outside, training=True)
    assert all(same_bits(row, model.parameters()["0.bias"]) for row in y[:4])
    assert all(same_bits(row, y[4]) for row in y[5:])
    assert np.allclose(y[4], model.flat_parameters.reshape(-1, 7).sum(axis=0), 1e-4, 1e-4)
    assert not model.backward(np.ones_like(y)).any()
    gradient = model.gradients()["0.weight"]
    assert (gradient == 4).all()


@every_float
def test_nan_makes_its_row_nan_and_no_other(dtype: Any) -> None:
    model = pair(3, 4, 2, 20, dtype)[0]
    x = positions(9, 5, 4, dtype)
    whole = model(x)
    x[2, 1] = np.nan
    y = model.forward(x, training=True)
    assert np.isnan(y[2]).all()
    assert same_bits(np.delete(y, 2, axis=0), np.delete(whole, 2, axis=0))
    model.backward(np.ones_like(y))
    gradient = model.gradients()["0.weight"]
    assert np.isnan(gradient[4]).all()
    assert np.isfinite(np.delete(gradient, 4, axis=0)).all()


@every_float
def test_the_bits_are_those_of_contiguous_rows(dtype: Any) -> None:
    model = pair(5, 6, 4, 33, dtype)[0]
    x = positions(40, 9, 6, dtype)
    wide = np.zeros((80, 13), dtype)
    wide[::2, 3:12] = x
    assert same_bits(model(wide[::2, 3:12]), model(x))
    assert same_bits(model(np.asfortranarray(x)), model(x))


@pytest.mark.parametrize("rows", [200, 600])
def test_training_follows_the_dense_layer(rows: int) -> None:
    """Trainers over positions and over codes end with the same parameters."""
    encoded, bins = 6, 8
    x = positions(rows, encoded, bins)
    y = np.sin(x.sum(axis=1, keepdims=True))
    found = []
    for first, inputs in zip(pair(encoded, bins, 0, 24, np.float64), (x, codes(x, bins)), strict=True):
        model = nn.Sequential(first.layers[0], nn.Tanh(), nn.Dense(24, 1), dtype=np.float64, rng=0)
        model.flat_parameters[:] = spread(model.flat_parameters.size, np.float64, 0.3)
        trainer = Trainer(model, loss="mse", optimizer=optim.Adam(), seed=0)
        trainer.fit(inputs, y, epochs=5, batch_size=rows // 2, progress=False)
        found.append(model.flat_parameters.copy())
    assert np.allclose(*found, rtol=1e-9, atol=1e-9)


@every_float
def test_sequences_are_read_step_by_step(dtype: Any) -> None:
    layer = nn.PiecewiseLinear(5, 12, encoded=3, bins=4)
    model = nn.Sequential(layer, nn.LSTM(12, 3), dtype=dtype, rng=0)
    alone = nn.Sequential(layer, dtype=dtype)
    for name, value in alone.parameters().items():
        value[...] = model.parameters()[name]
    rest = nn.Sequential(nn.LSTM(12, 3), dtype=dtype)
    for name, value in rest.parameters().items():
        value[...] = model.parameters()[f"1{name[1:]}"]
    x = positions(350, 5, 4, dtype).reshape(70, 5, 5)
    assert same_bits(model(x), rest(alone(x.reshape(350, 5)).reshape(70, 5, 12)))


def test_batch_normalization_is_folded_into_it() -> None:
    layers = [nn.PiecewiseLinear(4, 9, encoded=2, bins=3, bias=False), nn.BatchNorm1d(), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Dense(9, 2), dtype=np.float64, rng=0)
    x = positions(50, 4, 3)
    model.forward(x, training=True)
    assert np.allclose(model.freeze().predict(x), model(x), 1e-12, 1e-12)


def test_many_networks_train_as_one_does() -> None:
    def trainer(seed: int) -> Trainer:
        layer = nn.PiecewiseLinear(3, 8, encoded=2, bins=4, activation="relu")
        return Trainer(nn.Sequential(layer, nn.Dense(8, 2), rng=seed), seed=seed)

    x = positions(90, 3, 4, np.float32)
    y = (x[:, 0] > 2).astype(int)
    many = [trainer(seed) for seed in range(4)]
    fit_many(many, x, y, epochs=3, batch_size=16)
    for seed, one in enumerate(many):
        alone = trainer(seed)
        alone.fit(x, y, epochs=3, batch_size=16, progress=False)
        assert same_bits(alone.model.flat_parameters, one.model.flat_parameters)


@every_float
def test_files_and_state_dicts_keep_it(dtype: Any, tmp_path: Path) -> None:
    layer = nn.PiecewiseLinear(4, 9, encoded=2, bins=3, activation="selu", init="he_normal")
    model = nn.Sequential(layer, nn.Dense(9, 2), dtype=dtype, rng=0)
    x = positions(20, 4, 3, dtype)
    simdnn.save(model, tmp_path / "model.safetensors")
    loaded = simdnn.load(tmp_path / "model.safetensors")
    assert repr(loaded.layers[0]) == repr(layer)
    assert same_bits(loaded(x), model(x))
    assert [value.shape for value in model.state_dict().values()] == [(8, 9), (9,), (9, 2), (2,)]


def test_initializers_count_the_codes() -> None:
    layer = nn.PiecewiseLinear(5, 400, encoded=4, bins=100, activation="relu")
    weight = nn.Sequential(layer, rng=0).parameters()["0.weight"]
    assert weight.shape == (401, 400)
    bound = np.sqrt(6 / 401)
    assert 0.98 * bound < np.abs(weight).max() <= bound


@every_float
def test_the_profile_counts_positions(dtype: Any) -> None:
    model = nn.Sequential(nn.PiecewiseLinear(7, 10, encoded=5, bins=6), dtype=dtype, rng=0)
    (row,) = model.profile(batch_size=32).rows
    assert row.parameters == (5 * 6 + 2) * 10 + 10
    assert row.flops == 32 * (3 * 5 + 2 * 2) * 2 * 10  # the first layer has no gradient w.r.t. its input


@every_float
def test_gradients_of_positions_are_never_subnormal_behind_another_layer(dtype: Any) -> None:
    """A product of a tiny gradient and a tiny weight is 0 where another layer takes it."""
    model = nn.Sequential(nn.Dense(3, 2), nn.PiecewiseLinear(2, 4, bins=2), dtype=dtype, rng=0)
    tiny = LEAST_GRADIENT[dtype]
    model.parameters()["1.weight"][...] = tiny / 8
    model.parameters()["0.bias"][...] = 0.5
    model.parameters()["0.weight"][...] = 0
    y = model.forward(np.ones((5, 3), dtype), training=True)
    model.backward(np.full_like(y, tiny * 4))
    assert not model.gradients()["0.bias"].any()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"encoded": 0}, ValueError, "encoded: expected an integer from 1 to 3, got 0"),
        ({"encoded": 4}, ValueError, "encoded: expected an integer from 1 to 3, got 4"),
        ({"encoded": 1.0}, TypeError, "encoded: expected an integer, got float"),
        ({"bins": 0}, ValueError, "bins: expected an integer from 1 to 1024, got 0"),
        ({"bins": 1025}, ValueError, "bins: expected an integer from 1 to 1024, got 1025"),
        ({"bins": True}, TypeError, "bins: expected an integer, got bool"),
        ({"bias": 2}, ValueError, "bias: "),
        ({"activation": "relo"}, ValueError, "relo"),
        ({"activation": nn.Swish(trainable=True)}, ValueError, "activation: Swish.*layer of its own"),
        ({"init": 3}, TypeError, "init: "),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.PiecewiseLinear(3, 2, **settings)


def test_sizes_are_checked_first() -> None:
    for sizes, name in (((0, 2), "in_features"), ((3, 0), "out_features")):
        with pytest.raises(ValueError, match=name):
            nn.PiecewiseLinear(*sizes)
    with pytest.raises(ValueError, match=r"layers\[1\]: .*\(n, 4\).*\(n, 5\)"):
        nn.Sequential(nn.Dense(3, 4), nn.PiecewiseLinear(5, 2))
