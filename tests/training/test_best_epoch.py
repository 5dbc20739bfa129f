"""`restore_best` of `Trainer.fit` and `fit_many`: which epoch is kept, by which metric, however it ends."""

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simdnn import Trainer, callbacks, fit_many, nn, optim

from tests.support.networks import samples
from tests.support.registry import same_bits

X, Y = samples("cross_entropy", 60, 6, 3, np.float32)
HELD = X[:12], Y[:12]
Ties = Literal["first", "last"]


def trainers(count: int) -> list[Trainer]:
    """Classifiers whose accuracy on few samples often ties; every other one has buffers."""
    norms = [[nn.BatchNorm1d(5)] if i % 2 else [] for i in range(count)]
    return [
        Trainer(
            nn.Sequential(nn.Dense(6, 5, "tanh"), *norm, nn.Dense(5, 3), rng=i),
            optimizer=optim.Adam(lr=0.05),
            seed=i,
        )
        for i, norm in enumerate(norms)
    ]


def best_of(values: list[float], sign: float, ties: Ties) -> int | None:
    """The place of the best finite value, by its definition."""
    known = [(sign * v, -i if ties == "first" else i) for i, v in enumerate(values) if math.isfinite(v)]
    return None if not known else abs(max(known)[1])


@given(
    values=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan, math.inf]), min_size=1, max_size=9),
    mode=st.sampled_from(["min", "max"]),
    ties=st.sampled_from(["first", "last"]),
)
def test_patience_finds_the_first_or_the_last_best_epoch(
    values: list[float], mode: Literal["min", "max"], ties: Ties
) -> None:
    values = [value if math.isfinite(value) or mode == "min" else -value for value in values]
    rules = [callbacks.Patience(None, mode=mode, like=like, ties=ties) for like in ("keras", "sklearn")]
    for rule in rules:
        kept = [i for i, value in enumerate(values) if rule.observe(value)]
        assert (kept[-1] if kept else None) == best_of(values, -1 if mode == "min" else 1, ties)


def test_a_tie_is_no_improvement() -> None:
    rule = callbacks.Patience(3, ties="last")
    assert [rule.observe(1.0) for _ in range(4)] == [True] * 4
    assert rule.over


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy", "loss"])
@pytest.mark.parametrize("ties", ["first", "last"])
def test_the_model_ends_with_its_best_epoch(monitor: Any, ties: Ties) -> None:
    ends = []
    together = trainers(8)
    for trainer in trainers(8):
        epochs: list[dict[str, Any]] = []

        def keep(own: Trainer, logs: Any, epochs: list[dict[str, Any]] = epochs) -> None:
            epochs.append(own.model.state_dict())

        history = trainer.fit(
            X, Y, epochs=25, validation_data=HELD, callbacks=[keep], restore_best=ties, monitor=monitor
        )
        values = getattr(history, monitor)
        wanted = epochs[best_of(values, 1 if monitor == "val_accuracy" else -1, ties) or 0]
        assert history.epochs == 25
        assert all(same_bits(value, wanted[name]) for name, value in trainer.model.state_dict().items())
        ends.append(trainer)
    fit_many(together, X, Y, epochs=25, validation=HELD, restore_best=ties, monitor=monitor)
    for one, many in zip(ends, together, strict=True):
        assert all(
            same_bits(value, many.model.state_dict()[name]) for name, value in one.model.state_dict().items()
        )


def test_ties_occur_in_these_trainings() -> None:
    first, last = ((trainers(8), ties) for ties in ("first", "last"))
    for members, ties in (first, last):
        fit_many(members, X, Y, epochs=25, validation=HELD, restore_best=ties, monitor="val_accuracy")
    pairs = zip(first[0], last[0], strict=True)
    assert any(not same_bits(a.model.flat_parameters, b.model.flat_parameters) for a, b in pairs)


def test_true_is_the_first_one_and_each_network_may_differ() -> None:
    a, b, c = trainers(1) + trainers(1) + trainers(1)
    many = fit_many(
        [a, b, c],
        X,
        Y,
        epochs=20,
        validation=HELD,
        restore_best=[True, "first", False],
        monitor=["val_accuracy", "val_accuracy", "loss"],
    )
    assert same_bits(a.model.flat_parameters, b.model.flat_parameters)
    assert not same_bits(a.model.flat_parameters, c.model.flat_parameters)
    assert [history.epochs for history in many] == [20] * 3


def test_patience_counts_the_epochs_of_the_metric() -> None:
    (one,), (many,) = trainers(1), trainers(1)
    stopping = callbacks.EarlyStopping("val_accuracy", 3, restore_best="last")
    history = one.fit(X, Y, epochs=200, validation_data=HELD, callbacks=[stopping])
    (found,) = fit_many(
        [many], X, Y, epochs=200, validation=HELD, patience=3, restore_best="last", monitor="val_accuracy"
    )
    assert history.val_accuracy == found.val_accuracy
    assert found.stopped
    assert same_bits(one.model.flat_parameters, many.model.flat_parameters)


def test_an_error_of_a_callback_leaves_the_best_epoch() -> None:
    (trainer,) = trainers(1)
    kept: list[np.ndarray] = []

    def fail(own: Trainer, logs: Any) -> None:
        if kept:
            own.model.flat_parameters[:] = 0
            raise RuntimeError("enough")
        kept.append(own.model.flat_parameters.copy())

    with pytest.raises(RuntimeError, match="enough"):
        trainer.fit(X, Y, epochs=3, callbacks=[fail], restore_best=True, monitor="loss")
    assert same_bits(trainer.model.flat_parameters, kept[0])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"restore_best": True}, ValueError, "validation.*: restore_best needs data to evaluate, got None"),
        (
            {"restore_best": "best"},
            ValueError,
            "restore_best.*: expected a bool, 'first' or 'last', got 'best'",
        ),
        ({"restore_best": None}, TypeError, "restore_best.*: expected True or False, got None"),
        ({"restore_best": 2}, ValueError, "restore_best.*: expected True or False, got 2"),
        (
            {"monitor": "auc", "restore_best": True},
            ValueError,
            "monitor.*: 'auc' is not known; known: val_loss",
        ),
    ],
)
def test_wrong_words_are_refused_before_anything_is_trained(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    (trainer,) = trainers(1)
    for train in (trainer.fit, lambda *data, **more: fit_many([trainer], *data, **more)):
        with pytest.raises(error, match=message):
            train(X, Y, epochs=1, **settings)
    assert trainer.epochs_done == 0


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy_with_logits"])
def test_a_loss_of_values_has_no_accuracy_to_decide(loss: str) -> None:
    trainer = Trainer(nn.Sequential(nn.Dense(6, 1), rng=0), loss)
    y, wanted = Y > 0, f"^monitor: the loss '{loss}' has no val_accuracy; losses of classes"
    with pytest.raises(ValueError, match=wanted):
        trainer.fit(X, y, epochs=1, validation_data=(X, y), restore_best=True, monitor="val_accuracy")
    with pytest.raises(ValueError, match=wanted):
        fit_many([trainer], X, y, epochs=1, validation=(X, y), restore_best=True, monitor="val_accuracy")
