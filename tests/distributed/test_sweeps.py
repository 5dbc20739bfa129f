"""Sweeps by the backends of joblib, and by Dask's own calls, have the bits of serial ones."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import pytest
import simdnn
from simdnn import nn, optim
from simdnn.config import limited_threads
from simdnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score

from tests.distributed.launch import needs_dask

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),  # Dask's own threads leave sockets open
]
Array = np.ndarray[Any, Any]

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
BACKENDS = (
    "loky",
    "threading",
    pytest.param("multiprocessing", marks=forks),
    pytest.param("dask", marks=needs_dask),
)
every_backend = pytest.mark.parametrize("backend", BACKENDS)
X: Array = np.random.default_rng(0).normal(size=(240, 6)).astype(np.float32)
Y: Array = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (24,), "max_iter": 6, "batch_size": 40, "random_state": 0}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Threads of this process, which have computed before any child is forked."""
    simdnn.set_num_threads(2)
    simdnn.functional.tanh(np.ones(2_000_000, np.float32))
    yield
    simdnn.set_num_threads(None)


@contextmanager
def two_workers(backend: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """A block whose calls of joblib run on two workers."""
    options: dict[str, Any] = {}
    if backend == "dask":
        options["client"] = request.getfixturevalue("client")
    elif backend == "multiprocessing":
        options["context"] = multiprocessing.get_context("fork")
    with joblib.parallel_config(backend, n_jobs=2, **options):
        yield


def trainer(seed: int) -> simdnn.Trainer:
    """A network with random numbers in every part of its training."""
    hidden = nn.Dense(6, 16 + seed, "tanh"), nn.BatchNorm1d(16 + seed), nn.Dropout(0.2)
    model = nn.Sequential(*hidden, nn.Dense(16 + seed, 3), rng=seed)
    return simdnn.Trainer(model, optimizer=optim.AdamW(lr=0.01), seed=seed)


def bits(trained: simdnn.Trainer, history: simdnn.History) -> tuple[bytes, ...]:
    """All arrays of the model as bytes, and the losses."""
    arrays = trained.model.state_dict().values()
    return *(np.asarray(array).tobytes() for array in arrays), np.array(history.loss).tobytes()


def fit(seed: int) -> tuple[bytes, ...]:
    one = trainer(seed)
    return bits(one, one.fit(X, Y, epochs=4, batch_size=32, progress=False))


def fit_many(seed: int) -> list[tuple[bytes, ...]]:
    trainers = [trainer(seed + i) for i in range(3)]
    histories = simdnn.fit_many(trainers, X, Y, epochs=3, batch_size=[16, 32, 48], progress=False)
    return [bits(one, history) for one, history in zip(trainers, histories, strict=True)]


def process(_: int) -> str:
    return type(multiprocessing.current_process()).__name__


def threads(_: int) -> int:
    """Threads that a fit may use where this runs."""
    with limited_threads():
        return simdnn.get_num_threads()


def search() -> tuple[Any, ...]:
    """Scores of every fold of a grid, the chosen setting, and the refitted network as bytes."""
    grid = GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [1e-4, 1.0]}, cv=3, n_jobs=None).fit(X, Y)
    splits = [grid.cv_results_[f"split{i}_test_score"].tobytes() for i in range(3)]
    return *splits, grid.best_params_, *(array.tobytes() for array in grid.best_estimator_.coefs_)


@every_backend
def test_searches_have_the_scores_of_one_process(backend: str, request: pytest.FixtureRequest) -> None:
    regressor = MLPRegressor(**SETTINGS)
    wanted = search(), cross_val_score(regressor, X, X[:, 0], cv=4).tobytes()
    with two_workers(backend, request):
        found = search(), cross_val_score(regressor, X, X[:, 0], cv=4).tobytes()
    assert found == wanted


@every_backend
@pytest.mark.parametrize("task", [fit, fit_many])
def test_trainers_have_the_bits_of_one_process(
    backend: str, task: Any, request: pytest.FixtureRequest
) -> None:
    wanted = [task(seed) for seed in range(5)]
    with two_workers(backend, request):
        assert joblib.Parallel()(joblib.delayed(task)(seed) for seed in range(5)) == wanted


@every_backend
def test_workers_keep_to_their_threads(backend: str, request: pytest.FixtureRequest) -> None:
    """Two workers have one thread each, or their share of the processors if those are more."""
    with two_workers(backend, request):
        found = joblib.Parallel()(joblib.delayed(threads)(i) for i in range(4))
        if backend == "multiprocessing":
            assert set(joblib.Parallel()(joblib.delayed(process)(i) for i in range(4))) == {"ForkProcess"}
    assert max(found) <= (max(1, joblib.cpu_count() // 2) if backend == "loky" else 1)


@needs_dask
def test_futures_of_dask_have_the_bits_of_one_process(client: Any) -> None:
    """Fits as tasks of Dask itself; a worker with one thread computes on one."""
    assert client.gather(client.map(fit, range(5))) == [fit(seed) for seed in range(5)]
    assert client.gather(client.map(fit_many, range(2))) == [fit_many(seed) for seed in range(2)]
    assert set(client.gather(client.map(threads, range(4), pure=False))) == {1}
