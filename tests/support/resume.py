"""Trainings that stop at each step, and go on in another process: `python -m tests.support.resume`.

The writer trains 50 steps and writes a file before each of them. A finisher loads a file, trains the other
steps, and prints a hash of all that the trainer holds; no other thread count or instruction set changes it.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
from simdnn import Trainer, nn, schedules

from tests.support.random_calls import state_of
from tests.support.registry import OPTIMIZERS, spread
from tests.support.sweep import LONG

#: Steps of a training; half of them are epochs of `fit`, which shuffle, and half are calls of `step`.
STEPS = 50
ROWS = 300 if LONG else 60

x = spread(ROWS * 24, np.float64, 1.5).reshape(ROWS, 24)
y = np.arange(ROWS) * 7 % 5


def trainer_of(row: int, dtype: Any) -> Trainer:
    """A trainer of a network with every kind of random number and statistics, with one of the optimizers."""
    _, make, settings = OPTIMIZERS[row]
    layers = (nn.Dense(24, 48, "gelu"), nn.BatchNorm1d(48), nn.Dropout(0.3), nn.Dense(48, 32, "relu"))
    model = nn.Sequential(*layers, nn.AlphaDropout(0.1), nn.Dense(32, 5), rng=row, dtype=dtype)
    rate = schedules.warm_up(7, schedules.cosine(settings.get("lr", 0.01), steps=STEPS))
    return Trainer(model, optimizer=make(**settings | {"lr": rate}), clip_norm=1.0, seed=row)


def advance(trainer: Trainer, step: int) -> float:
    """One of the steps of a training; its loss."""
    rows = x.astype(trainer.model.dtype)
    if step % 2:
        return trainer.step(rows[step:], y[step:])
    return trainer.fit(rows, y, epochs=1, batch_size=ROWS, shuffle=True, progress=False).loss[0]


def fingerprint(trainer: Trainer, losses: Sequence[float]) -> str:
    """A hash of parameters, statistics, optimizer, counters and the losses of the last steps."""
    return hashlib.sha256(repr((state_of(trainer)[1:], list(losses))).encode()).hexdigest()


def name_of(row: int, dtype: Any, step: int) -> str:
    return f"{row}-{np.dtype(dtype).name}-{step}.safetensors"


def write(folder: Path, row: int, dtype: Any, steps: Sequence[int]) -> dict[str, str]:
    """Trains, with files before some of the steps; the hash at the end that each file must lead to."""
    trainer, losses = trainer_of(row, dtype), []
    for step in range(STEPS):
        if step in steps:
            trainer.save(folder / name_of(row, dtype, step))
        losses.append(advance(trainer, step))
    return {name_of(row, dtype, step): fingerprint(trainer, losses[step:]) for step in steps}


def finish(path: Path) -> str:
    """Trains on from a file; the hash at the end."""
    trainer = Trainer.load(path)
    return fingerprint(
        trainer, [advance(trainer, step) for step in range(int(path.stem.split("-")[2]), STEPS)]
    )


def main() -> None:
    """Finishes all trainings of a folder on some number of threads; prints the hashes as JSON."""
    folder, threads = sys.argv[1:]
    simdnn.set_num_threads(int(threads))
    print(json.dumps({path.name: finish(path) for path in sorted(Path(folder).iterdir())}))


if __name__ == "__main__":
    main()
