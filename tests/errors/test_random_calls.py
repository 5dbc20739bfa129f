"""Some random calls, and faults that the random caller must see."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn

from tests.support.draws import Draw
from tests.support.networks import network
from tests.support.random_calls import Call, state_of
from tests.tools.random_calls import fault_of, random_calls


def test_random_calls_are_answered_or_refused() -> None:
    counts, faults = random_calls(seed=1, begin=0, count=1000)
    assert faults == []
    assert counts.total() == 1000
    assert counts["ok"] > 500
    assert {"TypeError", "ValueError"} < counts.keys()


def raising(error: Exception, before: Callable[[], Any] = lambda: None) -> Callable[[], None]:
    """A call that does something before it raises."""

    def run() -> None:
        before()
        raise error

    return run


def failing(result: Any) -> None:
    """A check that no result passes."""
    raise AssertionError(result)


def test_each_kind_of_fault_is_seen() -> None:
    model = network([3, 2])
    trainer, draw, memory = simdnn.Trainer(model), Draw(0), np.zeros(3)
    kept = draw.keep(np.zeros(3))
    step = lambda: trainer.step(np.ones((4, 3)), [0, 1, 0, 1])  # noqa: E731
    faults = {
        "undocumented exception": Call("", raising(RuntimeError("no"))),
        "good arguments are refused": Call("", raising(ValueError("no")), good=True),
        "an error has changed the trainer": Call("", raising(ValueError("no"), step)),
        "an error has changed the result's memory": Call(
            "", raising(ValueError("no"), lambda: memory.fill(1)), written=[memory]
        ),
        "the call has changed the trainer": Call("", step, still=True),
        "wrong result": Call("", step, check=failing),
        "an argument was written to": Call("", lambda: kept.fill(1)),
    }
    for wanted, call in faults.items():
        _, found = fault_of(call, draw, lambda: state_of(trainer))
        assert found.splitlines()[0] == wanted
    draw.forget()
    assert fault_of(Call("", raising(ValueError("no"))), draw, lambda: state_of(trainer)) == (
        "ValueError",
        "",
    )
    assert fault_of(Call("", step), draw, lambda: state_of(trainer)) == ("ok", "")


@pytest.mark.parametrize("array", ["flat_parameters", "flat_gradients"])
def test_a_changed_bit_changes_the_state(array: str) -> None:
    trainer = simdnn.Trainer(network([3, 2]))
    before = state_of(trainer)
    getattr(trainer.model, array)[0] += 1
    assert state_of(trainer) != before
