"""A sweep of fits by one backend: ``python -m bench.sweeps loky '{"fits": 40, "workers": 2}'``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from bench import jobs

#: Epochs of each fit, and sweeps, of which the shortest counts.
EPOCHS, SWEEPS = 15, 3
#: Backends of joblib, by their names here.
OF_JOBLIB = {"loky": "loky", "threading": "threading", "dask": "dask", "scikit-learn": "loky"}


def main() -> int:
    """Runs the sweep of the command line, and prints its answer."""
    jobs.pin()
    backend, arguments = sys.argv[1:]
    jobs.answer(**sweep(backend, **json.loads(arguments)))
    return 0


def sweep(
    backend: str, fits: int, workers: int, epochs: int = EPOCHS, sweeps: int = SWEEPS
) -> dict[str, Any]:
    """The time of a sweep, its workers started before, and the last loss of each fit."""
    from simdnn.sklearn import MLPClassifier
    from sklearn.neural_network import MLPClassifier as TheirClassifier

    kind = TheirClassifier if backend.startswith("scikit-learn") else MLPClassifier
    times, losses = [], []
    with workers_of(backend, workers) as context:
        for _ in range(sweeps + 1):  # the first one loads libraries in the workers
            estimators = [make(kind, alpha, epochs) for alpha in np.geomspace(1e-5, 1e-1, fits)]
            start = time.perf_counter()
            with context():
                losses = run(backend, estimators, workers)
            times.append(time.perf_counter() - start)
    return {"seconds": min(times[1:]), "losses": losses}


def make(kind: Any, alpha: float, epochs: int) -> Any:
    """An estimator of the sweep, which runs all of its epochs."""
    settings = {"hidden_layer_sizes": (64,), "random_state": 0, "tol": 0.0, "n_iter_no_change": np.inf}
    return kind(alpha=alpha, max_iter=epochs, **settings)


def run(backend: str, estimators: list[Any], workers: int) -> list[float]:
    """Fits all estimators; returns the last loss of each."""
    x, y = samples()
    if backend == "fit_many":
        from simdnn.sklearn import fit_many

        return [one.loss_ for one in fit_many(estimators, x, y, n_threads=workers)]
    if backend.endswith("one worker"):
        return [fit(one, x, y) for one in estimators]
    import joblib

    return list(joblib.Parallel(n_jobs=workers)(joblib.delayed(fit)(one, x, y) for one in estimators))


def fit(estimator: Any, x: Any, y: Any) -> float:
    """Fits an estimator; returns its last loss."""
    return float(estimator.fit(x, y).loss_)


def samples() -> Any:
    """The digits, in the unit interval."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x / 16, y


@contextmanager
def workers_of(backend: str, workers: int) -> Iterator[Callable[[], Any]]:
    """The context of a sweep on workers that live until the end of the block."""
    if backend not in OF_JOBLIB:
        yield nullcontext
        return
    import joblib

    name = OF_JOBLIB[backend]
    if backend != "dask":
        yield lambda: joblib.parallel_config(name)
        return
    from distributed import Client, LocalCluster

    options: dict[str, Any] = {"dashboard_address": None, "silence_logs": 50}
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **options) as cluster,
        Client(cluster) as client,
    ):
        yield lambda: joblib.parallel_config("dask", client=client)


if __name__ == "__main__":
    sys.exit(main())
