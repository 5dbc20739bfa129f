"""Misspelled names: the error has the name that is meant."""

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import c_code, callbacks, distributed, nn, onnx, optim, pretrain, table

X, Y = np.zeros((4, 3), np.float32), np.arange(4) % 2


def model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 2), rng=0)


def trainer() -> simdnn.Trainer:
    return simdnn.Trainer(model(), seed=0)


#: Calls with a misspelled keyword, which a function of Python refuses.
KEYWORDS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "fit": (lambda **k: trainer().fit(X, Y, **k), "epoch", "epochs"),
    "evaluate": (lambda **k: trainer().evaluate(X, Y, **k), "sample_wieght", "sample_weight"),
    "Trainer": (lambda **k: simdnn.Trainer(model(), **k), "optimzer", "optimizer"),
    "Dense": (lambda **k: nn.Dense(4, 2, **k), "actvation", "activation"),
    "LSTM": (lambda **k: nn.LSTM(4, 2, **k), "num_layer", "num_layers"),
    "Sequential": (lambda **k: nn.Sequential(nn.Dense(4, 2), **k), "dtpye", "dtype"),
    "Ensemble": (lambda **k: nn.Ensemble([model()], **k), "weight", "weights"),
    "EarlyStopping": (callbacks.EarlyStopping, "patients", "patience"),
    "ModelCheckpoint": (lambda **k: callbacks.ModelCheckpoint("a", **k), "saves_best_only", "save_best_only"),
    "BernoulliRBM": (lambda **k: pretrain.BernoulliRBM(4, 2, **k), "dtyp", "dtype"),
    "fit_many": (lambda **k: simdnn.fit_many([trainer()], X, Y, **k), "Epochs", "epochs"),
    "step_many": (lambda **k: simdnn.step_many([trainer()], X, Y, **k), "n_thread", "n_threads"),
    "predict_many": (lambda **k: simdnn.predict_many([model()], X, **k), "threads", "n_threads"),
    "DataParallel": (lambda **k: distributed.DataParallel(trainer(), **k), "acumulate", "accumulate"),
    "export_c": (lambda **k: c_code.export_c(model(), "a.h", **k), "column", "columns"),
    "export": (lambda **k: onnx.export(model(), "a.onnx", **k), "opsets", "opset"),
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_a_keyword_that_is_meant_is_named(name: str) -> None:
    call, wrong, right = KEYWORDS[name]
    message = f"() got an unexpected keyword argument {wrong!r}. Did you mean {right!r}?"
    with pytest.raises(TypeError, match=f"{re.escape(message)}$"):
        call(**{wrong: 1})
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'zyx'$"):
        call(zyx=1)


def test_estimators_name_a_keyword_that_is_meant() -> None:
    pytest.importorskip("sklearn")
    from simdnn import sklearn, tabular

    for kind in (sklearn.MLPClassifier, sklearn.MLPRegressor, tabular.TabularClassifier):
        with pytest.raises(TypeError, match="Did you mean 'hidden_layer_sizes'"):
            kind(hidden_layer_size=(3,))
    with pytest.raises(TypeError, match="Did you mean 'n_threads'"):
        sklearn.fit_many([], X, Y, n_thread=1)


def test_a_layer_keeps_its_signature() -> None:
    assert list(inspect.signature(nn.Dense).parameters)[:3] == ["in_features", "out_features", "activation"]
    assert "epochs" in inspect.signature(simdnn.Trainer.fit).parameters


#: Calls with a misspelled word, or a name among others.
WORDS: dict[str, tuple[Callable[[], Any], str]] = {
    "activation": (
        lambda: nn.Dense(4, 2, activation="rleu"),
        "'rleu' is not known; is 'relu' meant?; known",
    ),
    "loss": (lambda: simdnn.Trainer(model(), loss="MSE"), "loss: 'MSE' is not known; is 'mse' meant?; known"),
    "optimizer": (lambda: simdnn.Trainer(model(), optimizer="Adam"), "'Adam' is not known; is 'adam' meant?"),
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
