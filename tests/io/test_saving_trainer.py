"""Trainer files: training continues with equal bits."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
import simdnn.functional as F
from simdnn import Trainer, nn, optim, schedules

from tests.io.files import small
from tests.support.registry import OPTIMIZERS, same_bits, spread

pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")

Array = np.ndarray[Any, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def data_of(classes: int = 3) -> tuple[Array, Array]:
    x = spread(40 * 4, np.float32, 1.5).reshape(40, 4)
    return x, np.arange(40) % classes


def same_after(trainer: Trainer, other: Trainer, epochs: int = 5, **options: Any) -> None:
    """Asserts that both trainers have equal bits after further epochs."""
    x, y = data_of()
    target = y if trainer._classifies else np.eye(3, dtype=np.float32)[y]
    options = {"epochs": epochs, "batch_size": 7, "validation_data": (x, target), "progress": False} | options
    assert other.fit(x, target, **options).loss == trainer.fit(x, target, **options).loss
    assert same_bits(other.model.flat_parameters, trainer.model.flat_parameters)
    assert other.epochs_done == trainer.epochs_done
    assert other.optimizer.steps == trainer.optimizer.steps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "make", "options"), OPTIMIZERS, ids=[name for name, *_ in OPTIMIZERS])
def test_training_goes_on_bit_for_bit(
    name: str, make: Callable[..., optim.Optimizer], options: dict[str, Any], dtype: Any, path: Path
) -> None:
    """5 epochs, a file and 5 more epochs equal 10 epochs, with dropout, shuffling and clipping."""
    x, y = data_of()
    whole, first = (
        Trainer(small(dtype), optimizer=make(**options), clip_norm=1.0, seed=2**64 - 1) for _ in range(2)
    )
    whole.fit(x, y, epochs=5, batch_size=7, progress=False)
    first.fit(x, y, epochs=5, batch_size=7, progress=False)
    first.save(path)
    second = Trainer.load(path)
    assert repr(second.optimizer) == repr(first.optimizer)
    assert second.seed == first.seed
    same_after(whole, second)
    assert same_bits(simdnn.load(path).flat_parameters, first.model.flat_parameters)


def test_a_trainer_before_its_first_step(path: Path) -> None:
    trainer = Trainer(small(), optimizer=optim.Adagrad(initial_accumulator_value=0.5), seed=1)
    trainer.save(path)
    other = Trainer.load(path)
    assert isinstance(other.optimizer, optim.Adagrad)
    assert other.optimizer.initial_accumulator_value == 0.5
    same_after(trainer, other)


RATES: dict[str, Callable[[], Any]] = {
    "constant": lambda: 0.01,
    "cosine": lambda: schedules.cosine(0.1, steps=40),
    "warm-up": lambda: schedules.warm_up(5, schedules.exponential(0.1, 0.97)),
    "one cycle": lambda: schedules.one_cycle(0.1, steps=50),
    "plateau": lambda: schedules.reduce_on_plateau(0.2, patience=0, factor=0.5, threshold=0.9),
}


@pytest.mark.parametrize("name", RATES)
def test_schedules_go_on(name: str, path: Path) -> None:
    x, y = data_of()
    trainer = Trainer(small(), optimizer=optim.SGD(lr=RATES[name](), momentum=0.9), seed=3)
    trainer.fit(x, y, epochs=3, batch_size=7, progress=False)
    trainer.save(path)
    other = Trainer.load(path)
    assert repr(other.optimizer.lr) == repr(trainer.optimizer.lr)
    same_after(trainer, other)


def test_a_function_as_rate_is_asked_for_again(path: Path) -> None:
    rate = lambda step: 0.1 / (1 + step)  # noqa: E731
    trainer = Trainer(small(), optimizer=optim.Adam(lr=rate), seed=3)
    x, y = data_of()
    trainer.step(x, y)
    trainer.save(path)
    with pytest.raises(ValueError, match=r"lr: .*<lambda>.*lr=\.\.\."):
        Trainer.load(path)
    same_after(trainer, Trainer.load(path, lr=rate))


TRAINED_LOSSES: dict[str, Any] = {
    "name": "cross_entropy",
    "name of the function": "focal_loss",
    "function": F.focal_loss,
    "weights": functools.partial(F.cross_entropy, weight=np.float32([1, 0.3, 2]), label_smoothing=0.1),
    "regression": functools.partial(F.huber_loss, delta=0.7),
    "a margin": functools.partial(
        F.large_margin_softmax, lam=F.margin_annealing(base=10.0), variant="arcface", margin=0.2, scale=8.0
    ),
    "a margin with a schedule": functools.partial(
        F.large_margin_softmax, lam=schedules.inverse_power(10.0, 0.1), margin=2
    ),
    "a margin with a sequence": functools.partial(
        F.large_margin_softmax, lam=schedules.warm_up(8, schedules.exponential(3.0, 0.9), 9.0), margin=2
    ),
}


@pytest.mark.parametrize("name", TRAINED_LOSSES)
def test_losses_go_on(name: str, path: Path) -> None:
    model = nn.Sequential(nn.Dense(4, 6, "tanh"), nn.Dense(6, 3, bias=False), rng=0)
    trainer = Trainer(model, loss=TRAINED_LOSSES[name], seed=3)
    trainer.save(path)
    same_after(trainer, Trainer.load(path))


def test_the_loss_of_a_layer_goes_on(path: Path) -> None:
    last = nn.LargeMarginSoftmax(8, 3, margin=2, lam=schedules.inverse_power(10.0, 0.1))
    trainer = Trainer(nn.Sequential(nn.Dense(4, 8, "tanh"), last, rng=0), seed=3)
    x, y = data_of()
    trainer.fit(x, y, epochs=2, batch_size=7, progress=False)
    trainer.save(path)
    same_after(trainer, Trainer.load(path))


def test_a_function_in_a_loss_is_refused(path: Path) -> None:
    trainer = Trainer(small(), loss=F.cross_entropy, seed=3)
    vars(trainer)["loss"] = functools.partial(F.cross_entropy, label_smoothing=abs)
    with pytest.raises(TypeError, match=r"loss: .*abs"):
        trainer.save(path)


def test_a_model_is_no_trainer(path: Path) -> None:
    simdnn.save(small(), path)
    with pytest.raises(ValueError, match=r"simdnn\.load"):
        Trainer.load(path)


def test_a_trainer_whose_momentum_a_state_set_to_0_goes_on_from_its_file(path: Path) -> None:
    """It keeps its buffers, which the settings alone do not tell."""

    def trainer(**settings: Any) -> Trainer:
        return Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), optimizer=optim.SGD(lr=0.1, **settings), seed=0)

    x, y = np.eye(4, dtype=np.float32), np.arange(4)
    first, plain = trainer(momentum=0.9), trainer()
    for each in (first, plain):
        each.fit(x, y, epochs=2)
    first.optimizer.load_state_dict(plain.optimizer.state_dict())
    first.save(path)
    second = Trainer.load(path)
    for each in (first, second):
        each.fit(x, y, epochs=2)
    assert same_bits(first.model.flat_parameters, second.model.flat_parameters)
    assert repr(first.optimizer) == repr(second.optimizer)
