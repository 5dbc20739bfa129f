"""State dictionaries: round trips are exact, and states that do not fit are refused."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from simdnn import optim, pretrain, schedules

from tests.support.registry import FLOATS, OPTIMIZERS, RULES, label, same_bits, spread

every_optimizer = pytest.mark.parametrize(
    ("rule", "make", "settings"),
    OPTIMIZERS,
    ids=[f"{make.__name__} {label(rule, settings)}" for rule, make, settings in OPTIMIZERS],
)
SHAPES = [(3, 5), (), (7,)]


def arrays(dtype: Any, offset: int = 0) -> list[np.ndarray]:
    """Random arrays, one for each shape."""
    return [spread(int(np.prod(shape)) + offset, dtype)[offset:].reshape(shape).copy() for shape in SHAPES]


@pytest.mark.parametrize("dtype", FLOATS)
@every_optimizer
def test_state_makes_another_go_on_with_the_same_bits(
    rule: str, make: Any, settings: dict[str, Any], dtype: Any
) -> None:
    ours, theirs = arrays(dtype), arrays(dtype)
    first = make(ours, **settings)
    for t in range(1, 6):
        first.step(arrays(dtype, t))
    second = make(theirs)
    if second._config.rule != rule:  # settings that choose the rule are not part of the state
        second = make(theirs, **settings)
    for p, q in zip(ours, theirs, strict=True):
        q[...] = p
    second.load_state_dict(first.state_dict())
    for t in range(6, 11):
        first.step(arrays(dtype, t))
        second.step(arrays(dtype, t))
    assert first.steps == second.steps == 10
    assert all(same_bits(p, q) for p, q in zip(ours, theirs, strict=True))


@every_optimizer
def test_state_has_pytorch_s_form(rule: str, make: Any, settings: dict[str, Any]) -> None:
    optimizer = make(arrays(np.float32), **settings)
    assert optimizer.state_dict()["state"] == {}
    optimizer.step(arrays(np.float32, 1))
    state = optimizer.state_dict()
    assert state.keys() == {"state", "param_groups"}
    (group,) = state["param_groups"]
    assert group["params"] == [0, 1, 2]
    assert group["lr"] == settings["lr"]
    row = RULES[rule]
    wanted = {*row["slots"], *row["scalar_state"], *(["step"] if row["counts"] else [])}
    for i, shape in enumerate(SHAPES):
        assert state["state"].get(i, {}).keys() == wanted
        for name in row["slots"]:
            assert state["state"][i][name].shape == shape
            assert state["state"][i][name].dtype == np.float32


def test_state_is_a_copy() -> None:
    p = np.ones(3)
    optimizer = optim.Adam([p])
    optimizer.step([p])
    optimizer.state_dict()["state"][0]["exp_avg"][:] = 7
    assert optimizer.state_dict()["state"][0]["exp_avg"][0] != 7


def test_settings_come_with_the_state() -> None:
    given = {"betas": (0.8, 0.95), "eps": 1e-4, "eps_mode": "hat", "weight_decay": 0.1, "clip_norm": 3.0}
    first, second = optim.Adam([np.ones(3)], lr=0.3, **given), optim.Adam([np.ones(3)])
    first.step([np.ones(3)])
    second.load_state_dict(first.state_dict())
    assert {name: getattr(second, name) for name in given} == given
    assert second.lr == 0.3
    assert second.clip_value is None


def test_a_schedule_stays_at_its_step() -> None:
    first, second = (optim.SGD([np.ones(1)], lr=schedules.exponential(1.0, 0.5)) for _ in range(2))
    for _ in range(3):
        first.step([[0.0]])
    second.load_state_dict(first.state_dict())
    assert second.current_lr == first.current_lr == 0.125
    assert first.state_dict()["param_groups"][0]["lr"] == 0.125


def test_an_empty_state_is_the_beginning() -> None:
    p, q = np.ones(3), np.ones(3)
    optimizer, fresh = optim.Adagrad([p], like="keras"), optim.Adagrad([q], like="keras")
    empty = optimizer.state_dict()
    optimizer.step([np.ones(3)])
    optimizer.load_state_dict(empty)
    p[...] = 1
    for one in (optimizer, fresh):
        one.step([np.ones(3)])
    assert same_bits(p, q)


def changed(state: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The state with some values of its first parameter replaced."""
    return {**state, "state": {**state["state"], 0: {**state["state"][0], **values}}}


def filled(value: float) -> np.ndarray:
    """A state in which one number is this one."""
    found = np.ones((3, 5))
    found[1, 2] = value
    return found


def every_step(state: dict[str, Any], step: Any) -> dict[str, Any]:
    """The state with another number of steps for all parameters."""
    return {**state, "state": {i: {**entry, "step": step} for i, entry in state["state"].items()}}


@pytest.mark.parametrize(
    ("spoil", "exception", "message"),
    [
        (lambda s: {"state": s["state"]}, KeyError, "param_groups"),
        (lambda s: {**s, "param_groups": s["param_groups"] * 2}, ValueError, "one group, got 2"),
        (
            lambda s: {**s, "param_groups": [{**s["param_groups"][0], "params": [0]}]},
            ValueError,
            "expected 3",
        ),
        (lambda s: {**s, "param_groups": [{**s["param_groups"][0], "lr": -1}]}, ValueError, "lr: .*-1"),
        (lambda s: {**s, "param_groups": [{**s["param_groups"][0], "betas": 1}]}, TypeError, "betas"),
        (lambda s: {**s, "param_groups": [{**s["param_groups"][0], "amsgrad": True}]}, ValueError, "amsgrad"),
        (lambda s: changed(s, exp_avg=np.ones(4)), ValueError, r"exp_avg'\]: expected shape \(3, 5\)"),
        (lambda s: changed(s, exp_avg=None), KeyError, "exp_avg"),
        (lambda s: changed(s, exp_avg=np.full((3, 5), "x")), TypeError, "exp_avg"),
        (lambda s: changed(s, max_exp_avg_sq=np.ones((3, 5))), ValueError, "'max_exp_avg_sq' has no place"),
        (lambda s: changed(s, momentum_buffer=np.ones((3, 5))), ValueError, "'momentum_buffer' has no place"),
        (
            lambda s: {**s, "state": {str(i): entry for i, entry in s["state"].items()}},
            ValueError,
            "'0' is in no",
        ),
        (lambda s: {**s, "state": s["state"] | {3: s["state"][2]}}, ValueError, "3 is in no param group"),
        (
            lambda s: {**s, "param_groups": [{**s["param_groups"][0], "params": [0, 0, 1]}]},
            ValueError,
            "different",
        ),
        (
            lambda s: {**s, "param_groups": [{**s["param_groups"][0], "momentum": 0.9}]},
            ValueError,
            "momentum: ",
        ),
        (lambda s: {**s, "param_groups": [{"lr": 0.1}]}, KeyError, "params"),
        (lambda s: every_step(s, 1e30), ValueError, "step: .*from 0 to"),
        (lambda s: every_step(s, 2**62 + 1), ValueError, "step: .*from 0 to"),
        (lambda s: every_step(s, 10**400), (TypeError, ValueError), "step: "),
        (lambda s: every_step(s, np.inf), ValueError, "step: .*inf"),
        (lambda s: every_step(s, np.nan), ValueError, "step: .*nan"),
        (lambda s: every_step(s, 2.5), ValueError, "step: .*2.5"),
        (lambda s: every_step(s, -1), ValueError, "step: .*-1"),
        (lambda s: every_step(s, "2"), TypeError, "step: "),
        (lambda s: every_step(s, [1.0, 2.0]), TypeError, "step: "),
        (
            lambda s: {**s, "lr_scheduler": {}},
            ValueError,
            "state: 'lr_scheduler' is not known; known: state, p",
        ),
        (lambda s: changed(s, exp_avg=filled(np.nan)), ValueError, r"'exp_avg'\]: .* finite .* got nan"),
        (lambda s: changed(s, exp_avg=filled(-np.inf)), ValueError, r"'exp_avg'\]: .* finite .* got -inf"),
        (lambda s: changed(s, exp_avg=filled(1e300)), ValueError, r"'exp_avg'\]: .* float32 .* got 1e\+300"),
        (lambda s: changed(s, exp_avg_sq=filled(-1e-30)), ValueError, r"_sq'\]: .* >= 0, got -1e-30"),
        (lambda s: changed(s, exp_avg_sq=filled(np.inf)), ValueError, r"_sq'\]: .* finite .* got inf"),
        (lambda s: {**s, "state": None}, TypeError, "state: .*NoneType"),
        (lambda s: {**s, "state": {**s["state"], 1: None}}, TypeError, r"state\[1\]: .*NoneType"),
        (lambda s: {**s, "param_groups": [None]}, TypeError, r"param_groups\[0\]: .*NoneType"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(spoil: Any, exception: Any, message: str) -> None:
    optimizer = optim.Adam(arrays(np.float32))
    for t in (1, 2):
        optimizer.step(arrays(np.float32, t))
    before = optimizer.state_dict()
    with pytest.raises(exception, match=message):
        optimizer.load_state_dict(spoil(before))
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for i in range(3):
        assert all(same_bits(after["state"][i][name], value) for name, value in before["state"][i].items())


@pytest.mark.parametrize("steps", [np.inf, 1e30, 2.5, -1, None])
def test_steps_of_a_rule_that_counts_none_are_checked(steps: Any) -> None:
    optimizer = optim.SGD([np.ones(3)], momentum=0.9)
    optimizer.step([np.ones(3)])
    state = optimizer.state_dict()
    state["param_groups"][0]["steps"] = steps
    with pytest.raises((TypeError, ValueError), match="steps: "):
        optimizer.load_state_dict(state)
    assert optimizer.steps == 1


@pytest.mark.parametrize("step", [3, 3.0, np.float32(3), np.array(3.0), np.array(3), 2**62])
def test_a_step_may_be_of_any_kind_of_number(step: Any) -> None:
    optimizer = optim.Adam(arrays(np.float32))
    optimizer.step(arrays(np.float32, 1))
    optimizer.load_state_dict(every_step(optimizer.state_dict(), step))
    assert optimizer.steps == int(np.asarray(step).item())


def test_without_params_there_is_no_state() -> None:
    for call in (optim.Adam().state_dict, lambda: optim.Adam().load_state_dict({})):
        with pytest.raises(ValueError, match="no params"):
            call()


@every_optimizer
def test_a_parameter_without_state_begins_at_its_first_step(
    rule: str, make: Any, settings: dict[str, Any]
) -> None:
    """The parameter joins at the fourth step, as one without gradients before: its count begins there."""
    ours, late, alone = arrays(np.float64), arrays(np.float64), arrays(np.float64)
    first, joined = make(ours, **settings), make(late, **settings)
    for t in range(1, 4):
        first.step(arrays(np.float64, t))
    state = first.state_dict()
    state["state"].pop(1, None)
    joined.load_state_dict(state)
    for p, q in zip(ours, late, strict=True):
        q[...] = p
    alone[1][...] = ours[1]
    other = make([alone[1]], **settings)
    for t in range(4, 8):
        if t == 6:  # the state of parameters with counts of their own makes another go on
            again = arrays(np.float64)
            for p, q in zip(late, again, strict=True):
                q[...] = p
            state, late = joined.state_dict(), again
            joined = make(late, **settings)
            joined.load_state_dict(state)
        gradients = arrays(np.float64, t)
        for optimizer in (first, joined):
            optimizer.step(gradients)
        other.step([gradients[1]])
    assert joined.steps == 7
    assert all(same_bits(ours[i], late[i]) for i in (0, 2))
    if rule == "adagrad" and settings.get("lr_decay"):
        return  # its initial sum is a setting of PyTorch's constructor
    assert same_bits(alone[1], late[1])


@pytest.mark.parametrize("kind", [optim.SGD, optim.RMSprop])
def test_momentum_is_taken_over_or_refused(kind: Any) -> None:
    p = np.ones(2)
    first, plain = kind([p], lr=0.1, momentum=0.9), kind([np.ones(2)], lr=0.1)
    first.step([np.ones(2)])
    with pytest.raises(ValueError, match=r"momentum: the state has 0\.9"):
        plain.load_state_dict(first.state_dict())
    assert (plain.steps, plain.momentum, plain.lr) == (0, 0, 0.1)


@pytest.mark.parametrize("kind", [optim.SGD, optim.RMSprop])
def test_a_state_without_momentum_makes_one_with_momentum_go_on_without(kind: Any) -> None:
    p, q = np.ones(2), np.ones(2)
    plain, other = kind([p], lr=0.1), kind([q], lr=0.2, momentum=0.9)
    plain.step([np.ones(2)])
    q[...] = p
    other.load_state_dict(plain.state_dict())
    for gradient in ([1.0, -2.0], [0.5, 3.0]):
        plain.step([gradient])
        other.step([gradient])
    assert (other.momentum, other.lr, other.steps) == (0, 0.1, 3)
    np.testing.assert_allclose(q, p, rtol=1e-15)


def test_a_dampening_that_pytorch_ignores_is_refused() -> None:
    plain = optim.SGD([np.ones(2)], dampening=0.5)
    plain.step([np.ones(2)])
    assert plain.state_dict()["param_groups"][0]["momentum"] == 0
    with pytest.raises(ValueError, match=r"momentum: .* a dampening of 0\.5"):
        optim.SGD([np.ones(2)], momentum=0.9).load_state_dict(plain.state_dict())


def test_settings_that_the_rule_does_not_use_come_with_the_state() -> None:
    first, second = optim.SGD([np.ones(1)], dampening=0.25, lr_in_velocity=True), optim.SGD([np.ones(1)])
    second.load_state_dict(first.state_dict())
    assert (second.dampening, second.lr_in_velocity) == (0.25, True)


def test_a_product_of_momenta_that_is_missing_is_an_error() -> None:
    optimizer = optim.NAdam([np.ones(2)])
    optimizer.step([np.ones(2)])
    state = optimizer.state_dict()
    del state["state"][0]["mu_product"]
    with pytest.raises(KeyError, match="mu_product"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_parameters_that_joined_later_are_clipped_with_the_others(max_norm: float | None) -> None:
    """One norm is that of all gradients, whichever steps their parameters count."""
    ours = [np.full((2, 3), 0.5), np.full((3, 2), 0.5)]
    optimizer = optim.Adam(ours, clip_norm=1.0, max_norm=max_norm)
    optimizer.step([np.ones((2, 3)), np.ones((3, 2))])
    state = optimizer.state_dict()
    del state["state"][1]
    optimizer.load_state_dict(state)
    optimizer.step([np.full((2, 3), 3.0), np.full((3, 2), 4.0)])
    assert optimizer.grad_norm == pytest.approx(np.sqrt(6 * 9 + 6 * 16))
    counts = [float(entry["step"]) for entry in optimizer.state_dict()["state"].values()]
    assert counts == [2.0, 1.0]
    np.testing.assert_allclose(ours[1], ours[1][0, 0])


@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan, np.inf, -np.inf])
def test_a_product_of_momenta_is_from_0_to_1(value: float) -> None:
    optimizer = optim.NAdam([np.ones(2)])
    optimizer.step([np.ones(2)])
    state = optimizer.state_dict()
    state["state"][0]["mu_product"] = value
    with pytest.raises(ValueError, match=r"mu_product: .* from 0 to 1, got"):
        optimizer.load_state_dict(state)


@every_optimizer
def test_no_state_holds_negative_squares_or_what_is_no_number(
    rule: str, make: Any, settings: dict[str, Any]
) -> None:
    """Squares are sums or means of squares of gradients; a moment may have either sign."""
    optimizer = make(arrays(np.float64), **settings)
    optimizer.step(arrays(np.float64, 1))
    for name in RULES[rule]["slots"]:
        for value in (np.nan, np.inf, -1.0):
            state = optimizer.state_dict()
            state["state"][2][name] = np.full(SHAPES[2], value)
            if value == -1 and name in ("exp_avg", "momentum_buffer", "grad_avg"):
                optimizer.load_state_dict(state)
                continue
            with pytest.raises(ValueError, match=rf"state\[2\]\['{name}'\]: expected .*, got {value:g}"):
                optimizer.load_state_dict(state)


def test_a_copy_of_an_rbm_that_diverged_is_exact() -> None:
    rbm = pretrain.BernoulliRBM(2, 2, optimizer=optim.SGD(lr=1e38, momentum=0.9), seed=0)
    with np.errstate(all="ignore"):
        rbm.fit(np.eye(2), epochs=4, progress=False)
    made = copy.deepcopy(rbm)
    for name, value in rbm.parameters().items():
        assert same_bits(made.parameters()[name], value)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (optim.Adam, {}, {"amsgrad": True}),
        (optim.Adam, {"amsgrad": True}, {"betas": (0.5, 0.9)}),
        (optim.SGD, {}, {"momentum": 0.9}),
        (optim.SGD, {"momentum": 0.9}, {"momentum": 0.5}),
        (optim.SGD, {"momentum": 0.9}, {}),
        (optim.RMSprop, {"momentum": 0.9}, {"centered": True}),
        (optim.NAdam, {}, {"momentum_decay": 0.1}),
    ],
    ids=repr,
)
def test_settings_may_stay_when_a_state_is_taken_over(kind: Any, before: Any, after: Any) -> None:
    first = kind(arrays(np.float64), lr=0.25, **before)
    for t in (1, 2):
        first.step(arrays(np.float64, t))
    second = kind(arrays(np.float64), lr=0.5, **after)
    settings = second.get_params()
    second.load_state_dict(first.state_dict(), keep_settings=True)
    assert (second.get_params(), second.steps) == (settings, 2)
    old, new = first.state_dict()["state"], second.state_dict()["state"]
    for i in new:
        for name, value in new[i].items():
            assert same_bits(value, old.get(i, {}).get(name, np.zeros_like(value)))
    second.step(arrays(np.float64, 3))


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: {"a": 1}, KeyError, "expected the keys"),
        (lambda s: {**s, "other": 1}, ValueError, "'other' is not known"),
        (lambda s: {**s, "state": {0: 5}}, TypeError, r"state\[0\]: expected a dictionary"),
        (lambda s: {**s, "param_groups": [5]}, TypeError, r"param_groups\[0\]: expected a dictionary"),
        (lambda s: changed(s, exp_avg=np.ones(4)), ValueError, r"exp_avg'\]: expected shape"),
        (lambda s: {**s, "param_groups": [{"momentum": 0.5}]}, ValueError, "of another optimizer than Adam"),
    ],
)
def test_a_state_without_its_settings_is_checked_alike(spoil: Any, error: Any, message: str) -> None:
    optimizer = optim.Adam(arrays(np.float64))
    optimizer.step(arrays(np.float64, 1))
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(spoil(optimizer.state_dict()), keep_settings=True)
    assert optimizer.steps == 1
    with pytest.raises(ValueError, match="no params"):
        optim.Adam().load_state_dict(optimizer.state_dict(), keep_settings=True)


@pytest.mark.parametrize(("name", "value"), [("dampening", 0.5), ("dampening", -0.5), ("momentum", 0.0)])
def test_a_state_whose_settings_do_not_go_together_is_refused(name: str, value: float) -> None:
    optimizer = optim.SGD([np.ones(3)], momentum=0.9, nesterov=True)
    optimizer.step([np.ones(3)])
    state = optimizer.state_dict()
    state["param_groups"][0][name] = value
    with pytest.raises(ValueError, match="nesterov: needs momentum > 0 and dampening = 0"):
        optimizer.load_state_dict(state)
    assert (optimizer.momentum, optimizer.dampening, optimizer.steps) == (0.9, 0.0, 1)


@pytest.mark.parametrize("steps", [math.inf, 2.5, 1e30, -1, np.ones(2), "3", 10**30])
def test_wrong_steps_change_nothing(steps: Any) -> None:
    value = np.ones(3)
    optimizer = optim.Adam([value])
    optimizer.step([np.ones(3)])
    state = copy.deepcopy(optimizer.state_dict())
    before = copy.deepcopy(state)
    state["param_groups"][0] |= {"steps": steps, "lr": 0.5}
    state["state"][0]["exp_avg"] = np.full(3, 7.0)
    with pytest.raises((TypeError, ValueError), match="steps: expected"):
        optimizer.load_state_dict(state)
    assert optimizer.lr == before["param_groups"][0]["lr"]
    np.testing.assert_array_equal(
        optimizer.state_dict()["state"][0]["exp_avg"], before["state"][0]["exp_avg"]
    )


@pytest.mark.parametrize("keep_settings", [False, True])
@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, TypeError, r"state: expected a dictionary from state_dict\(\), got NoneType"),
        (5, TypeError, r"state: expected a dictionary from state_dict\(\), got int"),
        ([], TypeError, r"state: expected a dictionary from state_dict\(\), got list"),
        ({}, KeyError, "state: expected the keys 'state' and 'param_groups', got no 'state'"),
        ({"state": {}}, KeyError, "got no 'param_groups'"),
        ({"state": {}, "param_groups": 5}, TypeError, "param_groups: expected a list, got int"),
        ({"state": None, "param_groups": [{}]}, TypeError, "state: expected a dictionary, got NoneType"),
    ],
)
def test_objects_that_are_no_state(
    state: Any, error: type[Exception], message: str, keep_settings: bool
) -> None:
    optimizer = optim.Adam([np.zeros(3)])
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state, keep_settings=keep_settings)
