"""Copies and pickles of optimizers, and their settings that the chosen rule does not use."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import optim
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
