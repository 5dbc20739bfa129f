"""Predictions of Dask arrays: lazy, block by block, with the bits of one call."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import distributed, nn
from simdnn.sklearn import MLPClassifier, MLPRegressor
from simdnn.tabular import TabularClassifier, TabularRegressor

from tests.support.networks import network

dask_array = pytest.importorskip("dask.array", reason="needs the extra [test]: dask")
Array = np.ndarray[Any, Any]


class Source:
    """An array whose reads are counted, as of a file."""

    def __init__(self, values: Array) -> None:
        self.values, self.reads = values, list[int]()
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim
        self._lock = threading.Lock()

    def __getitem__(self, place: Any) -> Array:
        found = self.values[place]
        with self._lock:
            self.reads.append(len(found))
        return found


def rows(count: int = 100, features: int = 4) -> Array:
    return np.random.default_rng(0).normal(size=(count, features)).astype(np.float32)


@pytest.mark.parametrize("chunks", [(7, 4), (100, 4), (30, 3), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_have_the_bits_of_one_call(chunks: tuple[int, int], dtype: Any) -> None:
    x, model = rows(), network([4, 8, 3], dtype=dtype)
    for one in (model, model.freeze()):
        lazy = distributed.predict(one, dask_array.from_array(x, chunks=chunks))
        assert isinstance(lazy, dask_array.Array)
        assert lazy.shape == (100, 3)
        assert lazy.dtype == dtype
        np.testing.assert_array_equal(lazy.compute(), model(x))


def test_nothing_is_read_before_it_is_needed_and_blocks_one_at_a_time() -> None:
    source, model = Source(rows()), network([4, 8, 3], dtype=np.float32)
    lazy = distributed.predict(model, dask_array.from_array(source, chunks=(10, 4)))
    assert not any(source.reads)  # Dask itself looks at no rows
    source.reads.clear()
    model.flat_parameters[:] = 0  # the lazy result is of the model as it was
    np.testing.assert_array_equal(
        lazy[:10].compute(), network([4, 8, 3], dtype=np.float32)(source.values[:10])
    )
    assert source.reads == [10]
    lazy.compute()
    assert source.reads == [10] * 11


def test_sequences_and_unknown_numbers_of_rows() -> None:
    x = np.random.default_rng(0).normal(size=(12, 5, 4)).astype(np.float32)
    for whole in (True, False):
        layers = nn.LSTM(4, 6, return_sequences=whole), nn.Dense(6, 2)
        model = nn.Sequential(*layers, rng=0)
        lazy = distributed.predict(model, dask_array.from_array(x, chunks=(5, 2, 4)))
        np.testing.assert_array_equal(lazy.compute(), model(x))
    flat, model = rows(), network([4, 8, 3], dtype=np.float32)
    some = dask_array.from_array(flat, chunks=(9, 4))
    kept = some[some[:, 0] > 0]
    np.testing.assert_array_equal(distributed.predict(model, kept).compute(), model(flat[flat[:, 0] > 0]))


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    x, model = rows(), network([4, 8, 3], dtype=np.float32)
    frame = frames.from_pandas(pandas.DataFrame(x, columns=list("abcd")), npartitions=3)
    np.testing.assert_array_equal(distributed.predict(model, frame).compute(), model(x))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_methods_of_estimators(method: str) -> None:
    x = rows()
    y = np.where(x[:, 0] > 0, "above", "below")
    estimator = MLPClassifier(max_iter=5, tol=1.0, random_state=0, n_iter_no_change=1).fit(x, y)
    blocks = dask_array.from_array(x, chunks=(11, 4))
    for lazy in (distributed.predict(estimator, blocks, method), getattr(estimator, method)(blocks)):
        assert isinstance(lazy, dask_array.Array)
        np.testing.assert_array_equal(lazy.compute(), getattr(estimator, method)(x))
    regressor = MLPRegressor(max_iter=5, tol=1.0, random_state=0, n_iter_no_change=1).fit(x, x[:, 0])
    for lazy in (distributed.predict(regressor, blocks), regressor.predict(blocks)):
        assert lazy.shape == (100,)
        np.testing.assert_array_equal(lazy.compute(), regressor.predict(x))


def classifier(x: Any) -> MLPClassifier:
    """A classifier that has seen a few epochs of x."""
    short = MLPClassifier(max_iter=5, tol=1.0, random_state=0, n_iter_no_change=1)
    return short.fit(x, np.asarray(x)[:, 0] > 0)


def test_predictions_of_an_estimator_are_of_it_as_it_was() -> None:
    x = rows()
    estimator, blocks = classifier(x), dask_array.from_array(x, chunks=(11, 4))
    wanted = estimator.predict_proba(x)
    found = [estimator.predict_proba(blocks), distributed.predict(estimator, blocks, "predict_proba")]
    estimator.partial_fit(x, x[:, 0] < 0)
    for lazy in found:
        np.testing.assert_array_equal(lazy.compute(), wanted)
    estimator.fit(x[:, :3], x[:, 0] < 0)
    for lazy in found:
        np.testing.assert_array_equal(lazy.compute(), wanted)


def test_a_block_may_have_no_rows() -> None:
    x = rows()
    estimator, blocks = classifier(x), dask_array.from_array(x, chunks=(2, 4))
    kept = blocks[blocks[:, 0] > 1]
    np.testing.assert_array_equal(estimator.predict(kept).compute(), estimator.predict(x[x[:, 0] > 1]))
    assert estimator.predict_proba(blocks[:0]).compute().shape == (0, 2)


@pytest.mark.filterwarnings("error")
def test_estimators_see_the_names_of_columns() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    frame = pandas.DataFrame(rows(), columns=list("abcd"))
    estimator, lazy = classifier(frame), frames.from_pandas(frame, npartitions=3)
    for found in (estimator.predict(lazy), distributed.predict(estimator, lazy)):
        np.testing.assert_array_equal(found.compute(), estimator.predict(frame))
    for call in (estimator.predict, lambda given: distributed.predict(estimator, given)):
        with pytest.raises(ValueError, match="feature names should match"):
            call(lazy[list("bacd")])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float32, np.int64, "large categories", "Int64", bool, object])
def test_columns_of_a_frame_keep_their_types(kind: Any) -> None:
    """A common type for all columns would spell numbers otherwise, of which the training data had words."""
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    settings: Any = {"epochs": 2, "n_members": 2, "random_state": 0, "progress": False}
    place = np.arange(60) % 3
    cells: Any = (np.array([0.1, 0.2, 0.7]) if kind in (np.float32, object) else place)[place]
    column = pandas.Series(2**60 + place if kind == "large categories" else cells)
    column = column.astype("category" if kind == "large categories" else kind)
    frame = pandas.DataFrame({"size": column, "x": rows(60)[:, 0].astype(np.float64)})
    words = frame.assign(size=column.astype(str).astype("category"))
    numbers = TabularRegressor("fast", **settings).fit(words, place + frame["x"])
    lazy = frames.from_pandas(frame, npartitions=2)
    some = numbers.predict(frame[frame["x"] > 1])
    for predict in (numbers.predict, lambda given: distributed.predict(numbers, given)):
        np.testing.assert_array_equal(predict(lazy).compute(), numbers.predict(frame))
        np.testing.assert_array_equal(predict(lazy[lazy["x"] > 1]).compute(), some)
    mean, std = numbers.predict(lazy, return_std=True)
    np.testing.assert_array_equal(mean.compute(), numbers.predict(frame, return_std=True)[0])
    assert (std.ndim, std.shape[0] != std.shape[0]) == (1, True)


def test_a_column_alone_is_no_frame() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    frame = frames.from_pandas(pandas.DataFrame(rows(), columns=list("abcd")), npartitions=3)
    with pytest.raises(ValueError, match="2D array"):
        classifier(rows()[:, :1]).predict(frame["a"])


def test_other_arrays_are_predicted_at_once() -> None:
    x, model = rows(), network([4, 8, 3], dtype=np.float32)
    found = distributed.predict(model, x)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, model(x))


def test_errors_come_when_it_is_called() -> None:
    lazy, model = dask_array.zeros((10, 5), chunks=(5, 5)), network([4, 8, 3])
    with pytest.raises(ValueError, match=r"x: expected shape \(n, 4\), got \(1, 5\)"):
        distributed.predict(model, lazy)
    with pytest.raises(TypeError, match="model: expected one with a method predict, got int"):
        distributed.predict(3, lazy)
    with pytest.raises(TypeError, match="predict_proba, got Sequential"):
        distributed.predict(model, lazy, "predict_proba")


def test_package_does_not_need_its_engines() -> None:
    assert simdnn.distributed is distributed


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("preset", ["fast", "best"])
def test_estimators_of_tables_are_lazy(preset: Any) -> None:
    """Samples are arrays, or data frames of numbers, words and dates."""
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    settings: Any = {"epochs": 2, "n_members": 2, "random_state": 0, "progress": False}
    x = rows()
    frame = pandas.DataFrame({"n": x[:, 0], "day": pandas.date_range("2020-01-01", periods=len(x))})
    frame["word"] = np.where(x[:, 1] > 0, "u", None)
    for given, lazy in (
        (x, dask_array.from_array(x, chunks=(11, 4))),
        (frame, frames.from_pandas(frame, npartitions=3)),
    ):
        classes = TabularClassifier(preset, **settings).fit(given, np.where(x[:, 0] > 0, "above", "below"))
        numbers = TabularRegressor(preset, quantiles=True, **settings).fit(given, x[:, :1])
        calls: list[Any] = [
            classes.predict,
            classes.predict_proba,
            numbers.predict,
            lambda one, model=numbers: model.predict(one, quantiles=[0.1, 0.9]),
            lambda one, model=numbers: model.predict(one, [0.5]),
            lambda one, model=numbers: model.predict(one, return_std=True)[0],
            lambda one, model=numbers: model.predict(one, return_std=True)[1],
        ]
        for call in calls:
            found = call(lazy)
            assert isinstance(found, dask_array.Array)
            assert found.ndim == call(given).ndim
            np.testing.assert_array_equal(found.compute(), call(given))
        assert classes.score(lazy, classes.predict(given)) == 1
        assert numbers.score(lazy, x[:, :1]) == pytest.approx(numbers.score(given, x[:, :1]), rel=1e-12)


@pytest.mark.parametrize("kind", ["Int64", "Float64", "string", object, str])
def test_no_rows_but_those_of_the_data_need_to_be_valid(kind: Any) -> None:
    """Nullable numbers, and numbers in words."""
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    x = rows().round()
    plain = pandas.DataFrame(x, columns=list("abcd"))
    estimator, frame = classifier(plain), plain.astype(int).astype(kind)
    lazy = frames.from_pandas(frame, npartitions=3)
    for found in (estimator.predict(lazy), distributed.predict(estimator, lazy)):
        np.testing.assert_array_equal(found.compute(), estimator.predict(plain))
    words = dask_array.from_array(x.astype(str), chunks=(30, 4))
    np.testing.assert_array_equal(classifier(x).predict_proba(words), classifier(x).predict_proba(x))


@pytest.mark.filterwarnings("error")
def test_dates_in_words_and_arrays_of_objects() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas comes with the extra [peers]")
    frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe needs pandas and pyarrow")
    settings: Any = {"epochs": 1, "n_members": 2, "random_state": 0, "progress": False}
    days = pandas.date_range("2020-01-01", periods=60)
    frame = pandas.DataFrame({"day": days.strftime("%Y-%m-%d"), "size": rows(60)[:, 0]})
    numbers = TabularRegressor("fast", **settings).fit(frame, frame["size"])
    given = frames.from_pandas(frame, npartitions=3)
    np.testing.assert_array_equal(numbers.predict(given).compute(), numbers.predict(frame))
    source = Source(np.array([[day, 1.0] for day in days], dtype=object))
    classes = TabularClassifier("fast", **settings).fit(source.values, np.arange(60) > 30)
    lazy = dask_array.from_array(source, chunks=(20, 2))
    found = [classes.predict(lazy), distributed.predict(classes, lazy, "predict_proba")]
    assert not any(source.reads)
    np.testing.assert_array_equal(found[0].compute(), classes.predict(source.values))
    np.testing.assert_array_equal(found[1].compute(), classes.predict_proba(source.values))


def test_estimators_of_others_predict_the_first_row() -> None:
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn.preprocessing import OneHotEncoder

    x = np.array([["red"], ["green"], ["blue"]] * 10, dtype=object)
    short = MLPClassifier(max_iter=5, tol=1.0, random_state=0, n_iter_no_change=1)
    estimator = pipeline.make_pipeline(OneHotEncoder(), short).fit(x, np.arange(30) % 3 > 0)
    blocks = dask_array.from_array(x, chunks=(7, 1))
    for given in (blocks, blocks[blocks[:, 0] != "red"]):
        found = distributed.predict(estimator, given, "predict_proba")
        np.testing.assert_array_equal(found.compute(), estimator.predict_proba(given.compute()))
    with pytest.raises(ValueError, match="unknown categories"):
        distributed.predict(estimator, blocks[:0])
