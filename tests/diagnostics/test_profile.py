"""`profile` counts the work of a step, and does not change the network."""

import numpy as np
import pytest
from simdnn import nn

from tests.support.registry import same_bits


def test_operations_parameters_and_memory_are_counted() -> None:
    model = nn.Sequential(nn.Dense(8, 64), nn.ReLU(), nn.Dense(64, 4), rng=0)
    first, activation, last = model.profile(batch_size=32).rows
    assert first.flops == 2 * 2 * 32 * 8 * 64  # y and dW, without dx
    assert last.flops == 3 * 2 * 32 * 64 * 4
    assert (first.parameters, activation.parameters, last.parameters) == (8 * 64 + 64, 0, 64 * 4 + 4)
    assert first.arena >= 4 * 32 * 64
    assert activation.arena == activation.measured == 0  # the previous layer computes it
    assert first.measured > 0
    assert last.measured > 0


def test_float64_takes_twice_the_memory() -> None:
    single, double = (
        nn.Sequential(nn.Dense(16, 32), dtype=dtype, rng=0).profile(8) for dtype in (np.float32, np.float64)
    )
    assert double.rows[0].bytes == 2 * single.rows[0].bytes
    assert double.rows[0].arena == 2 * single.rows[0].arena


def test_the_sums_are_those_of_the_rows() -> None:
    found = nn.Sequential(nn.Dense(3, 5, activation="tanh"), nn.Dense(5, 2), rng=0).profile(600)
    total = found.total()
    assert total.flops == sum(row.flops for row in found.rows)
    assert total.measured == pytest.approx(sum(row.measured for row in found.rows))
    assert len(str(found).splitlines()) == len(found.rows) + 2


def test_the_network_stays_as_it_was() -> None:
    model = nn.Sequential(nn.Dense(3, 5, activation="tanh"), nn.Dropout(0.5), nn.Dense(5, 2), rng=0)
    model.flat_gradients[:] = 7
    before = {name: value.copy() for name, value in model.state_dict().items()}
    model.profile(4)
    assert all(same_bits(before[name], value) for name, value in model.state_dict().items())
    assert np.all(model.flat_gradients == 7)


@pytest.mark.parametrize(
    ("arguments", "error"), [((0,), ValueError), ((2.5,), TypeError), ((2, 0), ValueError)]
)
def test_sizes_that_are_none_are_refused(arguments: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"batch_size|steps"):
        nn.Sequential(nn.Dense(3, 2)).profile(*arguments)
