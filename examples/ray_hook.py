"""``python examples/ray_hook.py``: data parallelism by Ray's collectives, through a hook of two lines.

Two Ray actors train one network, each on every second sample; ``ray.util.collective`` adds their gradient
buffers in place. It needs ray and, for its gloo backend, PyTorch.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import ray
import torch
from gloo_hook import data, new_trainer
from numpy.typing import NDArray
from ray.util import collective


def average(gradient: NDArray[Any]) -> None:
    """Averages the gradient over all actors."""
    collective.allreduce(torch.from_numpy(gradient))
    gradient /= collective.get_collective_group_size()


class Worker:
    """An actor: one process with a copy of the network."""

    def __init__(self, rank: int, workers: int) -> None:
        self.rank, self.workers = rank, workers
        collective.init_collective_group(workers, rank, backend="gloo")
        self.trainer = new_trainer(grad_hook=average)
        collective.broadcast(torch.from_numpy(self.trainer.model.flat_parameters), src_rank=0)

    def train(self, epochs: int) -> tuple[float, NDArray[Any]]:
        """Trains on this actor's samples; the last loss, and the parameters."""
        x, y = (array[self.rank :: self.workers] for array in data())
        history = self.trainer.fit(x, y, epochs=epochs, batch_size=32, progress=False)
        return history.loss[-1], self.trainer.model.flat_parameters.copy()


def train(workers: int, epochs: int) -> list[NDArray[Any]]:
    """The parameters of each actor after a training together."""
    actor = ray.remote(num_cpus=1)(Worker)
    actors = [actor.remote(rank, workers) for rank in range(workers)]
    found = ray.get([one.train.remote(epochs) for one in actors])
    print(f"{workers} actors, {epochs} epochs: loss {np.mean([loss for loss, _ in found]):.3f}")
    return [parameters for _, parameters in found]


def main() -> None:
    """Trains two actors and checks that their parameters are equal."""
    parser = argparse.ArgumentParser(prog="python examples/ray_hook.py", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="epochs to train (default: %(default)s)")
    options = parser.parse_args()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    first, second = train(2, options.epochs)
    print("equal parameters" if np.array_equal(first, second) else "the parameters differ")


if __name__ == "__main__":
    main()
