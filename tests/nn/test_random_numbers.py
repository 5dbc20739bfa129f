"""Random layers, machines and orders draw the numbers that the papers' generators give."""

from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim, pretrain

from tests.oracles.random_numbers import philox, shuffled, words
from tests.support.registry import FLOATS, same_bits

Array = np.ndarray[Any, Any]
SEED = 2**40 + 12345
ROWS, COLUMNS, PASS = 3, 150, 2**33 + 7

every_float = pytest.mark.parametrize("dtype", FLOATS)


def slopes(layer: nn.Layer, x: Array) -> tuple[Array, Array]:
    """The output of a random layer, and its derivative, in a numbered pass for training."""
    model = nn.Sequential(layer, in_features=x.shape[1], dtype=x.dtype)
    model._model.seed, model._model.passes = SEED, PASS
    return model.forward(x, training=True), model.backward(np.ones_like(x))


def test_the_generator_is_that_of_the_paper() -> None:
    """The known answers of the authors' library Random123."""
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = 2**32 - 1
    assert philox((ones,) * 4, (ones,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@every_float
def test_dropout_keeps_words_from_the_threshold_on(dtype: Any) -> None:
    """A word equal to p 2^32 is kept, and one below is dropped."""
    ((drawn,)) = words(SEED, PASS, ROWS, COLUMNS)
    x = np.ones((ROWS, COLUMNS), dtype)
    place = np.unravel_index(np.argsort(drawn, axis=None)[drawn.size // 3], drawn.shape)
    for threshold in (int(drawn[place]), int(drawn[place]) + 1, int(0.25 * 2**32)):
        p = threshold / 2**32
        wanted = np.where(drawn >= threshold, dtype(1 / (1 - p)), 0)
        y, slope = slopes(nn.Dropout(p), x)
        assert np.array_equal(y, wanted)
        assert np.array_equal(slope, wanted)


@every_float
def test_alpha_dropout_keeps_the_same_words(dtype: Any) -> None:
    """Klambauer et al. 2017, section 3: dropped units are at -scale alpha, and mean and variance stay."""
    ((drawn,)) = words(SEED, PASS, ROWS, COLUMNS)
    limit, threshold = -1.0507009873554805 * 1.6732632423543772, int(np.sort(drawn, axis=None)[200])
    p = threshold / 2**32
    a = ((1 - p) * (1 + p * limit**2)) ** -0.5
    x = np.linspace(-2, 2, drawn.size).reshape(drawn.shape)
    y, slope = slopes(nn.AlphaDropout(p), x.astype(dtype))
    kept = drawn >= threshold
    assert np.allclose(y, a * np.where(kept, x, limit) - a * p * limit, rtol=4e-6, atol=4e-6)
    assert np.allclose(slope, np.where(kept, a, 0), rtol=1e-6)


@every_float
def test_rrelu_draws_slopes_from_24_bits(dtype: Any) -> None:
    ((drawn,)) = words(SEED, PASS, ROWS, COLUMNS)
    x = np.full((ROWS, COLUMNS), -1.0, dtype)
    wanted = 0.125 + (0.375 - 0.125) * (drawn >> np.uint64(8)).astype(float) / 2**24
    y, slope = slopes(nn.RReLU(0.125, 0.375), x)
    assert np.allclose(slope, wanted, rtol=3e-7, atol=0)
    assert same_bits(y, -slope)


@every_float
def test_normal_slopes_follow_box_and_muller(dtype: Any) -> None:
    """Two words give sqrt(-2 log(u)) cos(pi v), scaled to the variance of the uniform law."""
    lower, upper = 0.1, 0.5
    u, v = ((word >> np.uint64(8)).astype(float) / 2**24 for word in words(SEED, PASS, ROWS, COLUMNS, each=2))
    normal = np.sqrt(-2 * np.log(u + 2**-24)) * np.cos(np.pi * v)
    wanted = (lower + upper) / 2 + (upper - lower) / 12**0.5 * normal
    _, slope = slopes(nn.RReLU(lower, upper, distribution="normal"), np.full((ROWS, COLUMNS), -1.0, dtype))
    assert np.allclose(slope, wanted, rtol=1e-6, atol=1e-6)


def test_each_random_layer_has_a_stream() -> None:
    x = np.ones((ROWS, COLUMNS))
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5), in_features=COLUMNS, dtype=np.float64)
    model._model.seed, model._model.passes = SEED, PASS
    kept = [words(SEED, PASS, ROWS, COLUMNS, stream=i)[0] >= 2**31 for i in range(2)]
    assert np.array_equal(model.forward(x, training=True), 4.0 * (kept[0] & kept[1]))


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_an_epoch_follows_the_shuffle(count: int) -> None:
    """Each sample has a weight of its own, and a rate that grows from step to step tells their order."""
    model = nn.Sequential(nn.Dense(count, 1, bias=False), dtype=np.float64, rng=0)
    trainer = Trainer(model, loss="l1", optimizer=optim.SGD(lr=lambda step: 1.0 + step), seed=SEED)
    for epoch in range(2):
        model.flat_parameters[:] = 0
        trainer.fit(np.eye(count), np.full(count, 1e9), epochs=1, batch_size=1, progress=False)
        assert np.argsort(model.flat_parameters).tolist() == shuffled(count, SEED, epoch)


@every_float
def test_a_machine_draws_states_from_the_words(dtype: Any) -> None:
    """With weights of 0, a step of CD-1 moves the visible bias by data less reconstruction."""
    n = 5
    rbm = pretrain.BernoulliRBM(1, n, optimizer=optim.SGD(lr=1.0), dtype=dtype, seed=SEED)
    weight, hidden, visible = rbm.parameters().values()
    h = np.log(np.linspace(0.2, 0.8, n) / (1 - np.linspace(0.2, 0.8, n)))
    weight[...], hidden[...], visible[...] = 2.0, h, -3.0
    rbm.fit(np.zeros((1, 1), dtype), epochs=1, batch_size=None, progress=False)
    ((drawn,)) = words(SEED, 0, 1, n)
    shift = np.uint64(8 if dtype == np.float32 else 0)
    uniform = (drawn >> shift).astype(float) / (2.0**24 if dtype == np.float32 else 2.0**32)
    states = uniform < 1 / (1 + np.exp(-h))
    reconstruction = 1 / (1 + np.exp(3 - 2.0 * states.sum()))
    assert visible[0] == pytest.approx(-3.0 - reconstruction, rel=1e-6)
