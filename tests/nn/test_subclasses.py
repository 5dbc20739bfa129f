"""Copies and pickles of a user's subclasses keep the class, its methods and its attributes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, optim, pretrain

from tests.support.registry import same_bits

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


class Scaled(nn.Sequential):
    """A network of constructor arguments and a call of its own."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__(nn.Dense(3, width, "tanh"), nn.Dropout(0.5), nn.Dense(width, 2), rng=0)
        self.scale = scale
        self.notes = ["made"]

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) * self.scale


class Frozen(nn.Predictor):
    """A predictor with a call."""

    def __init__(self, model: nn.Sequential, name: str) -> None:
        super().__init__(model)
        self.name = name
        self.notes = ["made"]

    def __call__(self, x: Any, out: Any = None) -> Any:
        return -self.predict(x)


class Voting(nn.Ensemble):
    """An ensemble with a method."""

    def __init__(self, count: int) -> None:
        super().__init__([nn.Sequential(nn.Dense(3, 2), rng=i) for i in range(count)], weights=range(count))
        self.notes = ["made"]

    def __call__(self, x: Any) -> Any:
        return super().__call__(x).argmax(axis=1)


class Machine(pretrain.BernoulliRBM):
    """A machine with its own constructor."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(3, 2, k=2, optimizer=optim.Adam(), seed=5, sample_visible=True)
        self.notes = notes

    def __call__(self, x: Any) -> Any:
        return self.transform(abs(x) / 10)


class Named(simdnn.Trainer):
    """A trainer with its own constructor."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(Scaled(4, 3.0), optimizer="adam", seed=0)
        self.notes = notes

    def __call__(self, x: Any) -> Any:
        return self.model(x)


MADE: dict[str, Callable[[], Any]] = {
    "Sequential": lambda: Scaled(4, 3.0),
    "Predictor": lambda: Frozen(Scaled(4, 3.0), "n"),
    "Ensemble": lambda: Voting(3),
    "BernoulliRBM": lambda: Machine(["made"]),
    "Trainer": lambda: Named(["made"]),
}


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def within(value: Any) -> Any:
    return copy.deepcopy({"x": [value]})["x"][0]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled, within])
@pytest.mark.parametrize("make", MADE.values(), ids=list(MADE))
def test_a_copy_is_of_the_class_and_has_its_attributes(
    make: Callable[[], Any], duplicate: Callable[[Any], Any]
) -> None:
    model = make()
    made = duplicate(model)
    assert type(made) is type(model)
    assert vars(made).keys() == vars(model).keys()
    assert same_bits(made(X), model(X))
    made.notes.append("changed")
    assert (len(model.notes) == 1) == (duplicate is not copy.copy)  # a shallow copy shares them
    again = duplicate(made)
    assert (type(again), again.notes) == (type(model), ["made", "changed"])


@pytest.mark.parametrize("precision", [None, "bf16"])
def test_the_method_copy_keeps_the_class(precision: Any) -> None:
    model = Scaled(4, 3.0)
    made: Any = model.copy(precision)
    assert (type(made), made.scale, made.notes) == (Scaled, 3.0, ["made"])
    assert made.precision == (precision or "float32")
    assert type(Named([]).model.copy()) is Scaled


def test_a_copied_machine_and_trainer_go_on_with_the_same_bits() -> None:
    x = abs(X) / 10
    machine, trainer = Machine([]), Named([])
    machine.fit(x, epochs=2, progress=False)
    trainer.step(X, [0, 1, 0, 1])
    other, copied = copy.deepcopy(machine), copy.deepcopy(trainer)
    assert other.fit(x, epochs=2, progress=False).loss == machine.fit(x, epochs=2, progress=False).loss
    assert copied.step(X, [0, 1, 0, 1]) == trainer.step(X, [0, 1, 0, 1])
    assert type(copied.model) is Scaled


def test_objects_of_our_own_have_no_further_attributes() -> None:
    """Nothing that the package keeps in an object reaches its copies twice."""
    model = nn.Sequential(nn.Dense(3, 2), rng=0)
    trainer = simdnn.Trainer(model, seed=0)
    trainer.fit(X, [0, 1, 0, 1], epochs=1, progress=False)
    model(X), model.forward(X, training=True), model.profile(4), repr(model), model._repr_html_()
    for one in (model, model.freeze(), nn.Ensemble([model]), pretrain.BernoulliRBM(3, 2), trainer):
        assert one._added() is None


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_network_may_know_its_trainer(duplicate: Callable[[Any], Any]) -> None:
    model: Any = Scaled(4, 2.0)
    model.trainer = simdnn.Trainer(model)
    found = duplicate(model)
    assert same_bits(found.trainer.model(X), model(X))
    assert same_bits(duplicate(model.trainer).model(X), model(X))
