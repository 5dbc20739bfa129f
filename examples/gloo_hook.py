"""``python examples/gloo_hook.py``: data parallelism through `torch.distributed`, by a hook of three lines.

Any engine that adds arrays over processes fits into ``Trainer(grad_hook=...)``. Here it is PyTorch's gloo, in
two processes of this machine; the tensor that it adds is the network's gradient buffer itself.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import torch
import torch.distributed as dist
import torch.multiprocessing
from numpy.typing import NDArray
from simdnn import nn, optim


def average(gradient: NDArray[Any]) -> None:
    """Averages the gradient over all processes."""
    dist.all_reduce(torch.from_numpy(gradient))
    gradient /= dist.get_world_size()


def new_trainer(**options: Any) -> simdnn.Trainer:
    model = nn.Sequential(nn.Dense(8, 32, activation="tanh"), nn.Dense(32, 2), rng=0)
    return simdnn.Trainer(model, optimizer=optim.Adam(lr=3e-3), clip_norm=1.0, seed=0, **options)


def data() -> tuple[NDArray[Any], NDArray[Any]]:
    x = np.random.default_rng(0).normal(size=(1024, 8)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def work(rank: int, processes: int, folder: str, epochs: int) -> None:
    """The program of one process: it trains on every second, third, ... sample."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=processes)
    x, y = data()
    trainer = new_trainer(grad_hook=average)
    dist.broadcast(torch.from_numpy(trainer.model.flat_parameters), src=0)
    history = trainer.fit(
        x[rank::processes], y[rank::processes], epochs=epochs, batch_size=32, progress=False
    )
    np.save(Path(folder) / f"parameters-{rank}.npy", trainer.model.flat_parameters)
    if rank == 0:
        print(
            f"{processes} processes, {history.steps} steps: loss {history.loss[0]:.3f} to"
            f" {history.loss[-1]:.3f}, accuracy {trainer.evaluate(x, y)[1]:.1%}"
        )
    dist.destroy_process_group()


def train(processes: int = 2, epochs: int = 20) -> list[NDArray[Any]]:
    """Trains in new processes; returns the parameters that each of them ends with."""
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(work, (processes, folder, epochs), nprocs=processes)
        return [np.load(Path(folder) / f"parameters-{rank}.npy") for rank in range(processes)]


def main() -> None:
    """Reads the options and trains."""
    parser = argparse.ArgumentParser(prog="python examples/gloo_hook.py", description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs (default: %(default)s)")
    options = parser.parse_args()
    found = train(options.processes, options.epochs)
    assert all(np.array_equal(one, found[0]) for one in found), "the processes differ"


if __name__ == "__main__":
    main()
