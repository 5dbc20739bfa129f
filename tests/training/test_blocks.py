"""Training on blocks has the bits of training on all samples at once, and errors name the block."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simdnn import Trainer, nn, optim, schedules

from tests.support.networks import samples
from tests.support.processes import run
from tests.support.registry import FLOATS, same_bits

N = 103
X, Y = samples("cross_entropy", N, 6, 5, np.float32)
WEIGHT = np.random.default_rng(0).uniform(0, 2, N)
CUTS = [0, 5, 10, 11, 60, 61, 62, 90, N]


def blocks_of(*arrays: Any, cuts: Any = CUTS) -> list[tuple[Any, ...]]:
    """The blocks of arrays between these cuts."""
    return [tuple(one[a:b] for one in arrays) for a, b in itertools.pairwise(cuts)]


class Source:
    """Blocks that can be iterated again and again; counts the loaded ones and the epochs that it is told."""

    def __init__(self, blocks: list[Any]) -> None:
        self.blocks, self.loaded, self.epochs = blocks, 0, []  # type: ignore[var-annotated]

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __iter__(self) -> Iterator[Any]:
        for block in self.blocks:
            self.loaded += 1
            yield block


def trainer_of(dtype: Any = np.float32, loss: Any = None, **options: Any) -> Trainer:
    model = nn.Sequential(
        nn.Dense(6, 8, activation="relu"),
        nn.Dropout(0.3),
        nn.BatchNorm1d(8),
        nn.Dense(8, 5),
        rng=0,
        dtype=dtype,
    )
    return Trainer(model, loss, optimizer=options.pop("optimizer", optim.Adam(lr=0.01)), seed=1, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 7, 32, 5000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_blocks_have_the_bits_of_one_array(size: int, weighted: bool, dtype: Any) -> None:
    arrays = (X, Y, WEIGHT) if weighted else (X, Y)
    weight = WEIGHT if weighted else None
    whole, parts, source = trainer_of(dtype), trainer_of(dtype), Source(blocks_of(*arrays))
    first = whole.fit(
        X, Y, epochs=3, batch_size=size, sample_weight=weight, shuffle=False, validation_data=arrays
    )
    second = parts.fit(source, epochs=3, batch_size=size, validation_data=Source(blocks_of(*arrays)))
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)
    assert (first.loss, first.accuracy, first.steps) == (second.loss, second.accuracy, second.steps)
    assert (first.val_loss, first.val_accuracy) == (second.val_loss, second.val_accuracy)
    assert whole.evaluate(X, Y, weight) == parts.evaluate(source)
    assert source.epochs == [0, 1, 2]
    assert parts.epochs_done == 3


@given(cuts=st.sets(st.integers(1, N - 1)), size=st.integers(1, N + 5))
def test_any_borders_of_blocks_give_the_same_bits(cuts: set[int], size: int) -> None:
    whole, parts = trainer_of(), trainer_of()
    first = whole.fit(X, Y, epochs=1, batch_size=size, shuffle=False)
    second = parts.fit(blocks_of(X, Y, cuts=[0, *sorted(cuts), N]), epochs=1, batch_size=size)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)
    assert first.loss == second.loss


LOGITS = np.random.default_rng(1).normal(size=(N, 5)).astype(np.float32)
FORMS: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "bytes": ((X * 100).astype(np.uint8), Y, None, {"scale": 1 / 255}),
    "float64": (X.astype(np.float64), Y.astype(np.int16), None, {}),
    "integers": ((X * 100).astype(np.int64), Y, None, {}),
    "values": (X, LOGITS, "mse", {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_samples_comes_in_blocks(form: str) -> None:
    x, y, loss, options = FORMS[form]
    whole, parts = trainer_of(loss=loss), trainer_of(loss=loss)
    whole.fit(x, y, epochs=2, batch_size=8, shuffle=False, **options)
    parts.fit(blocks_of(x, y), epochs=2, batch_size=8, **options)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_pairs_of_targets_come_in_blocks() -> None:
    import simdnn.functional as F

    whole, parts = trainer_of(loss=F.distillation_loss), trainer_of(loss=F.distillation_loss)
    whole.fit(X, (LOGITS, Y), epochs=2, batch_size=8, shuffle=False)
    parts.fit([(x, (logits, y)) for x, logits, y in blocks_of(X, LOGITS, Y)], epochs=2, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_sparse_blocks_train_as_the_dense_ones() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    holes = np.where(X > 0, X, 0)
    whole, parts = trainer_of(), trainer_of()
    whole.fit(holes, Y, epochs=2, batch_size=8, shuffle=False)
    parts.fit([(sparse.csc_matrix(x), y) for x, y in blocks_of(holes, Y)], epochs=2, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_sequences_come_in_blocks() -> None:
    def recurrent() -> Trainer:
        return Trainer(nn.Sequential(nn.LSTM(2, 4), nn.Dense(4, 5), rng=0), seed=0)

    whole, parts, series = recurrent(), recurrent(), X.reshape(N, 3, 2)
    whole.fit(series, Y, epochs=2, batch_size=8, shuffle=False)
    parts.fit(blocks_of(series, Y), epochs=2, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


@pytest.mark.parametrize("rate", [schedules.cosine(0.1, 40), lambda step: 0.1 / (1 + step)])
def test_the_learning_rate_follows_the_steps(rate: Any) -> None:
    whole, parts = (trainer_of(optimizer=optim.SGD(lr=rate)) for _ in range(2))
    whole.fit(X, Y, epochs=2, batch_size=8, shuffle=False)
    parts.fit(blocks_of(X, Y), epochs=2, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_penalties_are_summed_over_blocks() -> None:
    whole, parts = (trainer_of(l2=0.6, penalty="sum") for _ in range(2))
    first = whole.fit(X, Y, epochs=2, batch_size=8, sample_weight=WEIGHT, shuffle=False)
    second = parts.fit(blocks_of(X, Y, WEIGHT), epochs=2, batch_size=8)
    assert (first.loss, first.penalty) == (second.loss, second.penalty)


def test_a_block_may_have_weights_of_zero() -> None:
    weight = np.where(np.arange(N) < 60, 0.0, 1.0)
    whole, parts = trainer_of(), trainer_of()
    whole.fit(X, Y, epochs=1, batch_size=8, sample_weight=weight, shuffle=False)
    parts.fit(blocks_of(X, Y, weight), epochs=1, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_training_goes_on_from_a_file(tmp_path: Any) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    whole, parts = trainer_of(), trainer_of()
    whole.fit(blocks_of(X, Y), epochs=4, batch_size=8)
    parts.fit(blocks_of(X, Y), epochs=2, batch_size=8)
    parts.save(tmp_path / "trainer.safetensors")
    source = Source(blocks_of(X, Y))
    loaded = Trainer.load(tmp_path / "trainer.safetensors")
    loaded.fit(source, epochs=2, batch_size=8)
    assert source.epochs == [2, 3]
    assert same_bits(whole.model.flat_parameters, loaded.model.flat_parameters)


def test_the_next_block_is_loaded_while_one_trains_and_no_other() -> None:
    """A callback of the loss sees at any time how many blocks were loaded and are alive."""
    alive, most, lock = 0, 0, threading.Lock()

    class Counted(np.ndarray[Any, Any]):
        def __del__(self) -> None:
            nonlocal alive
            if self.base is not None and self.shape == (40, 6):
                with lock:
                    alive -= 1

    def load() -> Iterator[Any]:
        nonlocal alive, most
        for _ in range(6):
            block = np.tile(X[:40], (1, 1)).view(Counted)
            with lock:
                alive += 1
                most = max(most, alive)
            yield block, Y[:40]
            del block

    class Loads:
        def __iter__(self) -> Iterator[Any]:
            return load()

    loaded_on: set[str] = set()

    def hook(gradient: Any) -> None:
        loaded_on.update(thread.name for thread in threading.enumerate())
        time.sleep(0.001)

    trainer = trainer_of(grad_hook=hook)
    trainer.fit(Loads(), epochs=2, batch_size=7)
    assert most <= 2
    assert "simdnn blocks" in loaded_on
    time.sleep(0.5)
    assert "simdnn blocks" not in {thread.name for thread in threading.enumerate()}


def failing(error: BaseException) -> Callable[[], Iterator[Any]]:
    def load() -> Iterator[Any]:
        yield from blocks_of(X, Y)[:3]
        raise error

    return load


class CustomError(RuntimeError):
    def __init__(self, first: str, second: int) -> None:
        super().__init__(first, second)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("torn page"), ValueError, r"X\[3\]: torn page"),
        (OSError(5, "Input/output error", "a.npy"), OSError, r"X\[3\]: Input/output error: 'a.npy'"),
        (MemoryError(), MemoryError, r"X\[3\]: MemoryError"),
        (CustomError("odd", 1), RuntimeError, r"X\[3\]: .*odd"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), UnicodeError, r"X\[3\]: .*bad"),
    ],
)
def test_errors_of_the_loader_come_with_the_number_of_the_block(
    error: Exception, kind: type[Exception], message: str
) -> None:
    trainer, reference = trainer_of(), trainer_of()
    with pytest.raises(kind, match=message) as found:
        trainer.fit(failing(error)(), epochs=1, batch_size=5)
    assert found.value.__cause__ is error
    reference.fit(X[:10], Y[:10], epochs=1, batch_size=5, shuffle=False)
    assert same_bits(trainer.model.flat_parameters, reference.model.flat_parameters)
    trainer.fit(blocks_of(X, Y), epochs=1)


GOOD = blocks_of(X, Y)[:2]
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "features": ((X[:9, :5], Y[:9]), ValueError, r"x: expected shape \(n, 6\), got \(9, 5\)"),
    "lengths": ((X[:9], Y[:8]), ValueError, "y: expected shape"),
    "classes": ((X[:9], Y[:9] + 99), IndexError, "y.*out of range"),
    "dtype": (
        (X[:9].astype(np.float64), Y[:9]),
        ValueError,
        "X: expected float32 .* as in .*, got float64",
    ),
    "empty": ((X[:0], Y[:0]), ValueError, "x: expected at least one sample"),
    "weights": ((X[:9], Y[:9], WEIGHT[:9]), ValueError, "sample_weight: expected None as in"),
    "negative weights": (
        (X[:9], Y[:9], -WEIGHT[:9]),
        ValueError,
        r"sample_weight\[0\]: expected a number >= 0",
    ),
    "text": ((np.full((9, 6), "a"), Y[:9]), TypeError, "x: expected real numbers"),
    "no block": (X[:9], TypeError, r"expected a block \(X, y\) or \(X, y, sample_weight\), got ndarray"),
    "a batch of four": ((X, Y, Y, Y), TypeError, r"expected a block .*, got 4 items"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_block_is_refused_with_its_number_before_it_trains(wrong: str) -> None:
    block, kind, message = WRONG[wrong]
    trainer, reference = trainer_of(), trainer_of()
    with pytest.raises(kind, match=rf"^['\"]?X\[2\]: {message}"):
        trainer.fit([*GOOD, block, *GOOD], epochs=1, batch_size=5)
    reference.fit(GOOD, epochs=1, batch_size=5)
    assert same_bits(trainer.model.flat_parameters, reference.model.flat_parameters)
    assert trainer.epochs_done == 0
    with pytest.raises(kind, match=rf"X\[2\]: {message}"):
        trainer.evaluate([*GOOD, block])
    with pytest.raises(kind, match=rf"validation_data\[2\]: {message}"):
        trainer.fit(GOOD, epochs=1, validation_data=Source([*GOOD, block]))


def test_what_is_no_iterable_of_blocks_is_refused() -> None:
    trainer = trainer_of()
    for other in (X, 3, None):
        with pytest.raises(TypeError, match="y: expected targets, got None; only an iterable of blocks"):
            trainer.fit(other, epochs=1)
    with pytest.raises(
        ValueError, match="X: an iterator gives its blocks only once, got a generator for 2 epochs"
    ):
        trainer.fit((block for block in GOOD), epochs=2)
    with pytest.raises(ValueError, match="validation_data: an iterator gives its blocks only once"):
        trainer.fit(GOOD, epochs=1, validation_data=(block for block in GOOD))
    with pytest.raises(ValueError, match="X: expected at least one block"):
        trainer.fit([], epochs=1)
    with pytest.raises(ValueError, match=r"validation_data: expected at least one block, got {}"):
        trainer.fit(GOOD, epochs=1, validation_data={})
    assert trainer.epochs_done == 0
    with pytest.raises(TypeError, match="batch_size: expected an integer for blocks"):
        trainer.fit(GOOD, epochs=1, batch_size=None)
    with pytest.raises(TypeError, match="order: blocks come in an order of their own"):
        trainer.fit(GOOD, epochs=1, order=lambda epoch: [0])
    with pytest.raises(TypeError, match="sample_weight: blocks bring their own"):
        trainer.fit(GOOD, epochs=1, sample_weight=[1])
    with pytest.raises(TypeError, match="sample_weight: blocks bring their own"):
        trainer.evaluate(GOOD, sample_weight=[1])
    assert same_bits(trainer.model.flat_parameters, trainer_of().model.flat_parameters)


def test_a_generator_trains_one_epoch() -> None:
    whole, parts = trainer_of(), trainer_of()
    whole.fit(X, Y, epochs=1, shuffle=False)
    assert parts.fit((block for block in blocks_of(X, Y)), epochs=1).epochs == 1
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)


def test_a_stateful_layer_needs_batches_of_one_size() -> None:
    def stateful() -> Trainer:
        return Trainer(nn.Sequential(nn.LSTM(2, 4, stateful=True), nn.Dense(4, 5), rng=0), seed=0)

    series, whole, parts = X.reshape(N, 3, 2)[:96], stateful(), stateful()
    whole.fit(series, Y[:96], epochs=1, batch_size=8, shuffle=False)
    parts.fit(blocks_of(series, Y[:96], cuts=[0, 5, 50, 96]), epochs=1, batch_size=8)
    assert same_bits(whole.model.flat_parameters, parts.model.flat_parameters)
    parts.model.reset_states()
    with pytest.raises(ValueError, match="8 samples, whose states are carried"):
        parts.fit(blocks_of(series[:90], Y[:90], cuts=[0, 5, 50, 90]), epochs=1, batch_size=8)


INTERRUPTED = """
import os, signal, threading, time
import numpy as np, simdnn
from simdnn import nn

signal.signal(signal.SIGINT, signal.default_int_handler)
trainer = simdnn.Trainer(nn.Sequential(nn.Dense(50, 300, activation="tanh"), nn.Dense(300, 3), rng=0), seed=0)
X, y = np.ones((200_000, 50), np.float32), np.zeros(200_000, np.int64)

class Blocks:
    def __iter__(self):
        yield X, y
        time.sleep({wait})
        while True:
            yield X, y

sent = []
def send():
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer({delay}, send).start()
try:
    trainer.fit(Blocks(), epochs=1, batch_size=32)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
"""


@pytest.mark.parametrize(("wait", "delay"), [(0, 0.5), (30, 6)], ids=["training", "waiting for a block"])
def test_ctrl_c_ends_a_fit_of_blocks(wait: float, delay: float) -> None:
    assert float(run(INTERRUPTED.format(wait=wait, delay=delay), timeout=20)) < 1
