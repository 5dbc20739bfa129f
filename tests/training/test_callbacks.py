"""Callbacks: early stopping, checkpoints and logs, however a training ends."""

from __future__ import annotations

import copy
import csv
import math
import os
import pickle
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, nn, optim, schedules
from simdnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateLogger,
    ModelCheckpoint,
    Patience,
)

from tests.support.networks import network, samples
from tests.support.registry import same_bits

Array = np.ndarray[Any, Any]
X, Y = samples("cross_entropy", 60, 6, 5, np.float32)


def trainer_of(**options: Any) -> Trainer:
    return Trainer(network([6, 8, 5], dtype=np.float32), seed=0, **options)


class Script(Callback):
    """A callback that adds given values of a metric to the logs, and records each epoch's parameters."""

    def __init__(self, values: Iterable[float], name: str = "metric") -> None:
        self.values, self.name = list(values), name

    def on_fit_begin(self, trainer: Trainer) -> None:
        self.left, self.parameters = iter(self.values), list[Array]()

    def __call__(self, trainer: Trainer, logs: dict[str, float]) -> None:
        logs[self.name] = next(self.left)
        self.parameters.append(trainer.model.flat_parameters.copy())


def keras(values: list[float], patience: int | None, min_delta: float, sign: float) -> tuple[int | None, int]:
    """The epoch at which Keras stops, and that of its best weights, by its documentation."""
    best, wait, at = -math.inf, 0, -1
    for i, value in enumerate(values):
        wait += 1
        if sign * value > best + min_delta:
            best, wait, at = sign * value, 0, i
        if patience is not None and wait and wait >= patience:
            return i, at
    return None, at


RUNS = [
    [5.0, 4.0, 3.0, 3.5, 3.25, 3.0, 2.0, 2.0, 2.0, 2.0],
    [1.0] * 10,
    [float(i) for i in range(10)],
    [float(-i) for i in range(10)],
    [0.0, -0.25, -0.5, -0.75, -1.0, -1.0, -1.25, -0.5, -2.0, 7.0],
]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("min_delta", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("patience", [0, 1, 2, 4, None])
@pytest.mark.parametrize("values", RUNS, ids=range(len(RUNS)))
def test_early_stopping_follows_the_rule_of_keras(
    values: list[float], patience: int | None, min_delta: float, mode: Any
) -> None:
    script, trainer = Script(values), trainer_of()
    stopping = EarlyStopping("metric", patience, min_delta, mode=mode)
    history = trainer.fit(X, Y, epochs=10, callbacks=[script, stopping])
    stopped, best = keras(values, patience, min_delta, 1.0 if mode == "max" else -1.0)
    assert (stopping.stopped_epoch, stopping.best_epoch) == (stopped, best)
    assert history.epochs == (10 if stopped is None else stopped + 1)
    assert stopping.best == values[best]
    assert same_bits(trainer.model.flat_parameters, script.parameters[best])


@pytest.mark.parametrize("min_delta", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("values", RUNS, ids=range(len(RUNS)))
def test_patience_follows_the_rule_of_scikit_learn(values: list[float], min_delta: float) -> None:
    """The rule is that of `_update_no_improvement_count`, with a loss and with a score."""
    losses, scores = (Patience(2, min_delta, mode, like="sklearn") for mode in ("min", "max"))
    best_loss, best_score, waited_loss, waited_score = math.inf, -math.inf, 0, 0
    for value in values:
        waited_loss = waited_loss + 1 if value > best_loss - min_delta else 0
        best_loss = min(best_loss, value)
        waited_score = waited_score + 1 if value < best_score + min_delta else 0
        best_score = max(best_score, value)
        losses.observe(value)
        scores.observe(value)
        assert (losses.best, losses.waited, losses.over) == (best_loss, waited_loss, waited_loss > 2)
        assert (scores.best, scores.waited, scores.over) == (best_score, waited_score, waited_score > 2)


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("loss", "min"),
        ("error", "min"),
        ("val_accuracy", "max"),
        ("accuracy", "max"),
        ("val_score", "max"),
        ("val_auc", "max"),
    ],
)
def test_the_direction_is_that_of_the_name(monitor: str, mode: str) -> None:
    assert EarlyStopping(monitor).mode == ModelCheckpoint("x", monitor).mode == mode
    assert EarlyStopping(monitor, mode="min").mode == "min"


def ended_by_patience(trainer: Trainer, stopping: EarlyStopping, script: Script) -> None:
    trainer.fit(X, Y, epochs=9, callbacks=[script, stopping])


def ended_by_the_last_epoch(trainer: Trainer, stopping: EarlyStopping, script: Script) -> None:
    trainer.fit(X, Y, epochs=4, callbacks=[script, stopping])


def ended_by_an_error(error: type[BaseException]) -> Callable[..., None]:
    def end(trainer: Trainer, stopping: EarlyStopping, script: Script) -> None:
        def fail(trainer: Trainer, logs: dict[str, float]) -> None:
            if len(script.parameters) == 4:
                raise error

        with pytest.raises(error):
            trainer.fit(X, Y, epochs=9, callbacks=[script, stopping, fail])

    return end


ENDS = [
    ended_by_patience,
    ended_by_the_last_epoch,
    ended_by_an_error(RuntimeError),
    ended_by_an_error(KeyboardInterrupt),
]


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("end", ENDS, ids=["patience", "last epoch", "error", "Ctrl-C"])
def test_the_best_parameters_are_back_however_it_ends(end: Callable[..., None], restore: bool) -> None:
    script = Script([2.0, 1.0, 3.0, 4.0, 5.0])
    trainer, stopping = trainer_of(), EarlyStopping("metric", 3, restore_best=restore)
    end(trainer, stopping, script)
    assert stopping.best_epoch == 1
    assert same_bits(trainer.model.flat_parameters, script.parameters[1 if restore else -1])


def test_buffers_are_back_too() -> None:
    model = nn.Sequential(nn.Dense(6, 8), nn.BatchNorm1d(8), nn.Dense(8, 5), rng=0)
    kept: list[Any] = []
    callbacks = [
        Script([1.0, 2.0]),
        lambda trainer, logs: kept.append(model.state_dict()),
        EarlyStopping("metric"),
    ]
    Trainer(model, seed=0).fit(X, Y, epochs=2, callbacks=callbacks)
    assert all(same_bits(value, kept[0][name]) for name, value in model.state_dict().items())
    assert not all(same_bits(value, kept[1][name]) for name, value in model.buffers().items())


def test_each_fit_begins_without_a_best_value() -> None:
    stopping, trainer = EarlyStopping("metric", patience=2), trainer_of()
    for values, best in (([1.0, 2.0, 3.0], 0), ([9.0, 8.0, 9.0, 9.0], 1)):
        history = trainer.fit(X, Y, epochs=10, callbacks=[Script(values), stopping])
        assert history.epochs == len(values)
        assert (stopping.best_epoch, stopping.best) == (best, values[best])
    trainer.fit(X, Y, epochs=1, callbacks=[Script([1.0]), stopping])
    assert stopping.stopped_epoch is None


@pytest.mark.parametrize("name", ["metric", "loss"])
@pytest.mark.parametrize("patience", [5, None])
def test_a_nan_ends_the_training(name: str, patience: int | None) -> None:
    callbacks = [Script([2.0, 1.0, math.nan, 0.0], name), Script([2.0, 1.0, 3.0, 0.0], "other")]
    stopping, trainer = EarlyStopping("metric" if name == "metric" else "other", patience), trainer_of()
    history = trainer.fit(X, Y, epochs=4, callbacks=[*callbacks, stopping])
    assert (history.epochs, stopping.stopped_epoch, stopping.best_epoch) == (3, 2, 1)


def test_a_training_that_diverges_at_once_has_no_best_epoch() -> None:
    stopping, trainer = EarlyStopping("loss"), trainer_of(optimizer=optim.SGD(lr=1e38))
    trainer.fit(X, Y, epochs=9, batch_size=1, callbacks=[stopping])
    assert (stopping.best_epoch, stopping.stopped_epoch) == (None, 0)
    assert stopping.best == math.inf


def test_a_class_in_place_of_a_callback_is_refused() -> None:
    with pytest.raises(TypeError, match=r"callbacks\[0\]: expected an object, got the class EarlyStopping"):
        trainer_of().fit(X, Y, epochs=1, callbacks=[EarlyStopping])


def test_validation_data_are_not_asked_for_twice() -> None:
    message = "monitor: 'val_acc' is not in the logs; there are loss, accuracy, val_loss, val_accuracy$"
    with pytest.raises(ValueError, match=message):
        trainer_of().fit(X, Y, epochs=1, validation_data=(X, Y), callbacks=[EarlyStopping("val_acc")])


@pytest.mark.parametrize("make", [EarlyStopping, lambda: ModelCheckpoint("never.safetensors")])
def test_a_metric_that_is_not_there_is_an_error_that_names_those_that_are(make: Callable[[], Any]) -> None:
    message = "monitor: 'val_loss' is not in the logs; there are loss, accuracy; give fit validation_data"
    with pytest.raises(ValueError, match=message):
        trainer_of().fit(X, Y, epochs=1, callbacks=[make()])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: EarlyStopping(patience=-1), ValueError, "patience: .*-1"),
        (lambda: EarlyStopping(patience=1.5), TypeError, "patience: .*float"),
        (lambda: EarlyStopping(min_delta=-1.0), ValueError, "min_delta: .*-1"),
        (lambda: EarlyStopping(min_delta=math.nan), ValueError, "min_delta: .*nan"),
        (lambda: EarlyStopping(mode="up"), ValueError, "mode: 'up' is not known; known: auto, min, max"),
        (lambda: ModelCheckpoint("x", mode=1), TypeError, "mode: .*int"),
        (lambda: EarlyStopping(None), TypeError, "monitor: expected a name, got NoneType"),
        (lambda: EarlyStopping(3), TypeError, "monitor: expected a name, got int"),
        (lambda: EarlyStopping(3, mode="min"), TypeError, "monitor: expected a name, got int"),
        (lambda: ModelCheckpoint("x", None), TypeError, "monitor: expected a name, got NoneType"),
        (lambda: Patience(mode="auto"), ValueError, "mode: "),
        (lambda: Patience(like="torch"), ValueError, "like: 'torch' is not known"),
    ],
)
def test_bad_settings_are_refused(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_beginnings_and_ends_are_told_once_each_to_those_who_listen() -> None:
    told: list[tuple[str, int]] = []

    class Listener:
        def __init__(self, number: int) -> None:
            self.number = number

        def __call__(self, trainer: Trainer, logs: dict[str, float]) -> None:
            told.append(("epoch", self.number))

        def on_fit_begin(self, trainer: Trainer) -> None:
            told.append(("begin", self.number))

        def on_fit_end(self, trainer: Trainer) -> None:
            told.append(("end", self.number))

    trainer_of().fit(X, Y, epochs=2, callbacks=[Listener(1), lambda *_: None, Listener(2)])
    epochs = [("epoch", 1), ("epoch", 2)] * 2
    assert told == [("begin", 1), ("begin", 2), *epochs, ("end", 2), ("end", 1)]


def test_a_callback_adds_numbers_for_later_ones_and_not_for_the_history() -> None:
    seen: list[dict[str, float]] = []
    history = trainer_of().fit(
        X, Y, epochs=2, callbacks=[Script([7.0, 8.0]), lambda trainer, logs: seen.append(dict(logs))]
    )
    assert [logs["metric"] for logs in seen] == [7.0, 8.0]
    assert not hasattr(history, "metric")


def test_the_learning_rates_are_those_of_the_steps() -> None:
    for rate, wanted in (
        (0.5, [0.5, 0.5, 0.5]),
        (schedules.exponential(1.0, gamma=0.5), [0.5, 0.125, 0.03125]),
        (lambda step: 1.0 / (1 + step), [1 / 2, 1 / 4, 1 / 6]),
        (schedules.reduce_on_plateau(1e-30, factor=0.5, patience=0, eps=0.0), [1e-30, 1e-30, 5e-31]),
    ):
        logger, trainer = LearningRateLogger(), trainer_of(optimizer=optim.SGD(lr=rate))
        trainer.fit(X, Y, epochs=3, batch_size=30, callbacks=[logger])
        assert logger.rates == pytest.approx(wanted, abs=0)


def test_a_csv_file_has_a_line_for_each_epoch(tmp_path: Path) -> None:
    path, trainer = tmp_path / "log.csv", trainer_of()
    fit = {"epochs": 3, "validation_data": (X, Y)}
    first = trainer.fit(X, Y, callbacks=[LearningRateLogger(), CSVLogger(path)], **fit)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr"]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["val_loss"]) for row in rows] == first.val_loss
    second = trainer.fit(X, Y, callbacks=[LearningRateLogger(), CSVLogger(path, append=True)], **fit)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [float(row["loss"]) for row in rows] == first.loss + second.loss
    with pytest.raises(ValueError, match=r"log\.csv: the header is .*, lr, but the metrics are .*"):
        trainer.fit(X, Y, epochs=1, callbacks=[CSVLogger(path, append=True)])
    trainer.fit(X, Y, epochs=1, callbacks=[CSVLogger(path)])
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_csv_file_is_appended_to_on_a_new_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(f"epoch,loss,accuracy\n7,0.5,0.25{ending}".encode())
    trainer_of().fit(X, Y, epochs=2, callbacks=[CSVLogger(path, append=True)])
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["7", "1", "2"]
    assert rows[0]["accuracy"] == "0.25"


def test_a_copy_or_pickle_of_a_callback_is_one(tmp_path: Path) -> None:
    originals = [
        EarlyStopping("loss"),
        ModelCheckpoint(tmp_path / "x"),
        CSVLogger(tmp_path / "y.csv"),
        LearningRateLogger(),
    ]
    for copied in (copy.deepcopy(originals), pickle.loads(pickle.dumps(originals))):
        assert [vars(one).keys() for one in copied] == [vars(one).keys() for one in originals]


class TestCheckpoints:
    """Laws of `ModelCheckpoint`."""

    @pytest.fixture(autouse=True)
    def _needs_safetensors(self) -> None:
        pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

    def test_the_best_epoch_is_in_the_file(self, tmp_path: Path) -> None:
        path, script, trainer = tmp_path / "best.safetensors", Script([3.0, 1.0, 2.0]), trainer_of()
        saving = ModelCheckpoint(path, "metric")
        trainer.fit(X, Y, epochs=3, callbacks=[script, saving])
        assert same_bits(simdnn.load(path).flat_parameters, script.parameters[1])
        metadata = simdnn.load_metadata(path)
        assert (metadata["epoch"], metadata["logs"]["metric"]) == (2, 1.0)
        assert (saving.best, saving.last_path) == (1.0, str(path))

    def test_a_trainer_resumes_from_it(self, tmp_path: Path) -> None:
        path, whole, first = tmp_path / "last.safetensors", trainer_of(), trainer_of()
        whole.fit(X, Y, epochs=4)
        first.fit(X, Y, epochs=2, callbacks=[ModelCheckpoint(path, save_best_only=False)])
        second = Trainer.load(path)
        second.fit(X, Y, epochs=2)
        assert same_bits(second.model.flat_parameters, whole.model.flat_parameters)

    def test_fields_of_the_path_are_filled_in(self, tmp_path: Path) -> None:
        template = tmp_path / "{epoch:02}-{metric:.1f}.safetensors"
        saving = ModelCheckpoint(template, save_best_only=False, model_only=True)
        trainer_of().fit(X, Y, epochs=2, callbacks=[Script([0.25, math.inf]), saving])
        assert sorted(one.name for one in tmp_path.iterdir()) == ["01-0.2.safetensors", "02-inf.safetensors"]
        with pytest.raises(ValueError, match="trainer"):
            Trainer.load(tmp_path / "01-0.2.safetensors")
        with pytest.raises(ValueError, match=r"path: .*'vall'; there are epoch, loss, accuracy"):
            trainer_of().fit(X, Y, epochs=1, callbacks=[ModelCheckpoint("{vall}", "loss")])

    @pytest.mark.parametrize("field", ["{epoch.foo}", "{epoch[0]}", "{epoch!x}", "{0}"])
    def test_a_field_that_cannot_be_is_an_error_that_names_the_path(self, field: str) -> None:
        with pytest.raises(ValueError, match=rf"path: '{re.escape(field)}': .*; there are epoch, loss"):
            trainer_of().fit(X, Y, epochs=1, callbacks=[ModelCheckpoint(field, "loss")])

    def test_a_path_may_be_of_bytes(self, tmp_path: Path) -> None:
        path: Any = os.fsencode(tmp_path / "{epoch}.safetensors")
        trainer_of().fit(X, Y, epochs=1, callbacks=[ModelCheckpoint(path, "loss")])
        assert Trainer.load(tmp_path / "1.safetensors").epochs_done == 1
