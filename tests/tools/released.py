"""Files of each released version, and what is in them: `python -m tests.tools.released` before a release.

The files of a version are written once, by that version, and never again.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
from simdnn import Trainer, nn, optim, pretrain, schedules

from tests.oracles.layers import ROWS, Row
from tests.support.networks import network
from tests.support.registry import spread
from tests.tools.golden import digest

FOLDER = Path(__file__).parents[1] / "io" / "released"

#: Samples for the models of four features.
X, Y = spread(48, np.float32, 1.5).reshape(12, 4), np.arange(12) % 3


def by_class() -> dict[str, Row]:
    """A row of the oracles for each class of layers."""
    return {type(row.layer).__name__: row for row in ROWS.values()}


def trained() -> Trainer:
    """A trainer in the middle of a training."""
    block = nn.Residual(nn.Dense(6, 6, nn.LeakyReLU(0.2)), nn.Dropout(0.3))
    model = nn.Sequential(nn.Dense(4, 6, "gelu"), nn.BatchNorm1d(6), block, nn.Dense(6, 3), rng=0)
    trainer = Trainer(model, optimizer=optim.Adam(lr=schedules.cosine(0.1, 40), amsgrad=True), seed=3)
    trainer.fit(X, Y, epochs=3, batch_size=5, progress=False)
    return trainer


def write_layer(path: Path) -> None:
    row = by_class()[path.stem]
    model = row.model(np.float64 if len(path.stem) % 2 else np.float32)
    model.forward(row.x(9, model.dtype), training=True)
    simdnn.save(model, path, metadata={"x": row.x(5, model.dtype).tolist()})


def answer_of_layer(path: Path) -> str:
    """The outputs for the samples in the file."""
    model = simdnn.load(path)
    return digest(model(np.array(simdnn.load_metadata(path)["x"], model.dtype)))


def answer_of_trainer(path: Path) -> str:
    """The parameters after further epochs, and the loss."""
    trainer = Trainer.load(path)
    history = trainer.fit(X, Y, epochs=2, batch_size=5, progress=False)
    return digest(
        trainer.model.flat_parameters, np.float64(history.loss), np.float64(trainer.optimizer.steps)
    )


def answer_of_model(path: Path) -> str:
    return digest(simdnn.load(path)(X))


def write_ensemble(path: Path) -> None:
    simdnn.save(nn.Ensemble([network([4, 5, 3], dtype=np.float32), network([4, 3], dtype=np.float32)]), path)


def write_machine(path: Path) -> None:
    machine = pretrain.BernoulliRBM(4, 3, seed=0)
    machine.fit(np.abs(X) % 1, epochs=2)
    machine.save(path)


def answer_of_machine(path: Path) -> str:
    machine = pretrain.BernoulliRBM.load(path)
    machine.fit(np.abs(X) % 1, epochs=1)
    return digest(*machine.parameters().values())


#: Writers of the files, and the answers that are asked of them.
KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], str]]] = {
    "trainer": (lambda path: trained().save(path), answer_of_trainer),
    "ensemble": (write_ensemble, answer_of_model),
    "machine": (write_machine, answer_of_machine),
}


def answer(path: Path) -> str:
    """A hash of the answers of a file."""
    return KINDS.get(path.stem, (None, answer_of_layer))[1](path)


def versions() -> Iterator[Path]:
    """The folders of the released versions."""
    yield from sorted(folder for folder in FOLDER.iterdir() if folder.is_dir())


def main() -> None:
    """Writes the files of this version, unless it has been released."""
    folder = FOLDER / simdnn.__version__
    if folder.exists():
        sys.exit(f"{folder.relative_to(FOLDER)} has been written")
    folder.mkdir(parents=True)
    paths = [folder / f"{name}.safetensors" for name in (*KINDS, *by_class())]
    for path in paths:
        KINDS.get(path.stem, (write_layer, None))[0](path)
    answers = {path.name: answer(path) for path in paths}
    (folder / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
