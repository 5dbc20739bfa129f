"""`distributed.fit_blocks`: the results of `Trainer.fit` for one order of rows; two blocks in memory."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, distributed, nn, optim

from tests.support.networks import network

dask_array = pytest.importorskip("dask.array", reason="needs the extra [test]: dask")
Array = np.ndarray[Any, Any]


def trainer(**options: Any) -> simdnn.Trainer:
    options = {"optimizer": optim.Adam(lr=0.01), "seed": 5} | options
    return simdnn.Trainer(network([4, 8, 3], dtype=np.float32), **options)


def data(count: int = 107) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)).astype(np.float32), rng.integers(0, 3, count)


def lazy(*arrays: Array, rows: int = 20) -> list[Any]:
    return [dask_array.from_array(array, chunks=(rows, *array.shape[1:])) for array in arrays]


def order_of(epoch: int, count: int = 107, rows: int = 20, seed: int = 5) -> Array:
    """The order that `fit_blocks` documents: blocks in a random order, rows in a random order in each."""
    blocks = simdnn._core.shuffled_order(-(-count // rows), seed, epoch)
    found = []
    for i in blocks:
        own = np.arange(min(rows, count - i * rows))
        np.random.default_rng([seed, epoch, i]).shuffle(own)
        found.append(own + i * rows)
    return np.concatenate(found)


@pytest.mark.parametrize("size", [1, 8, 20, 50, 500])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("penalty", ["mean", "sum"])
def test_blocks_train_like_arrays_in_memory(size: int, shuffle: bool, penalty: Any) -> None:
    x, y = data()
    weight = np.linspace(0.5, 2, 107).astype(np.float32)
    one, plain = (trainer(penalty=penalty, l2=0.1, clip_norm=1.0) for _ in range(2))
    lazy_x, lazy_y, lazy_weight = lazy(x, y, weight)
    options: dict[str, Any] = {"epochs": 2, "batch_size": size, "validation_data": (x, y)}
    found = distributed.fit_blocks(one, lazy_x, lazy_y, sample_weight=lazy_weight, shuffle=shuffle, **options)
    wanted = plain.fit(
        x, y, sample_weight=weight, shuffle=False, order=order_of if shuffle else None, **options
    )
    np.testing.assert_array_equal(one.model.flat_parameters, plain.model.flat_parameters)
    assert (found.val_loss, found.accuracy, found.steps) == (wanted.val_loss, wanted.accuracy, wanted.steps)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-14)
    assert one.epochs_done == plain.epochs_done == 2


def test_next_block_is_loaded_while_one_trains_and_no_other() -> None:
    """A block is read when the one before it has begun to train."""
    x, y = data(100)
    reads: list[tuple[int, int]] = []
    steps: list[int] = []
    lock = threading.Lock()

    class Source:
        shape, dtype, ndim = x.shape, x.dtype, 2

        def __getitem__(self, place: Any) -> Array:
            if len(x[place]):
                with lock:
                    reads.append((place[0].start, len(steps)))
            return x[place]

    one = trainer(grad_hook=lambda gradient: steps.append(0))
    source = dask_array.from_array(Source(), chunks=(20, 4))
    distributed.fit_blocks(one, source, *lazy(y), epochs=1, batch_size=5, shuffle=False)
    assert [start for start, _ in reads] == [0, 20, 40, 60, 80]
    for place, (_, done) in enumerate(reads[1:], 1):
        assert 4 * (place - 1) <= done <= 4 * place


def test_callbacks_stop_and_unknown_rows_work() -> None:
    x, y = data()
    lazy_x, lazy_y = lazy(x, y)
    kept = lazy_x[:, 0] > 0
    early = callbacks.EarlyStopping(patience=1, restore_best=True)
    one = trainer(optimizer=optim.Adam(lr=0.5))
    history = distributed.fit_blocks(
        one, lazy_x[kept], lazy_y[kept], epochs=50, validation_data=(x, y), callbacks=[early]
    )
    assert history.stopped
    assert history.epochs < 50


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    x, y = data()
    table = pandas.DataFrame(x, columns=list("abcd")).assign(target=y)
    frame = frames.from_pandas(table, npartitions=3)
    one = trainer()
    history = distributed.fit_blocks(one, frame[list("abcd")], frame["target"], epochs=3, batch_size=10)
    assert history.steps == 33
    assert history.loss[-1] < history.loss[0]


def test_error_in_a_block_names_it() -> None:
    x, y = data()
    lazy_x, lazy_y = lazy(x, y)
    with pytest.raises(TypeError, match="y: expected an array or a data frame of Dask, got ndarray"):
        distributed.fit_blocks(trainer(), lazy_x, y, epochs=1)
    with pytest.raises(ValueError, match="y: expected 6 blocks of rows as in X, got 11"):
        distributed.fit_blocks(trainer(), lazy_x, dask_array.from_array(y, chunks=10), epochs=1)
    with pytest.raises(ValueError, match="block 5: y: expected 7 rows as in X, got shape"):
        distributed.fit_blocks(trainer(), lazy_x, lazy_y[:-1], epochs=1, shuffle=False)
    with pytest.raises(TypeError, match="trainer: expected a Trainer, got Sequential"):
        distributed.fit_blocks(nn.Sequential(nn.Dense(2, 2)), lazy_x, lazy_y, epochs=1)

    def broken(block: Array) -> Array:
        raise OSError("disk")

    failing = trainer()
    with pytest.raises(OSError, match="disk"):
        distributed.fit_blocks(failing, lazy_x.map_blocks(broken, dtype=x.dtype), lazy_y, epochs=1)
    assert failing.optimizer.steps == 0
