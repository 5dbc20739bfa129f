"""The monitor of a training warns once of each illness, changes no bit, and keeps its budget of time."""

import math
import time
import warnings
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, callbacks, nn, optim
from simdnn.diagnostics import Monitor, TrainingWarning

from tests.support.illnesses import deep, healthy, samples


def watched(trainer: Trainer, x: Any, y: Any, monitor: Monitor, **settings: Any) -> list[str]:
    """The warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(x, y, **{"epochs": 4, **settings}, callbacks=[monitor])
    assert all(one.category is TrainingWarning for one in caught)
    return [str(one.message) for one in caught]


def unlimited(every: int = 1) -> Monitor:
    return Monitor(every, budget=math.inf)


def test_an_illness_is_warned_of_once_in_a_fit() -> None:
    x, y = samples()
    trainer, monitor = Trainer(deep(20, "sigmoid"), seed=0), unlimited()
    for _ in range(2):
        (text,) = watched(trainer, x, y, monitor)
        assert text.startswith("vanishing gradients before the first epoch: the first layer's gradients are")
        assert "nn.BatchNorm1d" in text
        assert list(monitor.problems) == ["vanishing"]


@pytest.mark.parametrize("seed", range(8))
def test_a_healthy_training_raises_no_alarm(seed: int) -> None:
    case, monitor = healthy(seed), unlimited()
    assert watched(case.trainer, case.x, case.y, monitor, epochs=10, batch_size=16) == []
    assert monitor.report is not None
    assert monitor.report.verdict == "healthy"


def test_the_training_has_the_same_bits() -> None:
    plain, seen = healthy(1), healthy(1)
    plain.trainer.fit(plain.x, plain.y, epochs=5)
    watched(seen.trainer, seen.x, seen.y, unlimited(), epochs=5)
    assert np.array_equal(plain.trainer.model.flat_parameters, seen.trainer.model.flat_parameters)


def test_a_rate_that_is_too_high_is_seen_in_the_losses() -> None:
    x, y = samples()
    trainer = Trainer(deep(3, "tanh"), optimizer=optim.SGD(lr=10.0), seed=0)
    texts = watched(trainer, x, y, Monitor(every=100), epochs=20)
    assert any(text.startswith("a learning rate that is too high after epoch") for text in texts), texts


def test_a_few_labels_among_ignored_ones_are_found() -> None:
    x, y = samples()
    labels = np.full_like(y, -100)
    labels[[10, 20, 31, 50, 60, 77]] = y[[10, 20, 31, 50, 60, 77]]
    assert watched(Trainer(deep(3, "relu"), seed=0), x, labels, Monitor(samples=8)) == []
    labels[:] = -100
    texts = watched(Trainer(deep(3, "relu"), seed=0), x, labels, Monitor(samples=8))
    assert texts[0].startswith("all labels ignored before the first epoch")


def test_blocks_of_data_show_their_losses_alone() -> None:
    x, y = samples()
    trainer, monitor = Trainer(deep(3, "tanh"), optimizer=optim.SGD(lr=10.0), seed=0), Monitor()
    with pytest.warns(TrainingWarning, match="a learning rate that is too high after epoch"):
        trainer.fit([(x, y)], epochs=20, callbacks=[monitor])
    assert monitor.report is None


def test_the_place_of_a_number_that_is_not_finite_is_named() -> None:
    x, y = samples()
    x[41, 2] = np.nan
    (text,) = watched(Trainer(deep(3, "relu"), seed=0), x, y, Monitor(samples=2))
    assert text.startswith("inputs that are not finite after epoch 1: X[41, 2] is nan"), "seen in the loss"
    (text,) = watched(Trainer(deep(3, "relu"), seed=0), x, y, Monitor(samples=90))
    assert text.startswith("inputs that are not finite before the first epoch: X[41, 2] is nan")
    targets = np.where(np.arange(len(x)) == 55, np.nan, 1.0).repeat(3).reshape(-1, 3)
    (text,) = watched(Trainer(deep(3, "relu"), "mse", seed=0), samples()[0], targets, Monitor(samples=2))
    assert text.startswith("targets that are not finite after epoch 1: y[55, 0] is nan")


def test_samples_may_be_sparse_or_scaled() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [test]: scipy")
    x, y = samples()
    assert watched(Trainer(deep(3, "relu"), seed=0), sparse.csr_matrix(x), y, unlimited()) == []
    pixels = np.random.default_rng(0).integers(0, 256, x.shape).astype(np.uint8)
    assert watched(Trainer(deep(3, "tanh"), seed=0), pixels, y, unlimited(), scale=1 / 255) == []


def test_a_stateful_network_is_watched() -> None:
    x = np.random.default_rng(0).standard_normal((32, 5, 3)).astype(np.float32)
    trainer = Trainer(nn.Sequential(nn.LSTM(3, 8, stateful=True), nn.Dense(8, 2), rng=0), seed=0)
    assert watched(trainer, x, np.arange(32) % 2, Monitor(samples=10, budget=math.inf), batch_size=16) == []


def test_the_budget_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An examination takes three seconds of this clock, an epoch a hundred."""
    now, examined = [0.0], []

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    class Counting(Monitor):
        def _examine(self, trainer: Trainer, when: str, everything: bool = False) -> None:
            examined.append(now[0])
            super()._examine(trainer, when, everything)

    def wait(trainer: Trainer, logs: dict[str, float]) -> None:
        now[0] += 95

    monkeypatch.setattr(time, "perf_counter", clock)
    case, monitor = healthy(2), Counting(budget=0.02)
    case.trainer.fit(case.x, case.y, epochs=60, callbacks=[wait, monitor])
    assert monitor._spent <= 0.02 * now[0] + 3
    assert 60 / 3 < len(examined) - 1 <= 60 * 2 / 3, examined


def test_every_is_kept() -> None:
    case = healthy(3)
    seen: list[Any] = []
    monitor = unlimited(every=3)
    case.trainer.fit(case.x, case.y, epochs=7, callbacks=[monitor, lambda *_: seen.append(monitor.report)])
    assert [id(one) for one in seen] == [id(seen[i]) for i in (0, 0, 2, 2, 2, 5, 5)]
    assert len({id(one) for one in seen}) == 3


def test_an_error_filter_ends_the_training() -> None:
    x, y = samples()
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        with pytest.raises(TrainingWarning, match="vanishing"):
            Trainer(deep(20, "sigmoid"), seed=0).fit(x, y, epochs=2, callbacks=[Monitor()])


def test_callbacks_are_given_the_data() -> None:
    calls: list[Any] = []

    class Data(callbacks.Callback):
        def on_fit_data(self, trainer: Trainer, X: Any, y: Any, scale: float) -> None:
            calls.append((X, y, scale))

        def on_fit_begin(self, trainer: Trainer) -> None:
            calls.append("begin")

    x, y = samples()
    Trainer(deep(3, "relu"), seed=0).fit(x, y, epochs=1, callbacks=[Data()], scale=0.5)
    assert calls[0][0] is x
    assert calls[0][1] is y
    assert calls[0][2] == 0.5
    assert calls[1:] == ["begin"]


@pytest.mark.parametrize("settings", [{"every": 0}, {"samples": 0}, {"budget": -1.0}, {"budget": math.nan}])
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Monitor(**settings)
    with pytest.raises(TypeError, match=next(iter(settings))):
        Monitor(**dict.fromkeys(settings, "x"))


def test_an_estimator_is_watched() -> None:
    estimators = pytest.importorskip("simdnn.sklearn", reason="needs the extra [sklearn]")
    x, y = samples()
    model = estimators.MLPClassifier((16,) * 12, activation="logistic", max_iter=3, callbacks=[Monitor()])
    with pytest.warns() as caught:
        model.fit(x, y)
    assert any(one.category is TrainingWarning and "vanishing" in str(one.message) for one in caught)
