"""Variants of rules in papers and other libraries, and convergence of every optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import optim, schedules

from tests.oracles import rules
from tests.support.registry import FLOATS, same_bits, spread

Array = np.ndarray[Any, Any]

#: Settings with which each optimizer reaches the minimum of the functions below.
DESCENTS: dict[str, dict[str, Any]] = {
    make.__name__.lower(): settings
    for rule in rules.RULES.values()
    for make, settings in rule.descents.items()
}


def test_every_optimizer_has_a_descent() -> None:
    missing = optim.BY_NAME.keys() - DESCENTS.keys()
    assert not missing, f"add {sorted(missing)} to .descents of a row of RULES in tests/oracles/rules.py"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", DESCENTS)
def test_solves_a_quadratic(name: str, dtype: Any) -> None:
    curvature = np.array([1, 3, 10, 30], dtype)
    p = np.array([3, -2, 1, 0.5], dtype)
    optimizer = optim.BY_NAME[name]([p], **DESCENTS[name])
    for _ in range(8000):
        optimizer.step([curvature * p])
    assert p.dtype == dtype
    assert np.abs(p).max() < 2e-2


@pytest.mark.parametrize("name", [*DESCENTS, "momentum", "nesterov"])
def test_solves_rosenbrock(name: str) -> None:
    """The function is (1 - x)^2 + 100 (y - x^2)^2, the start (-1, 1)."""
    p = np.array([-1.0, 1.0])
    velocity = {"lr": 5e-4, "momentum": 0.9, "nesterov": name == "nesterov"}
    make = optim.BY_NAME.get(name, optim.SGD)
    optimizer = make([p], **(velocity if name in ("momentum", "nesterov") else DESCENTS[name]))
    for _ in range(20_000):
        x, y = p
        optimizer.step([np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])])
    assert (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2 < 2e-2


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda p: optim.Adam([p], lr=1.0), -0.990),
        (lambda p: optim.Adam([p], lr=1.0, eps_mode="hat"), -0.760),
        (lambda p: optim.Adam([p], lr=1.0, eps_mode="inside"), -0.0100),
        (lambda p: optim.RMSprop([p], lr=1.0, alpha=0.9), -3.065),
        (lambda p: optim.RMSprop([p], lr=1.0, alpha=0.9, eps_mode="inside"), -0.0100),
        (lambda p: optim.Adagrad([p], lr=1.0, eps=1e-8), -0.990),
        (lambda p: optim.Adagrad([p], lr=1.0, eps=1e-8, eps_mode="inside"), -0.0100),
    ],
)
def test_where_eps_stands_matters(make: Callable[[Array], optim.Optimizer], wanted: float) -> None:
    """Steps for a gradient of 1e-6 and eps = 1e-8 differ by up to 300 times."""
    p = np.zeros(1)
    make(p).step([[1e-6]])
    assert p[0] == pytest.approx(wanted, rel=2e-3)


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_rate_inside_the_velocity_is_the_same_until_it_changes(nesterov: bool) -> None:
    inside, outside = np.ones(4), np.ones(4)
    optimizers = [
        optim.SGD([p], lr=0.1, momentum=0.9, nesterov=nesterov, lr_in_velocity=flag)
        for p, flag in ((inside, True), (outside, False))
    ]
    curvature = np.array([0.1, 0.5, 1.0, 2.0])

    def step() -> None:
        for optimizer, p in zip(optimizers, (inside, outside), strict=True):
            optimizer.step([curvature * p])

    for _ in range(5):
        step()
    assert np.allclose(inside, outside, rtol=1e-12)
    for optimizer in optimizers:
        optimizer.lr = 0.01
    step()
    assert np.abs(inside - outside).min() > 1e-3, "the velocity keeps the rate of its own steps"


@pytest.mark.parametrize("inside", [False, True])
def test_a_schedule_meets_each_velocity_as_its_library_has_it(inside: bool) -> None:
    """With halving rates, Keras has m = beta m - lr g, p += m; PyTorch b = beta b + g, p -= lr b."""
    p, m, wanted = np.array([1.0]), 0.0, 1.0
    rate = schedules.step(0.2, step_size=3, gamma=0.5)
    optimizer = optim.SGD([p], lr=rate, momentum=0.8, lr_in_velocity=inside)
    for t in range(12):
        g = np.sin(t + wanted)
        optimizer.step([[np.sin(t + p[0])]])
        m = 0.8 * m + (rate(t) if inside else 1.0) * g
        wanted -= m if inside else rate(t) * m
        assert p[0] == pytest.approx(wanted, rel=1e-12)


def test_nesterov_of_one_gradient_is_nesterov_of_two_points() -> None:
    """Nesterov's gradient is at the look-ahead p - beta m; the optimizer stores the look-ahead itself."""
    curvature = np.array([0.3, 1.0, 4.0])
    eta, beta = 0.1, 0.9
    book, m = np.array([1.0, -2.0, 0.5]), np.zeros(3)
    ours = book.copy()
    optimizer = optim.SGD([ours], lr=eta, momentum=beta, nesterov=True, lr_in_velocity=True)
    for _ in range(100):
        m = beta * m + eta * curvature * (book - beta * m)
        book = book - m
        optimizer.step([curvature * ours])
        assert np.allclose(ours, book - beta * m, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("step", "diverges"), [(0.10, False), (0.12, True)])
def test_nesterov_with_the_wrong_sign_diverges(step: float, diverges: bool) -> None:
    """A gradient at p + beta m, where m is subtracted, is unstable from eta lambda = 1 / beta - 1 on.

    On f = lambda p^2 / 2 the map of (p, m) has the determinant beta (1 + eta lambda), which is 1 there.
    """
    beta, p, m = 0.9, 1.0, 0.0
    assert (step > 1 / beta - 1) == diverges
    for _ in range(3000):
        m = beta * m + step * (p + beta * m)
        p -= m
    assert (abs(p) > 1e3) == diverges
    ours = np.ones(1)
    optimizer = optim.SGD([ours], lr=step, momentum=beta, nesterov=True, like="textbook")
    for _ in range(3000):
        optimizer.step([ours.copy()])
    assert abs(ours[0]) < 1e-6, "with the sign of the paper it converges"


@pytest.mark.parametrize(
    ("name", "like", "wanted"),
    [
        ("sgd", "keras", {"lr": 0.01, "decoupled_weight_decay": True}),
        ("sgd", "sklearn", {"lr": 1e-3, "momentum": 0.9, "nesterov": True, "lr_in_velocity": True}),
        ("adagrad", "keras", {"lr": 1e-3, "eps": 1e-7, "eps_mode": 1}),
        ("adagrad", "textbook", {"lr": 1e-2, "eps": 1e-9, "eps_mode": 1}),
        ("rmsprop", "keras", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7, "eps_mode": 1}),
        ("adam", "keras", {"lr": 1e-3, "eps": 1e-7, "eps_mode": 2}),
        ("adam", "sklearn", {"lr": 1e-3, "eps": 1e-8, "eps_mode": 2}),
        ("adam", "textbook", {"lr": 1e-3, "eps": 1e-8, "eps_mode": 1}),
        ("adam", "torch", {"lr": 1e-3, "eps": 1e-8, "eps_mode": 0}),
        ("nadam", "keras", {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1}),
    ],
)
def test_like_sets_a_library_s_group(name: str, like: str, wanted: dict[str, float]) -> None:
    rule = optim.BY_NAME[name](like=like)._config
    assert {key: rule[key] for key in wanted} == wanted


def test_what_is_given_wins_over_like() -> None:
    optimizer = optim.Adam(None, 0.5, like="keras", eps_mode="outside")
    assert (optimizer.lr, optimizer.eps, optimizer.eps_mode) == (0.5, 1e-7, "outside")


def test_keras_adagrad_begins_with_an_accumulator() -> None:
    p, g = np.array([1.0]), 0.3
    optimizer = optim.Adagrad([p], like="keras")
    optimizer.step([[g]])
    assert p[0] == pytest.approx(1 - 1e-3 * g / np.sqrt(0.1 + g * g + 1e-7), rel=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_keras_rmsprop_of_all_options(dtype: Any) -> None:
    """The reference is keras/src/optimizers/rmsprop.py: centered, with lr inside the momentum."""
    p, g = spread(50, dtype), spread(53, dtype)[3:]
    optimizer = optim.RMSprop([p], like="keras", centered=True, momentum=0.7)
    wanted = p.astype(np.float64)
    v, a, m = np.zeros((3, p.size))
    for t in range(10):
        optimizer.step([g * dtype(1 + t)])
        d = g.astype(np.float64) * (1 + t)
        v, a = 0.9 * v + 0.1 * d**2, 0.9 * a + 0.1 * d
        m = 0.7 * m + 1e-3 * d / np.sqrt(v - a**2 + 1e-7)
        wanted = wanted - m
    assert np.allclose(p, wanted, rtol=0, atol=1e-13 if dtype == np.float64 else 2e-6)


def test_moments_of_dead_units_do_not_stay_subnormal() -> None:
    """0.9 times the smallest subnormal rounds to itself, so without a flush it would never vanish."""
    p = np.ones(16, np.float32)
    optimizer = optim.Adam([p])
    optimizer.step([np.full(16, 1e-3, np.float32)])
    for _ in range(1200):
        optimizer.step([np.zeros(16, np.float32)])
    assert np.all(optimizer.state_dict()["state"][0]["exp_avg"] == 0)


@pytest.mark.parametrize("eps_mode", ["outside", "inside", "hat"])
def test_eps_mode_of_radam_and_nadam(eps_mode: str) -> None:
    for make, rule in ((optim.NAdam, "nadam"), (optim.RAdam, "radam")):
        p = spread(30, np.float64)
        wanted, state = p.copy(), rules.State()
        optimizer = make([p], lr=0.1, eps=1e-3, eps_mode=eps_mode)
        hypers = {name: optimizer._config[name] for name in ("lr", "beta1", "beta2", "eps", "eps_mode")}
        if rule == "nadam":
            hypers["momentum_decay"] = 4e-3
        for t in range(1, 31):
            g = spread(30 + t, np.float64)[t:]
            optimizer.step([g])
            wanted = rules.apply(
                rule, wanted, g, state, t, weight_decay=0, decoupled_weight_decay=0, **hypers
            )
        assert np.allclose(p, wanted, rtol=1e-12, atol=1e-13)


def test_a_copy_of_the_parameters_is_not_needed() -> None:
    p = np.ones(3)
    same = p
    optim.SGD([p], lr=1.0).step([np.ones(3)])
    assert same is p
    assert same_bits(same, np.zeros(3))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_centered_variance_is_never_negative(momentum: float, dtype: Any) -> None:
    """With constant gradients the mean of squares less the squared mean goes to 0, and rounds to below it."""
    g = (1 + spread(500, np.float64, 0.9)).astype(dtype)
    p = np.zeros_like(g)
    optimizer = optim.RMSprop([p], lr=1.0, alpha=0.5, eps=0.5, centered=True, momentum=momentum)
    square, mean = np.zeros_like(g), np.zeros_like(g)
    for _ in range(60):
        square += dtype(0.5) * (g * g - square)
        mean += dtype(0.5) * (g - mean)
        before = p.copy()
        optimizer.step([g])
    assert (square - mean * mean < 0).any(), "the sample shows no rounding below 0"
    assert np.allclose(before - p, g / 0.5 / (1 - momentum), rtol=2e-3)
