"""Copies, pickles and files of trainers and predictors: independent, and with the same bits."""

import copy
import functools
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import functional as F
from simdnn import nn, optim, pretrain, schedules

from tests.oracles.layers import ROWS, Row
from tests.support.registry import same_bits


class Named(simdnn.Trainer):
    """A trainer with an attribute of its own."""

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


every_copy = pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])


def stateful(**settings: Any) -> simdnn.Trainer:
    """A trainer of a network with carried states, dropout and running statistics."""
    layers = (
        nn.LSTM(3, 4, stateful=True, return_sequences=True),
        nn.GRU(4, 5, stateful=True),
        nn.Dropout(0.3),
    )
    model = nn.Sequential(*layers, nn.BatchNorm1d(5), nn.Dense(5, 2), rng=0)
    return simdnn.Trainer(model, optimizer=optim.NAdam(lr=schedules.cosine(0.1, 20)), seed=1, **settings)


def sequences() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(8, 5, 3)).astype(np.float32), random.integers(0, 2, 8)


def train(trainer: simdnn.Trainer, epochs: int = 2) -> list[float]:
    x, y = sequences()
    return trainer.fit(x, y, epochs=epochs, batch_size=4, progress=False).loss


def through_file(trainer: simdnn.Trainer, path: Path) -> simdnn.Trainer:
    trainer.save(path)
    return simdnn.Trainer.load(path)


def ways(folder: Path) -> dict[str, Callable[[Any], Any]]:
    return {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": pickled,
        "file": functools.partial(through_file, path=folder / "trainer.safetensors"),
    }


every_way = pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle", "file"])


@every_way
@pytest.mark.parametrize("epochs", [0, 2])
def test_a_copy_of_a_trainer_goes_on_with_the_same_bits(way: str, epochs: int, tmp_path: Path) -> None:
    trainer = stateful()
    if epochs:
        train(trainer, epochs)
    made = ways(tmp_path)[way](trainer)
    before = trainer.model.flat_parameters.copy()
    losses = train(made)
    assert same_bits(trainer.model.flat_parameters, before)  # the original is another model
    assert losses == train(trainer)
    assert same_bits(made.model.flat_parameters, trainer.model.flat_parameters)
    assert made.optimizer.steps == trainer.optimizer.steps
    assert made.epochs_done == trainer.epochs_done


@every_way
@pytest.mark.parametrize("changed", [90.0, -5.0])
@pytest.mark.parametrize("kind", [np.array, list])
def test_a_loss_keeps_its_weights_whatever_the_caller_does_to_them(
    way: str, changed: float, kind: Any, tmp_path: Path
) -> None:
    weight = kind([1.0, 2.0])
    loss = functools.partial(F.cross_entropy, weight=weight, label_smoothing=0.25)
    trainer = simdnn.Trainer(nn.Sequential(nn.Dense(2, 2), rng=0), loss, seed=0)
    right = simdnn.Trainer(
        nn.Sequential(nn.Dense(2, 2), rng=0),
        functools.partial(F.cross_entropy, weight=[1.0, 2.0], label_smoothing=0.25),
        seed=0,
    )
    weight[0] = changed
    loss.keywords["label_smoothing"] = 0.5
    made = ways(tmp_path)[way](trainer)
    x, y = np.eye(2), [0, 1]
    losses = [[one.step(x, y) for _ in range(3)] for one in (right, trainer, made)]
    assert losses[0] == losses[1] == losses[2]


def test_carried_states_make_the_difference(tmp_path: Path) -> None:
    """Without the states the resumed training is another one, so that the test above sees them."""
    trainer = stateful()
    train(trainer)
    made = through_file(trainer, tmp_path / "trainer.safetensors")
    made.model.reset_states()
    assert train(made) != train(trainer)


def test_a_model_from_a_file_of_a_trainer_begins_with_initial_states(tmp_path: Path) -> None:
    trainer = stateful()
    train(trainer)
    trainer.save(tmp_path / "trainer.safetensors")
    model = simdnn.load(tmp_path / "trainer.safetensors")
    trainer.model.reset_states()
    x = sequences()[0]
    assert same_bits(model(x), trainer.model(x))


@every_copy
def test_a_copy_has_the_arguments_and_the_attributes_of_a_subclass(duplicate: Callable[[Any], Any]) -> None:
    model = nn.Sequential(nn.Dense(3, 2), rng=0)
    loss = functools.partial(F.cross_entropy, label_smoothing=0.25)
    trainer = Named(model, loss, optim.SGD(momentum=0.5), clip_norm=2.0, seed=7, penalty="sum", name="n")
    made = duplicate(trainer)
    assert (type(made), made.name, made.seed, made.penalty) == (Named, "n", 7, "sum")
    assert (made.optimizer.momentum, made.optimizer.clip_norm) == (0.5, 2.0)
    x, y = np.ones((4, 3), np.float32), np.array([0, 1, 1, 0])
    assert made.evaluate(x, y) == trainer.evaluate(x, y)


@every_copy
def test_a_copy_has_a_plateau_of_its_own(duplicate: Callable[[Any], Any]) -> None:
    trainer = simdnn.Trainer(
        nn.Sequential(nn.Dense(2, 2), rng=0),
        optimizer=optim.SGD(lr=schedules.reduce_on_plateau(1.0, patience=0)),
    )
    made = duplicate(trainer)
    for loss in (1.0, 2.0, 3.0):
        made.optimizer.lr.observe(loss)
    assert (trainer.optimizer.current_lr, trainer.optimizer.lr.best) == (1.0, np.inf)
    assert made.optimizer.current_lr < 1


@every_copy
def test_skipped_steps_and_counts_of_their_own_are_copied(duplicate: Callable[[Any], Any]) -> None:
    trainer = simdnn.Trainer(nn.Sequential(nn.Dense(2, 2), rng=0), optimizer=optim.Adam(skip_nonfinite=True))
    trainer.step(np.eye(2), [0, 1])
    trainer.step(np.full((2, 2), np.inf), [0, 1])
    state = trainer.optimizer.state_dict()
    del state["state"][1]
    trainer.optimizer.load_state_dict(state)
    made = duplicate(trainer)
    assert made.optimizer.skipped == trainer.optimizer.skipped == 1
    for one in (trainer, made):
        one.step(np.eye(2), [0, 1])
    assert same_bits(made.model.flat_parameters, trainer.model.flat_parameters)
    assert [float(entry["step"]) for entry in made.optimizer.state_dict()["state"].values()] == [2, 1]


@every_copy
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_copy_of_a_predictor_gives_the_same_bits(
    row: Row, dtype: Any, duplicate: Callable[[Any], Any]
) -> None:
    model = row.model(dtype)
    x = row.x(6, dtype)
    predictor = model.freeze()
    right = predictor.predict(x).copy()
    made = duplicate(predictor)
    model.flat_parameters[:] = 0
    del predictor
    assert same_bits(made.predict(x), right)
    assert made.dtype == dtype


@every_copy
def test_a_copy_of_a_predictor_is_independent_and_carries_its_states(
    duplicate: Callable[[Any], Any],
) -> None:
    predictor, x = stateful().model.freeze(), sequences()[0]
    first = predictor.predict(x)
    made = duplicate(predictor)
    right = predictor.predict(x)
    assert not same_bits(first, right)
    predictor._predictor.values[:] = 0
    assert same_bits(made.predict(x), right)


def duplicated(model: nn.Sequential) -> nn.Sequential:
    return model.copy()


def in_an_ensemble(model: nn.Sequential) -> Any:
    return copy.deepcopy(nn.Ensemble([model]))[0]


def in_a_pickled_ensemble(model: nn.Sequential) -> Any:
    return pickled(nn.Ensemble([model]))[0]


WAYS = [copy.copy, copy.deepcopy, pickled, duplicated, in_an_ensemble, in_a_pickled_ensemble]


@pytest.mark.parametrize("duplicate", WAYS)
def test_a_copy_of_a_model_is_independent_and_carries_its_states(duplicate: Callable[[Any], Any]) -> None:
    model, x = stateful().model, sequences()[0]
    first = model(x)
    made = duplicate(model)
    second = model(x)
    assert not same_bits(first, second)
    assert same_bits(made(x), second)
    made.reset_states()
    assert not same_bits(model(x), second)  # the original goes on
    assert same_bits(made(x), first)


def test_a_copy_of_another_precision_carries_the_states() -> None:
    model, x = stateful().model, sequences()[0]
    model(x)
    made = model.copy(precision="bf16").copy(precision="float32")
    assert same_bits(made(x), model(x))


def test_a_file_and_a_frozen_model_begin_with_initial_states(tmp_path: Path) -> None:
    """Equal models give files of equal bytes, and a predictor serves series of its own."""
    model, x = stateful().model, sequences()[0]
    first = model(x)
    simdnn.save(model, tmp_path / "model.safetensors")
    assert same_bits(simdnn.load(tmp_path / "model.safetensors")(x), first)
    assert same_bits(nn.Ensemble([model]).freeze()(x), first)
    fresh = stateful().model.freeze().predict(x)
    assert same_bits(model.freeze().predict(x), fresh)


CHILD = """
import pickle, sys
trainer, predictor, x, y = pickle.load(sys.stdin.buffer)
losses = trainer.fit(x, y, epochs=2, batch_size=4, progress=False).loss
pickle.dump((losses, predictor.predict(x)), sys.stdout.buffer)
"""


def test_pickles_are_read_by_another_process() -> None:
    trainer = stateful()
    train(trainer)
    (x, y), predictor = sequences(), trainer.model.freeze()
    sent = pickle.dumps((trainer, predictor, x, y))
    run = subprocess.run([sys.executable, "-c", CHILD], input=sent, capture_output=True, check=True)
    losses, predicted = pickle.loads(run.stdout)
    assert losses == train(trainer)
    assert same_bits(predicted, predictor.predict(x))


@pytest.mark.parametrize(
    "states", [[np.zeros((2, 8))], [np.zeros((2, 7)), np.zeros((2, 5))], [np.zeros((2, 8)), np.zeros((3, 5))]]
)
def test_states_that_do_not_fit_are_refused(states: Any) -> None:
    model = stateful().model
    with pytest.raises(ValueError, match="states: expected"):
        model._model.states = [state.astype(np.float32) for state in states]
    assert model._model.states == []


class Holder:
    """An object that holds a network and what trains it."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def held() -> Any:
    """A network, its trainer, their optimizer, its schedule and an ensemble, in one object."""
    plateau = schedules.reduce_on_plateau(0.1, patience=0)
    model, optimizer = nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 2), rng=0), optim.Adam(lr=plateau)
    trainer = simdnn.Trainer(model, optimizer=optimizer, seed=0)
    trainer.step(np.eye(2), [0, 1])
    parts = {
        "model": model,
        "trainer": trainer,
        "optimizer": optimizer,
        "plateau": plateau,
        "nets": [nn.Ensemble([model])],
    }
    return Holder(**parts)


def backwards() -> Any:
    """The parts of `held` in the opposite order."""
    return Holder(**dict(reversed(list(vars(held()).items()))))


every_deep_copy = pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])


@every_deep_copy
@pytest.mark.parametrize("make", [held, backwards])
def test_a_copied_object_holds_one_model_as_with_pytorch(make: Any, duplicate: Callable[[Any], Any]) -> None:
    original = make()
    made = duplicate(original)
    assert made.trainer.model is made.model is made.nets[0][0]
    assert made.model is not original.model
    assert made.trainer.optimizer is made.optimizer
    assert made.optimizer.lr is made.plateau
    assert made.plateau is not original.plateau
    before = original.model.flat_parameters.copy()
    for _ in range(3):
        made.trainer.step(np.eye(2), [0, 1])
    assert same_bits(original.model.flat_parameters, before)
    for _ in range(3):
        original.trainer.step(np.eye(2), [0, 1])
    assert same_bits(made.model.flat_parameters, original.model.flat_parameters)
    assert made.optimizer.steps == 4


@every_deep_copy
def test_two_trainers_of_a_model_stay_two_of_one(duplicate: Callable[[Any], Any]) -> None:
    """PyTorch, too, copies one network with its two optimizers."""
    model = nn.Sequential(nn.Dense(2, 2), rng=0)
    first, second = duplicate([simdnn.Trainer(model, optimizer=optim.SGD(lr=rate)) for rate in (0.1, 0.2)])
    assert first.model is second.model
    assert (first.optimizer.lr, second.optimizer.lr) == (0.1, 0.2)


@every_copy
def test_a_model_that_knows_its_trainer_knows_the_copy(duplicate: Callable[[Any], Any]) -> None:
    trainer: Any = simdnn.Trainer(nn.Sequential(nn.Dense(2, 2), rng=0))
    trainer.model.trainer = trainer
    made = duplicate(trainer)
    assert made.model is not trainer.model
    assert made.model.trainer is made


@every_deep_copy
def test_an_attribute_that_holds_the_model_holds_the_copy(duplicate: Callable[[Any], Any]) -> None:
    trainer: Any = Named(nn.Sequential(nn.Dense(2, 2), rng=0), name="n")
    trainer.nets, trainer.itself = [trainer.model], trainer
    made = duplicate(trainer)
    assert made.nets[0] is made.model
    assert made.itself is made


@every_deep_copy
def test_a_copied_object_holds_one_optimizer_of_its_machine(duplicate: Callable[[Any], Any]) -> None:
    optimizer = optim.SGD(lr=0.1, momentum=0.5)
    parts = {"optimizer": optimizer, "machine": pretrain.BernoulliRBM(2, 2, optimizer=optimizer, seed=0)}
    for one in (Holder(**parts), Holder(**dict(reversed(parts.items())))):
        made = duplicate(one)
        assert made.machine.optimizer is made.optimizer
        assert made.optimizer is not optimizer


def test_a_copy_is_of_one_moment() -> None:
    """A pickle asks for the model later than for the trainer; another thread may have trained in between."""

    class Late(nn.Sequential):
        def __reduce__(self) -> tuple[Any, ...]:
            self.flat_parameters[:] += 1
            return super().__reduce__()

    trainer = simdnn.Trainer(Late(nn.Dense(2, 2), rng=0))
    before = trainer.model.flat_parameters.copy()
    made = copy.deepcopy(trainer)
    assert not same_bits(trainer.model.flat_parameters, before)
    assert same_bits(made.model.flat_parameters, before)


def test_a_copy_in_one_process_holds_the_parameters_once() -> None:
    trainer = simdnn.Trainer(nn.Sequential(nn.Dense(500, 500), rng=0), "mse", "sgd")
    tracemalloc.start()
    made = copy.copy(trainer)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.5 * trainer.model.flat_parameters.nbytes
    assert same_bits(made.model.flat_parameters, trainer.model.flat_parameters)
