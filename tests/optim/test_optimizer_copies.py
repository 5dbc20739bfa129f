"""Copies and pickles of optimizers, and their settings that the chosen rule does not use."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim, schedules
from simdnn.sklearn import MLPClassifier


class Tagged(optim.SGD):
    """An optimizer with an attribute of its own."""

    def __init__(self, *args: Any, tag: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tag = tag


def pickled(optimizer: Any) -> Any:
    """The optimizer after a round trip through a pickle."""
    return pickle.loads(pickle.dumps(optimizer))


def cloned(optimizer: Any) -> Any:
    """The optimizer in a clone of an estimator."""
    base = pytest.importorskip("sklearn.base")
    return base.clone(MLPClassifier(optimizer=optimizer)).optimizer


every_copy = pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled, cloned])


@every_copy
def test_a_copy_has_the_attributes_of_a_subclass(duplicate: Callable[[Any], Any]) -> None:
    made = duplicate(Tagged(lr=0.1, momentum=0.5, tag=[5]))
    assert (type(made), made.tag, made.lr, made.momentum) == (Tagged, [5], 0.1, 0.5)


@every_copy
def test_a_copy_is_bound_to_no_parameters(duplicate: Callable[[Any], Any]) -> None:
    optimizer = Tagged([np.ones(3)], tag=5)
    optimizer.step([np.ones(3)])
    made = duplicate(optimizer)
    assert (made.tag, made.steps, made._native, made._shapes) == (5, 0, None, [])


def test_the_base_adds_no_attributes_to_a_copy() -> None:
    optimizer = optim.Adagrad([np.ones(3)])
    optimizer.step([np.ones(3)])
    assert len(optimizer.__reduce__()) == 2


@pytest.mark.parametrize(
    ("make", "name", "value", "exception"),
    [
        (optim.SGD, "dampening", "x", TypeError),
        (optim.SGD, "dampening", math.nan, ValueError),
        (optim.SGD, "dampening", math.inf, ValueError),
        (optim.SGD, "dampening", None, TypeError),
        (optim.SGD, "momentum", math.nan, ValueError),
        (optim.RMSprop, "momentum", -1, ValueError),
    ],
)
def test_settings_that_the_rule_does_not_use_are_checked(
    make: Any, name: str, value: Any, exception: type[Exception]
) -> None:
    with pytest.raises(exception, match=f"{name}: "):
        make(**{name: value})


@pytest.mark.parametrize("duplicate", [lambda optimizer: optimizer, *every_copy.args[1]])
def test_settings_that_the_rule_does_not_use_are_given_back(duplicate: Callable[[Any], Any]) -> None:
    sgd = duplicate(optim.SGD(dampening=0.25, lr_in_velocity=True))
    assert (sgd.momentum, sgd.dampening, sgd.nesterov, sgd.lr_in_velocity) == (0, 0.25, False, True)
    rmsprop = duplicate(optim.RMSprop(lr_in_velocity=True))
    assert (rmsprop.momentum, rmsprop.centered, rmsprop.lr_in_velocity) == (0, False, True)
    with pytest.raises(AttributeError, match="dampening: fixed"):
        sgd.dampening = 0.5


@pytest.mark.parametrize("kind", optim._registry.BY_NAME.values(), ids=lambda kind: kind.__name__)
def test_params_make_the_same_optimizer(kind: Any) -> None:
    made = kind(lr=0.25, weight_decay=0.5, clip_norm=2.0)
    params = made.get_params()
    assert {"lr": 0.25, "weight_decay": 0.5, "clip_norm": 2.0}.items() <= params.items()
    assert kind(**params).get_params() == params
    assert kind().set_params(**params).get_params() == params
    assert made.get_params(deep=False) == params


def test_params_that_choose_the_rule_may_change_until_it_is_bound() -> None:
    p = np.ones(2)
    optim.SGD([p], lr=0.5, momentum=0.5).step([[1.0, 2.0]])
    made: Any = optim.SGD(lr=0.5).set_params(momentum=0.5)
    assert (made._config.rule, made.momentum) == ("momentum", 0.5)
    bound = optim.SGD([p], lr=0.5)
    with pytest.raises(ValueError, match="momentum: fixed"):
        bound.set_params(lr=0.1, momentum=0.5)
    assert (bound.lr, bound.momentum) == (0.5, 0)
    assert bound.set_params(lr=0.1, momentum=0).lr == 0.1


@pytest.mark.parametrize(
    ("params", "exception", "message"),
    [
        ({"lr": 0.5, "rate": 1}, ValueError, "rate: Adam has no such setting"),
        ({"lr": 0.5, "eps": -1}, ValueError, "eps: "),
        ({"lr": 0.5, "betas": 1}, TypeError, "betas: "),
        ({"lr": -1}, ValueError, "lr: "),
        ({"lr": 0.5, "clip_norm": math.nan}, ValueError, "clip_norm: "),
    ],
)
@pytest.mark.parametrize("bound", [False, True])
def test_params_that_are_not_valid_change_nothing(
    params: dict[str, Any], exception: type[Exception], message: str, bound: bool
) -> None:
    made = optim.Adam([np.ones(2)] if bound else None)
    before = made.get_params()
    with pytest.raises(exception, match=message):
        made.set_params(**params)
    assert made.get_params() == before


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_grid_searches_the_settings_of_an_optimizer() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    chosen = optim.Adam()
    grid = {"optimizer__lr": [1e-6, 0.05], "optimizer__weight_decay": [0.0, 0.1]}
    made = MLPClassifier((8,), optimizer=chosen, max_iter=20, tol=0.0, random_state=0)
    search = selection.GridSearchCV(made, grid, cv=2, error_score="raise").fit(x, y)
    assert search.best_params_["optimizer__lr"] == 0.05
    assert search.best_estimator_.optimizer.lr == 0.05
    assert (chosen.lr, chosen.steps) == (1e-3, 0)


def test_a_plateau_is_copied_with_the_optimizer() -> None:
    first = optim.SGD(lr=schedules.reduce_on_plateau(1.0, patience=0))
    for made in (copy.copy(first), copy.deepcopy(first), pickled(first), cloned(first)):
        made.lr.observe(1.0)
        made.lr.observe(2.0)
    assert first.current_lr == 1.0


def test_optimizers_that_are_given_one_plateau_have_a_state_each() -> None:
    plateau = schedules.reduce_on_plateau(1.0, patience=0, factor=0.5)
    first = optim.SGD(lr=plateau)
    assert first.set_params(momentum=0.5).lr is plateau
    for metric in (1.0, 2.0):
        plateau.observe(metric)
    assert first.current_lr == 0.5
    later = optim.Adam()
    later.lr = plateau
    for made in (optim.SGD(lr=plateau), optim.SGD(**first.get_params()), later):
        assert made.current_lr == 1.0
        made.lr.observe(3.0)
        assert (made.lr.best, plateau.best) == (3.0, 1.0)
    first.lr = first.lr
    for given in (first.get_params(), {"lr": first.lr}, {"lr": plateau}):
        assert first.set_params(**given).lr is plateau
    assert first.current_lr == 0.5
    assert optim.SGD(lr=copy.copy(plateau)).current_lr == 0.5


def test_an_optimizer_takes_a_plateau_that_no_other_has() -> None:
    plateau = schedules.reduce_on_plateau(1.0, patience=0, factor=0.5)
    first = optim.SGD(lr=plateau)
    for metric in (1.0, 2.0):
        plateau.observe(metric)
    del first
    second = optim.SGD(lr=plateau)
    assert second.lr is plateau
    assert second.current_lr == 1.0
    second.lr = 0.1
    second.lr = plateau
    assert second.lr is plateau
    model = nn.Sequential(nn.Dense(2, 2), rng=0)
    trainer = Trainer(model, optimizer=optim.SGD(lr=0.1))
    other = schedules.reduce_on_plateau(0.5)
    assert trainer.optimizer.set_params(lr=other).lr is other


def test_trainings_with_one_plateau_are_equal() -> None:
    plateau = schedules.reduce_on_plateau(0.5, patience=0, factor=0.5, threshold=1.0, eps=0.0)
    x, y = np.eye(6, dtype=np.float32), np.arange(6)
    fits = []
    for _ in "ab":
        optimizer = optim.SGD(lr=plateau, momentum=0.9)
        trainer = Trainer(nn.Sequential(nn.Dense(6, 6), rng=1), optimizer=optimizer, seed=2)
        fits.append((trainer.fit(x, y, epochs=30).loss, optimizer.current_lr))
    assert fits[0] == fits[1]
    assert fits[0][1] == pytest.approx(0.5 * 0.5**29)


@pytest.mark.parametrize("chosen", ["adam", None])
def test_an_optimizer_by_name_has_no_settings_to_search(chosen: Any) -> None:
    made = MLPClassifier(optimizer=chosen)
    with pytest.raises(ValueError, match="optimizer__lr: needs an object"):
        made.set_params(optimizer__lr=0.1)
    made.set_params(optimizer=optim.SGD(), optimizer__lr=0.5)
    assert made.optimizer.lr == 0.5
