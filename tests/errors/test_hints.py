"""Misspelled names: the error has the name that is meant."""

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn, optim, table

X, Y = np.zeros((4, 3), np.float32), np.arange(4) % 2
MODEL = nn.Sequential(nn.Dense(3, 2), rng=0)


#: Calls with a misspelled word, or a name among others.
WORDS: dict[str, tuple[Callable[[], Any], str]] = {
    "activation": (
        lambda: nn.Dense(4, 2, activation="rleu"),
        "'rleu' is not known; is 'relu' meant?; known",
    ),
    "loss": (
        lambda: simdnn.Trainer(nn.Sequential(nn.Dense(3, 2)), loss="MSE"),
        "loss: 'MSE' is not known; is 'mse' meant?; known",
    ),
    "optimizer": (
        lambda: simdnn.Trainer(nn.Sequential(nn.Dense(3, 2)), optimizer="Adam"),
        "'Adam' is not known; is 'adam' meant?",
    ),
    "setting": (
        lambda: optim.Adam(weight_decy=1),
        "'weight_decy'; is 'weight_decay' meant?; known: lr",
    ),
    "attribute": (
        lambda: setattr(optim.Adam(), "ep", 1),
        "ep: Adam has no such setting; is 'eps' meant?",
    ),
    "parameter": (
        lambda: optim.SGD().set_params(momntum=1),
        "no such setting; is 'momentum' meant?",
    ),
    "loss setting": (lambda: F.huber_loss(X, X, dleta=1), "keyword 'dleta'; is 'delta' meant?; known: delta"),
    "layer": (lambda: nn.layer_from_dict({"layer": "dense"}), "'dense' is not known; is 'Dense' meant?"),
    "nothing": (lambda: nn.Dense(4, 2, activation="zzz"), "activation: 'zzz' is not known; known: identity"),
    "column": (lambda: table.Target.fit({"price": Y}, "Prise"), "there are price; is 'price' meant?"),
}


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
