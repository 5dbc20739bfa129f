"""Names of PyTorch, Keras and scikit-learn: the errors tell the names here."""

import copy
import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, nn, optim, schedules
from simdnn._utils.hints import ATTRIBUTES, KEYWORDS

X, Y = np.zeros((4, 3), np.float32), np.arange(4) % 2
MODEL = nn.Sequential(nn.Dense(3, 2), rng=0)
TRAINER = simdnn.Trainer(MODEL, seed=0)
OBJECTS = {"Sequential": MODEL, "Trainer": TRAINER, "Predictor": MODEL.freeze(), "Optimizer": optim.Adam()}
ROWS = [(place, name) for place, names in ATTRIBUTES.items() for name in names]

#: Functions that take keywords by other libraries' names.
FUNCTIONS: list[Callable[..., Any]] = [
    simdnn.Trainer,
    simdnn.Trainer.fit,
    simdnn.Trainer.evaluate,
    simdnn.fit_many,
    callbacks.EarlyStopping,
    optim.Adam,
    schedules.cosine,
    schedules.exponential,
]


@pytest.mark.parametrize(("place", "name"), ROWS)
def test_the_error_about_an_attribute_tells_the_way_here(place: str, name: str) -> None:
    owner = OBJECTS[place] if place in OBJECTS else importlib.import_module(place)
    hint = ATTRIBUTES[place][name]
    with pytest.raises(AttributeError, match=f"{name}'; {re.escape(hint)}$"):
        getattr(owner, name)
    assert not hasattr(owner, name)
    assert name not in dir(owner)
    if found := re.match(r"its name here is (\w+)$", hint):
        assert hasattr(owner, found[1])


@pytest.mark.parametrize("name", KEYWORDS)
def test_the_name_here_of_a_keyword_is_a_keyword(name: str) -> None:
    here = re.split(r"\W", KEYWORDS[name])[0]
    known = {one for function in FUNCTIONS for one in inspect.signature(function).parameters}
    assert here in known | {"l2", "clip_norm", "clip_value"}


#: Calls with a keyword of another library, and the end of the error.
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "schedule in epochs": (
        lambda: schedules.cosine(1e-3, epochs=10),
        "cosine() got an unexpected keyword argument 'epochs'; its name here is steps, which counts updates",
    ),
    "schedule of PyTorch": (
        lambda: schedules.cosine(1e-3, T_max=10),
        "'T_max'; its name here is steps, which counts updates: epochs times the batches of an epoch",
    ),
    "schedule misspelled": (
        lambda: schedules.step(1e-3, stepsize=10),
        "step() got an unexpected keyword argument 'stepsize'; did you mean 'step_size'? Known: lr",
    ),
    "rate": (lambda: optim.Adam(learning_rate=1e-3), "'learning_rate'; its name here is lr"),
    "rate by position": (lambda: optim.Adam(1e-3), "expected a list of arrays, got float; write lr=0.001"),
    "betas": (lambda: optim.Adam(beta_1=0.9), "'beta_1'; its name here is betas"),
    "trainer": (
        lambda: simdnn.Trainer(MODEL, lr=1e-3),
        "Trainer() got an unexpected keyword argument 'lr'; its name here is optimizer",
    ),
    "best weights": (
        lambda: callbacks.EarlyStopping(restore_best_weights=True),
        "'restore_best_weights'; its name here is restore_best",
    ),
    "validation of many": (
        lambda: simdnn.fit_many([TRAINER], X, Y, epochs=1, validation_data=(X, Y)),
        "fit_many() got an unexpected keyword argument 'validation_data'; its name here is validation",
    ),
    "callbacks of many": (
        lambda: simdnn.fit_many([TRAINER], X, Y, epochs=1, callbacks=[]),
        "'callbacks'; its name here is patience, with monitor and restore_best",
    ),
    "validation of one": (
        lambda: TRAINER.fit(X, Y, epochs=1, validation=(X, Y)),
        "Trainer.fit() got an unexpected keyword argument 'validation'; did you mean 'validation_data'?",
    ),
    "part of the samples": (
        lambda: TRAINER.fit(X, Y, epochs=1, validation_split=0.1),
        "'validation_split'; its name here is validation_data, a pair (X, y)",
    ),
    "method of a base": (
        lambda: TRAINER.evaluate(X, Y, batch_size=2),
        "Trainer.evaluate() got an unexpected keyword argument 'batch_size'; known: X, y, sample_weight",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_error_about_a_keyword_tells_the_name_here(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


def test_other_errors_of_types_stay_as_they_are() -> None:
    with pytest.raises(TypeError, match=r"cosine\(\) missing 1 required positional argument: 'steps'"):
        schedules.cosine(1e-3)
    with pytest.raises(TypeError, match=r"^epochs: expected an integer, got str$"):
        TRAINER.fit(X, Y, epochs="2")


def test_subclasses_may_have_the_names_of_other_libraries() -> None:
    class Predicts:
        def predict(self, x: Any) -> Any:
            return self(x)  # type: ignore[operator]

    class Own(nn.Sequential):
        def eval(self) -> str:
            return "own"

    class Mixed(nn.Sequential, Predicts):
        pass

    assert Own(nn.Dense(3, 2)).eval() == "own"
    mixed = Mixed(nn.Dense(3, 2), rng=0)
    assert np.array_equal(mixed.predict(X), MODEL(X))
    assert np.array_equal(copy.deepcopy(mixed).predict(X), MODEL(X))
    with pytest.raises(AttributeError, match="'Mixed' object has no attribute 'train'; model"):
        mixed.train  # type: ignore[attr-defined]  # noqa: B018
