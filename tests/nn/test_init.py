"""Initializers: their distributions, and their effect on the variance in deep networks."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import init, nn

from tests import oracles
from tests.support.registry import ACTIVATIONS, same_bits

Array = np.ndarray[Any, Any]

#: Initializers with mean 0, and their standard deviation for a weight [300, 200].
SPREADS: dict[str, tuple[Callable[..., Array], float]] = {
    "uniform": (functools.partial(init.uniform, low=-3, high=3), math.sqrt(3)),
    "normal": (functools.partial(init.normal, std=0.3), 0.3),
    "truncated_normal": (init.truncated_normal, 0.87962566),
    "xavier_uniform": (init.xavier_uniform, math.sqrt(2 / 500)),
    "xavier_normal": (init.xavier_normal, math.sqrt(2 / 500)),
    "xavier_normal gain": (functools.partial(init.xavier_normal, gain=3.0), 3 * math.sqrt(2 / 500)),
    "xavier_normal truncated": (functools.partial(init.xavier_normal, truncated=True), math.sqrt(2 / 500)),
    "he_uniform": (init.he_uniform, math.sqrt(2 / 300)),
    "he_uniform fan_out": (functools.partial(init.he_uniform, mode="fan_out"), math.sqrt(2 / 200)),
    "he_normal": (init.he_normal, math.sqrt(2 / 300)),
    "he_normal truncated": (functools.partial(init.he_normal, truncated=True), math.sqrt(2 / 300)),
    "he_normal leaky": (
        functools.partial(init.he_normal, nonlinearity="leaky_relu", param=2.0),
        math.sqrt(2 / 5 / 300),
    ),
    "lecun_uniform": (init.lecun_uniform, math.sqrt(1 / 300)),
    "lecun_normal": (init.lecun_normal, math.sqrt(1 / 300)),
    "lecun_normal fan_avg": (functools.partial(init.lecun_normal, mode="fan_avg"), math.sqrt(1 / 250)),
    "orthogonal": (init.orthogonal, math.sqrt(1 / 300)),
    "sparse": (functools.partial(init.sparse, sparsity=0.5, std=1.0), math.sqrt(0.5)),
}
#: Initializers without randomness.
FIXED = {"constant", "zeros", "ones", "identity"}

every_spread = pytest.mark.parametrize("name", SPREADS)


def test_every_initializer_is_tested() -> None:
    known = {name.split()[0] for name in SPREADS} | FIXED | {"calculate_gain", "lsuv"}
    assert known == set(init.__all__), "add a row to SPREADS in this file"


@every_spread
def test_initializer_has_its_mean_and_deviation(name: str) -> None:
    make, std = SPREADS[name]
    w = make((300, 200), rng=1, dtype=np.float64)
    assert w.shape == (300, 200)
    assert abs(w.mean()) < 0.02 * std
    assert w.std() == pytest.approx(std, rel=0.02)


@every_spread
def test_initializer_repeats_and_keeps_its_dtype(name: str) -> None:
    make, _ = SPREADS[name]
    first, again = make((30, 20), rng=7), make((30, 20), rng=np.random.default_rng(7))
    assert first.dtype == np.float32
    assert first.flags.c_contiguous
    assert same_bits(first, again)
    assert not same_bits(first, make((30, 20), rng=8))
    wide = make((30, 20), rng=7, dtype=np.float64)
    assert wide.dtype == np.float64
    assert same_bits(wide.astype(np.float32), first)


@pytest.mark.parametrize("truncated", [False, True])
def test_truncated_forms_stay_within_two_deviations(truncated: bool) -> None:
    for make in (init.xavier_normal, init.he_normal, init.lecun_normal):
        w = make((400, 400), truncated=truncated, rng=0, dtype=np.float64)
        assert (np.abs(w).max() <= 2 / 0.87962566 * w.std() * 1.01) == truncated


@pytest.mark.parametrize(("low", "high"), [(-2, 2), (-1, math.inf), (3, 5), (-math.inf, -4), (0.1, 0.2)])
def test_truncated_normal_is_that_part_of_the_normal(low: float, high: float) -> None:
    w = init.truncated_normal((20_000,), low=low, high=high, rng=0, dtype=np.float64)
    assert w.min() >= low
    assert w.max() <= high

    def below(x: float) -> float:
        return math.erfc(-x / math.sqrt(2)) / 2

    for x in np.quantile(w, [0.1, 0.5, 0.9]):
        share = (below(x) - below(low)) / (below(high) - below(low))
        assert (w <= x).mean() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (1, 5), (0, 3)])
def test_orthogonal_is_orthogonal(shape: tuple[int, int]) -> None:
    w = init.orthogonal(shape, gain=2.0, rng=0, dtype=np.float64)
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    assert np.allclose(gram, 4 * np.eye(len(gram)) if min(shape) else 0, atol=1e-12)


def test_sparse_leaves_each_unit_as_many_inputs() -> None:
    w = init.sparse((50, 30), sparsity=0.33, rng=0)
    assert np.all((w == 0).sum(axis=0) == math.ceil(0.33 * 50))


def test_fixed_values() -> None:
    assert same_bits(init.constant((2, 3), value=0.1), np.full((2, 3), 0.1, np.float32))
    assert same_bits(init.ones((3,), dtype=np.float64), np.ones(3))
    assert same_bits(init.identity((2, 3), gain=2.0), np.eye(2, 3, dtype=np.float32) * np.float32(2))


def test_gains_follow_from_the_activation() -> None:
    """The gain sqrt(2 / (1 + slope^2)) keeps the second moment behind a leaky relu."""
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("prelu") == math.sqrt(2 / (1 + 0.25**2))
    assert (init.calculate_gain("tanh"), init.calculate_gain("selu")) == (5 / 3, 0.75)
    assert init.calculate_gain("linear") == init.calculate_gain("sigmoid") == 1


def test_a_layer_takes_names_and_functions() -> None:
    named = nn.Sequential(nn.Dense(30, 20, init="he_normal"), rng=3)
    given = nn.Sequential(nn.Dense(30, 20, init=init.he_normal), rng=3)
    wide = nn.Sequential(nn.Dense(30, 20, init=functools.partial(init.he_normal, mode="fan_out")), rng=3)
    assert same_bits(named.flat_parameters, given.flat_parameters)
    assert np.allclose(wide.flat_parameters, given.flat_parameters * math.sqrt(1.5), rtol=1e-6)


def test_a_layer_shows_its_initializer_by_name() -> None:
    """No address of a function, which differs from process to process, is part of the text."""
    wide = functools.partial(init.he_normal, mode="fan_out")
    assert repr(nn.Dense(3, 2, init=init.zeros)) == "Dense(3, 2, init=zeros)"
    assert repr(nn.Dense(3, 2, init=wide)) == "Dense(3, 2, init=partial(he_normal, mode='fan_out'))"
    nested = nn.LSTM(3, 2, recurrent_init=functools.partial(wide, truncated=True))
    assert repr(nested).endswith("recurrent_init=partial(he_normal, mode='fan_out', truncated=True))")


def deep(make: Any, activation: str, scale: float = 0.65, depth: int = 20) -> tuple[Array, Array]:
    """Second moments of the outputs of each layer, and of the gradients w.r.t. them."""
    rng, width = np.random.default_rng(0), 256
    layers = [nn.Dense(width, width, activation=activation, init=make) for _ in range(depth)]
    model = nn.Sequential(*layers, dtype=np.float64, rng=1)
    forward, backward = [], []
    x = scale * rng.normal(size=(200, width))
    inputs = [x]
    parts = []
    for i, layer in enumerate(layers):
        part = nn.Sequential(layer, dtype=np.float64)
        part.load_state_dict({f"0.{n}": model.parameters()[f"{i}.{n}"] for n in ("weight", "bias")})
        inputs.append(part.forward(inputs[-1], training=True))
        parts.append(part)
        forward.append(float((inputs[-1] ** 2).mean()))
    gradient = rng.normal(size=x.shape)
    for part in parts[::-1]:
        gradient = part.backward(gradient)
        backward.append(float((gradient**2).mean()))
    return np.array(forward), np.array(backward)


def test_equal_constants_keep_all_neurons_equal() -> None:
    """Equal units get equal gradients (Goodfellow et al. 2016, "Deep Learning", section 8.4)."""
    make = functools.partial(init.constant, value=0.1)
    model = nn.Sequential(nn.Dense(4, 8, activation="tanh", init=make), nn.Dense(8, 3, init=make), rng=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    trainer = simdnn.Trainer(model, optimizer="adam", seed=0)
    first = trainer.step(x, y)
    for _ in range(200):
        last = trainer.step(x, y)
    weight = model.parameters()["0.weight"]
    assert last < first, "it does learn"
    assert np.ptp(weight[:, 0]) > 0
    assert np.all(weight == weight[:, :1])
    assert np.all(model.parameters()["1.weight"] == model.parameters()["1.weight"][:1])


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_zeros_give_zero_gradients_to_hidden_layers(activation: str) -> None:
    layers = [nn.Dense(4, 6, activation=activation, init="zeros"), nn.Dense(6, 5, activation, init="zeros")]
    model = nn.Sequential(*layers, nn.Dense(5, 3, init="zeros"), rng=0)
    rng = np.random.default_rng(0)
    trainer = simdnn.Trainer(model, optimizer=simdnn.optim.SGD(lr=1.0), seed=0)
    for _ in range(3 if activation != "sigmoid" else 1):
        trainer.step(rng.normal(size=(20, 4)), rng.integers(0, 3, 20))
        for name in ("0.weight", "0.bias", "1.weight", "1.bias"):
            assert np.all(model.gradients()[name] == 0)
    assert np.any(model.gradients()["2.bias"] != 0)


@pytest.mark.parametrize("make", [init.xavier_uniform, init.xavier_normal])
def test_xavier_keeps_the_variance_through_twenty_tanh_layers(make: Any) -> None:
    """The law holds where tanh is linear, as Glorot & Bengio assume, and with the gain of tanh elsewhere."""
    forward, backward = deep(make, "tanh", scale=0.01)
    for moments in (forward, backward):
        assert np.all((moments > 0.5 * moments[0]) & (moments < 2 * moments[0]))
    forward, _ = deep(functools.partial(make, gain=init.calculate_gain("tanh")), "tanh")
    assert np.all((forward > 0.9 * forward[0]) & (forward < 1.1 * forward[0]))
    forward, backward = deep(functools.partial(make, gain=0.1), "tanh")
    assert forward[-1] < 1e-30
    assert backward[-1] < 1e-30


@pytest.mark.parametrize("make", [init.he_uniform, init.he_normal])
def test_he_keeps_the_second_moment_through_twenty_relu_layers(make: Any) -> None:
    forward, backward = deep(make, "relu")
    assert np.all((forward > 0.5 * forward[0]) & (forward < 2 * forward[0]))
    assert np.all((backward > 0.4 * backward[0]) & (backward < 2.5 * backward[0]))


def test_xavier_halves_it_in_every_relu_layer() -> None:
    forward, backward = deep(init.xavier_normal, "relu")
    assert forward[-1] / forward[0] == pytest.approx(2.0**-19, rel=1)
    assert backward[-1] / backward[0] == pytest.approx(2.0**-19, rel=1)


def test_a_naive_normal_explodes() -> None:
    forward, backward = deep(init.normal, "relu")
    assert forward[-1] > 1e30
    assert backward[-1] > 1e30
    saturated, _ = deep(init.normal, "tanh")
    assert saturated[-1] > 0.9, "tanh hides it in saturation"


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "selu"])
def test_lsuv_makes_every_variance_one(activation: str) -> None:
    layers = [nn.Dense(64, 64, activation=activation) for _ in range(10)]
    model = nn.Sequential(nn.Dense(8, 64, activation=activation), *layers, dtype=np.float64, rng=0)
    x = 7 + 30 * np.random.default_rng(0).normal(size=(500, 8))
    variances = init.lsuv(model, x, rng=0)
    assert np.allclose(variances, 1, atol=0.01)
    z = x
    for i, layer in enumerate(model.layers):
        weight, bias = model.parameters()[f"{i}.weight"], model.parameters()[f"{i}.bias"]
        assert np.all(bias == 0)
        assert (z @ weight).var() == pytest.approx(1, abs=0.011)
        part = nn.Sequential(layer, dtype=np.float64)
        part.load_state_dict({"0.weight": weight, "0.bias": bias})
        z = part(z)
    again = nn.Sequential(nn.Dense(8, 64, activation=activation), *layers, dtype=np.float64, rng=5)
    init.lsuv(again, x, rng=0)
    assert same_bits(again.flat_parameters, model.flat_parameters)


@pytest.mark.parametrize(
    ("call", "exception", "message"),
    [
        (lambda: init.he_normal((3,)), ValueError, r"shape: .*\(3,\)"),
        (lambda: init.he_normal(3), TypeError, "shape: .*int"),
        (lambda: init.normal((3, -1)), ValueError, "shape: .*-1"),
        (lambda: init.normal((3.5,)), TypeError, "shape: .*float"),
        (lambda: init.normal((3,), std=-1), ValueError, "std: .*-1"),
        (lambda: init.normal((3,), dtype=int), TypeError, "dtype: .*int64"),
        (lambda: init.uniform((3,), low=2, high=1), ValueError, "low"),
        (lambda: init.truncated_normal((3,), low=2, high=2), ValueError, "low"),
        (lambda: init.xavier_normal((3, 4), mode="fan"), ValueError, "mode: .*fan_in"),
        (lambda: init.calculate_gain("relux"), ValueError, "nonlinearity: .*relu"),
        (lambda: init.sparse((3, 4), sparsity=1.5), ValueError, "sparsity: .*1.5"),
        (lambda: init.from_name("he"), ValueError, "init: .*he_normal"),
        (lambda: init.lsuv(nn.Sequential(nn.Dense(3, 4)), np.ones((1, 3))), ValueError, "X: "),
        (lambda: init.lsuv(nn.Sequential(nn.Dense(3, 4)), np.ones((5, 2))), ValueError, r"\(n, 3\)"),
    ],
)
def test_bad_arguments_are_refused(call: Any, exception: Any, message: str) -> None:
    with pytest.raises(exception, match=message):
        call()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_weights_before_a_rectifier_are_those_of_he(name: str) -> None:
    """A rectifier passes large numbers on, and few of the negative ones; relu6 passes those up to 6."""
    *_, below, above = oracles.ACTIVATIONS[name].limits
    rectifier = name == "relu6" or (abs(below) < 0.5 and above == 1)
    weight = nn.Sequential(nn.Dense(50, 40, name), rng=0).parameters()["0.weight"]
    bound = np.sqrt(6 / 50) if rectifier else np.sqrt(6 / 90)
    assert 0.99 * bound < np.abs(weight).max() <= bound
