"""Optimizers follow the rules of their papers: alone on arrays, and bound by a trainer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, optim

from tests.oracles import rules
from tests.support.networks import network, oracle_gradients, samples
from tests.support.registry import FLOATS, OPTIMIZERS, RULES, hypers_of, label, same_bits, spread

Array = np.ndarray[Any, Any]

every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)


def test_every_rule_has_an_optimizer_to_test() -> None:
    missing = RULES.keys() - {rule for rule, _, _ in OPTIMIZERS}
    assert not missing, f"add rows for {sorted(missing)} to RULES in tests/oracles/rules.py"


def oracle_steps(
    rule: str, hypers: dict[str, float], p: Array, gradients: Callable[[Array, int], Array], steps: int
) -> Array:
    """The parameters after so many steps of the oracle."""
    state: rules.State = {}
    for t in range(1, steps + 1):
        p = rules.apply(rule, p, gradients(p, t), state, t, **hypers)
    return p


@pytest.mark.parametrize("dtype", FLOATS)
@every_optimizer
def test_optimizer_alone_matches_oracle(rule: str, make: Any, settings: dict[str, Any], dtype: Any) -> None:
    shapes = [(3, 5), (1,), (), (70, 90), (0,), (17,)]
    params = [spread(int(np.prod(shape)), dtype).reshape(shape) for shape in shapes]
    start = [p.astype(np.float64) for p in params]
    optimizer = make(params, **settings)

    def gradients(t: int) -> list[Array]:
        return [(np.cos(t + 3.0 * p) + 0.1).astype(dtype) for p in start]

    for t in range(1, 201):
        optimizer.step(gradients(t))
    hypers = hypers_of(optimizer, settings)
    for i, p in enumerate(params):
        assert p.dtype == dtype
        wanted = oracle_steps(
            rule, hypers, start[i], lambda _, t, i=i: gradients(t)[i].astype(np.float64), 200
        )
        assert np.allclose(p, wanted, rtol=0, atol=1e-12 if dtype == np.float64 else 4e-5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@every_optimizer
def test_training_matches_oracle(
    rule: str, make: Any, settings: dict[str, Any], loss: str, dtype: Any
) -> None:
    model = network([5, 12, 7, 3], dtype=dtype)
    mirror = network([5, 12, 7, 3])
    mirror.flat_parameters[:] = model.flat_parameters
    x, y = samples(loss, 40, 5, 3, dtype)
    trainer = Trainer(model, loss=loss, optimizer=make(**settings))
    losses: list[float] = []

    def gradients(p: Array, t: int) -> Array:
        mirror.flat_parameters[:] = p
        value, found = oracle_gradients(mirror, loss, x, y)
        losses.append(value)
        return found

    hypers = hypers_of(trainer.optimizer, settings)
    wanted = oracle_steps(rule, hypers, mirror.flat_parameters.copy(), gradients, 50)
    seen = [trainer.step(x, y) for _ in range(50)]
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    assert np.allclose(seen, losses, rtol=tolerance)
    assert np.allclose(model.flat_parameters, wanted, rtol=tolerance, atol=tolerance)


@every_optimizer
def test_alone_and_bound_have_the_same_bits(rule: str, make: Any, settings: dict[str, Any]) -> None:
    bound, free = network([4, 9, 2], dtype=np.float32), network([4, 9, 2], dtype=np.float32)
    x, y = samples("mse", 20, 4, 2, np.float32)
    trainer = Trainer(bound, loss="mse", optimizer=make(**settings))
    optimizer = make(list(free.parameters().values()), **settings)
    for _ in range(10):
        trainer.step(x, y)
        optimizer.step(list(bound.gradients().values()))
        assert same_bits(bound.flat_parameters, free.flat_parameters)


@pytest.mark.parametrize("dtype", FLOATS)
@every_optimizer
def test_learning_rate_may_change_between_steps(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    p = spread(40, dtype)
    wanted, state = p.astype(np.float64), rules.State()
    optimizer = make([p], **settings)
    for t in range(1, 11):
        optimizer.lr = lr = 0.1 / t
        g = spread(40 + t, dtype)[t:]
        optimizer.step([g])
        hypers = hypers_of(optimizer, settings | {"lr": lr})
        wanted = rules.apply(rule, wanted, g.astype(np.float64), state, t, **hypers)
    assert optimizer.lr == lr
    tolerance = 1e-13 if dtype == np.float64 else 1e-6
    assert np.allclose(p, wanted, rtol=tolerance, atol=tolerance)


def test_a_trainer_sees_a_new_learning_rate() -> None:
    model = network([4, 9, 2])
    x, y = samples("mse", 20, 4, 2)
    trainer = Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.1))
    trainer.step(x, y)
    before = model.flat_parameters.copy()
    trainer.optimizer.lr = 0
    trainer.step(x, y)
    assert same_bits(model.flat_parameters, before)
    trainer.optimizer.lr = 0.25
    trainer.step(x, y)
    assert np.allclose(before - model.flat_parameters, 0.25 * model.flat_gradients, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
def test_state_below_the_normal_numbers_becomes_zero(dtype: Any) -> None:
    tiny = np.finfo(dtype).smallest_normal
    p = np.zeros(33, dtype)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    optimizer.step([np.full(33, tiny * dtype(1.5))])
    optimizer.step([np.zeros(33, dtype)])
    assert same_bits(p, np.full(33, tiny * dtype(-1.5)))


@every_optimizer
def test_each_parameter_is_updated_alone(rule: str, make: Any, settings: dict[str, Any]) -> None:
    whole, gradient = spread(1000, np.float32), spread(1003, np.float32)[3:]
    parts = np.split(whole.copy(), [1, 16, 33, 500])
    for params, gradients in (([whole], [gradient]), (parts, np.split(gradient, [1, 16, 33, 500]))):
        optimizer = make([p for p in params], **settings)
        for _ in range(3):
            optimizer.step(gradients)
    assert same_bits(np.concatenate(parts), whole)


def test_gradients_may_be_of_any_layout_and_dtype() -> None:
    g = spread(24, np.float64).reshape(4, 6)
    wanted = np.zeros((4, 6), np.float32)
    optim.SGD([wanted], lr=0.5).step([np.ascontiguousarray(g, np.float32)])
    for given in (g, np.asfortranarray(g), g.astype(np.float32)[::-1][::-1], g.astype(np.float32).tolist()):
        p = np.zeros((4, 6), np.float32)
        optim.SGD([p], lr=0.5).step([given])
        assert same_bits(p, wanted)
