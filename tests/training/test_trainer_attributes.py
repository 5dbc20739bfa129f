"""Attributes of trainers and RBMs that are set later; callbacks that change what they are given."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, callbacks, nn, optim, pretrain, schedules

from tests.support.networks import network

X, Y = np.eye(4, dtype=np.float32), np.arange(4)


def trainer_of(lr: Any = 0.1, **options: Any) -> Trainer:
    return Trainer(network([4, 3, 4]), optimizer=optim.SGD(lr=lr), seed=0, **options)


class Derived(Trainer):
    """A user's trainer, whose attributes are its own."""


def rbm_of() -> pretrain.BernoulliRBM:
    return pretrain.BernoulliRBM(4, 2, seed=0)


@pytest.mark.parametrize("make", [trainer_of, rbm_of])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("a", TypeError),
        (1.5, TypeError),
        (None, TypeError),
        (True, TypeError),
        (-1, ValueError),
        (2**64, ValueError),
    ],
)
def test_the_count_of_epochs_is_an_integer(
    make: Callable[[], Any], value: Any, error: type[Exception]
) -> None:
    made = make()
    with pytest.raises(error, match="epochs_done: expected an integer"):
        made.epochs_done = value
    assert made.epochs_done == 0
    made.epochs_done = np.int64(3)
    assert type(made.epochs_done) is int


def test_an_rbm_keeps_its_settings_and_checks_the_others() -> None:
    rbm = rbm_of()
    for name in ("in_features", "out_features", "dtype", "optimizer", "seed"):
        with pytest.raises(AttributeError, match=f"{name}: fixed when the BernoulliRBM is made"):
            setattr(rbm, name, getattr(rbm, name))
    for name, value in {"k": 0, "sample_visible": "no"}.items():
        with pytest.raises((TypeError, ValueError), match=f"{name}: expected"):
            setattr(rbm, name, value)
    rbm.k = 2
    assert repr(rbm).startswith("BernoulliRBM(4, 2, k=2")


@pytest.mark.parametrize("name", ["lr", "clip_norm", "clip_value", "l1", "l2"])
def test_settings_of_the_optimizer_are_not_set_at_the_trainer(name: str) -> None:
    trainer = trainer_of(clip_norm=1.0)
    with pytest.raises(AttributeError, match=rf"{name}: .*; set trainer\.optimizer\.{name}"):
        setattr(trainer, name, 0.5)
    trainer.note = "a user's own"  # type: ignore[attr-defined]
    derived = Derived(trainer.model)
    setattr(derived, name, 0.5)
    assert getattr(copy.copy(derived), name) == 0.5


@pytest.mark.parametrize("lr", [0.1, schedules.reduce_on_plateau(0.1, patience=0)], ids=["rate", "plateau"])
@pytest.mark.parametrize("validation", [None, (X, Y)], ids=["training", "validation"])
def test_a_callback_may_clear_the_logs(lr: Any, validation: Any) -> None:
    def clear(trainer: Trainer, logs: dict[str, float]) -> None:
        logs.clear()

    options: dict[str, Any] = {"epochs": 3, "validation_data": validation, "progress": False}
    trainers = [
        trainer_of(schedules.reduce_on_plateau(0.1, patience=0) if callable(lr) else lr) for _ in "ab"
    ]
    found = [t.fit(X, Y, **options, callbacks=c) for t, c in zip(trainers, ([], [clear]), strict=True)]
    assert found[0].loss == found[1].loss
    assert trainers[0].optimizer.current_lr == trainers[1].optimizer.current_lr
    rbm_of().fit(X, epochs=2, callbacks=[clear], progress=False)


@pytest.mark.parametrize(
    "given",
    [5, None, [5], [callbacks.EarlyStopping(), "stop"], "ab"],
    ids=["int", "none", "item", "word", "text"],
)
def test_what_is_no_callback_is_refused_before_training(given: Any) -> None:
    for made, data in ((trainer_of(), (X, Y)), (rbm_of(), (X,))):
        with pytest.raises(TypeError, match=r"callbacks(\[.\])?: expected a "):
            made.fit(*data, epochs=1, callbacks=given, progress=False)
        assert made.epochs_done == 0


def test_a_layer_of_a_model_cannot_be_replaced() -> None:
    trainer = trainer_of()
    with pytest.raises(TypeError, match="does not support item assignment"):
        trainer.model.layers[0] = nn.ReLU()


@pytest.mark.parametrize(
    "watcher",
    [callbacks.EarlyStopping(), callbacks.ModelCheckpoint("m"), callbacks.Patience()],
    ids=lambda w: type(w).__name__,
)
def test_settings_of_callbacks_are_checked_when_they_are_set(watcher: Any) -> None:
    """The direction of a metric was chosen with the metric."""
    for name in {"monitor", "mode", "like"} & vars(watcher).keys():
        with pytest.raises(AttributeError, match=f"{name}: fixed when the {type(watcher).__name__} is made"):
            setattr(watcher, name, "min")
    for name in {"patience", "min_delta", "restore_best", "save_best_only", "model_only"} & vars(
        watcher
    ).keys():
        for value in ("no", -1, [1]):
            with pytest.raises((TypeError, ValueError), match=f"{name}: expected"):
                setattr(watcher, name, value)
    watcher.note = "a user's own"


def test_a_patience_that_is_set_while_training_is_used() -> None:
    stopping = callbacks.EarlyStopping("loss", None, min_delta=1e9)

    def limit(trainer: Trainer, logs: dict[str, float]) -> None:
        if trainer.epochs_done == 3:
            stopping.patience = 4

    assert trainer_of().fit(X, Y, epochs=20, callbacks=[limit, stopping], progress=False).epochs == 5
