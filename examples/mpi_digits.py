"""``mpiexec -n 2 python examples/mpi_digits.py``: many processes train one network on handwritten digits.

Each process computes the gradient of its part of every batch; MPI adds them up. The result is that of one
process up to rounding, and by ``--deterministic`` it has the same bits in every run.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import simdnn
from mpi4py import MPI
from simdnn import nn, optim
from simdnn.distributed import DataParallel
from sklearn.datasets import load_digits


def train(comm: MPI.Comm, epochs: int, deterministic: bool = False, checkpoint: str | None = None) -> float:
    """Trains on all ranks of the communicator; returns the accuracy on held-out images."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))  # all ranks draw the same
    x, y = (digits.data[order] / 16).astype(np.float32), digits.target[order]
    model = nn.Sequential(nn.Dense(64, 128, activation="relu"), nn.Dense(128, 10), rng=0)
    trainer = simdnn.Trainer(model, optimizer=optim.Adam(lr=2e-3), clip_norm=5.0, seed=0)
    parallel = DataParallel(trainer, comm, deterministic=deterministic)
    start = time.perf_counter()
    history = parallel.fit(x[360:], y[360:], epochs=epochs, batch_size=64, validation_data=(x[:360], y[:360]))
    if checkpoint is not None:
        parallel.save(checkpoint)
    if comm.rank == 0:
        seconds = time.perf_counter() - start
        print(
            f"{comm.size} ranks, {history.steps} steps in {seconds:.2f} s: loss {history.loss[-1]:.4f},"
            f" {history.val_accuracy[-1]:.1%} of held-out digits recognized"
        )
    return history.val_accuracy[-1]


def main() -> None:
    """Reads the options and trains."""
    parser = argparse.ArgumentParser(prog="examples/mpi_digits.py", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="epochs (default: %(default)s)")
    parser.add_argument("--deterministic", action="store_true", help="add gradients in the order of ranks")
    parser.add_argument("--checkpoint", help="file to which rank 0 writes the trainer at the end")
    options = parser.parse_args()
    train(MPI.COMM_WORLD, options.epochs, options.deterministic, options.checkpoint)


if __name__ == "__main__":
    main()
