"""Sources of blocks give every row once, in order, as arrays in memory have it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, data, nn

from tests.support.networks import samples
from tests.support.registry import same_bits

X, Y = samples("cross_entropy", 103, 6, 5, np.float32)
WEIGHT = np.random.default_rng(0).uniform(0, 2, 103)


def rows_of(blocks: Any) -> list[Any]:
    """The joined arrays of all blocks."""
    return [np.concatenate(one) for one in zip(*blocks, strict=True)]


def saved(folder: Path, name: str, array: Any, **options: Any) -> str:
    path = folder / f"{name}.npy"
    np.save(path, array, **options)
    return str(path)


def mapped(folder: Path, name: str, array: Any) -> Any:
    return np.load(saved(folder, name, array), mmap_mode="r")


KINDS = {
    "arrays": lambda folder, name, array: array,
    "lists": lambda folder, name, array: array.tolist(),
    "paths": saved,
    "memory maps": mapped,
}


@pytest.mark.parametrize("rows", [1, 7, 103, 500, None])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_arrays_have_each_row_in_order(kind: str, rows: Any, tmp_path: Path) -> None:
    given = [KINDS[kind](tmp_path, *one) for one in (("x", X), ("y", Y), ("w", WEIGHT))]
    blocks = data.from_arrays(*given, rows=rows)
    for found, wanted in zip(rows_of(blocks), (X, Y, WEIGHT), strict=True):
        assert same_bits(found.astype(wanted.dtype), wanted)
    assert len(blocks) == (1 if rows is None else -(-103 // rows))
    assert all(type(array) is np.ndarray for block in blocks for array in block)
    np.testing.assert_array_equal(blocks[-1][0], np.float32(X[-len(blocks[-1][0]) :]))
    assert len(data.from_arrays(*given[:2])[0]) == 2
    with pytest.raises(IndexError, match="blocks: 9999 is out of range for"):
        blocks[9999]
    with pytest.raises(TypeError, match="blocks: expected an integer as index, got slice"):
        blocks[:2]


def test_a_block_has_16_mebibytes_unless_rows_are_given() -> None:
    wide = np.broadcast_to(np.float32(1), (100_000, 1000))
    assert len(data.from_arrays(wide, np.zeros(100_000))[0][0]) == 2**24 // 4000


ARRAYS = [X.astype(">f8"), np.arange(20, dtype=np.uint8), X[:, :0], X.reshape(103, 3, 2)]


@pytest.mark.parametrize("array", ARRAYS)
def test_npy_files_of_every_type_and_shape(array: Any, tmp_path: Path) -> None:
    paths = saved(tmp_path, "x", array), saved(tmp_path, "y", np.arange(len(array)))
    blocks = data.from_arrays(*paths, rows=9)
    found = rows_of(blocks)[0]
    assert blocks[0][0].dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_files_that_cannot_be_blocks_are_refused(tmp_path: Path) -> None:
    y = np.arange(103)

    def refused(array: Any, message: str, **options: Any) -> None:
        with pytest.raises(ValueError, match=message):
            data.from_arrays(saved(tmp_path, "x", array, **options), y)

    refused(np.array([None] * 103), "expected numbers, got pickled objects", allow_pickle=True)
    refused(np.asfortranarray(X), "stored one after the other")
    refused(np.float32(1), r"expected rows, got shape \(\)")
    path = Path(saved(tmp_path, "short", X))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="the file ends before its 103 rows do"):
        data.from_arrays(path, y)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"X: .*short\.npy: "):
        data.from_arrays(path, y)
    with pytest.raises(FileNotFoundError):
        data.from_arrays(tmp_path / "none.npy", y)


def test_a_file_that_shrinks_is_noticed_with_the_block(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, "x", X))
    blocks = data.from_arrays(path, Y, rows=50)
    path.write_bytes(path.read_bytes()[:-100])
    trainer = Trainer(nn.Sequential(nn.Dense(6, 5), rng=0), seed=0)
    with pytest.raises(ValueError, match=r"X\[1\]: .*x.npy: the file has become shorter"):
        trainer.fit(blocks, epochs=1)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected arrays of one length, got \[103, 102\]"):
        data.from_arrays(X, Y[:-1])
    with pytest.raises(ValueError, match="X: expected at least one sample"):
        data.from_arrays(X[:0], Y[:0])
    with pytest.raises(ValueError, match="rows: expected an integer >= 1, got 0"):
        data.from_arrays(X, Y, rows=0)
    with pytest.raises(TypeError, match="X: expected an array of samples, got int"):
        data.from_arrays(3, Y)
    with pytest.raises(TypeError, match="y: a masked array, whose mask would be ignored"):
        data.from_arrays(X, np.ma.array(Y, mask=Y > 2))


def test_sparse_matrices_come_in_blocks() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="needs the extra [sklearn]: scipy")
    blocks = data.from_arrays(sparse.coo_matrix(X), Y, rows=10)
    np.testing.assert_array_equal(np.concatenate([x.toarray() for x, _ in blocks]), X)


def trained(*given: Any, **options: Any) -> Any:
    trainer = Trainer(nn.Sequential(nn.Dense(6, 5), rng=0), seed=0)
    trainer.fit(*given, epochs=2, batch_size=8, **options)
    return trainer.model.flat_parameters


def test_dask_arrays_train_block_by_block() -> None:
    da = pytest.importorskip("dask.array", reason="needs dask")
    chunks = (30, 0, 50, 23)
    x, y, weight = (da.from_array(one, chunks=(30, *one.shape[1:])) for one in (X, Y, WEIGHT))
    x = x.rechunk((30, 4))
    blocks = data.from_arrays(x, y, weight)
    assert len(blocks) == 4
    for found, wanted in zip(rows_of(blocks), (X, Y, WEIGHT), strict=True):
        assert same_bits(found, wanted)
    assert same_bits(trained(blocks), trained(X, Y, sample_weight=WEIGHT, shuffle=False))
    with pytest.raises(ValueError, match="expected equal blocks of rows; see Dask's rechunk"):
        data.from_arrays(x, y.rechunk(40))
    with pytest.raises(TypeError, match="rows: Dask's collections come in their own blocks"):
        data.from_arrays(x, y, rows=3)
    with pytest.raises(TypeError, match="expected all of them from Dask, or none"):
        data.from_arrays(x, Y)
    assert sum(chunks) == 103


def test_dask_data_frames_train_block_by_block() -> None:
    frames = pytest.importorskip("dask.dataframe", reason="needs dask[dataframe]")
    import pandas as pd

    table = pd.DataFrame(dict(enumerate(X.T))).assign(y=Y, row=np.arange(103))
    table.columns = table.columns.map(str)
    parts = frames.from_pandas(table, npartitions=5)
    blocks = data.from_arrays(parts[list("012345")], parts["y"])
    assert same_bits(trained(blocks), trained(X, Y, shuffle=False))
    kept, positive = parts[parts["0"] > 0], X[:, 0] > 0
    of_kept = trained(data.from_arrays(kept[list("012345")], kept["y"]))
    assert same_bits(of_kept, trained(X[positive], Y[positive], shuffle=False))
    few = parts[parts["row"] < 5]  # most partitions are empty
    assert [len(x) for x, _ in data.from_arrays(few[list("012345")], few["y"])] == [5]


def rewritten(array: Any, **options: Any) -> Any:
    """A function that writes an array in the place of the file."""
    return lambda path: np.save(path, array, **options)


CHANGES = {
    "dtype": rewritten(X.astype(np.float64)),
    "kind of the same size": rewritten(X.view(np.int32)),
    "byte order": rewritten(X.astype(">f4")),
    "Fortran order": rewritten(np.asfortranarray(X)),
    "width": rewritten(np.hstack([X, X])),
    "rows": rewritten(np.vstack([X, X])),
    "dimensions": rewritten(X.reshape(103, 3, 2)),
    "no array": lambda path: path.write_bytes(b"x" * path.stat().st_size),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["X", "y", "sample_weight"])
def test_a_file_of_another_type_is_noticed_with_the_block(place: str, change: str, tmp_path: Path) -> None:
    given = {name: saved(tmp_path, name, X) for name in ("X", "y", "sample_weight")}
    blocks = data.from_arrays(*given.values(), rows=50)
    np.testing.assert_array_equal(blocks[2][0], X[100:])
    CHANGES[change](Path(given[place]))
    wanted = (
        rf"{place}: .*{place}\.npy: the file is another than the one that was opened, of float32 \(103, 6\)"
    )
    for i in range(3):
        with pytest.raises(ValueError, match=wanted):
            blocks[i]


def test_values_of_a_file_may_change_and_blocks_can_be_pickled(tmp_path: Path) -> None:
    path = saved(tmp_path, "x", X)
    blocks = pickle.loads(pickle.dumps(data.from_arrays(path, Y, rows=50)))
    np.save(path, -X)
    np.testing.assert_array_equal(rows_of(blocks)[0], -X)


class Resized:
    """An array of which rows are removed after it has been given, as those of h5py and zarr may be."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows: slice) -> Any:
        return self.array[rows]


@pytest.mark.parametrize("place", [0, 1])
def test_an_array_that_shrinks_is_noticed_with_the_block(place: int) -> None:
    given = [Resized(X), Resized(Y)]
    blocks = data.from_arrays(*given, rows=50)
    given[place].array = given[place].array[:70]
    assert len(blocks[0][0]) == 50
    with pytest.raises(ValueError, match=f"{'Xy'[place]}: expected the rows 50 to 99, got 20 of them"):
        blocks[1]
