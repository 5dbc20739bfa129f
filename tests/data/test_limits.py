"""Files several times larger than the memory that a process may use train and predict, with equal bits."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, data, nn

from tests.support.processes import ROOT, run, without_sanitizer
from tests.tools.golden import digest

pytestmark = without_sanitizer

#: Megabytes that a process may use beyond its imports, and those of the samples.
ROOM, SIZE = 48, 180
ROWS, COLUMNS = SIZE * 2**20 // 400, 100

LIMITED = """
import resource, sys
import numpy as np, simdnn
from simdnn import data, nn
from tests.data.test_limits import fitted, predicted
from tests.tools.golden import digest

with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ROOM * 2**20,) * 2)
try:
    np.ones(ROOM * 2**18)
    print("SKIP the limit has no effect here")
except MemoryError:
    pass
blocks = data.from_arrays("X.npy", "y.npy", rows=5_000)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of samples and classes, sorted by class."""
    path = tmp_path_factory.mktemp("large")
    y = np.sort(np.arange(ROWS) % 3)
    np.save(
        path / "X.npy",
        np.random.default_rng(0).random((ROWS, COLUMNS), np.float32) + np.float32(y)[:, np.newaxis],
    )
    np.save(path / "y.npy", y)
    return path


def fitted(*given: Any, **options: Any) -> Trainer:
    trainer = Trainer(nn.Sequential(nn.Dense(COLUMNS, 16, activation="relu"), nn.Dense(16, 3), rng=0), seed=0)
    trainer.fit(*given, epochs=2, batch_size=64, **options)
    return trainer


def predicted(trainer: Trainer, parts: Any) -> str:
    """The digest of all predictions."""
    return digest(*(trainer.model(x) for x, _ in parts))


def limited(script: str, folder: Path) -> list[str]:
    script = f"import os; os.chdir({str(folder)!r})\n" + LIMITED.replace("ROOM", str(ROOM)) + script
    places = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return run(script, OMP_NUM_THREADS="1", PYTHONPATH=places).split()


def test_files_larger_than_memory_train_and_predict(folder: Path) -> None:
    printed = limited(
        """
trainer = fitted(blocks, validation_data=data.from_arrays("X.npy", "y.npy", rows=1_000))
print(digest(trainer.model.flat_parameters), predicted(trainer, blocks), trainer.evaluate(blocks)[0])
""",
        folder,
    )
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    trainer = fitted(X, y, shuffle=False)
    loss = trainer.evaluate(X, y)[0]
    assert printed == [digest(trainer.model.flat_parameters), digest(trainer.model(X)), str(loss)]


def test_a_shuffle_holds_only_its_window(folder: Path) -> None:
    printed = limited(
        """
trainer = fitted(data.shuffled(blocks, window=6, seed=1))
print(digest(trainer.model.flat_parameters), trainer.evaluate(blocks)[1])
""",
        folder,
    )
    blocks = data.from_arrays(np.load(folder / "X.npy"), np.load(folder / "y.npy"), rows=5_000)
    trainer = fitted(data.shuffled(blocks, window=6, seed=1))
    assert printed[0] == digest(trainer.model.flat_parameters)
    assert float(printed[1]) > 0.9
