"""``python examples/dask_search.py``: a search for hyper-parameters on a Dask cluster, on a real table.

Every candidate is trained on every fold; all of these networks are one call of `simdnn.distributed.fit_many`,
on two worker processes of this machine or on the cluster of ``--scheduler tcp://...``.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import dask.array
import numpy as np
import simdnn
from distributed import Client, LocalCluster
from numpy.typing import NDArray
from simdnn import distributed, nn, optim
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold


class Candidate(NamedTuple):
    """Hyper-parameters of a network."""

    width: int
    activation: str
    lr: float
    weight_decay: float
    dropout: float

    def trainer(self, inputs: int, seed: int) -> simdnn.Trainer:
        """A new network, and the trainer for it."""
        hidden = nn.Dense(inputs, self.width, activation=self.activation), nn.Dropout(self.dropout)
        model = nn.Sequential(*hidden, nn.Dense(self.width, 2), rng=seed)
        optimizer = optim.AdamW(lr=self.lr, weight_decay=self.weight_decay)
        return simdnn.Trainer(model, optimizer=optimizer, seed=seed)


def draw(count: int, rng: np.random.Generator) -> list[Candidate]:
    """Random candidates: rates and penalties on a logarithmic scale."""
    return [
        Candidate(
            width=int(rng.choice([8, 16, 32, 64])),
            activation=str(rng.choice(["relu", "tanh", "silu"])),
            lr=float(10 ** rng.uniform(-3.5, -1.5)),
            weight_decay=float(10 ** rng.uniform(-4, 0)),
            dropout=float(rng.choice([0.0, 0.1, 0.3])),
        )
        for _ in range(count)
    ]


def search(
    client: Client, candidates: list[Candidate], x: NDArray[Any], y: NDArray[Any], folds: int
) -> list[float]:
    """The mean loss of each candidate on the held-out folds, each at its best epoch."""
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(x, y))
    trainers = [each.trainer(x.shape[1], seed) for each in candidates for seed in range(folds)]
    histories = distributed.fit_many(
        trainers,
        x,
        y,
        epochs=60,
        batch_size=32,
        indices=[train for _ in candidates for train, _ in splits],
        validation=[held_out for _ in candidates for _, held_out in splits],
        patience=8,
        client=client,
    )
    losses = np.reshape([min(history.val_loss) for history in histories], (len(candidates), folds))
    return [float(loss) for loss in losses.mean(axis=1)]


def run(client: Client, count: int, folds: int = 4) -> float:
    """Searches, trains the best candidate, and predicts held-out rows; returns the accuracy."""
    table = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(table.target))
    x, y = table.data[order], table.target[order]
    train, test = slice(100, None), slice(0, 100)
    x = ((x - x[train].mean(axis=0)) / x[train].std(axis=0)).astype(np.float32)
    candidates = draw(count, np.random.default_rng(1))
    start = time.perf_counter()
    losses = search(client, candidates, x[train], y[train], folds)
    best = candidates[int(np.argmin(losses))]
    print(f"{count * folds} networks in {time.perf_counter() - start:.1f} s")
    print(f"best: {best}, cross-entropy {min(losses):.4f} in {folds}-fold validation")
    final = best.trainer(x.shape[1], seed=0)
    final.fit(x[train], y[train], epochs=20, progress=False)
    rows = dask.array.from_array(x[test], chunks=(25, -1))  # stands for a table larger than memory
    labels = distributed.predict(final.model, rows).argmax(axis=1).compute()
    accuracy = float(np.mean(labels == y[test]))
    print(f"{accuracy:.1%} of {len(labels)} held-out rows are right")
    return accuracy


def main() -> None:
    """Reads the options, connects to a cluster or starts one, and searches."""
    parser = argparse.ArgumentParser(prog="python examples/dask_search.py", description=__doc__)
    parser.add_argument("--candidates", type=int, default=24, help="settings to try (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default: %(default)s)")
    parser.add_argument(
        "--scheduler", help="address of a cluster to use, instead of processes of this machine"
    )
    options = parser.parse_args()
    if options.scheduler is not None:
        with Client(options.scheduler) as client:
            run(client, options.candidates)
        return
    cluster = LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        run(client, options.candidates)


if __name__ == "__main__":
    main()
