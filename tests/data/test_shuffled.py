"""A shuffle gives every row once in an epoch, as the seed and the epoch determine, and mixes sorted files."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simdnn import Trainer, data, nn

from tests.support.registry import same_bits

N = 20_000
ROWS = np.arange(N)
X = ROWS.astype(np.float64).reshape(-1, 1)


#: The order of 30 rows in blocks of 4, with a window of 3, seed 5 and epoch 2.
ORDER = "6 9 7 4 14 12 0 3 21 23 13 15 1 2 24 8 5 10 16 22 27 20 25 19 28 11 26 17 29 18"


def order_of(blocks: Any, epoch: int = 0) -> Any:
    """The order of the rows in an epoch; all arrays of a block have it."""
    blocks.set_epoch(epoch)
    found = []
    for x, *others in blocks:
        for one in others:
            np.testing.assert_array_equal(np.ravel(x), np.ravel(one))
        found.append(np.ravel(x))
    return np.concatenate(found).astype(int)


@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=20),
    window=st.integers(1, 25),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**40),
)
def test_every_row_comes_once(sizes: list[int], window: int, seed: int, epoch: int) -> None:
    sizes[0] = max(sizes[0], 1)
    borders = np.cumsum([0, *sizes])
    rows = np.arange(float(borders[-1]))
    parts = [(rows[a:b, None], rows[a:b], rows[a:b]) for a, b in itertools.pairwise(borders)]
    blocks = data.shuffled(parts, window=window, seed=seed)
    order = order_of(blocks, epoch)
    np.testing.assert_array_equal(np.sort(order), rows)
    np.testing.assert_array_equal(order, order_of(blocks, epoch))
    assert all(len(x) for x, *_ in blocks)
    np.testing.assert_array_equal(np.concatenate([x for x, *_ in parts])[:, 0], rows)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    blocks = data.from_arrays(X, ROWS, rows=100)
    shuffles = [data.shuffled(blocks, window=4, seed=seed) for seed in range(3)]
    orders = {tuple(order_of(one, epoch)) for one in shuffles for epoch in range(3)}
    assert len(orders) == 9
    order = order_of(data.shuffled(data.from_arrays(X[:30], ROWS[:30], rows=4), window=3, seed=5), 2)
    assert order.tolist() == [int(row) for row in ORDER.split()], "the order on every machine"


@pytest.mark.parametrize("window", [4, 8, 16])
def test_a_sorted_file_is_mixed(window: int) -> None:
    """A complete shuffle moves rows by a third of their number; correlations have four deviations."""
    blocks = data.shuffled(data.from_arrays(X, ROWS, rows=100), window=window, seed=1)
    displacement, correlation, together = [], [], []
    for epoch in range(10):
        order = order_of(blocks, epoch)
        displacement.append(np.abs(order - ROWS).mean())
        correlation.append(np.corrcoef(order, ROWS)[0, 1])
        batches = np.sort(order.reshape(-1, 50) // 100)
        pairs = sum((np.bincount(batch) ** 2).sum() - 50 for batch in batches)
        together.append(pairs / (N * 49) / (99 / (N - 1)))
    assert np.mean(displacement) == pytest.approx(N / 3, rel=0.1)
    assert abs(np.mean(correlation)) < 4 / np.sqrt(200 * 10)
    assert np.mean(together) == pytest.approx(200 / (2 * window), rel=0.25)


def test_a_window_of_all_blocks_is_a_complete_shuffle() -> None:
    """Each of the 24 orders of four rows is as frequent as the others, within five standard deviations."""
    blocks = data.shuffled(data.from_arrays(X[:4], ROWS[:4], rows=2), window=9, seed=0)
    count = 4800
    found, times = np.unique([order_of(blocks, epoch) for epoch in range(count)], axis=0, return_counts=True)
    assert len(found) == 24
    assert np.abs(times - count / 24).max() < 5 * np.sqrt(count / 24)


def test_training_on_shuffled_blocks_is_training_in_their_order() -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3
    blocks = data.shuffled(data.from_arrays(x, y, rows=7), window=3, seed=2)
    shuffled, ordered = (Trainer(nn.Sequential(nn.Dense(4, 3), rng=0), seed=0) for _ in range(2))
    shuffled.fit(blocks, epochs=3, batch_size=8)
    rows = data.shuffled(data.from_arrays(X[:60], ROWS[:60], rows=7), window=3, seed=2)
    ordered.fit(x, y, epochs=3, batch_size=8, order=lambda epoch: order_of(rows, epoch))
    assert same_bits(shuffled.model.flat_parameters, ordered.model.flat_parameters)


def test_pairs_and_sparse_blocks_are_shuffled() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    starts = range(0, 90, 10)
    parts = [(sparse.csr_matrix(X[a : a + 10] + 1), (X[a : a + 10], ROWS[a : a + 10])) for a in starts]
    seen = []
    for x, (logits, classes) in data.shuffled(parts, window=3, seed=0):
        np.testing.assert_array_equal(x.toarray() - 1, logits)
        np.testing.assert_array_equal(logits[:, 0], classes)
        seen.extend(classes.tolist())
    assert sorted(seen) == list(range(90))
    assert seen != sorted(seen)


def test_wrong_blocks_are_named() -> None:
    good = (X[:5], ROWS[:5])
    for wrong, kind, message in (
        ((X[:5], ROWS[:4]), ValueError, "expected arrays of one length"),
        ((X[:5].astype(np.float32), ROWS[:5]), ValueError, r"X: expected float\d\d .* as in the first block"),
        ((X[:5], ROWS[:5], ROWS[:5]), ValueError, "sample_weight: expected"),
        (X[:5], TypeError, "expected a block"),
    ):
        for place in (0, 3):
            parts: list[Any] = [good] * 5
            parts[place] = wrong
            with pytest.raises(kind, match=rf"blocks\[\d\]: {message}"):
                list(data.shuffled(parts, window=2))
    with pytest.raises(TypeError, match="blocks: expected a sequence of blocks, got generator"):
        data.shuffled(iter_blocks())
    with pytest.raises(ValueError, match="blocks: expected at least one block"):
        data.shuffled([])
    with pytest.raises(ValueError, match="blocks: expected at least one row"):
        list(data.shuffled([(X[:0], ROWS[:0])] * 3, window=1))
    with pytest.raises(ValueError, match="window: expected an integer >= 1, got 0"):
        data.shuffled([good], window=0)
    with pytest.raises(ValueError, match="seed: expected an integer from 0"):
        data.shuffled([good], seed=-1)


def iter_blocks() -> Any:
    yield X[:5], ROWS[:5]
