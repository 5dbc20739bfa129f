"""Misspelled names: the error has the name that is meant."""

import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn, optim, table
from simdnn.losses._registry import BY_TRAINER, NAMED, resolve

X, Y = np.zeros((4, 3), np.float32), np.arange(4) % 2
MODEL = nn.Sequential(nn.Dense(3, 2), rng=0)


#: Calls with a misspelled word, or a name among others.
WORDS: dict[str, tuple[Callable[[], Any], str]] = {
    "activation": (
        lambda: nn.Dense(4, 2, activation="rleu"),
        "'rleu' is not known; did you mean 'relu'? Known",
    ),
    "loss": (
        lambda: simdnn.Trainer(nn.Sequential(nn.Dense(3, 2)), loss="MSE"),
        "loss: 'MSE' is not known; did you mean 'mse'? Known",
    ),
    "optimizer": (
        lambda: simdnn.Trainer(nn.Sequential(nn.Dense(3, 2)), optimizer="Adam"),
        "'Adam' is not known; did you mean 'adam'?",
    ),
    "setting": (
        lambda: optim.Adam(weight_decy=1),
        "'weight_decy'; did you mean 'weight_decay'? Known: lr",
    ),
    "attribute": (
        lambda: setattr(optim.Adam(), "ep", 1),
        "ep: Adam has no such setting; did you mean 'eps'?",
    ),
    "parameter": (
        lambda: optim.SGD().set_params(momntum=1),
        "no such setting; did you mean 'momentum'?",
    ),
    "loss setting": (
        lambda: F.huber_loss(X, X, dleta=1),
        "keyword 'dleta'; did you mean 'delta'? Known: delta",
    ),
    "layer": (lambda: nn.layer_from_dict({"layer": "dense"}), "'dense' is not known; did you mean 'Dense'?"),
    "nothing": (lambda: nn.Dense(4, 2, activation="zzz"), "activation: 'zzz' is not known; known: identity"),
    "column": (lambda: table.Target.fit({"price": Y}, "Prise"), "there are price; did you mean 'price'?"),
}


#: Arguments of losses in a `functools.partial` that are no settings, with what the error says.
PARTIALS: list[tuple[Any, str, str]] = [
    (
        F.distillation_loss,
        "target",
        ": a Trainer takes it from y, a pair (teacher's logits, classes); known: temperature, hard_weight",
    ),
    (
        F.distillation_loss,
        "teacher_logits",
        ": a Trainer takes them from y, a pair (teacher's logits, classes)",
    ),
    (F.cross_entropy, "target", ": a Trainer takes it from y; known: weight"),
    (F.cross_entropy, "sample_weight", ": give it to fit or step; known: weight, label"),
    (
        F.cross_entropy,
        "label_smooting",
        "; did you mean 'label_smoothing'? Known: weight, label_smoothing, ignore",
    ),
    (F.binary_cross_entropy_with_logits, "reduction", ": a Trainer takes the mean; known: pos_weight"),
    (F.mse_loss, "return_grad", ": a Trainer computes the gradient; known: none"),
    (F.huber_loss, "dleta", "; did you mean 'delta'? Known: delta"),
    (F.large_margin_softmax, "features", ": a Trainer takes it from its model; known: margin"),
]


@pytest.mark.parametrize(("function", "name", "message"), PARTIALS)
def test_a_partial_of_a_loss_holds_its_settings_alone(function: Any, name: str, message: str) -> None:
    wanted = f"loss: {function.__name__}: {name!r} is no setting{message}"
    with pytest.raises(TypeError, match=f"^{re.escape(wanted)}"):
        simdnn.Trainer(MODEL, functools.partial(function, **{name: 1}))


def test_every_setting_of_a_loss_is_taken_by_a_partial() -> None:
    for function in NAMED.values():
        arguments = inspect.signature(function).parameters.items()
        settings = {k: v.default for k, v in arguments if v.default is not v.empty and k not in BY_TRAINER}
        if function is not F.zero_one_loss:
            resolve(functools.partial(function, **settings))


@pytest.mark.parametrize("name", WORDS)
def test_a_word_that_is_meant_is_named(name: str) -> None:
    call, message = WORDS[name]
    with pytest.raises((TypeError, ValueError, AttributeError), match=re.escape(message)):
        call()


ATTRIBUTES = [(nn, "Dens", "Dense"), (optim, "adamW", "AdamW"), (simdnn, "Trainr", "Trainer")]


@pytest.mark.parametrize(("module", "wrong", "right"), ATTRIBUTES)
def test_the_interpreter_names_the_attribute_that_is_meant(
    module: Any, wrong: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(module, wrong)
    sys.__excepthook__(AttributeError, caught.value, None)
    assert f"Did you mean: {right!r}?" in capsys.readouterr().err
