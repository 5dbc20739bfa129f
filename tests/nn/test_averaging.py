"""Copies of networks, and steps of one towards another."""

from typing import Any

import numpy as np
import pytest
from simdnn import nn

from tests.support.registry import FLOATS, same_bits, spread


def pair(dtype: Any) -> tuple[nn.Sequential, nn.Sequential]:
    """Two equal architectures with other numbers, in buffers too."""
    layers = nn.Dense(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Dense(6, 2)
    first, second = (nn.Sequential(*layers, rng=seed, dtype=dtype) for seed in (0, 1))
    for model in (first, second):
        model.forward(spread(40, dtype).reshape(10, 4), training=True)
    return first, second


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_copy_goes_on_by_itself_with_the_same_bits(dtype: Any) -> None:
    model, _ = pair(dtype)
    twin = model.copy()
    x = spread(40, dtype).reshape(10, 4)
    assert all(same_bits(value, twin.state_dict()[name]) for name, value in model.state_dict().items())
    assert same_bits(model.forward(x, training=True), twin.forward(x, training=True))
    before = twin.flat_parameters.copy()
    model.flat_parameters[:] = 0
    assert same_bits(twin.flat_parameters, before)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("tau", [0, 0.005, 0.5, 1])
def test_lerp_moves_all_numbers_by_a_share(dtype: Any, tau: float) -> None:
    target, source = pair(dtype)
    start, towards = target.state_dict(), source.state_dict()
    assert target.lerp_(source, tau) is target
    for name, value in target.state_dict().items():
        a, b = start[name].astype(np.float64), towards[name].astype(np.float64)
        assert np.allclose(value, a + tau * (b - a), rtol=0, atol=4 * np.finfo(dtype).eps)
        assert same_bits(source.state_dict()[name], towards[name])
        if tau in (0, 1):
            assert same_bits(value, (start, towards)[int(tau)][name])


@pytest.mark.parametrize("tau", [0, 1])
def test_lerp_by_nothing_or_all_takes_infinity_and_nan(tau: int) -> None:
    target, source = pair(np.float32)
    target.flat_parameters[:2], source.flat_parameters[1:4] = (np.inf, np.nan), (np.nan, -np.inf, np.inf)
    wanted = (target, source)[tau].state_dict()
    target.lerp_(source, tau)
    assert all(same_bits(value, wanted[name]) for name, value in target.state_dict().items())


def test_a_network_may_be_its_own_source() -> None:
    model, _ = pair(np.float32)
    before = model.state_dict()
    model.lerp_(model, 0.3)
    assert all(same_bits(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("source", "tau", "error", "message"),
    [
        (
            nn.Sequential(nn.Dense(2, 3)),
            0.5,
            ValueError,
            "source: expected parameters and buffers of the same",
        ),
        (nn.Sequential(nn.Dense(2, 2), dtype=np.float64), 0.5, ValueError, "dtype float32, got float64"),
        (np.zeros(6), 0.5, TypeError, "source: expected a Sequential, got ndarray"),
        (
            nn.Sequential(nn.Dense(2, 2)),
            1.5,
            ValueError,
            "tau: expected a finite number from 0 to 1, got 1.5",
        ),
        (nn.Sequential(nn.Dense(2, 2)), np.nan, ValueError, "tau: .* got nan"),
        (nn.Sequential(nn.Dense(2, 2)), "1", TypeError, "tau: expected a number, got str"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    source: Any, tau: Any, error: type[Exception], message: str
) -> None:
    target = nn.Sequential(nn.Dense(2, 2), rng=0)
    before = target.flat_parameters.copy()
    with pytest.raises(error, match=message):
        target.lerp_(source, tau)
    assert same_bits(target.flat_parameters, before)
