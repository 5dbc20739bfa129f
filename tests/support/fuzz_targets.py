"""Targets of the fuzzer: readers of files, each with valid seeds, a mutator of its format and its errors."""

import copy
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
from simdnn import Trainer, nn, onnx, optim, schedules, table
from simdnn.cli._described import load_described

from tests.support.fuzz_mutators import mutated_onnx, mutated_safetensors, mutated_text, mutated_zip
from tests.tabular.tables import KINDS, fitted


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    ending : the end of the file's name
    seeds : a function of a folder that returns valid contents
    run : a function of a file's path that reads it
    mutate : (content, source of chance) -> another content, of the format more often than not
    modules : the modules whose branches guide the fuzzer
    """

    ending: str
    seeds: Callable[[Path], list[bytes]]
    run: Callable[[Path], Any]
    mutate: Callable[[bytes, random.Random], bytes]
    modules: tuple[str, ...]
    errors: tuple[type[Exception], ...] = (ValueError,)


def described(model: nn.Sequential | nn.Ensemble, path: Path, metadata: Any = None) -> bytes:
    simdnn.save(model, path, metadata)
    return path.read_bytes()


def networks() -> list[nn.Sequential]:
    """Small networks with every kind of layer."""
    block = nn.Residual(
        nn.Dense(6, 6, nn.LeakyReLU(0.2)), nn.Dropout(0.3), shortcut=nn.Dense(6, 6, bias=False)
    )
    return [
        nn.Sequential(nn.Dense(4, 6, "gelu"), block, nn.SELU(), nn.BatchNorm1d(6), nn.Dense(6, 3), rng=0),
        nn.Sequential(
            nn.LSTM(3, 4, 2, True, mask_value=0.0, truncate=2),
            nn.LayerNorm(4),
            nn.GRU(4, 3, stateful=True),
            rng=0,
        ),
        nn.Sequential(
            nn.Embedding(in_features=3, columns={1: (5, 3)}),
            nn.Concatenate(nn.Maxout(5, 4, 3), (nn.PReLU(5), nn.Swish(1.5, True), nn.RReLU())),
            nn.PiecewiseLinear(9, 4, encoded=2, bins=3),
            nn.LargeMarginSoftmax(4, 3, 2),
            rng=0,
        ),
    ]


def model_seeds(folder: Path) -> list[bytes]:
    path, found = folder / "seed.safetensors", networks()
    contents = [described(model, path, {"classes": ["no", "yes"]}) for model in found]
    return [*contents, described(nn.Ensemble([found[0], found[0]]), path)]


def trainer_seeds(folder: Path) -> list[bytes]:
    path, contents = folder / "seed.safetensors", []
    rng = np.random.default_rng(0)
    shapes, rates = (
        ((5, 4), (5, 4, 3), (5, 3)),
        (schedules.one_cycle(1e-2, 30), schedules.reduce_on_plateau(0.1), 1e-2),
    )
    makers = (optim.Adam, optim.SGD, optim.RMSprop)
    for model, shape, rate, make in zip(networks(), shapes, rates, makers, strict=True):
        x = rng.integers(0, 5, shape).astype(np.float32)
        y = rng.integers(0, model.out_features, 5)
        trainer = Trainer(model, optimizer=make(lr=rate), seed=1)
        trainer.fit(x, y, epochs=1, progress=False)
        trainer.save(path)
        contents.append(path.read_bytes())
    return contents


def columns_seeds(folder: Path) -> list[bytes]:
    """Models with the columns and the target of a table, as the command `train` writes them."""
    path = folder / "seed.safetensors"
    words, days = np.array(["a", "b", "c", None] * 10, object), np.arange(40).astype("M8[D]")
    data = {"n": np.arange(40.0), "w": words, "m": np.where(np.arange(40) % 7, 1.5, np.nan), "d": days}
    contents = []
    for settings in ({"numbers": "standard"}, {"numbers": "robust", "bins": 4}, {"max_one_hot": 0}):
        columns = table.Columns.fit(data, dates=True, **settings)
        target = table.Target.fit({"y": np.array(["no", "yes"] * 20, object)}, "y")
        model = nn.Sequential(nn.Dense(len(columns.features), target.outputs), rng=0)
        metadata = {"table": {"columns": columns.to_dict(), "target": target.to_dict()}}
        contents.append(described(model, path, metadata))
    for kind in KINDS:
        estimator, _, _ = fitted(kind, rows=40, n_members=2, epochs=1, hidden_layer_sizes=[3])
        estimator.save(path)
        contents.append(path.read_bytes())
    return contents


def onnx_seeds(folder: Path) -> list[bytes]:
    path, contents = folder / "seed.onnx", []
    for model in [
        nn.Sequential(
            nn.Dense(4, 6, "gelu"), nn.BatchNorm1d(6), nn.Residual(nn.Dense(6, 6, "tanh")), nn.CReLU(), rng=0
        ),
        nn.Sequential(nn.LSTM(3, 4, 2, True), nn.LayerNorm(4), nn.GRU(4, 3), nn.Dense(3, 2, "selu"), rng=0),
        nn.Sequential(
            nn.Embedding(in_features=3, columns={1: (5, 3)}),
            nn.Maxout(5, 4, 3),
            nn.PReLU(4),
            nn.Softmax(),
            rng=0,
        ),
    ]:
        onnx.export(model, path)
        contents.append(path.read_bytes())
    return contents


def csv_seeds(folder: Path) -> list[bytes]:
    return [
        b"kind,age\ncat,3\ndog,\n",
        b"a,b,c\n1,2,3\n4,5.5,-6e3\n7,,9\n",
        b'name,"the, note"\r\n"x ""y""",1\r\n"two\nlines",2\r\n\r\nz,NA\r\n',
        "\ufeffid,day,ü\n007,2024-01-31,1\n008,2024-02-01,x\n".encode(),
        b"a;b\n1,5;2\n1.000,5;3\n",
        b"x\n" + b"\n".join(b"%d" % i for i in range(30)),
    ]


def npz_seeds(folder: Path) -> list[bytes]:
    contents = []
    for arrays in (
        {"X": np.arange(12.0).reshape(4, 3), "y": np.arange(4)},
        {"w": np.array(["a", "b"]), "d": np.array(["2024-01-31", "NaT"], "M8[D]"), "f": np.ones(2, ">f4")},
        {"b": np.array([True, False, True])},
    ):
        out = io.BytesIO()
        np.savez(out, **arrays)
        contents.append(out.getvalue())
    return contents


def read_model(path: Path) -> None:
    """Reads a model; one that is accepted can be used, copied and saved."""
    simdnn.load_metadata(path)
    model = simdnn.load(path)
    if isinstance(model, nn.Sequential) and model.flat_parameters.size < 10**6:
        assert nn.Sequential.from_dict(model.to_dict()).to_dict() == model.to_dict()
        sequence = model._input.sequence
        model(np.zeros((1, 2, model.in_features) if sequence else (1, model.in_features)))


def read_trainer(path: Path) -> None:
    """Reads a trainer; one that is accepted can be copied."""
    copy.deepcopy(Trainer.load(path))


def read_described(path: Path) -> None:
    """Reads a model with its columns as the command `predict` does, and predicts."""
    found = load_described(str(path))
    names = list(found.columns.features)[:1]
    assert names or not found.columns.features


def tables(path: Path, **settings: Any) -> tuple[Any, str]:
    """The columns of a whole file, or ""; and the message of the error, without the name of the file."""
    try:
        return table.read(path, **settings), ""
    except ValueError as error:
        return None, str(error)


def read_csv(path: Path) -> None:
    """Reads a table whole and in chunks, which agree."""
    whole, message = tables(path, dates=True)
    try:
        parts = list(table.chunks(path, rows=2, dates=True))
    except ValueError:
        assert message, "chunks refuse a file that is read whole"
        return
    assert not message, f"chunks accept a file that is refused whole: {message}"
    for name, values in whole.items():
        joined = [one for part in parts for one in part[name].tolist()]
        assert len(joined) == len(values)
        assert all(alike(a, b) for a, b in zip(joined, values.tolist(), strict=True)), name
    for settings in ({"delimiter": ";", "decimal": ","}, {"text": list(whole)[:1]}, {"thousands": "'"}):
        tables(path, **settings)


def alike(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b) or str(a) == str(b)


READER_MODULES = ("simdnn.io", "simdnn._utils", "simdnn.nn._describe", "simdnn.nn._state", "simdnn.nn._layer")
TARGETS: dict[str, Target] = {
    "model": Target(".safetensors", model_seeds, read_model, mutated_safetensors, READER_MODULES),
    "trainer": Target(
        ".safetensors",
        trainer_seeds,
        read_trainer,
        mutated_safetensors,
        (*READER_MODULES, "simdnn.optim", "simdnn.schedules", "simdnn.training._trainer"),
    ),
    "described": Target(
        ".safetensors",
        columns_seeds,
        read_described,
        mutated_safetensors,
        ("simdnn.table", "simdnn.cli._described", "simdnn.tabular"),
    ),
    "onnx": Target(".onnx", onnx_seeds, lambda path: onnx.load(path), mutated_onnx, ("simdnn.onnx",)),
    "csv": Target(".csv", csv_seeds, read_csv, mutated_text, ("simdnn.table", "csv")),
    "npz": Target(
        ".npz", npz_seeds, lambda path: table.read(path, dates=True), mutated_zip, ("simdnn.table",)
    ),
}
