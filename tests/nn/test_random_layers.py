"""Random layers have the moments of their papers and independent draws; steps pass gradients."""

from typing import Any

import numpy as np
import pytest
import simdnn.functional as F
from simdnn import nn

from tests.support.registry import FLOATS, same_bits

Array = np.ndarray[Any, Any]

every_float = pytest.mark.parametrize("dtype", FLOATS)
SHAPE = (400, 250)


def passes(layer: nn.Layer, x: Array, count: int = 2, rng: int = 0) -> list[Array]:
    model = nn.Sequential(layer, in_features=x.shape[1], dtype=x.dtype, rng=rng)
    return [model.forward(x, training=True) for _ in range(count)]


@every_float
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(p: float, dtype: Any) -> None:
    first, second = passes(nn.Dropout(p), np.ones(SHAPE, dtype))
    kept, again = first != 0, second != 0
    assert np.allclose(first[kept], 1 / (1 - p), rtol=1e-6)
    deviation = np.sqrt(p * (1 - p) / kept.size)
    assert abs(kept.mean() - (1 - p)) < 5 * deviation
    assert np.abs(kept.mean(axis=0) - (1 - p)).max() < 6 * np.sqrt(p * (1 - p) / SHAPE[0])
    # Steps, rows and columns are independent, so pairs agree as often as by chance.
    chance = (1 - p) ** 2 + p**2
    for a, b in [(kept, again), (kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1])]:
        assert abs((a == b).mean() - chance) < 6 * np.sqrt(chance * (1 - chance) / a.size)


@every_float
def test_seeds_and_layers_draw_for_themselves(dtype: Any) -> None:
    x = np.ones(SHAPE, dtype)
    one, other = (passes(nn.Dropout(0.5), x, 1, seed)[0] for seed in (0, 1))
    assert 0.45 < (one == other).mean() < 0.55
    both = nn.Sequential(
        nn.Concatenate(nn.Dropout(0.5), nn.Dropout(0.5)), in_features=250, dtype=dtype, rng=0
    )
    y = both.forward(x, training=True)
    assert 0.45 < (y[:, :250] == y[:, 250:]).mean() < 0.55
    assert same_bits(passes(nn.Dropout(0.5), x, 1, 0)[0], one)


@every_float
@pytest.mark.parametrize("p", [0.05, 0.3])
def test_alpha_dropout_keeps_mean_and_variance(p: float, dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(dtype)
    (y,) = passes(nn.AlphaDropout(p), x, 1)
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / y.size - p) < 0.01
    limit = -1.0507009873554805 * 1.6732632423543772
    a = ((1 - p) * (1 + p * limit**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(a * limit - a * p * limit, rel=1e-5)


@every_float
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_random_slopes_have_their_distribution(distribution: Any, dtype: Any) -> None:
    first, second = passes(nn.RReLU(0.1, 0.5, distribution), np.full(SHAPE, -1, dtype))
    slopes = -first.astype(np.float64)
    assert abs(slopes.mean() - 0.3) < 0.002
    assert abs(slopes.std() - 0.4 / 12**0.5) < 0.002
    if distribution == "uniform":
        assert slopes.min() >= 0.1 - 1e-7
        assert slopes.max() <= 0.5
    else:
        z = (slopes - 0.3) / (0.4 / 12**0.5)
        assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.01
        assert abs((np.abs(z) < 2).mean() - 0.9545) < 0.005
    assert abs(np.corrcoef(slopes.ravel(), -second.astype(np.float64).ravel())[0, 1]) < 0.02
    assert (passes(nn.RReLU(), np.ones(SHAPE, dtype))[0] == 1).all()


@every_float
def test_steps_pass_gradients_straight_through(dtype: Any) -> None:
    x = np.array([[-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]], dtype)
    dy = np.arange(1, 8, dtype=dtype)[np.newaxis]
    for setting, wanted in ((False, 0 * dy), (True, dy), ("clipped", dy * (np.abs(x) <= 1))):
        layer = nn.BinaryStep(setting)
        model = nn.Sequential(layer, in_features=7, dtype=dtype)
        assert (model.forward(x, training=True) == (x >= 0)).all()
        assert (model(x) == (x >= 0)).all()
        assert same_bits(model.backward(dy) + 0, wanted + 0)


INFINITE = [np.inf, -np.inf]


@every_float
@pytest.mark.parametrize("infinity", INFINITE)
@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.AlphaDropout(0.5)], ids=["dropout", "alpha dropout"])
def test_what_is_dropped_may_be_infinite(layer: nn.Layer, infinity: float, dtype: Any) -> None:
    """A mask selects: no dropped infinity and no infinite gradient of a dropped number comes through."""
    model = nn.Sequential(layer, in_features=250, dtype=dtype, rng=0)
    values = np.unique(passes(layer, np.zeros(SHAPE, dtype), 1)[0])
    y = model.forward(np.full(SHAPE, infinity, dtype), training=True)
    dropped = y != infinity
    assert 0.4 < dropped.mean() < 0.6
    assert len(np.unique(y[dropped])) == 1
    assert np.isin(y[dropped][0], values)
    dx = model.backward(np.full(SHAPE, infinity, dtype))
    assert (dx[dropped] == 0).all()
    assert (dx[~dropped] == infinity).all()


@every_float
@pytest.mark.parametrize("infinity", INFINITE)
def test_a_slope_of_zero_passes_no_infinity(infinity: float, dtype: Any) -> None:
    x = np.where(np.arange(250) % 2, -1.0, 1.0) * np.full(SHAPE, np.inf)
    model = nn.Sequential(nn.RReLU(0.0, 0.0), in_features=250, dtype=dtype, rng=0)
    assert np.array_equal(model.forward(x.astype(dtype), training=True), np.where(x > 0, np.inf, 0))
    dx = model.backward(np.full(SHAPE, infinity, dtype))
    assert np.array_equal(dx, np.where(x > 0, infinity, 0))


@every_float
@pytest.mark.parametrize("infinity", INFINITE)
def test_closed_units_stop_infinite_gradients(infinity: float, dtype: Any) -> None:
    """Straight-through steps, concatenated relu and maxout pass a gradient or none."""
    x = np.where(np.arange(250) % 2, -2.0, 0.5) * np.ones((3, 1))
    for layer, width, wanted in (
        (nn.BinaryStep("clipped"), 250, np.where(np.abs(x) <= 1, infinity, 0)),
        (nn.CReLU(), 500, np.where(x > 0, infinity, -infinity)),
    ):
        model = nn.Sequential(layer, in_features=250, dtype=dtype, rng=0)
        model.forward(x.astype(dtype), training=True)
        assert np.array_equal(model.backward(np.full((3, width), infinity, dtype)), wanted)
    gradient = F.maxout_backward(np.full((1, 4), infinity, dtype), np.arange(8, dtype=dtype)[np.newaxis], 2)
    assert np.array_equal(gradient, [[0, infinity] * 4])
