"""A fit warns of a schedule that ends in its first half."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, optim, schedules
from simdnn.schedules import Schedule

X, Y = np.zeros((64, 3), np.float32), np.arange(64) % 2


def fitted(lr: Any, epochs: int = 10, dtype: Any = np.float32) -> simdnn.Trainer:
    model = nn.Sequential(nn.Dense(3, 2), rng=0, dtype=dtype)
    trainer = simdnn.Trainer(model, optimizer=optim.Adam(lr=lr), seed=0)
    trainer.fit(X, Y, epochs=epochs, batch_size=8)
    return trainer


def many(lr: Any) -> None:
    trainer = simdnn.Trainer(nn.Sequential(nn.Dense(3, 2)), optimizer=optim.Adam(lr=lr))
    simdnn.fit_many([trainer], X, Y, epochs=10, batch_size=8)


#: Schedules that are 0 from a step in the first half of 80 steps on.
ENDED: list[tuple[Schedule, int]] = [
    (schedules.cosine(1e-3, steps=10), 10),
    (schedules.linear(1e-3, 0.0, steps=40), 40),
    (schedules.flat_cos(1e-3, steps=10), 10),
    (schedules.warm_up(5, schedules.cosine(1e-3, steps=10)), 15),
    (schedules.constant(0.0), 0),
    (schedules.step(1e-3, step_size=1, gamma=0.01), 22),  # smaller than any number of float32
]


@pytest.mark.parametrize("train", [fitted, many])
@pytest.mark.parametrize(("schedule", "first"), ENDED, ids=repr)
def test_a_schedule_that_ends_in_the_first_half_is_told(
    train: Callable[[Any], Any], schedule: Schedule, first: int
) -> None:
    wanted = f"lr: {schedule!r} is 0 from step {first} on, but this fit ends at step 80, after 10 epochs of 8"
    with pytest.warns(UserWarning, match=f"^{re.escape(wanted)} batches; a schedule counts steps") as caught:
        train(schedule)
    assert Path(caught[0].filename) == Path(__file__)


@pytest.mark.parametrize(
    "lr",
    [
        schedules.cosine(1e-3, steps=80),
        schedules.cosine(1e-3, steps=41),
        schedules.cosine(1e-3, steps=10, end=1e-6),
        schedules.one_cycle(1e-3, steps=80),
        schedules.sequence([schedules.cosine(1e-3, 10), schedules.constant(1e-3)], [70]),
        schedules.step(1e-3, step_size=10),
        lambda step: 0.0,
        0.0,
    ],
    ids=repr,
)
def test_other_rates_are_no_reason_to_warn(lr: Any) -> None:
    fitted(lr)
    many(lr)


def test_the_dtype_tells_which_rates_are_0() -> None:
    fitted(ENDED[-1][0], dtype=np.float64)


def test_the_steps_of_earlier_fits_count() -> None:
    trainer = fitted(schedules.cosine(1e-3, steps=160))
    trainer.fit(X, Y, epochs=10, batch_size=8)
    with pytest.warns(
        UserWarning, match=r"is 0 from step 160 on, but this fit ends at step 168, after 1 epochs"
    ):
        trainer.fit(X, Y, epochs=1, batch_size=8)


def test_a_warm_up_may_be_longer_than_a_fit() -> None:
    trainer = fitted(schedules.warm_up(1000, schedules.constant(1e-3)), epochs=1)
    trainer = simdnn.Trainer(trainer.model, optimizer=optim.Adam(lr=schedules.linear(0.0, 1.0, steps=9)))
    trainer.fit(X, Y, epochs=1, batch_size=None)


def test_a_fit_of_any_length_is_looked_at() -> None:
    trainer = fitted(schedules.constant(1e-3), epochs=1)
    trainer.optimizer.lr = schedules.cosine(1e-3, steps=2**52)
    with pytest.raises(UserWarning, match="is 0 from step 45035996"):
        trainer.fit(X, Y, epochs=2**60, batch_size=1)
