"""Laws of `fit_many` and `step_many`: every network has the bits of its own training."""

import copy
import gc
import os
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, nn, optim, schedules

from tests.support.processes import run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 3))).argmax(1)


def network(seed: int, *hidden: nn.Layer, dtype: type = np.float32) -> nn.Sequential:
    """A classifier of `X` with these hidden layers."""
    layers = [nn.Dense(6, 8, activation="tanh"), *hidden, nn.Dense(8, 3)]
    return nn.Sequential(*layers, rng=seed, dtype=dtype)


def mixed() -> list[simdnn.Trainer]:
    """Trainers that differ in everything that may differ."""
    return [
        simdnn.Trainer(network(0), seed=1),
        simdnn.Trainer(
            network(1, nn.BatchNorm1d(8), nn.Dropout(0.3)), optimizer=optim.SGD(lr=0.1, momentum=0.9), seed=2
        ),
        simdnn.Trainer(
            network(2, dtype=np.float64), optimizer=optim.RMSprop(lr=1e-2), seed=3, l2=1e-3, penalty="sum"
        ),
        simdnn.Trainer(
            network(3), optimizer=optim.Adam(lr=schedules.cosine(1e-2, 150)), seed=4, clip_norm=0.5
        ),
        simdnn.Trainer(network(4), optimizer=optim.SGD(lr=lambda step: 0.1 / (1 + step)), seed=5),
        simdnn.Trainer(
            network(5), "focal", optim.SGD(lr=schedules.reduce_on_plateau(0.1, patience=1)), seed=6
        ),
        simdnn.Trainer(network(6, nn.Dense(8, 8, activation="relu")), optimizer="adagrad", seed=7),
    ]


def same(a: simdnn.Trainer, b: simdnn.Trainer) -> bool:
    """True if two trainers have the same bits and counts."""
    values = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    slots = zip(a._trainer.slots(), b._trainer.slots(), strict=True)
    arrays = all(np.array_equal(x, y, equal_nan=True) for pairs in (values, slots) for x, y in pairs)
    return arrays and a.optimizer.steps == b.optimizer.steps and a.epochs_done == b.epochs_done


def without_seconds(history: simdnn.History) -> dict[str, str]:
    """The entries of a history that are the same in every run; NaN as text, which equals itself."""
    return {name: repr(value) for name, value in vars(history).items() if name != "seconds"}


def check(
    together: list[simdnn.Trainer],
    alone: list[simdnn.Trainer],
    histories: list[simdnn.History],
    own: list[simdnn.History],
) -> None:
    """Asserts that networks trained together are those trained alone, with the same histories."""
    for i, (a, b) in enumerate(zip(together, alone, strict=True)):
        assert same(a, b), i
        assert without_seconds(histories[i]) == without_seconds(own[i]), i
        assert len(histories[i].seconds) == histories[i].epochs


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_every_network_has_the_bits_of_its_own_fit(threads: int) -> None:
    together, alone = mixed(), mixed()
    epochs, sizes = [3, 4, 5, 6, 7, 8, 2], [32, 7, None, 300, 64, 32, 1]
    histories = simdnn.fit_many(together, X, Y, epochs=epochs, batch_size=sizes, n_threads=threads)
    own = [t.fit(X, Y, epochs=e, batch_size=b) for t, e, b in zip(alone, epochs, sizes, strict=True)]
    check(together, alone, histories, own)
    again = simdnn.fit_many(together, X, Y, epochs=2, shuffle=False, n_threads=threads)
    check(together, alone, again, [t.fit(X, Y, epochs=2, shuffle=False) for t in alone])


@pytest.mark.parametrize("restore_best", [False, True])
def test_rows_validation_and_early_stopping_as_the_own_fit_on_those_rows(restore_best: bool) -> None:
    together, alone = mixed(), mixed()
    for trainers in (together, alone):
        trainers.append(simdnn.Trainer(network(7), optimizer=optim.SGD(lr=3.0), seed=8))
    rng = np.random.default_rng(1)
    rows = [rng.integers(0, 300, size=150 + i) for i in range(8)]
    held = [np.setdiff1d(np.arange(300), each) for each in rows]
    patience = [None, 0, 1, 2, 3, 2, 1, 2]
    histories = simdnn.fit_many(
        together, X, Y, epochs=30, indices=rows, validation=held, patience=patience, restore_best=restore_best
    )
    own = []
    for trainer, train, test, limit in zip(alone, rows, held, patience, strict=True):
        watch = limit is not None or restore_best
        stopping = [callbacks.EarlyStopping(patience=limit, restore_best=restore_best)] if watch else []
        data = (X[test], Y[test])
        own.append(trainer.fit(X[train], Y[train], epochs=30, validation_data=data, callbacks=stopping))
    assert len({history.epochs for history in own}) > 2
    check(together, alone, histories, own)


def test_data_of_each_network() -> None:
    together, alone = mixed(), mixed()
    xs = [np.roll(X, i, axis=0)[: 100 + i] for i in range(7)]
    ys = [np.roll(Y, i)[: 100 + i] for i in range(7)]
    weights = [np.linspace(0.1, 1 + i, 100 + i) for i in range(7)]
    data = [(X, Y), None, (X, Y, np.ones(300)), [0, 1, 2], None, (X[:9], Y[:9]), [5]]
    histories = simdnn.fit_many(together, xs, ys, epochs=2, sample_weight=weights, validation=data)
    own = []
    for i, trainer in enumerate(alone):
        rows = data[i]
        given = (xs[i][rows], ys[i][rows], weights[i][rows]) if isinstance(rows, list) else rows
        own.append(trainer.fit(xs[i], ys[i], epochs=2, sample_weight=weights[i], validation_data=given))
    check(together, alone, histories, own)


@pytest.mark.parametrize("kind", [np.int32, np.float16, np.float64, np.uint8, bool])
def test_data_of_any_dtype(kind: type) -> None:
    x: np.ndarray = (X * 3).astype(kind)
    together, alone = mixed(), mixed()
    histories = simdnn.fit_many(together, x, list(Y), epochs=1, scale=0.5)
    check(together, alone, histories, [t.fit(x, list(Y), epochs=1, scale=0.5) for t in alone])


def test_a_network_that_fails_or_diverges_harms_no_other() -> None:
    def broken(step: int) -> float:
        if step >= 25:
            raise ZeroDivisionError("no rate")
        return 0.1

    def trainers() -> list[simdnn.Trainer]:
        made = mixed()
        made[2] = simdnn.Trainer(network(2), optimizer=optim.SGD(lr=broken), seed=3)
        made[5].model.flat_parameters[0] = np.nan
        return made

    together, alone = trainers(), trainers()
    with pytest.raises(RuntimeError, match=r"^trainers\[2\]: ZeroDivisionError: no rate") as raised:
        simdnn.fit_many(together, X, Y, epochs=4)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    for i, trainer in enumerate(alone):
        if i == 2:
            with pytest.raises(ZeroDivisionError):
                trainer.fit(X, Y, epochs=4)
        else:
            trainer.fit(X, Y, epochs=4)
        assert same(together[i], trainer), i
    assert together[2].epochs_done == 2
    assert not np.isfinite(together[5].model.flat_parameters).all()


def test_the_error_of_a_network_names_it_and_counts_the_others() -> None:
    embedded = [nn.Sequential(nn.Embedding(5, 4, in_features=2), nn.Dense(8, 3), rng=i) for i in range(3)]
    ids = RNG.integers(0, 5, size=(40, 2)).astype(np.float32)

    def spoil(step: int) -> float:
        ids[7] = 99
        return 0.1

    trainers = [simdnn.Trainer(model, optimizer=optim.SGD(lr=spoil)) for model in embedded]
    with pytest.raises(
        IndexError, match=r"^trainers\[0\] \(and 2 others\): x: row 7, column 0: 99 is out of range"
    ):
        simdnn.fit_many(trainers, ids, Y[:40], epochs=1)


WRONG: dict[str, Callable[[list[simdnn.Trainer]], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "trainers: expected a sequence": lambda t: ((t[0], X, Y), {}),
    r"trainers\[1\]: expected a Trainer, got int": lambda t: (([t[0], 3], X, Y), {}),
    r"trainers\[2\]: is trainers\[0\]": lambda t: (([t[0], t[1], t[0]], X, Y), {}),
    r"trainers\[1\]: has the model of trainers\[0\]": lambda t: (
        ([t[0], simdnn.Trainer(t[0].model)], X, Y),
        {},
    ),
    "epochs: expected one for each of 7": lambda t: ((t, X, Y), {"epochs": [1, 2]}),
    r"epochs\[6\]: expected an integer >= 1, got 0": lambda t: ((t, X, Y), {"epochs": [1, 2, 3, 4, 5, 6, 0]}),
    "batch_size: expected an integer": lambda t: ((t, X, Y), {"batch_size": 2.5}),
    "X: expected one for each of 7": lambda t: ((t, [X, X], Y), {}),
    r"trainers\[0\]: x: expected shape \(n, 6\), got \(300, 5\)": lambda t: ((t, X[:, :5], Y), {}),
    r"trainers\[0\]: y: expected shape \(300,\)": lambda t: ((t, X, Y[:9]), {}),
    r"trainers\[0\]: y\[0\]: class 10 is out of range": lambda t: ((t, X, np.full(300, 10)), {}),
    r"trainers\[0\]: indices\[1\]: 300 is out of range for 300 samples": lambda t: (
        (t, X, Y),
        {"indices": [0, 300]},
    ),
    r"trainers\[0\]: indices\[0\]: -1 is out of range": lambda t: ((t, X, Y), {"indices": [-1]}),
    "indices: expected at least one row": lambda t: ((t, X, Y), {"indices": []}),
    r"indices\[3\]: expected at least one row": lambda t: (
        (t, X, Y),
        {"indices": [[0]] * 3 + [[]] + [[0]] * 3},
    ),
    r"validation: expected a pair \(X, y\) in a tuple, got X of shape \(2,\)": lambda t: (
        (t, X, Y),
        {"validation": (np.arange(2), np.arange(3))},
    ),
    r"indices: expected integers of shape \(n,\), got object": lambda t: (
        (t, X, Y),
        {"indices": np.array([1, 2], object)},
    ),
    "indices: expected integers of shape .*, got int": lambda t: ((t, X, Y), {"indices": 3}),
    "indices: 18446744073709551615 is out of range": lambda t: (
        (t, X, Y),
        {"indices": np.array([2**64 - 1], np.uint64)},
    ),
    r"trainers\[0\]: sample_weight: expected a finite sum > 0 over the rows of indices": lambda t: (
        (t, X, Y),
        {"sample_weight": np.arange(300) > 5, "indices": range(4)},
    ),
    r"trainers\[0\]: sample_weight: expected a finite sum > 0 over the rows of validation": lambda t: (
        (t, X, Y),
        {"sample_weight": np.arange(300) > 5, "validation": range(4)},
    ),
    "indices: expected integers of shape": lambda t: ((t, X, Y), {"indices": np.ones(300, bool)}),
    r"indices\[0\]: expected integers of shape": lambda t: ((t, X, Y), {"indices": [[0.5]] * 7}),
    "indices: expected one for each of 7": lambda t: ((t, X, Y), {"indices": [[0], [1]]}),
    r"trainers\[0\]: validation\[0\]: 900 is out of range": lambda t: ((t, X, Y), {"validation": [900]}),
    "validation: expected rows, a pair": lambda t: ((t, X, Y), {"validation": (X,)}),
    "validation: patience needs data to evaluate, got None": lambda t: ((t, X, Y), {"patience": 3}),
    r"validation\[6\]: restore_best needs data to evaluate": lambda t: (
        (t, X, Y),
        {"restore_best": True, "validation": [[0]] * 6 + [None]},
    ),
    "patience: expected an integer >= 0": lambda t: ((t, X, Y), {"patience": -1, "validation": [0]}),
    "n_threads: expected an integer from 1 to 32767, got 0": lambda t: ((t, X, Y), {"n_threads": 0}),
    "progress: expected True": lambda t: ((t, X, Y), {"progress": "yes"}),
    "shuffle: expected True or False": lambda t: ((t, X, Y), {"shuffle": "no"}),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_named_before_anything_is_trained(message: str) -> None:
    trainers = mixed()
    arguments, settings = WRONG[message](trainers)
    with pytest.raises((TypeError, ValueError, IndexError), match=f"^{message}"):
        simdnn.fit_many(*arguments, **{"epochs": 1, **settings})
    assert all(same(a, b) for a, b in zip(trainers, mixed(), strict=True))


def test_no_networks() -> None:
    assert simdnn.fit_many([], X, Y, epochs=1) == []
    assert simdnn.step_many([], X, Y).shape == (0,)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_steps_have_the_bits_of_own_steps(threads: int) -> None:
    together, alone = mixed() * 1, mixed()
    for k in range(5):
        xs = [X[i + k : i + k + 20 + i] for i in range(7)]
        ys = [Y[i + k : i + k + 20 + i] for i in range(7)]
        weights = [np.full(20 + i, 1.0 + k) for i in range(7)]
        losses = simdnn.step_many(together, xs, ys, weights, n_threads=threads)
        own = [t.step(x, y, w) for t, x, y, w in zip(alone, xs, ys, weights, strict=True)]
        assert losses.tolist() == own
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))


def test_wrong_batches_are_named_before_any_step() -> None:
    trainers = mixed()
    with pytest.raises(ValueError, match=r"^trainers\[3\]: x: expected shape \(n, 6\)"):
        simdnn.step_many(trainers, [X, X, X, X[:, :2], X, X, X], Y)
    assert all(same(a, b) for a, b in zip(trainers, mixed(), strict=True))
    with pytest.raises(ValueError, match=r"^ys: expected one for each of 7"):
        simdnn.step_many(trainers, X, [Y, Y])


def test_labels_wrong_for_one_network_leave_it_unchanged() -> None:
    trainers, others = mixed(), mixed()
    ys = [Y.copy() for _ in trainers]
    ys[4][2] = 3
    with pytest.raises(IndexError, match=r"^trainers\[4\]: y\[2\]: class 3 is out of range"):
        simdnn.step_many(trainers, X, ys)
    assert same(trainers[4], others[4])


def test_copies_train_as_the_originals() -> None:
    trainers = mixed()[:4]
    copies = [copy.deepcopy(trainer) for trainer in trainers]
    simdnn.fit_many(trainers + copies, X, Y, epochs=3)
    assert all(same(a, b) for a, b in zip(trainers, copies, strict=True))


INTERRUPTED = """
import os, signal, threading, time
import numpy as np, simdnn
from simdnn import nn

signal.signal(signal.SIGINT, signal.default_int_handler)
x, y = np.random.default_rng(0).normal(size=(640, 8)).astype(np.float32), np.arange(640) % 3

def trainers():
    models = [nn.Sequential(nn.Dense(8, 32), nn.Dense(32, 3), rng=i) for i in range(6)]
    return [simdnn.Trainer(model, seed=i) for i, model in enumerate(models)]

together, alone = trainers(), trainers()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    simdnn.fit_many(together, x, y, epochs=10**6, n_threads=3, shuffle=False)
except KeyboardInterrupt:
    print("stopped")
assert sum(trainer.optimizer.steps > 0 for trainer in together) >= 1
for trainer, other in zip(together, alone):
    steps = trainer.optimizer.steps
    assert trainer.epochs_done == steps // 20, (trainer.epochs_done, steps)
    for k in range(steps):
        rows = slice(k % 20 * 32, k % 20 * 32 + 32)
        other.step(x[rows], y[rows])
    assert np.array_equal(other.model.flat_parameters, trainer.model.flat_parameters)
"""


def test_interrupt_ends_all_networks_at_whole_steps() -> None:
    assert run(INTERRUPTED).strip() == "stopped"


FORKED = """
import os, numpy as np, simdnn
from simdnn import nn

x, y = np.eye(8, dtype=np.float32), np.arange(8)
make = lambda: [simdnn.Trainer(nn.Sequential(nn.Dense(8, 8), rng=i), seed=i) for i in range(4)]
first = simdnn.fit_many(make(), x, y, epochs=400, n_threads=2)
child = os.fork()
if child == 0:
    again = simdnn.fit_many(make(), x, y, epochs=400, n_threads=2)
    os._exit(0 if [h.loss for h in again] == [h.loss for h in first] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_trains_alone() -> None:
    assert run(FORKED).strip() == "0"


def test_a_failed_fit_is_forgotten() -> None:
    def broken(step: int) -> float:
        raise ZeroDivisionError("no rate")

    def weakly(count: int) -> list[weakref.ref[simdnn.Trainer]]:
        trainers = [simdnn.Trainer(network(i), optimizer=optim.SGD(lr=broken)) for i in range(count)]
        with pytest.raises(RuntimeError, match="no rate"):
            simdnn.fit_many(trainers, X, Y, epochs=1)
        return [weakref.ref(trainer) for trainer in trainers]

    left = weakly(3)
    gc.collect()
    assert [each() for each in left] == [None] * 3


@pytest.mark.parametrize("call", ["fit_many", "step_many"])
def test_a_trainer_in_use_by_this_thread_is_refused(call: str) -> None:
    inside: list[int] = []

    def nested(step: int) -> float:
        if not inside:  # the inner call asks for the rate too
            inside.append(step)
            if call == "fit_many":
                simdnn.fit_many([trainer], X, Y, epochs=1)
            else:
                simdnn.step_many([trainer], X, Y)
        return 0.1

    trainer = simdnn.Trainer(network(0), optimizer=optim.SGD(lr=nested))
    others = [simdnn.Trainer(network(i)) for i in range(1, 3)]
    with pytest.raises(RuntimeError, match="in use by a call of this thread"):
        simdnn.fit_many([trainer, *others], X, Y, epochs=2)


def test_huge_counts_are_no_different_from_large_ones() -> None:
    together, alone = mixed()[:2], mixed()[:2]
    histories = simdnn.fit_many(together, X, Y, epochs=1, batch_size=10**30)
    check(together, alone, histories, [trainer.fit(X, Y, epochs=1, batch_size=None) for trainer in alone])


def test_progress_counts_networks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    simdnn.fit_many(mixed(), X, Y, epochs=1, progress=True)
    assert "7/7" in capsys.readouterr().err


def tiny(count: int) -> list[simdnn.Trainer]:
    """Equal tiny networks with their own seeds and rates."""
    models = [nn.Sequential(nn.Dense(6, 8, activation="relu"), nn.Dense(8, 3), rng=i) for i in range(count)]
    return [
        simdnn.Trainer(model, optimizer=optim.Adam(lr=0.01 * (1 + i)), seed=i)
        for i, model in enumerate(models)
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_tiny_networks_with_own_rows_epochs_and_stops(threads: int) -> None:
    together, alone = tiny(37), tiny(37)
    rng = np.random.default_rng(2)
    rows = [rng.integers(0, 300, size=100 + 7 * (i % 5)) for i in range(37)]
    held = [np.setdiff1d(np.arange(300), each)[: 20 + i] for i, each in enumerate(rows)]
    patience = [None if i % 3 == 0 else i % 4 for i in range(37)]
    epochs = [5 + i % 4 for i in range(37)]
    together[3].model.flat_parameters[2] = alone[3].model.flat_parameters[2] = np.nan
    histories = simdnn.fit_many(
        together,
        X,
        Y,
        epochs=epochs,
        batch_size=16,
        indices=rows,
        validation=held,
        patience=patience,
        restore_best=True,
        n_threads=threads,
    )
    own = [
        trainer.fit(
            X[rows[i]],
            Y[rows[i]],
            epochs=epochs[i],
            batch_size=16,
            validation_data=(X[held[i]], Y[held[i]]),
            callbacks=[callbacks.EarlyStopping(patience=patience[i])],
        )
        for i, trainer in enumerate(alone)
    ]
    check(together, alone, histories, own)
    again = simdnn.fit_many(together, X, Y, epochs=2, batch_size=32, n_threads=threads)
    check(together, alone, again, [trainer.fit(X, Y, epochs=2, batch_size=32) for trainer in alone])


def test_a_tiny_network_that_becomes_nan_harms_no_other() -> None:
    together, alone = tiny(8), tiny(8)
    xs = [X.copy() for _ in together]
    weights = [np.ones(300) for _ in together]
    xs[5][11] = np.nan
    histories = simdnn.fit_many(together, xs, Y, epochs=2, sample_weight=weights)
    own = [t.fit(xs[i], Y, epochs=2, sample_weight=weights[i]) for i, t in enumerate(alone)]
    check(together, alone, histories, own)
