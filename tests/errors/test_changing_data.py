"""Data that callbacks or other threads change while native code reads them; threads with one trainer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, nn, optim

from tests.support.networks import network
from tests.support.processes import run
from tests.support.threads import together

Array = np.ndarray[Any, Any]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def trainer_of(loss: Any = "cross_entropy", dtype: Any = np.float32) -> Trainer:
    return Trainer(network([3, 5, 2], dtype=dtype), loss=loss, seed=0)


def samples(n: int = 40) -> tuple[Array, Array]:
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return x, np.arange(n) % 2


def changed(change: Callable[[], None]) -> Callable[[Trainer, dict[str, float]], None]:
    """A callback that changes the data after each epoch."""
    return lambda trainer, logs: change()


def fitted(x: Any, y: Any, change: Callable[[], None] = lambda: None, **keywords: Any) -> tuple[Any, ...]:
    """The history of losses of three epochs, with a change after each of them."""
    loss = keywords.pop("loss", "cross_entropy")
    trainer = trainer_of(loss)
    found = trainer.fit(x, y, epochs=3, batch_size=7, progress=False, callbacks=[changed(change)], **keywords)
    return found.loss, found.val_loss, trainer.model.flat_parameters.tolist()


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("place", ["training", "validation"])
def test_labels_are_those_at_the_beginning_of_fit(place: str, dtype: Any) -> None:
    x, y = samples()
    own, bad = y.astype(dtype), np.iinfo(dtype).max
    data = (x, own) if place == "training" else (x, y)
    validation = (x, own) if place == "validation" else (x, y)
    wanted = fitted(*data, validation_data=validation)
    assert fitted(*data, lambda: own.fill(bad), validation_data=validation) == wanted
    assert (own == bad).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_values_are_those_at_the_beginning_of_fit(dtype: Any) -> None:
    x, y = samples()
    target = np.stack([y, 1 - y], axis=1).astype(dtype)
    wanted = fitted(x, target, loss="mse")
    assert fitted(x, target, lambda: target.fill(100), loss="mse") == wanted


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_are_those_at_the_beginning_of_fit(bad: float, dtype: Any) -> None:
    x, y = samples()
    weight = np.linspace(0.5, 1.5, len(x)).astype(dtype)
    wanted = fitted(x, y, sample_weight=weight)
    assert fitted(x, y, lambda: weight.fill(bad), sample_weight=weight) == wanted


@pytest.mark.parametrize("part", ["data", "indices", "indptr"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_sparse_matrix_is_that_at_the_beginning_of_fit(index: Any, part: str) -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    x, y = samples()
    matrix = sparse.csr_array(x)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    wanted = fitted(matrix, y, validation_data=(matrix, y))
    got = fitted(matrix, y, lambda: getattr(matrix, part).fill(10**6), validation_data=(matrix, y))
    assert got == wanted


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize(("bad", "error"), [(200, IndexError), (0.5, ValueError)])
@pytest.mark.parametrize("place", ["training", "validation"])
def test_ids_are_checked_in_each_batch(place: str, bad: float, error: type[Exception], dtype: Any) -> None:
    if dtype == np.uint8 and bad != int(bad):
        return
    ids = (np.arange(40).reshape(20, 2) % 10).astype(dtype)
    model = nn.Sequential(nn.Embedding(columns=[(0, 10, 3)], in_features=2), nn.Dense(4, 2), rng=0)
    trainer, y, data = Trainer(model, seed=0), np.arange(20) % 2, ids.copy()
    shown = (data, y) if place == "training" else (ids, y)
    validation = (data, y) if place == "validation" else None

    def change() -> None:
        data[13, 0] = bad

    with pytest.raises(error, match=r"x: row 13, column 0: .*(200 is out of range for 10|integer.*0\.5)"):
        trainer.fit(
            *shown,
            epochs=3,
            batch_size=6,
            progress=False,
            validation_data=validation,
            callbacks=[changed(change)],
        )
    assert np.isfinite(trainer.model.flat_parameters).all()
    trainer.fit(ids, y, epochs=1, progress=False)


def test_samples_cannot_be_resized_while_they_are_read() -> None:
    x, y = samples()
    with pytest.raises(ValueError, match="resize"):
        trainer_of().fit(
            x, y, epochs=2, progress=False, callbacks=[changed(lambda: x.resize((2, 3), refcheck=False))]
        )
    params = [np.ones(5), np.ones((4, 3))[:, ::2]]
    optimizer = optim.SGD(params, lr=1.0)
    with pytest.raises(ValueError, match="resize"):
        params[0].resize((2,), refcheck=False)
    optimizer.step([np.ones(5), np.ones((4, 2))])
    assert not any(one.any() for one in params)


def reenter(name: str, trainer: Trainer, x: Array, y: Array) -> None:
    """A call of the trainer or its model from a callback of its own fit."""
    model = trainer.model
    if name == "step":
        trainer.step(x[:5], y[:5])
    elif name == "fit":
        trainer.fit(x, y, epochs=2, batch_size=16, progress=False)
    elif name == "evaluate":
        trainer.evaluate(x, y)
    elif name == "predict":
        model(x), model.freeze().predict(x)
    elif name == "backward":
        model.backward(np.ones_like(model.forward(x, training=True)))
    elif name == "load":
        model.load_state_dict(model.state_dict())
        trainer.optimizer.load_state_dict(trainer.optimizer.state_dict())
    elif name == "rate":
        trainer.optimizer.lr = lambda step: 1e-3 / (1 + step)
    elif name == "profile":
        model.profile(4)


@pytest.mark.parametrize(
    "name", ["step", "fit", "evaluate", "predict", "backward", "load", "rate", "profile"]
)
def test_callbacks_may_use_the_trainer(name: str) -> None:
    trainer, (x, y) = trainer_of(), samples()
    history = trainer.fit(
        x, y, epochs=3, batch_size=9, progress=False, callbacks=[lambda own, logs: reenter(name, own, x, y)]
    )
    assert history.epochs == 3
    assert np.isfinite(trainer.model.flat_parameters).all()


def test_threads_take_turns_with_one_trainer() -> None:
    trainer = Trainer(
        network([3, 64, 2], dtype=np.float32), optimizer=optim.Adam(lr=lambda step: 1e-3), seed=0
    )
    x, y = samples(5000)

    def change() -> None:
        trainer.optimizer.state_dict()
        trainer.optimizer.lr = lambda step: 1e-3

    errors = together(
        lambda: trainer.step(x[:300], y[:300]),
        lambda: trainer.step(x, y),
        lambda: trainer.fit(x, y, epochs=1, batch_size=100, progress=False),
        lambda: trainer.evaluate(x[:777], y[:777]),
        change,
        lambda: trainer.model(x[:10]),
    )
    assert errors == []
    assert np.isfinite(trainer.model.flat_parameters).all()


def test_backward_of_another_batch_is_an_error() -> None:
    model = network([64, 64, 64], dtype=np.float32)
    shapes = [np.ones((n, 64), np.float32) for n in (30, 700, 3000)]

    def pass_both(x: Array) -> None:
        model.forward(x, training=True)
        assert model.backward(x).shape == x.shape

    errors = together(*(lambda x=x: pass_both(x) for x in shapes))
    assert all(str(error).startswith("dy: ") for error in errors)


CRASH = """
import threading
import numpy as np, simdnn
import simdnn.functional as F
from simdnn import nn

rng = np.random.default_rng(0)
n, classes = 40_000, 5
x, y = rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, classes, n)
logits = rng.normal(size=(n, classes)).astype(np.float32)
ids = rng.integers(0, 7, (n, 2)).astype(np.float32)
weights, class_weight = np.ones(n, np.float32), np.ones(classes)
model = nn.Sequential(nn.Dense(4, 16), nn.Dense(16, classes, bias=False), rng=0)
trainer = simdnn.Trainer(model, seed=0)
margin = simdnn.Trainer(model, loss="large_margin_softmax", seed=0)
looking = nn.Sequential(nn.Embedding(columns=[(0, 7, 3), (1, 7, 3)], in_features=2), nn.Dense(6, 2), rng=0)
embedding, predictor = simdnn.Trainer(looking, seed=0), looking.freeze()
stop = threading.Event()

def change():
    k = 0
    while not stop.is_set():
        k = (k + 7919) % n
        y[k], ids[k, 1], weights[k] = 10**12, 1e9, -1
        y[k], ids[k, 1], weights[k] = 1, 2, 1

thread = threading.Thread(target=change)
thread.start()
for call in (CALLS):
    for _ in range(15):
        try:
            call()
        except (IndexError, ValueError):
            pass
stop.set()
thread.join()
print("alive")
"""

CALLS = {
    "losses": """
    lambda: F.cross_entropy(logits, y, return_grad=True),
    lambda: F.cross_entropy(logits, y, weight=class_weight, sample_weight=weights),
    lambda: F.focal_loss(logits, y), lambda: F.nll_loss(logits, y, return_grad=True),
    lambda: F.distillation_loss(logits, logits, target=y, hard_weight=0.5),
    lambda: F.large_margin_softmax(x, np.ones((4, classes), np.float32), y, return_grad=True),
    """,
    "trainer": """
    lambda: trainer.step(x, y, weights), lambda: trainer.evaluate(x, y, weights),
    lambda: trainer.fit(x, y, epochs=1, batch_size=64, sample_weight=weights, progress=False),
    lambda: margin.step(x, y),
    """,
    "embedding": """
    lambda: embedding.step(ids, y % 2), lambda: embedding.evaluate(ids, y % 2), lambda: looking(ids),
    lambda: predictor.predict(ids), lambda: looking.backward(looking.forward(ids, training=True)),
    lambda: embedding.fit(ids, weights.astype(int) % 2, epochs=1, progress=False),
    """,
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_that_a_thread_changes_are_checked_where_they_are_used(name: str) -> None:
    assert run(CRASH.replace("CALLS", CALLS[name])).strip() == "alive"


def test_an_order_that_changes_is_read_once() -> None:
    trainer, (x, y) = trainer_of(), samples(1000)
    order = np.arange(1000)

    def change() -> None:
        order[:] = 10**12
        order[:] = np.arange(1000)

    errors = together(lambda: trainer.fit(x, y, epochs=2, order=lambda epoch: order, progress=False), change)
    assert {type(error) for error in errors} <= {ValueError}


def test_steps_name_the_label_and_change_nothing() -> None:
    trainer, (x, y) = trainer_of(), samples(600)
    y[500] = 7
    before = trainer.model.flat_parameters.copy()
    with pytest.raises(IndexError, match=r"y\[500\]: class 7 is out of range for 2 classes \(0 to 1\)"):
        trainer.step(x, y)
    np.testing.assert_array_equal(trainer.model.flat_parameters, before)
    assert trainer.optimizer.steps == 0
