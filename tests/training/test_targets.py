"""Targets of classes: booleans are the classes 0 and 1, and one output tells no classes apart."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import nn
from simdnn.distributed import DataParallel

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype(np.float32)
BOOLEANS = X[:, 0] > 0
CLASSES = BOOLEANS.astype(np.int64)
LOGISTIC = "binary_cross_entropy_with_logits"


def trainer(outputs: int = 2, loss: Any = "cross_entropy") -> simdnn.Trainer:
    return simdnn.Trainer(nn.Sequential(nn.Dense(3, outputs), rng=0), loss, seed=0)


#: Ways to hand targets to a trainer; each returns numbers that depend on them.
WAYS: dict[str, Callable[[simdnn.Trainer, Any], Any]] = {
    "step": lambda t, y: t.step(X, y),
    "fit": lambda t, y: t.fit(X, y, epochs=2, progress=False).loss,
    "blocks": lambda t, y: t.fit([(X[:9], y[:9]), (X[9:], y[9:])], epochs=2, batch_size=4).loss,
    "validation": lambda t, y: t.fit(X, 0 * CLASSES, epochs=2, validation_data=(X, y)).val_loss,
    "evaluate": lambda t, y: t.evaluate(X, y),
    "objective": lambda t, y: t.objective(X, y)(t.model.flat_parameters)[0],
    "fit_many": lambda t, y: simdnn.fit_many([t], X, y, epochs=2, validation=(X, y))[0].val_loss,
    "step_many": lambda t, y: simdnn.step_many([t], [X], [y]).tolist(),
    "DataParallel": lambda t, y: DataParallel(t).fit(X, y, epochs=1).loss,
}


@pytest.mark.parametrize("loss", ["cross_entropy", partial(F.focal_loss, gamma=1.0), "nll"], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_booleans_are_the_classes_0_and_1(way: str, loss: Any) -> None:
    one, other = trainer(loss=loss), trainer(loss=loss)
    assert WAYS[way](one, BOOLEANS) == WAYS[way](other, CLASSES)
    assert np.array_equal(one.model.flat_parameters, other.model.flat_parameters)


def test_a_list_of_booleans_is_classes() -> None:
    assert trainer().step(X, BOOLEANS.tolist()) == trainer().step(X, CLASSES)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "step_many"])
@pytest.mark.parametrize("y", [BOOLEANS, CLASSES], ids=["booleans", "classes"])
def test_one_output_tells_no_classes_apart(way: str, y: Any) -> None:
    fitted = trainer(outputs=1)
    before = fitted.model.flat_parameters.copy()
    place = int(np.flatnonzero(CLASSES)[0])
    with pytest.raises(IndexError, match=rf"y\[\d+\]: class 1, but .* 1 output.*'{LOGISTIC}'") as caught:
        WAYS[way](fitted, y)
    assert f"y[{place}]" in str(caught.value) or way == "blocks"
    assert np.array_equal(fitted.model.flat_parameters, before)


def test_the_loss_of_logits_takes_booleans_of_one_output() -> None:
    assert trainer(1, LOGISTIC).step(X, BOOLEANS) == trainer(1, LOGISTIC).step(X, CLASSES)


def test_an_error_of_a_hook_is_that_of_the_hook() -> None:
    def refuse(gradient: Any) -> None:
        raise TypeError("no")

    fitted = trainer()
    fitted.grad_hook = refuse
    for y in (BOOLEANS, CLASSES):
        with pytest.raises(TypeError, match=r"^no$"):
            fitted.step(X, y)
