"""Threads that share models, predictors, trainers and optimizers, with data that nobody changes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import Trainer, nn, optim, schedules

from tests.support.registry import same_bits
from tests.support.threads import together

Array = np.ndarray[Any, Any]


def layers(kind: str) -> tuple[nn.Layer, ...]:
    """Networks with every kind of state: statistics, random numbers, carried states, lookups."""
    kinds: dict[str, Callable[[], tuple[nn.Layer, ...]]] = {
        "dense": lambda: (nn.Dense(6, 64, "relu"), nn.Dense(64, 3)),
        "random": lambda: (nn.Dense(6, 16), nn.BatchNorm1d(), nn.ReLU(), nn.Dropout(0.3), nn.Dense(16, 3)),
        "recurrent": lambda: (nn.LSTM(6, 8, return_sequences=True), nn.GRU(8, 5), nn.Dense(5, 3)),
        "embedding": lambda: (nn.Embedding(in_features=6, columns={0: (5, 3)}), nn.Dense(8, 3)),
        "margin": lambda: (nn.Dense(6, 16, "tanh"), nn.LargeMarginSoftmax(16, 3)),
    }
    return kinds[kind]()


def samples(kind: str, n: int) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = random.normal(size=(n, 4, 6) if kind == "recurrent" else (n, 6)).astype(np.float32)
    x[..., 0] = random.integers(0, 5, x.shape[:-1])
    return x, random.integers(0, 3, n)


@pytest.mark.parametrize("kind", ["dense", "random", "recurrent", "embedding", "margin"])
def test_threads_share_a_trainer_its_model_and_a_predictor(kind: str) -> None:
    model = nn.Sequential(*layers(kind), rng=0)
    trainer = Trainer(model, optimizer=optim.Adam(lr=schedules.cosine(1e-3, 10_000)), seed=0)
    (x, y), predictor = samples(kind, 600), model.freeze()
    wanted, answers = predictor.predict(x), []

    def serve() -> None:
        answers.append(predictor.predict(x, np.empty((600, 3), np.float32)))

    def pass_both() -> None:
        model.backward(np.ones_like(model.forward(x[:50], training=True)))

    errors = together(
        lambda: trainer.step(x, y) and None,
        lambda: trainer.fit(x, y, epochs=1, batch_size=64, progress=False) and None,
        lambda: trainer.evaluate(x, y) and None,
        serve,
        serve,
        pass_both,
        lambda: model(x) is None,
        lambda: same_bits(model.freeze().predict(x), x),
        lambda: trainer.optimizer.state_dict() and None,
        seconds=1.0,
    )
    assert all(str(error).startswith("dy: ") for error in errors)
    assert answers
    assert all(same_bits(answer, wanted) for answer in answers)
    assert np.isfinite(model.flat_parameters).all()


def test_threads_share_a_predictor_that_carries_states() -> None:
    model = nn.Sequential(nn.GRU(6, 5, stateful=True), nn.Dense(5, 3), rng=0)
    predictor, (x, _) = model.freeze(), samples("recurrent", 40)
    errors = together(
        lambda: predictor.predict(x) is None,
        lambda: predictor.predict(x) is None,
        predictor.reset_states,
        lambda: model(x) is None,
        model.reset_states,
    )
    assert errors == []


@pytest.mark.parametrize("way", ["copy", "pickle", "state", "settings"])
def test_a_trainer_may_be_copied_while_it_trains(way: str) -> None:
    model = nn.Sequential(*layers("random"), rng=0)
    trainer, (x, y) = Trainer(model, seed=0), samples("random", 600)
    ways: dict[str, Callable[[], Any]] = {
        "copy": lambda: copy.copy(trainer),
        "pickle": lambda: pickle.dumps((trainer, model, model.freeze())),
        "state": lambda: model.load_state_dict(model.state_dict()),
        "settings": lambda: trainer.optimizer.set_params(lr=1e-3),
    }
    errors = together(
        lambda: trainer.step(x, y) and None,
        lambda: trainer.fit(x, y, epochs=1, progress=False) and None,
        lambda: ways[way]() and None,
    )
    assert errors == []
    assert np.isfinite(model.flat_parameters).all()
    assert simdnn.get_num_threads() > 0
